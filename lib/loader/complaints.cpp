#include "complaints.h"

#include <algorithm>

namespace drywall::loader {
namespace {

// Messages quote the author's text, and YAML's escapes can hide a terminal's control sequences in it.
std::string printable(std::string text) {
    for (char& c : text)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    return text;
}

void in_order_of_the_text(std::vector<Complaint>& list) {
    std::stable_sort(list.begin(), list.end(), [](const Complaint& a, const Complaint& b) {
        return std::pair(a.place.line, a.place.column) < std::pair(b.place.line, b.place.column);
    });
}

Complaint more(const std::string& file, std::size_t count, std::string_view what) {
    return {{file, 0, 0},
            "and " + std::to_string(count) + " more " + std::string(what) + (count == 1 ? "" : "s") +
                " that are not listed",
            "mend the first ones; what is left comes with the next try"};
}

}  // namespace

void Complaints::about(Subject subject) {
    about_ = {printable(std::move(subject.kind)), printable(std::move(subject.ns)), printable(std::move(subject.name))};
}

Complaint Complaints::made(int line, int column, std::string message, std::string hint) const {
    return {place(line, column), printable(std::move(message)), printable(std::move(hint)), about_};
}

void Complaints::unsupported(int line, int column, std::string message, std::string hint) {
    const bool was = only_refusals_;
    add(line, column, std::move(message), std::move(hint));
    only_refusals_ = was;
}

void Complaints::add(int line, int column, std::string message, std::string hint) {
    only_refusals_ = false;
    if (full()) {
        ++not_kept_;
    } else {
        list_.push_back(made(line, column, std::move(message), std::move(hint)));
    }
}

void Complaints::warn(int line, int column, std::string message, std::string hint) {
    if (warnings_.size() >= kMaxComplaints) {
        ++warnings_not_kept_;
    } else {
        warnings_.push_back(made(line, column, std::move(message), std::move(hint)));
    }
}

Error Complaints::error() && {
    in_order_of_the_text(list_);
    if (not_kept_ > 0) list_.push_back(more(file_, not_kept_, "problem"));
    return {only_refusals_ ? ErrorKind::kRefused : ErrorKind::kInvalid, std::move(list_)};
}

std::vector<Complaint> Complaints::take_warnings() {
    in_order_of_the_text(warnings_);
    if (warnings_not_kept_ > 0) warnings_.push_back(more(file_, warnings_not_kept_, "warning"));
    return std::move(warnings_);
}

std::string joined(const std::vector<std::string_view>& words) {
    std::string out;
    for (const std::string_view word : words) out.append(out.empty() ? "" : ", ").append(word);
    return out;
}

std::string shown(std::string_view text) {
    constexpr std::size_t kLongest = 60;
    std::size_t length = std::min(text.size(), kLongest);
    // A cut does not tear a character of several bytes.
    while (length < text.size() && length > 0 && (static_cast<unsigned char>(text[length]) & 0xc0) == 0x80) --length;
    std::string out = "'";
    out += text.substr(0, length);
    if (length < text.size()) out += "...";
    return out + "'";
}

}  // namespace drywall::loader

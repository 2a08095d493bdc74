#include "drywall/observe/flow_page.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <utility>

#include "drywall/observe/flow_interval.h"

namespace drywall::observe {

namespace {

constexpr char kBetweenFields = '_';

FlowPlace place_of(const FlowRecord& record) {
    return {record.source, record.destination, record.protocol, record.destination_port};
}

std::string milliseconds_text(WallTime time) {
    return std::to_string(std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count());
}

template <typename Number>
std::optional<Number> parsed(std::string_view text) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::optional<WallTime> cursor_time(std::string_view text) {
    constexpr std::int64_t kMost = 4'000'000'000'000;  // the year 2096
    const auto milliseconds = parsed<std::int64_t>(text);
    if (!milliseconds || *milliseconds < -kMost || *milliseconds > kMost) return std::nullopt;
    return WallTime(std::chrono::milliseconds(*milliseconds));
}

}  // namespace

std::string PageCursor::text() const {
    std::string out = since ? milliseconds_text(*since) : std::string();
    out += kBetweenFields + milliseconds_text(until);
    if (!after) return out;
    for (const std::string& field : {after->source.text(), after->destination.text(), std::to_string(after->protocol),
                                     std::to_string(after->destination_port)})
        out += kBetweenFields + field;
    return out;
}

std::optional<PageCursor> PageCursor::parse(std::string_view text) {
    std::vector<std::string_view> fields;
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t end = std::min(text.find(kBetweenFields, at), text.size());
        fields.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    if (fields.size() != 2 && fields.size() != 6) return std::nullopt;
    PageCursor out;
    const auto until = cursor_time(fields[1]);
    if (!fields[0].empty()) out.since = cursor_time(fields[0]);
    if (!until || out.since.has_value() == fields[0].empty()) return std::nullopt;
    out.until = *until;
    if (fields.size() == 2) return out;
    const auto source = net::Address::parse(fields[2]);
    const auto destination = net::Address::parse(fields[3]);
    const auto protocol = parsed<std::uint8_t>(fields[4]);
    const auto port = parsed<std::uint16_t>(fields[5]);
    if (!source || !destination || !protocol || !port) return std::nullopt;
    out.after = FlowPlace{*source, *destination, *protocol, *port};
    return out;
}

bool FlowPage::is_elsewhere(const FlowRecord& record) const {
    const FlowPlace place = place_of(record);
    return (after_ && place <= *after_) || (bound_ && place >= *bound_);
}

// What is let go never comes back: the bound only moves down, so the groups that are left have all of their records.
void FlowPage::add(const FlowRecord& record) {
    if (is_elsewhere(record)) return;
    std::vector<FlowRecord>& there = groups_[place_of(record)];
    const auto known =
        std::find_if(there.begin(), there.end(), [&](const FlowRecord& sum) { return same_group(sum, record); });
    if (known != there.end()) return add_to(*known, record);
    there.push_back(record);
    ++count_;
    while (count_ > most_ && groups_.size() > 1) {
        const auto last = std::prev(groups_.end());
        count_ -= last->second.size();
        bound_ = last->first;
        groups_.erase(last);
    }
}

std::optional<FlowPlace> FlowPage::next() const {
    if (!bound_ || groups_.empty()) return std::nullopt;
    return groups_.rbegin()->first;
}

std::vector<FlowRecord> FlowPage::take() {
    std::vector<FlowRecord> out;
    out.reserve(count_);
    for (auto& [place, records] : groups_) std::move(records.begin(), records.end(), std::back_inserter(out));
    groups_.clear();
    count_ = 0;
    return out;
}

}  // namespace drywall::observe

#include "http_head.h"

#include <algorithm>

#include "http_characters.h"

namespace drywall::inspect {

namespace {

// Splits off what is before `end`, which goes too. Without one: all.
std::string_view take_until(std::string_view& text, char end) noexcept {
    const std::size_t at = std::min(text.find(end), text.size());
    const std::string_view taken = text.substr(0, at);
    text.remove_prefix(std::min(at + 1, text.size()));
    return taken;
}

std::string_view trimmed(std::string_view text) noexcept {
    const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

bool starts_with_ignoring_case(std::string_view text, std::string_view lower_case) noexcept {
    return same_ignoring_case(text.substr(0, lower_case.size()), lower_case);
}

// "http://example.com:80/a?b" (RFC 9112 3.2.2). A server must take the host from here, whatever the field says.
bool read_absolute_form(HttpHead& head) noexcept {
    std::string_view rest = head.target;
    if (starts_with_ignoring_case(rest, "http://"))
        rest.remove_prefix(7);
    else if (starts_with_ignoring_case(rest, "https://"))
        rest.remove_prefix(8);
    else
        return false;
    const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
    head.host = rest.substr(0, end);
    if (head.host.empty() || !all_of(head.host, kHostCharacter)) return false;  // nor a user's name: RFC 9110 4.2.4
    head.path = rest.substr(end);
    if (!head.path.starts_with('/')) head.path = "/";  // with or without a query
    return true;
}

// "example.com:443" (RFC 9112 3.2.3)
bool read_authority_form(HttpHead& head) noexcept {
    const std::size_t colon = head.target.rfind(':');
    if (colon == std::string_view::npos || colon == 0 || colon + 1 == head.target.size()) return false;
    if (!all_of(head.target, kHostCharacter)) return false;
    const std::string_view port = head.target.substr(colon + 1);
    if (!std::all_of(port.begin(), port.end(), is_digit)) return false;
    head.host = head.target;
    head.path = {};
    return true;
}

bool read_target(HttpHead& head) noexcept {
    if (head.connect) return read_authority_form(head);
    if (head.target == "*") {
        head.path = head.target;
        return head.method == "OPTIONS";
    }
    if (!head.target.starts_with('/')) return read_absolute_form(head);
    head.path = head.target;
    return true;
}

bool read_content_length(std::string_view value, HttpHead& head, HttpFraming& fields) noexcept {
    constexpr std::size_t kMaxDigits = 18;  // that many always fit, and no body is longer
    if (value.empty() || value.size() > kMaxDigits || !std::all_of(value.begin(), value.end(), is_digit)) return false;
    std::uint64_t length = 0;
    for (const char c : value) length = length * 10 + static_cast<std::uint64_t>(c - '0');
    if (fields.content_length && length != fields.length) return false;
    fields.content_length = true;
    fields.length = head.content_length = length;
    return true;
}

// A proxy removes the fields that Connection names. One that would remove the framing is an attack on who is behind it.
bool read_connection(std::string_view value) noexcept {
    while (!value.empty()) {
        const std::string_view option = trimmed(take_until(value, ','));
        for (const std::string_view framing : {"content-length", "transfer-encoding", "host"})
            if (same_ignoring_case(option, framing)) return false;
    }
    return true;
}

// Of what frames a request: not every server takes a tab for a space, and then it is another length.
bool has_tab(std::string_view line) noexcept { return line.find('\t') != std::string_view::npos; }

// "Name: value", with nothing between name and colon.
bool split_field(std::string_view line, std::string_view& name, std::string_view& value) noexcept {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) return false;
    name = line.substr(0, colon);
    value = trimmed(line.substr(colon + 1));
    return all_of(name, kTokenCharacter);
}

}  // namespace

bool read_request_line(std::string_view line, HttpHead& head) noexcept {
    head = {};
    head.method = take_until(line, ' ');
    head.target = take_until(line, ' ');
    if (head.method.empty() || head.method.size() > kMaxMethod || !all_of(head.method, kTokenCharacter)) return false;
    if (head.target.empty() || !all_of(head.target, kTargetCharacter)) return false;
    head.http_1_1 = line == "HTTP/1.1";
    if (!head.http_1_1 && line != "HTTP/1.0") return false;
    head.connect = head.method == "CONNECT";
    head.upgrade = head.connect;
    return read_target(head);
}

bool read_field(std::string_view line, HttpHead& head, HttpFraming& fields) noexcept {
    std::string_view name;
    std::string_view value;
    if (!split_field(line, name, value)) return false;
    switch (name.size()) {  // most fields are none of ours, and already their length says so
        case 4:
            if (!same_ignoring_case(name, "host")) return true;
            if (fields.host || !all_of(value, kHostCharacter)) return false;
            fields.host = true;
            if (head.host.empty()) head.host = value;
            return true;
        case 6:
            if (same_ignoring_case(name, "expect")) head.expect_continue = same_ignoring_case(value, "100-continue");
            return true;
        case 7:
            if (same_ignoring_case(name, "upgrade")) head.upgrade = true;
            return true;
        case 10: return !same_ignoring_case(name, "connection") || read_connection(value);
        case 14:
            if (!same_ignoring_case(name, "content-length")) return true;
            return !has_tab(line) && read_content_length(value, head, fields);
        case 17:
            if (!same_ignoring_case(name, "transfer-encoding")) return true;
            if (has_tab(line) || fields.transfer_encoding || !same_ignoring_case(value, "chunked")) return false;
            fields.transfer_encoding = true;
            head.chunked = true;
            return true;
        default: return true;
    }
}

bool fits_together(const HttpHead& head, const HttpFraming& fields) noexcept {
    if (fields.transfer_encoding && (fields.content_length || !head.http_1_1)) return false;  // RFC 9112 6.1
    return !head.connect || (!fields.transfer_encoding && !fields.content_length);
}

bool read_trailer_field(std::string_view line) noexcept {
    std::string_view name;
    std::string_view value;
    if (!split_field(line, name, value)) return false;
    for (const std::string_view framing : {"content-length", "transfer-encoding", "host"})  // RFC 9110 6.5.1
        if (same_ignoring_case(name, framing)) return false;
    return true;
}

bool read_chunk_line(std::string_view line, std::uint64_t& size) noexcept {
    constexpr std::size_t kMaxDigits = 15;  // that many always fit
    const std::string_view digits = line.substr(0, line.find(';'));
    if (digits.empty() || digits.size() > kMaxDigits) return false;
    size = 0;
    for (const char c : digits) {
        const int digit = hexadecimal(c);
        if (digit < 0) return false;
        size = size << 4 | static_cast<std::uint64_t>(digit);
    }
    return true;
}

bool looks_like_request(std::string_view line) noexcept {
    const std::string_view method = take_until(line, ' ');
    if (method == "CONNECT" || line.starts_with('/') || line == "*" || line.starts_with("* ")) return true;
    return starts_with_ignoring_case(line, "http") || line.find(" HTTP/") != std::string_view::npos;
}

}  // namespace drywall::inspect

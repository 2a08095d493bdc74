#include "drywall/net/domain_name.h"

#include <algorithm>

namespace drywall::net {
namespace {

constexpr std::string_view kBelow = "*.";

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_upper(char c) noexcept { return c >= 'A' && c <= 'Z'; }
bool is_label_char(char c) noexcept {
    return (c >= 'a' && c <= 'z') || is_upper(c) || is_digit(c) || c == '-' || c == '_';
}

std::string_view trouble_with_label(std::string_view label) noexcept {
    if (label.empty()) return "has something between its dots";
    if (label.size() > kMaxDomainLabel) return "has at most 63 characters between dots";
    if (!std::all_of(label.begin(), label.end(), is_label_char))
        return "is letters, digits, '-' and '_' between dots; one in another script is written as xn--...";
    if (label.front() == '-' || label.back() == '-') return "has no '-' beside a dot or at its ends";
    return {};
}

}  // namespace

std::string_view trouble_with_domain_name(std::string_view text) noexcept {
    if (text.ends_with('.')) text.remove_suffix(1);
    if (text.empty()) return "is not empty";
    if (text.size() > kMaxDomainName) return "has at most 253 characters";
    std::string_view label;
    for (std::size_t at = 0; at <= text.size(); at += label.size() + 1) {
        label = text.substr(at, text.find('.', at) - at);
        if (const std::string_view trouble = trouble_with_label(label); !trouble.empty()) return trouble;
    }
    // No top-level domain is a number (RFC 3696): programs take such a text for an address.
    if (std::all_of(label.begin(), label.end(), is_digit)) return "does not end in a number, as addresses do";
    return {};
}

std::string_view trouble_with_domain_pattern(std::string_view text) noexcept {
    if (text.size() > kMaxDomainName + 1) return "has at most 253 characters";
    if (text.starts_with(kBelow)) text.remove_prefix(kBelow.size());
    if (text.find('*') != std::string_view::npos) return "has '*' only in front, and a name behind it: *.example.com";
    return trouble_with_domain_name(text);
}

std::string folded_domain(std::string_view text) {
    if (text.ends_with('.')) text.remove_suffix(1);
    std::string folded(text);
    for (char& c : folded)
        if (is_upper(c)) c = static_cast<char>(c - 'A' + 'a');
    return folded;
}

}  // namespace drywall::net

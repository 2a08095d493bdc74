#include "scalars.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace drywall::loader {
namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

// JSON's grammar for numbers.
bool is_json_number(std::string_view text) noexcept {
    std::size_t at = 0;
    const auto digits = [&] {
        const std::size_t start = at;
        while (at < text.size() && is_digit(text[at])) ++at;
        return at - start;
    };
    if (at < text.size() && text[at] == '-') ++at;
    const std::size_t integer_at = at;
    const std::size_t integer = digits();
    if (integer == 0 || (integer > 1 && text[integer_at] == '0')) return false;
    if (at < text.size() && text[at] == '.') {
        ++at;
        if (digits() == 0) return false;
    }
    if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
        ++at;
        if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
        if (digits() == 0) return false;
    }
    return at == text.size();
}

void complain(const Node& node, std::string_view what, const std::string& wanted, Complaints& complaints,
              std::string hint = {}) {
    complaints.add(node.line, node.column, std::string(what) + " must be " + wanted + ", not " + described(node),
                   std::move(hint));
}

std::string range_text(std::uint64_t least, std::uint64_t most) {
    return std::to_string(least) + "-" + std::to_string(most);
}

std::string duration_text(std::chrono::milliseconds value) {
    if (value.count() % 1000 != 0) return std::to_string(value.count()) + "ms";
    return std::to_string(value.count() / 1000) + "s";
}

}  // namespace

bool reads_as_another_type(std::string_view plain) {
    static constexpr std::array<std::string_view, 16> kWords{"",    "~", "null", "true", "false", "yes",   "no",   "on",
                                                             "off", "y", "n",    ".inf", "-.inf", "+.inf", ".nan", "="};
    if (std::find(kWords.begin(), kWords.end(), lower(plain)) != kWords.end()) return true;
    std::string_view number = plain;
    if (number.starts_with('-') || number.starts_with('+')) number.remove_prefix(1);
    if (number.starts_with("0x") || number.starts_with("0o") || number.starts_with("0b")) return true;
    if (number.empty() || !(is_digit(number.front()) || (number.front() == '.' && number.size() > 1))) return false;
    // Digits, separators, a fraction, an exponent: 022, 1_000, 1., .5, 1e3
    bool exponent = false;
    bool point = false;
    bool digit = false;
    for (std::size_t i = 0; i < number.size(); ++i) {
        const char c = number[i];
        digit = digit || is_digit(c);
        if (is_digit(c) || c == '_') continue;
        if (c == '.' && !point && !exponent) {
            point = true;
        } else if ((c == 'e' || c == 'E') && digit && !exponent && i + 1 < number.size()) {
            exponent = true;
            if (number[i + 1] == '+' || number[i + 1] == '-') ++i;
        } else {
            return false;
        }
    }
    return digit;
}

std::string described(const Node& node) {
    switch (node.kind) {
        case Node::Kind::kNull: return "nothing";
        case Node::Kind::kSequence: return "a list";
        case Node::Kind::kMapping: return "a mapping";
        case Node::Kind::kScalar: return (node.quoted ? "the text " : "") + shown(node.scalar);
    }
    return "nothing";
}

bool is_empty_value(const Node& node) noexcept {
    switch (node.kind) {
        case Node::Kind::kNull: return true;
        case Node::Kind::kSequence: return node.items.empty();
        case Node::Kind::kMapping: return false;
        case Node::Kind::kScalar: return node.scalar.empty() || (!node.quoted && node.scalar == "false");
    }
    return false;
}

std::optional<std::string> read_text(const Node& node, std::string_view what, Complaints& complaints) {
    if (!node.is_scalar()) {
        complain(node, what, "text", complaints, node.is_null() ? "write a value, or remove the field" : "");
        return std::nullopt;
    }
    // YAML 1.1 has y and n for truth values, but the readers of Kubernetes take them for text.
    const bool letter =
        node.scalar.size() == 1 && std::string_view("yYnN").find(node.scalar[0]) != std::string_view::npos;
    if (!node.quoted && !letter && reads_as_another_type(node.scalar)) {
        complaints.add(
            node.line, node.column,
            std::string(what) + " must be text, and YAML readers don't take " + shown(node.scalar) + " for text",
            "put it in quotes: \"" + node.scalar.substr(0, 60) + "\"");
        return std::nullopt;
    }
    return node.scalar;
}

std::optional<bool> read_boolean(const Node& node, std::string_view what, Complaints& complaints) {
    if (node.is_scalar() && !node.quoted && node.scalar == "true") return true;
    if (node.is_scalar() && !node.quoted && node.scalar == "false") return false;
    complain(node, what, "true or false", complaints);
    return std::nullopt;
}

std::optional<std::uint64_t> parse_decimal(std::string_view digits) noexcept {
    if (digits.empty() || !std::all_of(digits.begin(), digits.end(), is_digit)) return std::nullopt;
    if (digits.size() > 1 && digits.front() == '0') return std::nullopt;
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    return value;
}

std::optional<std::uint64_t> read_integer(const Node& node, std::string_view what, std::uint64_t least,
                                          std::uint64_t most, Complaints& complaints) {
    const bool plain = node.is_scalar() && !node.quoted;
    const std::optional<std::uint64_t> value = plain ? parse_decimal(node.scalar) : std::nullopt;
    if (value && *value >= least && *value <= most) return value;
    const bool ambiguous = plain && !value && reads_as_another_type(node.scalar);
    complain(node, what, "a whole number in " + range_text(least, most), complaints,
             ambiguous ? "write it in plain decimal digits, without leading zeros" : "");
    return std::nullopt;
}

std::optional<double> read_number(const Node& node, std::string_view what, Complaints& complaints) {
    if (node.is_scalar() && !node.quoted && is_json_number(node.scalar)) {
        double value = 0;
        const char* last = node.scalar.data() + node.scalar.size();
        const auto [end, error] = std::from_chars(node.scalar.data(), last, value);
        if (error == std::errc() && end == last && std::isfinite(value)) return value == 0 ? 0.0 : value;  // -0 is 0
    }
    complain(node, what, "a number", complaints, "write it in plain decimal digits, without leading zeros or quotes");
    return std::nullopt;
}

std::optional<std::chrono::milliseconds> read_duration(const Node& node, std::string_view what,
                                                       std::chrono::milliseconds least, std::chrono::milliseconds most,
                                                       Complaints& complaints, std::string_view next_step) {
    static constexpr std::array<Choice<std::uint64_t>, 4> kUnits{
        Choice<std::uint64_t>{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}};
    if (node.is_scalar()) {
        const std::size_t digits = std::min(node.scalar.find_first_not_of("0123456789"), node.scalar.size());
        const std::string_view unit = std::string_view(node.scalar).substr(digits);
        const std::optional<std::uint64_t> count = parse_decimal(std::string_view(node.scalar).substr(0, digits));
        for (const auto& [name, factor] : kUnits) {
            if (unit != name || !count || *count > static_cast<std::uint64_t>(most.count()) / factor) continue;
            const std::chrono::milliseconds value{static_cast<std::int64_t>(*count * factor)};
            if (value >= least) return value;
        }
    }
    complain(node, what, "a duration from " + duration_text(least) + " to " + duration_text(most), complaints,
             std::string(next_step));
    return std::nullopt;
}

}  // namespace drywall::loader

#include "fields.h"

#include <charconv>

namespace drywall::cli {

namespace {

// What people wrote is shown on other people's terminals: it may break lines, and nothing else.
std::string harmless(std::string text) {
    for (char& c : text) {
        if (c == '\r') c = '\n';
        const bool control = static_cast<unsigned char>(c) < ' ' || c == '\x7f';
        if (control && c != '\n' && c != '\t') c = '?';
    }
    return text;
}

std::string as_text(const Json& value) {
    if (value.is_string()) return harmless(value.get<std::string>());
    return value.is_number() || value.is_boolean() ? value.dump() : std::string();
}

}  // namespace

const Json& at(const Json& json, const char* pointer) {
    static const Json nothing;
    const Json::json_pointer where{std::string(pointer)};
    return json.contains(where) ? json.at(where) : nothing;
}

std::string text_at(const Json& json, const char* pointer) {
    const Json& value = at(json, pointer);
    if (!value.is_array()) return as_text(value);
    std::string out;
    for (const Json& one : value) out += (out.empty() ? "" : ",") + as_text(one);
    return out;
}

std::uint64_t number_at(const Json& json, const char* pointer) {
    const Json& value = at(json, pointer);
    return value.is_number_unsigned() || (value.is_number_integer() && value.get<std::int64_t>() >= 0)
               ? value.get<std::uint64_t>()
               : 0;
}

bool flag_at(const Json& json, const char* pointer) {
    const Json& value = at(json, pointer);
    return value.is_boolean() && value.get<bool>();
}

std::vector<std::uint8_t> bytes_at(const Json& json, const char* pointer) {
    const std::string digits = text_at(json, pointer);
    std::vector<std::uint8_t> out;
    for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
        std::uint8_t byte = 0;
        const auto [end, error] = std::from_chars(digits.data() + i, digits.data() + i + 2, byte, 16);
        if (error != std::errc{} || end != digits.data() + i + 2) return {};
        out.push_back(byte);
    }
    return out;
}

std::vector<std::string> texts_at(const Json& json, const char* pointer) {
    std::vector<std::string> out;
    const Json& value = at(json, pointer);
    if (value.is_array())
        for (const Json& one : value) out.push_back(as_text(one));
    return out;
}

}  // namespace drywall::cli

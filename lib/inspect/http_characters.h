// The classes of characters that HTTP's grammar is made of (RFC 9110 5.6.2, 5.5).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace drywall::inspect {

enum CharacterClass : std::uint8_t {
    kTokenCharacter = 1,   // of methods and field names
    kFieldCharacter = 2,   // of field values: visible ones, space, tab, and what is beyond ASCII
    kTargetCharacter = 4,  // of request targets: visible ones but "#", and what is beyond ASCII
    kHostCharacter = 8,    // of hosts with ports: RFC 3986 3.2.2, without the delimiters that no host has
};

inline constexpr auto kCharacterClasses = [] {
    std::array<std::uint8_t, 256> classes{};
    for (unsigned c = 0; c < classes.size(); ++c) {
        const bool visible = c > 0x20 && c != 0x7f;
        if (visible || c == ' ' || c == '\t') classes[c] |= kFieldCharacter;
        if (visible && c != '#') classes[c] |= kTargetCharacter;
    }
    constexpr std::string_view kAlphanumeric = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for (const char c : kAlphanumeric) classes[static_cast<unsigned char>(c)] |= kTokenCharacter | kHostCharacter;
    for (const char c : std::string_view("!#$%&'*+-.^_`|~")) classes[static_cast<unsigned char>(c)] |= kTokenCharacter;
    for (const char c : std::string_view("-._~:[]%")) classes[static_cast<unsigned char>(c)] |= kHostCharacter;
    return classes;
}();

[[nodiscard]] constexpr bool is_of(char c, CharacterClass wanted) noexcept {
    return (kCharacterClasses[static_cast<unsigned char>(c)] & wanted) != 0;
}

[[nodiscard]] constexpr bool all_of(std::string_view text, CharacterClass wanted) noexcept {
    for (const char c : text)
        if (!is_of(c, wanted)) return false;
    return true;
}

// ASCII only, whatever the locale.
[[nodiscard]] constexpr char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

[[nodiscard]] constexpr bool same_ignoring_case(std::string_view a, std::string_view lower_case) noexcept {
    if (a.size() != lower_case.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
        if (lower(a[i]) != lower_case[i]) return false;
    return true;
}

// The value of a hexadecimal digit; -1: it is none.
[[nodiscard]] constexpr int hexadecimal(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    const char small = lower(c);
    return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

}  // namespace drywall::inspect

// The classes of characters that HTTP's grammar is made of (RFC 9110 5.6.2, 5.5).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
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

// Where the first byte is, from `from` on, that is no kFieldCharacter; the size where all are. Eight bytes at once:
// most of a head is plain text (perf/inspect_benchmark read_request: 499 ns byte by byte, 268 ns so).
[[nodiscard]] inline std::size_t find_no_field_character(std::string_view text, std::size_t from) noexcept {
    constexpr std::uint64_t kOnes = 0x0101010101010101U;
    constexpr std::uint64_t kHighBits = 0x80 * kOnes;
    while (from < text.size()) {
        std::uint64_t word = 0;
        if (text.size() - from >= sizeof(word)) {
            std::memcpy(&word, text.data() + from, sizeof(word));
            const std::uint64_t below_space = (word - 0x20 * kOnes) & ~word;
            const std::uint64_t not_delete = word ^ 0x7f * kOnes;
            const std::uint64_t is_delete = (not_delete - kOnes) & ~not_delete;
            if (((below_space | is_delete) & kHighBits) == 0) {
                from += sizeof(word);
                continue;
            }
        }
        // One byte: it may be a tab, or the last ones.
        if (!is_of(text[from], kFieldCharacter)) return from;
        ++from;
    }
    return from;
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

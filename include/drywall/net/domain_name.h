// Domain names, as policies and questions write them.
//
// A name is compared without regard to case and to the dot at its end. A pattern is a name, or `*.` before a name: then
// it matches everything below that name, at any depth, and not the name itself.
//
// Threads: pure functions.
// Source:  RFC 1035 for lengths, RFC 4343 for case; underscores, which services have in front (RFC 8552).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace drywall::net {

inline constexpr std::size_t kMaxDomainName = 253;  // characters, without the dot at its end
inline constexpr std::size_t kMaxDomainLabel = 63;

// What is wrong with the text as a name or as a pattern, for a sentence that begins with "a name" or "a pattern"; ""
// for a good one. An address is no name.
[[nodiscard]] std::string_view trouble_with_domain_name(std::string_view text) noexcept;
[[nodiscard]] std::string_view trouble_with_domain_pattern(std::string_view text) noexcept;

// In lower case and without the dot at its end: the form in which equal names, and equal patterns, are equal texts.
[[nodiscard]] std::string folded_domain(std::string_view text);

}  // namespace drywall::net

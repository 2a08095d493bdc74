// The path of a request, in the one form in which conditions are held against it: percent-encoding decoded once, the
// query cut off, matrix parameters (";v=1") removed, dot segments resolved, and runs of "/" one.
//
// In that order, because servers do it in that order: "/a/..;x/b" is "/b" to a servlet container, and "/a/%2e%2e/b" is
// "/b" to everybody. "%2f" separates segments as "/" does. What is above the root is the root (RFC 3986 5.2.4).
//
// Threads: functions without state. The packet path's are noexcept and allocate nothing.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace drywall::inspect {

enum class PathProblem : std::uint8_t {
    kNone,
    kNotAbsolute,  // does not begin with "/"
    kBadEncoding,  // "%" without two hexadecimal digits after it
    kNul,          // a NUL, written or encoded: programs in C see the path end there
    kBackslash,    // written or encoded: to some servers "/", to others a letter, and so two paths
    kTooLong,      // longer than the buffer
};

struct NormalisedPath {
    PathProblem problem = PathProblem::kNone;
    std::string_view path;  // in the caller's buffer; empty if there is a problem
};

// `target` begins with "/" and may have a query. The path is never longer than the target.
[[nodiscard]] NormalisedPath normalise_path(std::string_view target, std::span<char> buffer) noexcept;

// Control side: a target that means every byte of this path, which is the one that normalise_path() makes of it if that
// path is normal ("/a?b" is asked for by "/a%3Fb").
[[nodiscard]] std::string target_of(std::string_view path);

}  // namespace drywall::inspect

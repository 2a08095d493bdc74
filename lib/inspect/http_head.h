// The lines of a request's head, each for itself, and what they mean together. Internal to HttpReader.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "drywall/inspect/http_request.h"

namespace drywall::inspect {

inline constexpr std::size_t kMaxMethod = 32;  // IANA's longest has 17

// All of these: false is malformed.
[[nodiscard]] bool read_request_line(std::string_view line, HttpHead& head) noexcept;
[[nodiscard]] bool read_field(std::string_view line, HttpHead& head, HttpFraming& fields) noexcept;
[[nodiscard]] bool fits_together(const HttpHead& head, const HttpFraming& fields) noexcept;
[[nodiscard]] bool read_trailer_field(std::string_view line) noexcept;

// "3a;name=value"
[[nodiscard]] bool read_chunk_line(std::string_view line, std::uint64_t& size) noexcept;

// A request line, or the beginning of one, that was meant as HTTP although it may be wrong. Its method is a token.
[[nodiscard]] bool looks_like_request(std::string_view line) noexcept;

}  // namespace drywall::inspect

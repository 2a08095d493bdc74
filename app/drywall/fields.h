// Fields of drywalld's answers, read without exceptions: what is missing or of another type reads as empty, so that a
// client and a daemon of different versions get along.
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client.h"

namespace drywall::cli {

// `pointer` as in RFC 6901: "/spec/order". A null for what is not there.
[[nodiscard]] const Json& at(const Json& json, const char* pointer);
// Strings as they are, numbers as written, a list's elements with commas between; empty for what is not there.
[[nodiscard]] std::string text_at(const Json& json, const char* pointer);
[[nodiscard]] std::uint64_t number_at(const Json& json, const char* pointer);
[[nodiscard]] bool flag_at(const Json& json, const char* pointer);
// Bytes that are written in hexadecimal digits; none where something else stands.
[[nodiscard]] std::vector<std::uint8_t> bytes_at(const Json& json, const char* pointer);
[[nodiscard]] std::vector<std::string> texts_at(const Json& json, const char* pointer);

}  // namespace drywall::cli

// ClientHellos for tests, by words: client_hello({.server_name = "example.com"}), and the records that carry one.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace drywall::inspect {

using ByteVector = std::vector<std::uint8_t>;

inline void append(ByteVector& out, const ByteVector& more) { out.insert(out.end(), more.begin(), more.end()); }
inline void append_number(ByteVector& out, std::size_t value, unsigned bytes) {
    for (unsigned i = bytes; i > 0; --i) out.push_back(static_cast<std::uint8_t>(value >> (8 * (i - 1))));
}
// With its length before it.
inline void append_vector(ByteVector& out, const ByteVector& body, unsigned length_bytes) {
    append_number(out, body.size(), length_bytes);
    append(out, body);
}
inline void append_extension(ByteVector& out, unsigned type, const ByteVector& body) {
    append_number(out, type, 2);
    append_vector(out, body, 2);
}

struct HelloParts {
    std::string_view server_name{};  // empty: no such extension
    bool encrypted_client_hello = false;
    bool extensions = true;
    bool second_name = false;  // the extension twice
    std::size_t padding = 0;   // bytes of another extension
};

inline ByteVector server_name_extension(std::string_view name) {
    ByteVector list{0};
    append_vector(list, ByteVector(name.begin(), name.end()), 2);
    ByteVector out;
    append_vector(out, list, 2);
    return out;
}

// The handshake message, without records.
inline ByteVector client_hello(const HelloParts& parts) {
    ByteVector body{3, 3};
    body.resize(2 + 32, 0xaa);
    append_vector(body, ByteVector(32, 0xbb), 1);      // session
    append_vector(body, {0x13, 0x01, 0x13, 0x02}, 2);  // cipher suites
    append_vector(body, {0}, 1);                       // compression
    ByteVector extensions;
    append_extension(extensions, 43, {2, 3, 4});
    if (parts.padding > 0) append_extension(extensions, 21, ByteVector(parts.padding));
    if (!parts.server_name.empty()) append_extension(extensions, 0, server_name_extension(parts.server_name));
    if (parts.second_name) append_extension(extensions, 0, server_name_extension("other.example"));
    if (parts.encrypted_client_hello) append_extension(extensions, 0xfe0d, {0, 1, 2, 3});
    if (parts.extensions) append_vector(body, extensions, 2);
    ByteVector out{1};
    append_vector(out, body, 3);
    return out;
}

// A message in records of at most `largest` bytes.
inline ByteVector records_of(const ByteVector& message, std::size_t largest = 16384) {
    ByteVector out;
    for (std::size_t at = 0; at < message.size(); at += largest) {
        const std::size_t size = std::min(largest, message.size() - at);
        out.insert(out.end(), {22, 3, 1});
        const auto from = message.begin() + static_cast<std::ptrdiff_t>(at);
        append_vector(out, ByteVector(from, from + static_cast<std::ptrdiff_t>(size)), 2);
    }
    return out;
}

}  // namespace drywall::inspect

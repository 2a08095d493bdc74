// Fingerprints of what is stored. They find equal texts (which are then compared) and show damage; they are no defence
// against somebody who may write to the file.
//
// Threads: pure functions.
// Source:  XXH3, 128 bits, in its canonical (big endian) form.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace drywall::store {

using Digest = std::array<std::byte, 16>;

[[nodiscard]] Digest digest_of(std::string_view text);

// The fingerprint of a generation: of the names and the fingerprints of all its resources, in their order.
class ContentHash {
public:
    void add(std::string_view resource, const Digest& digest);
    [[nodiscard]] Digest digest() const { return digest_of(all_); }

private:
    std::string all_;
};

// 32 hexadecimal digits.
[[nodiscard]] std::string hex(std::span<const std::byte> digest);

}  // namespace drywall::store

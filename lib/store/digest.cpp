#include "digest.h"

#include <cstring>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace drywall::store {

Digest digest_of(std::string_view text) {
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(text.data(), text.size()));
    Digest digest;
    std::memcpy(digest.data(), canonical.digest, digest.size());
    return digest;
}

void ContentHash::add(std::string_view resource, const Digest& digest) {
    all_.append(resource).push_back('\0');
    all_.append(reinterpret_cast<const char*>(digest.data()), digest.size());
}

std::string hex(std::span<const std::byte> digest) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string out;
    for (const std::byte byte : digest) {
        out += kDigits[std::to_integer<std::size_t>(byte >> 4)];
        out += kDigits[std::to_integer<std::size_t>(byte & std::byte{15})];
    }
    return out;
}

}  // namespace drywall::store

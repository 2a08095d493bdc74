#include "drywall/net/prefix_set.h"

#include <algorithm>

#include "bytes.h"

namespace drywall::net {

PrefixSet::Number PrefixSet::number(const AddressBytes& address) noexcept {
    const auto half = [&](std::size_t at) {
        return std::uint64_t{load_be32(&address[at])} << 32 | load_be32(&address[at + 4]);
    };
    return {half(0), half(8)};
}

PrefixSet::PrefixSet(std::span<const Prefix> prefixes) {
    for (const Prefix& prefix : prefixes) {
        AddressBytes last = prefix.address.bytes;
        for (unsigned bit = prefix.length; bit < prefix.address.bits(); ++bit)
            last[bit / 8] |= static_cast<std::uint8_t>(0x80U >> (bit % 8));
        (prefix.address.family == Family::kIPv4 ? v4_ : v6_).push_back({number(prefix.address.bytes), number(last)});
    }
    v4_ = merged(std::move(v4_));
    v6_ = merged(std::move(v6_));
}

// Prefixes are nested or disjoint, so that what overlaps lies within.
std::vector<PrefixSet::Range> PrefixSet::merged(std::vector<Range> ranges) {
    std::sort(ranges.begin(), ranges.end(),
              [](const Range& a, const Range& b) { return a.first != b.first ? a.first < b.first : a.last > b.last; });
    std::vector<Range> out;
    for (const Range& range : ranges)
        if (out.empty() || range.first > out.back().last) out.push_back(range);
    return out;
}

bool PrefixSet::contains(Family family, const AddressBytes& address) const noexcept {
    const std::vector<Range>& ranges = family == Family::kIPv4 ? v4_ : v6_;
    const Number wanted = number(address);
    const auto behind = std::upper_bound(ranges.begin(), ranges.end(), wanted,
                                         [](const Number& value, const Range& range) { return value < range.first; });
    return behind != ranges.begin() && wanted <= std::prev(behind)->last;
}

}  // namespace drywall::net

// PrefixSet: whether an address lies in one of some prefixes. Built once, then only asked.
//
// Threads: const member functions may be called by any.
// Time:    a binary search in disjoint ranges; allocates nothing.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "drywall/net/address.h"

namespace drywall::net {

class PrefixSet {
public:
    PrefixSet() = default;
    explicit PrefixSet(std::span<const Prefix> prefixes);

    [[nodiscard]] bool empty() const noexcept { return v4_.empty() && v6_.empty(); }
    [[nodiscard]] bool contains(Family family, const AddressBytes& address) const noexcept;

private:
    // An address as a number, most significant half first; IPv4 in the upper 32 bits.
    using Number = std::pair<std::uint64_t, std::uint64_t>;
    struct Range {
        Number first;
        Number last;
    };

    static Number number(const AddressBytes& address) noexcept;
    static std::vector<Range> merged(std::vector<Range> ranges);

    std::vector<Range> v4_;  // disjoint, ascending; likewise below
    std::vector<Range> v6_;
};

}  // namespace drywall::net

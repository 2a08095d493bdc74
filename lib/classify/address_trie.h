// Building the address trie: prefixes with classes in, leaf-pushed tables out. 16 bits in the first step, 8 in each
// further one, and only as deep as the prefixes go; levels with one way through them are skipped in one step. At most 3
// steps for IPv4 and 15 for IPv6, and a handful for the hosts of a real network.
//
// Threads: pure functions.
#pragma once

#include <span>

#include "drywall/base/result.h"
#include "drywall/net/address.h"
#include "table_layout.h"

namespace drywall::classify {

struct ClassedPrefix {
    net::Prefix prefix;
    std::uint32_t address_class = 0;
};

// The class of an address is that of its longest prefix, or `none`. Equal nodes are shared.
// REQUIRES: `prefixes` sorted by net::Prefix's order, without duplicates; classes <= kTrieNumber.
// Refuses when the nodes would take more than `budget_bytes`.
[[nodiscard]] Result<AddressTrie> build_trie(std::span<const ClassedPrefix> prefixes, std::uint32_t none,
                                             std::size_t budget_bytes);

// The plain walk, step after step.
[[nodiscard]] inline std::uint32_t lookup(const AddressTrie& trie, net::Family family,
                                          const net::AddressBytes& bytes) noexcept {
    const std::size_t root = family == net::Family::kIPv6 ? kTrieRoot : 0;
    std::uint32_t entry = trie.root[root + (std::size_t{bytes[0]} << 8 | bytes[1])];
    std::uint32_t depth = 2;
    while ((entry & kTrieNode) != 0) entry = trie.descend(entry, bytes, depth);
    return entry;
}

}  // namespace drywall::classify

// Building the address trie: prefixes with values in, leaf-pushed tables out. 16 bits in the first step, 8 in each
// further one (16 where hosts stand close, and memory may be spent on it), and only as deep as the prefixes go; levels
// with one way through them are skipped in one step. At most 3 steps for IPv4 and 15 for IPv6, and a handful for the
// hosts of a real network.
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

struct TrieBudget {
    std::size_t bytes = 0;
    std::size_t wide_bytes = 0;  // of it, what nodes of 16 bits may take together; those that come first have it
};

// The class of an address is that of its longest prefix, or `none`. Equal nodes of 8 bits are shared.
// REQUIRES: `prefixes` sorted by net::Prefix's order, without duplicates; classes < kTrieNode.
// Refuses when the nodes would take more than the budget.
[[nodiscard]] Result<AddressTrie> build_trie(std::span<const ClassedPrefix> prefixes, std::uint32_t none,
                                             const TrieBudget& budget);

// The plain walk, step after step.
[[nodiscard]] inline std::uint32_t lookup(const AddressTrie& trie, net::Family family,
                                          const net::AddressBytes& bytes) noexcept {
    const std::size_t root = root_of(family);
    std::uint32_t cell = trie.start(root, bytes);
    std::uint32_t depth = trie.depth_after_start(root, bytes);
    while ((cell & kTrieNode) != 0) cell = trie.descend(cell, bytes, depth);
    return cell;
}

}  // namespace drywall::classify

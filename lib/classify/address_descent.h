// AddressDescent: both addresses of every packet of a burst, sources first, on their way down the trie.
//
// The first two steps are taken for all without a jump, which is all that most IPv4 addresses need; those that go on
// are listed and go on together. What a loop needs is in locals of types that its stores can't be mistaken for, so that
// the compiler keeps it in registers.
//
// Threads: a value of one worker, during one burst.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "drywall/base/cache_line.h"
#include "drywall/net/packet_meta.h"
#include "table_layout.h"

namespace drywall::classify {

class AddressDescent {
public:
    AddressDescent(const AddressTrie& trie, std::span<const net::Tuple> tuples) noexcept {
        std::uint32_t all = 0;
        for (std::size_t packet = 0; packet < tuples.size(); ++packet) {
            const net::Tuple& tuple = tuples[packet];
            const std::size_t family = root_of(tuple.family);
            const std::uint32_t source = trie.start(family, tuple.source);
            const std::uint32_t destination = trie.start(family, tuple.destination);
            cells_[packet] = source;
            cells_[kMaxBurst + packet] = destination;
            all |= source | destination;
        }
        if ((all & kTrieNode) != 0) go_on(trie, tuples);
    }

    // What the leaves hold.
    [[nodiscard]] std::uint32_t source(std::size_t packet) const noexcept { return cells_[packet]; }
    [[nodiscard]] std::uint32_t destination(std::size_t packet) const noexcept { return cells_[kMaxBurst + packet]; }

private:
    void go_on(const AddressTrie& trie, std::span<const net::Tuple> tuples) noexcept {
        std::size_t going = list(trie, tuples, 0, &net::Tuple::source, 0);
        going = list(trie, tuples, kMaxBurst, &net::Tuple::destination, going);
        while (going != 0) going = descend(trie, going);
    }

    // Those that are not at a leaf. Always writes, so that nothing depends on a jump.
    std::size_t list(const AddressTrie& trie, std::span<const net::Tuple> tuples, std::size_t first,
                     net::AddressBytes net::Tuple::*side, std::size_t going) noexcept {
        for (std::size_t packet = 0; packet < tuples.size(); ++packet) {
            const std::size_t which = first + packet;
            const net::AddressBytes& bytes = tuples[packet].*side;
            const std::size_t family = root_of(tuples[packet].family);
            bytes_[which] = &bytes;
            depths_[which] = trie.depth_after_start(family, bytes);
            going_[going] = static_cast<std::uint32_t>(which);
            going += cells_[which] >> 31;
        }
        return going;
    }

    // One step for all that have not reached a leaf: independent loads, which the core overlaps.
    std::size_t descend(const AddressTrie& trie, std::size_t count) noexcept {
        std::size_t going = 0;
        for (std::size_t at = 0; at < count; ++at) {
            const std::uint32_t which = going_[at];
            const std::uint32_t there = trie.descend(cells_[which], *bytes_[which], depths_[which]);
            cells_[which] = there;
            going_[going] = which;
            going += there >> 31;
        }
        return going;
    }

    std::array<std::uint32_t, 2 * kMaxBurst> cells_;
    std::array<std::uint32_t, 2 * kMaxBurst> depths_;
    std::array<const net::AddressBytes*, 2 * kMaxBurst> bytes_;
    std::array<std::uint32_t, 2 * kMaxBurst + 1> going_;
};

}  // namespace drywall::classify

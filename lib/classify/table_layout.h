// TableLayout: how the parts of a compiled program lie in memory. The compiler writes it once; the lookup only reads
// it. Nothing else in the module knows both sides.
//
// Threads: immutable after compile(). docs/classifier.md has the picture.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "drywall/classify/classifier.h"
#include "drywall/classify/program.h"
#include "drywall/net/packet_meta.h"

namespace drywall::classify {

// A trie entry is an address class (leaf), or says where to go on: kTrieNode | number of a node of 256 entries (the
// next byte's step), or kTrieNode | kTrieSkip | number of a skip.
inline constexpr std::uint32_t kTrieNode = 0x80000000;
inline constexpr std::uint32_t kTrieSkip = 0x40000000;
inline constexpr std::uint32_t kTrieNumber = 0x3fffffff;
inline constexpr std::size_t kTrieRoot = 65536;  // the first 16 bits of an address, per family
inline constexpr std::size_t kTrieFanout = 256;

// Several levels with one way through them, told in one step: the long tails of IPv6 hosts. Addresses that agree with
// `bits` under `mask` go on at `then`, whose level looks at byte `depth`; all others have the class `otherwise`.
struct alignas(64) TrieSkip {
    std::array<std::uint64_t, 2> mask{};
    std::array<std::uint64_t, 2> bits{};
    std::uint32_t then = 0;
    std::uint32_t otherwise = 0;
    std::uint32_t depth = 0;

    [[nodiscard]] bool agrees(const net::AddressBytes& bytes) const noexcept {
        const auto words = std::bit_cast<std::array<std::uint64_t, 2>>(bytes);
        return (((words[0] ^ bits[0]) & mask[0]) | ((words[1] ^ bits[1]) & mask[1])) == 0;
    }
};

// Both families' tries: two roots side by side (IPv4, IPv6), one pool of nodes and one of skips.
struct AddressTrie {
    std::vector<std::uint32_t> root;
    std::vector<std::uint32_t> nodes;
    std::vector<TrieSkip> skips;

    [[nodiscard]] std::size_t bytes() const noexcept {
        return (root.size() + nodes.size()) * sizeof(std::uint32_t) + skips.size() * sizeof(TrieSkip);
    }

    // One step down from an entry that is no leaf; `depth` is the byte that the step looks at, then the next one.
    [[nodiscard]] std::uint32_t descend(std::uint32_t entry, const net::AddressBytes& bytes,
                                        std::uint32_t& depth) const noexcept {
        if ((entry & kTrieSkip) == 0) {
            return nodes[std::size_t{entry & kTrieNumber} * kTrieFanout + bytes[depth++]];
        }
        const TrieSkip& skip = skips[entry & kTrieNumber];
        depth = skip.depth;
        return skip.agrees(bytes) ? skip.then : skip.otherwise;
    }
};

// What an address class is on either side of a packet.
struct Sides {
    std::uint32_t source = 0;
    std::uint32_t destination = 0;
};

// How a protocol's packets find their service class in the cube:
// base + stride_source * class of source port + stride_destination * class of destination (port, or ICMP type/code).
struct ProtocolRow {
    std::uint32_t base = 0;
    std::uint32_t source_stride = 0;
    std::uint32_t destination_stride = 0;
    std::uint32_t destination_table = 0;  // first entry in destination_classes: ports, or ICMP
};

struct ServiceTable {
    std::array<ProtocolRow, 512> protocols{};        // family (IPv4, IPv6) << 8 | protocol
    std::vector<std::uint16_t> source_classes;       // by source port
    std::vector<std::uint16_t> destination_classes;  // by destination port, then by ICMP type << 8 | code
    std::vector<std::uint16_t> cube;                 // service class

    [[nodiscard]] std::size_t bytes() const noexcept {
        return sizeof(protocols) +
               (source_classes.size() + destination_classes.size() + cube.size()) * sizeof(std::uint16_t);
    }
    [[nodiscard]] std::uint32_t service_class(const net::Tuple& tuple) const noexcept {
        const std::size_t family = tuple.family == net::Family::kIPv6 ? 256 : 0;
        const ProtocolRow& row = protocols[family + tuple.protocol];
        return cube[row.base + row.source_stride * source_classes[tuple.source_port] +
                    row.destination_stride * destination_classes[row.destination_table + tuple.destination_port]];
    }
};

// Source classes are looked at in chunks of this many. What a destination class answers the sources of a chunk is
// kUniform | block, or the number of a list of blocks, one per source class of the chunk.
inline constexpr std::size_t kChunk = 64;
inline constexpr std::uint32_t kUniform = 0x80000000;

// A block answers one pair of classes: traces[cells + shapes[shape + service class]]. Pairs whose answers are cut the
// same way share a shape; pairs with the same answers share the block.
struct Block {
    std::uint32_t shape = 0;
    std::uint32_t cells = 0;
};

}  // namespace drywall::classify

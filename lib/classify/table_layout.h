// TableLayout: how the parts of a compiled program lie in memory. The compiler writes it once; the lookup only reads
// it. Nothing else in the module knows both sides.
//
// Threads: immutable after compile(). docs/classifier.md has the picture.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "drywall/classify/classifier.h"
#include "drywall/classify/program.h"
#include "drywall/net/packet_meta.h"

namespace drywall::classify {

// A cell of the trie is the value of an address (leaf; 31 bits), or says where to go on: kTrieNode | number of a node
// of 256 cells (the next byte's step), with kTrieWide of one of 65,536 (the next two bytes'), or kTrieNode | kTrieSkip
// | number of a skip.
inline constexpr std::uint32_t kTrieNode = 0x80000000;
inline constexpr std::uint32_t kTrieSkip = 0x40000000;
inline constexpr std::uint32_t kTrieWide = 0x20000000;
inline constexpr std::uint32_t kTrieNumber = 0x1fffffff;
inline constexpr std::size_t kTrieFanout = 256;
inline constexpr std::size_t kWideFanout =
    65536;  // as many cells as 256 nodes: a wide node's number is its first one's

// Where the first 16 bits of an address lead, per family: first cell << 5 | how many of the next 16 bits are left over.
// Every address has this second step, so that it needs no jump: 0 of a wide node, 8 of a node, 16 of a single cell.
inline constexpr std::size_t kTrieRoot = 65536;
inline constexpr std::uint32_t kRootShift = 5;
// Where a family's root begins; the numbers of the families are such that nothing has to be compared.
constexpr std::size_t root_of(net::Family family) noexcept {
    return (static_cast<std::size_t>(family) - static_cast<std::size_t>(net::Family::kIPv4)) * (kTrieRoot / 2);
}
static_assert(root_of(net::Family::kIPv4) == 0 && root_of(net::Family::kIPv6) == kTrieRoot);
inline constexpr std::size_t kMostTrieCells = std::size_t{1} << (32 - kRootShift);

// Several levels with one way through them, told in one step: the long tails of IPv6 hosts. Addresses that agree with
// `bits` under `mask` go on at `then`, whose level looks at byte `depth`; all others have the value `otherwise`.
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

// Both families' tries: two roots side by side (IPv4, IPv6), one pool of cells and one of skips.
struct AddressTrie {
    std::vector<std::uint32_t> root;
    std::vector<std::uint32_t> cells;
    std::vector<TrieSkip> skips;

    [[nodiscard]] std::size_t bytes() const noexcept {
        return (root.size() + cells.size()) * sizeof(std::uint32_t) + skips.size() * sizeof(TrieSkip);
    }

    // The first two steps, from the root.
    [[nodiscard]] std::uint32_t start(std::size_t family, const net::AddressBytes& bytes) const noexcept {
        std::uint32_t head = 0;
        std::memcpy(&head, bytes.data(), sizeof(head));
        if constexpr (std::endian::native == std::endian::little) head = __builtin_bswap32(head);
        const std::uint32_t place = root[family + (head >> 16)];
        return cells[(place >> kRootShift) + ((head & 0xffff) >> (place & ((1U << kRootShift) - 1)))];
    }
    // Which byte the step after start() looks at.
    [[nodiscard]] std::uint32_t depth_after_start(std::size_t family, const net::AddressBytes& bytes) const noexcept {
        const std::uint32_t place = root[family + (std::size_t{bytes[0]} << 8 | bytes[1])];
        return 4 - (place & ((1U << kRootShift) - 1)) / 8;
    }
    // A step down from a cell that is no leaf, a skip together with the node behind it; `depth` is the byte that the
    // step looks at, then the next one.
    [[nodiscard]] std::uint32_t descend(std::uint32_t cell, const net::AddressBytes& bytes,
                                        std::uint32_t& depth) const noexcept {
        if ((cell & kTrieSkip) != 0) {
            const TrieSkip& skip = skips[cell & kTrieNumber];
            depth = skip.depth;
            cell = skip.agrees(bytes) ? skip.then : skip.otherwise;
            if ((cell & (kTrieNode | kTrieSkip)) != kTrieNode) return cell;
        }
        const std::size_t node = std::size_t{cell & kTrieNumber} * kTrieFanout;
        const std::size_t byte = bytes[depth++];
        if ((cell & kTrieWide) == 0) return cells[node + byte];
        return cells[node + (byte << 8 | bytes[depth++])];
    }
};

// What an address class is on either side of a packet.
struct Sides {
    std::uint32_t source = 0;
    std::uint32_t destination = 0;

    // Both in what a leaf of the trie holds, so that it needs no table of them.
    static constexpr std::size_t kPackedSources = std::size_t{1} << 16;
    static constexpr std::size_t kPackedDestinations = std::size_t{1} << 15;
    [[nodiscard]] std::uint32_t packed() const noexcept { return destination << 16 | source; }
    [[nodiscard]] static Sides unpacked(std::uint32_t leaf) noexcept { return {leaf & 0xffff, leaf >> 16}; }
};

// How a protocol's packets find their service class in the cube:
// base + stride_source * class of source port + stride_destination * class of destination (port, or ICMP type/code).
struct ProtocolRow {
    std::uint32_t base = 0;
    std::uint32_t source_stride = 0;
    std::uint32_t destination_stride = 0;
    std::uint32_t destination_table = 0;  // first entry in destination_classes: ports, or ICMP
};

// The families' own numbers, so that nothing has to be translated: rows 0 to 255 and 512 to 767 are used.
constexpr std::size_t protocol_row(net::Family family, std::uint8_t protocol) noexcept {
    return (static_cast<std::size_t>(family) - static_cast<std::size_t>(net::Family::kIPv4)) << 8 | protocol;
}
inline constexpr std::size_t kProtocolRows = protocol_row(net::Family::kIPv6, 255) + 1;

struct ServiceTable {
    std::array<ProtocolRow, kProtocolRows> protocols{};  // by net::Family and protocol
    std::vector<std::uint16_t> source_classes;           // by source port; empty: no rule looks at it
    std::vector<std::uint16_t> destination_classes;      // by destination port, then by ICMP type << 8 | code
    std::vector<std::uint16_t> cube;                     // service class

    [[nodiscard]] std::size_t bytes() const noexcept {
        return sizeof(protocols) +
               (source_classes.size() + destination_classes.size() + cube.size()) * sizeof(std::uint16_t);
    }
    [[nodiscard]] std::uint32_t service_class(const net::Tuple& tuple) const noexcept {
        const ProtocolRow& row = row_of(tuple);
        if (source_classes.empty()) return cube[row.base + destination_part(row, tuple)];
        return cube[row.base + row.source_stride * source_classes[tuple.source_port] + destination_part(row, tuple)];
    }
    // The same where no rule looks at source ports.
    [[nodiscard]] std::uint32_t service_class_without_source(const net::Tuple& tuple) const noexcept {
        const ProtocolRow& row = row_of(tuple);
        return cube[row.base + destination_part(row, tuple)];
    }

private:
    [[nodiscard]] const ProtocolRow& row_of(const net::Tuple& tuple) const noexcept {
        return protocols[protocol_row(tuple.family, tuple.protocol)];
    }
    [[nodiscard]] std::uint32_t destination_part(const ProtocolRow& row, const net::Tuple& tuple) const noexcept {
        return row.destination_stride * destination_classes[row.destination_table + tuple.destination_port];
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

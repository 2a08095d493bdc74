// DecisionForest: a list of rules as decision trees, for rules whose pairs of addresses would explode as a table. All
// trees are made of cells, one cache line each: a branch tells up to eight ways apart by one dimension, a leaf holds up
// to four rules. A few trees hold all rules between them; the first rule that matches in any of them is the answer.
//
// Threads: immutable once built. docs/classifier.md has the picture.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "drywall/net/packet_meta.h"
#include "table_layout.h"

namespace drywall::classify {

// What a branch may look at: five numbers of 32 bits that a packet is turned into.
enum class Dimension : std::uint8_t { kSource, kDestination, kSourcePort, kDestinationPort, kProtocol };
inline constexpr std::size_t kDimensions = 5;

using ForestKey = std::array<std::uint32_t, 8>;  // by Dimension; as long as a vector register

// A reference: to a branch, to a leaf, or the answer itself. Answers are ordered: the smaller one is the earlier rule.
inline constexpr std::uint32_t kBranch = 0x80000000;
inline constexpr std::uint32_t kRuleLeaf = 0x40000000;
inline constexpr std::uint32_t kCellNumber = 0x3fffffff;
inline constexpr std::uint32_t kNoAnswer = 0x3fffffff;

inline constexpr std::size_t kBranchWays = 8;
inline constexpr std::size_t kLeafRules = 4;

// One cache line; what it holds is known from the reference to it.
struct alignas(64) ForestCell {
    std::array<std::uint32_t, 16> words{};
};

// A branch: seven ascending bounds, the dimension, eight references. A key goes as many ways up as there are bounds
// below it: a bound is the last value of its way, flipped in its highest bit, for vector comparisons are signed.
inline constexpr std::size_t kBoundsAt = 0;
inline constexpr std::size_t kDimensionAt = 7;
inline constexpr std::size_t kWaysAt = 8;
inline constexpr std::uint32_t kSignFlip = 0x80000000;

// A leaf: for each of four rules the first values and the widths (last - first) of source port, destination port and
// protocol, and its answer (kNoAnswer: no rule); then a reference to the leaf that goes on, or kNoAnswer.
inline constexpr std::size_t kFirstPortsAt = 0;      // 4 x 16 bits source, 4 x 16 bits destination
inline constexpr std::size_t kPortWidthsAt = 4;      // the same
inline constexpr std::size_t kFirstProtocolsAt = 8;  // 4 x 8 bits
inline constexpr std::size_t kProtocolWidthsAt = 9;  // 4 x 8 bits
inline constexpr std::size_t kAnswersAt = 10;
inline constexpr std::size_t kNextLeafAt = 14;

struct DecisionTree {
    Dimension first = Dimension::kSource;  // its key's highest bits choose among `roots`
    std::uint32_t shift = 32;              // ... after a shift of so many bits (32: there is one root)
    std::size_t roots = 0;                 // offset into DecisionForest::roots; 0: a tree without rules
};

inline constexpr std::size_t kMaxTrees = 4;

// The trees of one family.
struct Grove {
    std::array<DecisionTree, kMaxTrees> trees{};
    std::size_t count = 0;
};

// An IPv6 address becomes the number of its longest known prefix, in the order in which a prefix comes before those
// inside it: what a prefix covers is then a range of numbers, as it is for IPv4 addresses.
struct AddressNumbers {
    AddressTrie trie;
    std::uint32_t shift = 0;  // numbers are spread over 32 bits
};

struct DecisionForest {
    std::array<Grove, 2> groves{};  // IPv4, IPv6
    std::vector<std::uint32_t> roots{kNoAnswer};
    std::vector<ForestCell> cells;
    AddressNumbers sources;  // IPv6
    AddressNumbers destinations;
    std::uint32_t otherwise = 0;  // the answer when no rule matches

    [[nodiscard]] std::size_t bytes() const noexcept {
        return roots.size() * sizeof(roots[0]) + cells.size() * sizeof(ForestCell) + sources.trie.bytes() +
               destinations.trie.bytes();
    }
};

// Protocols in an order in which those with ports stand together, and so do those with an ICMP type.
constexpr std::array<std::uint8_t, 256> protocol_ranks() noexcept {
    std::array<std::uint8_t, 256> ranks{};
    const std::array<std::uint8_t, 5> first{net::protocol::kTcp, net::protocol::kUdp, net::protocol::kSctp,
                                            net::protocol::kIcmp, net::protocol::kIcmpv6};
    std::uint8_t next = 0;
    for (const std::uint8_t protocol : first) ranks[protocol] = next++;
    for (std::size_t protocol = 0; protocol < ranks.size(); ++protocol) {
        bool is_first = false;
        for (const std::uint8_t other : first) is_first = is_first || other == protocol;
        if (!is_first) ranks[protocol] = next++;
    }
    return ranks;
}
inline constexpr std::array<std::uint8_t, 256> kProtocolRanks = protocol_ranks();
inline constexpr std::uint8_t kFirstIcmpRank = 3;
inline constexpr std::uint8_t kFirstOtherRank = 5;

[[nodiscard]] inline std::uint32_t v4_number(const net::AddressBytes& bytes) noexcept {
    return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 | bytes[3];
}

}  // namespace drywall::classify

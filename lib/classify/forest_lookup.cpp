#include "forest_lookup.h"

#include <algorithm>
#include <array>
#include <bit>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "address_trie.h"
#include "drywall/base/cache_line.h"
#include "drywall/base/prefetch.h"

namespace drywall::classify {
namespace {

std::uint32_t number_of(const AddressNumbers& numbers, const net::AddressBytes& bytes) noexcept {
    if (numbers.trie.root.empty()) return 0;
    return lookup(numbers.trie, net::Family::kIPv6, bytes) << numbers.shift;
}

void make_key(const DecisionForest& forest, const net::Tuple& tuple, ForestKey& key) noexcept {
    const bool v4 = tuple.family == net::Family::kIPv4;
    key[0] = v4 ? v4_number(tuple.source) : number_of(forest.sources, tuple.source);
    key[1] = v4 ? v4_number(tuple.destination) : number_of(forest.destinations, tuple.destination);
    key[2] = tuple.source_port;
    key[3] = tuple.destination_port;
    key[4] = kProtocolRanks[tuple.protocol];
}

const Grove& grove_of(const DecisionForest& forest, const net::Tuple& tuple) noexcept {
    return forest.groves[tuple.family == net::Family::kIPv4 ? 0 : 1];
}

std::uint32_t root_of(const DecisionForest& forest, const DecisionTree& tree, const ForestKey& key) noexcept {
    const std::uint64_t slot = std::uint64_t{key[static_cast<std::size_t>(tree.first)]} >> tree.shift;
    return forest.roots[tree.roots + slot];
}

// The plain way through one branch and one leaf.
std::uint32_t way_of(const ForestCell& cell, const ForestKey& key) noexcept {
    const std::uint32_t value = key[cell.words[kDimensionAt]];
    std::size_t way = 0;
    while (way < kBranchWays - 1 && value > (cell.words[kBoundsAt + way] ^ kSignFlip)) ++way;
    return cell.words[kWaysAt + way];
}

std::uint32_t rule_of(const ForestCell& cell, const ForestKey& key) noexcept {
    const auto lane16 = [&](std::size_t at, std::size_t lane) {
        return cell.words[at + lane / 2] >> (16 * (lane % 2)) & 0xffff;
    };
    const auto lane8 = [&](std::size_t at, std::size_t lane) { return cell.words[at] >> (8 * lane) & 0xff; };
    const auto inside = [](std::uint32_t value, std::uint32_t first, std::uint32_t width) {
        return value >= first && value - first <= width;
    };
    for (std::size_t rule = 0; rule < kLeafRules; ++rule) {
        const std::size_t second = kLeafRules + rule;
        if (inside(key[2], lane16(kFirstPortsAt, rule), lane16(kPortWidthsAt, rule)) &&
            inside(key[3], lane16(kFirstPortsAt, second), lane16(kPortWidthsAt, second)) &&
            inside(key[4], lane8(kFirstProtocolsAt, rule), lane8(kProtocolWidthsAt, rule))) {
            return cell.words[kAnswersAt + rule];
        }
    }
    return cell.words[kNextLeafAt];
}

#if defined(__SSE2__)
const __m128i* vector_at(const ForestCell& cell, std::size_t word) noexcept {
    return reinterpret_cast<const __m128i*>(cell.words.data() + word);
}

// How many of the lowest bits are set; one of the higher ones is not. (std::countr_one tests for what can't be here.)
std::size_t ones_below(unsigned mask) noexcept { return static_cast<std::size_t>(__builtin_ctz(~mask)); }

// Bounds ascend, so those below the key are the lowest bits of a mask.
std::uint32_t fast_way_of(const ForestCell& cell, const ForestKey& key) noexcept {
    const auto value = static_cast<int>(key[cell.words[kDimensionAt]] ^ kSignFlip);
    const __m128i wanted = _mm_set1_epi32(value);
    const __m128i low = _mm_cmpgt_epi32(wanted, _mm_load_si128(vector_at(cell, kBoundsAt)));
    const __m128i high = _mm_cmpgt_epi32(wanted, _mm_load_si128(vector_at(cell, kBoundsAt + 4)));
    const auto below = static_cast<unsigned>(_mm_movemask_ps(_mm_castsi128_ps(low))) |
                       (static_cast<unsigned>(_mm_movemask_ps(_mm_castsi128_ps(high))) & 7U) << 4;
    return cell.words[kWaysAt + ones_below(below)];
}

// What a packet's services look like beside a leaf.
struct LeafKey {
    __m128i ports;      // source port four times, destination port four times
    __m128i protocols;  // in every byte
};

LeafKey leaf_key(const ForestKey& key) noexcept {
    const auto twice = [](std::uint32_t port) { return static_cast<int>(port | port << 16); };
    return {_mm_unpacklo_epi64(_mm_set1_epi32(twice(key[2])), _mm_set1_epi32(twice(key[3]))),
            _mm_set1_epi8(static_cast<char>(key[4]))};
}

std::uint32_t fast_rule_of(const ForestCell& cell, const LeafKey& key) noexcept {
    const __m128i none = _mm_setzero_si128();
    const __m128i past = _mm_sub_epi16(key.ports, _mm_load_si128(vector_at(cell, kFirstPortsAt)));
    const __m128i ports = _mm_cmpeq_epi16(_mm_subs_epu16(past, _mm_load_si128(vector_at(cell, kPortWidthsAt))), none);
    const __m128i both = _mm_and_si128(ports, _mm_unpackhi_epi64(ports, ports));
    const __m128i first = _mm_cvtsi32_si128(static_cast<int>(cell.words[kFirstProtocolsAt]));
    const __m128i width = _mm_cvtsi32_si128(static_cast<int>(cell.words[kProtocolWidthsAt]));
    const __m128i protocols = _mm_cmpeq_epi8(_mm_subs_epu8(_mm_sub_epi8(key.protocols, first), width), none);
    const __m128i all = _mm_and_si128(both, _mm_unpacklo_epi8(protocols, protocols));
    // Behind the four answers lies where packets go that none of the rules holds for.
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(all)) | 1U << 2 * kLeafRules;
    return cell.words[kAnswersAt + static_cast<std::size_t>(__builtin_ctz(mask)) / 2];
}
#else
std::uint32_t fast_way_of(const ForestCell& cell, const ForestKey& key) noexcept { return way_of(cell, key); }
using LeafKey = ForestKey;
LeafKey leaf_key(const ForestKey& key) noexcept { return key; }
std::uint32_t fast_rule_of(const ForestCell& cell, const LeafKey& key) noexcept { return rule_of(cell, key); }
#endif

// All packets of a burst on their way down all trees. A traveller is a packet in one tree: tree * kMaxBurst + packet.
// Those that go on are kept in a list, without jumps: whether one does can't be foretold.
class ForestDescents {
public:
    ForestDescents(const DecisionForest& forest, std::span<const net::Tuple> tuples) noexcept : forest_(forest) {
        for (std::size_t packet = 0; packet < tuples.size(); ++packet) {
            make_key(forest, tuples[packet], keys_[packet]);
            groves_[packet] = &grove_of(forest, tuples[packet]);
            trees_ = std::max(trees_, groves_[packet]->count);
        }
        for (std::size_t tree = 0; tree < trees_; ++tree) find_roots(tree, tuples.size());
        for (std::size_t tree = 0; tree < trees_; ++tree) start(tree, tuples.size());
        while (count_ != 0) pass_branches();
        for (std::size_t tree = 0; tree < trees_; ++tree) list_leaves(tree, tuples.size());
        while (count_ != 0) pass_leaves();
    }

    [[nodiscard]] std::uint32_t best(std::size_t packet) const noexcept {
        std::uint32_t best = forest_.otherwise;
        for (std::size_t tree = 0; tree < trees_; ++tree) best = std::min(best, references_[tree * kMaxBurst + packet]);
        return best;
    }

private:
    void find_roots(std::size_t tree, std::size_t packets) noexcept {
        for (std::size_t packet = 0; packet < packets; ++packet) {
            const DecisionTree& of = groves_[packet]->trees[tree];  // one that is not there has a root without answer
            const std::uint64_t slot = std::uint64_t{keys_[packet][static_cast<std::size_t>(of.first)]} >> of.shift;
            roots_[tree * kMaxBurst + packet] = &forest_.roots[of.roots + slot];
            prefetch(roots_[tree * kMaxBurst + packet]);
        }
    }

    void start(std::size_t tree, std::size_t packets) noexcept {
        for (std::size_t packet = 0; packet < packets; ++packet) {
            const std::size_t traveller = tree * kMaxBurst + packet;
            count_ = go(traveller, *roots_[traveller], count_, 31);
        }
    }

    // Notes where a traveller is, and that it goes on if the bit says so; returns how many do.
    std::size_t go(std::size_t traveller, std::uint32_t reference, std::size_t count, unsigned bit) noexcept {
        prefetch(forest_.cells.data() + (reference & kCellNumber));
        references_[traveller] = reference;
        going_[count] = static_cast<std::uint32_t>(traveller);
        return count + (reference >> bit & 1U);
    }

    void pass_branches() noexcept {
        std::size_t count = 0;
        for (std::size_t at = 0; at < count_; ++at) {
            const std::size_t traveller = going_[at];
            const ForestCell& cell = forest_.cells[references_[traveller] & kCellNumber];
            count = go(traveller, fast_way_of(cell, keys_[traveller % kMaxBurst]), count, 31);
        }
        count_ = count;
    }

    void list_leaves(std::size_t tree, std::size_t packets) noexcept {
        for (std::size_t packet = 0; packet < packets; ++packet) {
            const std::size_t traveller = tree * kMaxBurst + packet;
            going_[count_] = static_cast<std::uint32_t>(traveller);
            count_ += references_[traveller] >> 30 & 1U & ~references_[traveller] >> 31;
        }
    }

    void pass_leaves() noexcept {
        std::size_t count = 0;
        for (std::size_t at = 0; at < count_; ++at) {
            const std::size_t traveller = going_[at];
            const ForestCell& cell = forest_.cells[references_[traveller] & kCellNumber];
            count = go(traveller, fast_rule_of(cell, leaf_key(keys_[traveller % kMaxBurst])), count, 30);
        }
        count_ = count;
    }

    const DecisionForest& forest_;
    std::size_t trees_ = 0;
    std::size_t count_ = 0;  // travellers that go on
    alignas(32) std::array<ForestKey, kMaxBurst> keys_;
    std::array<const Grove*, kMaxBurst> groves_;
    std::array<const std::uint32_t*, kMaxTrees * kMaxBurst> roots_;
    std::array<std::uint32_t, kMaxTrees * kMaxBurst> references_;
    std::array<std::uint32_t, kMaxTrees * kMaxBurst + 1> going_;
};

}  // namespace

std::uint32_t lookup(const DecisionForest& forest, const net::Tuple& tuple) noexcept {
    ForestKey key{};
    make_key(forest, tuple, key);
    const Grove& grove = grove_of(forest, tuple);
    std::uint32_t best = forest.otherwise;
    for (std::size_t tree = 0; tree < grove.count; ++tree) {
        std::uint32_t reference = root_of(forest, grove.trees[tree], key);
        while ((reference & kBranch) != 0) reference = way_of(forest.cells[reference & kCellNumber], key);
        while ((reference & kRuleLeaf) != 0) {
            reference = rule_of(forest.cells[reference & kCellNumber], key);
        }
        best = std::min(best, reference);
    }
    return best;
}

void lookup(const DecisionForest& forest, std::span<const net::Tuple> tuples, std::span<TraceId> traces) noexcept {
    const ForestDescents descents(forest, tuples);
    for (std::size_t packet = 0; packet < tuples.size(); ++packet) traces[packet] = TraceId{descents.best(packet)};
}

}  // namespace drywall::classify

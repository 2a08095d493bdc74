#include <array>
#include <cassert>
#include <utility>

#include "address_trie.h"
#include "drywall/base/cache_line.h"
#include "drywall/base/prefetch.h"
#include "drywall/classify/classifier.h"
#include "forest_lookup.h"
#include "tables.h"

namespace drywall::classify {
namespace {

// Both addresses of every packet of a burst, sources first, on their way down the trie. What a loop needs is in locals
// of types that its stores can't be mistaken for, so that the compiler keeps it in registers.
class Descents {
public:
    Descents(const AddressTrie& trie, std::span<const net::Tuple> tuples) noexcept {
        start(trie, tuples, 0, &net::Tuple::source);
        start(trie, tuples, kMaxBurst, &net::Tuple::destination);
        std::size_t going = list_those_that_go_on(tuples.size());
        while (going != 0) going = descend(trie, going);
    }

    [[nodiscard]] std::uint32_t source(std::size_t packet) const noexcept { return entries_[packet]; }
    [[nodiscard]] std::uint32_t destination(std::size_t packet) const noexcept { return entries_[kMaxBurst + packet]; }

private:
    void start(const AddressTrie& trie, std::span<const net::Tuple> tuples, std::size_t first,
               net::AddressBytes net::Tuple::*side) noexcept {
        const std::uint32_t* const root = trie.root.data();
        for (std::size_t packet = 0; packet < tuples.size(); ++packet) {
            const net::AddressBytes& bytes = tuples[packet].*side;
            const std::size_t family = tuples[packet].family == net::Family::kIPv6 ? kTrieRoot : 0;
            bytes_[first + packet] = &bytes;
            depths_[first + packet] = 2;
            entries_[first + packet] = root[family + (std::size_t{bytes[0]} << 8 | bytes[1])];
        }
    }

    std::size_t list_those_that_go_on(std::size_t packets) noexcept {
        std::size_t going = 0;
        for (const std::size_t first : {std::size_t{0}, kMaxBurst}) {
            for (std::size_t which = first; which < first + packets; ++which) {
                going_[going] = static_cast<std::uint32_t>(which);
                going += entries_[which] >> 31;
            }
        }
        return going;
    }

    // One step for all that have not reached a leaf: independent loads, which the core overlaps. Always writes, so that
    // nothing depends on a branch: those that are through are overwritten by the next one.
    std::size_t descend(const AddressTrie& trie, std::size_t count) noexcept {
        const std::uint32_t* const nodes = trie.nodes.data();
        const TrieSkip* const skips = trie.skips.data();
        std::size_t going = 0;
        for (std::size_t at = 0; at < count; ++at) {
            const std::uint32_t which = going_[at];
            const std::uint32_t entry = entries_[which];
            std::uint32_t there = 0;
            if ((entry & kTrieSkip) == 0) {
                there = nodes[std::size_t{entry & kTrieNumber} * kTrieFanout + (*bytes_[which])[depths_[which]++]];
            } else {
                const TrieSkip& skip = skips[entry & kTrieNumber];
                depths_[which] = skip.depth;
                there = skip.agrees(*bytes_[which]) ? skip.then : skip.otherwise;
            }
            entries_[which] = there;
            going_[going] = which;
            going += there >> 31;
        }
        return going;
    }

    std::array<std::uint32_t, 2 * kMaxBurst> depths_;
    std::array<std::uint32_t, 2 * kMaxBurst> entries_;
    std::array<const net::AddressBytes*, 2 * kMaxBurst> bytes_;
    std::array<std::uint32_t, 2 * kMaxBurst + 1> going_;
};

// Packets of one burst mostly came in by one port; those of each lane are looked up together.
void lookup_in_forests(const Tables& tables, std::span<const net::Tuple> tuples, std::span<TraceId> traces) noexcept {
    for (std::size_t begin = 0; begin < tuples.size();) {
        const std::uint32_t lane = tables.lanes[tuples[begin].ingress_port];
        std::size_t end = begin + 1;
        while (end < tuples.size() && tables.lanes[tuples[end].ingress_port] == lane) ++end;
        classify::lookup(tables.forests[lane], tuples.subspan(begin, end - begin), traces.subspan(begin, end - begin));
        begin = end;
    }
}

const std::uint32_t* block_of(const Tables& tables, std::uint16_t ingress_port, Sides source,
                              Sides destination) noexcept {
    const std::size_t at = tables.row_at(ingress_port, source, destination);
    const std::uint32_t* const lists = tables.lists.data();
    if (tables.rows.empty()) return lists + at * kChunk + source.source % kChunk;
    return Tables::block_at(tables.rows.data() + at, lists, source);
}

}  // namespace

Classifier::Classifier(std::unique_ptr<const Tables> tables) noexcept : tables_(std::move(tables)) {}
Classifier::Classifier(Classifier&&) noexcept = default;
Classifier& Classifier::operator=(Classifier&&) noexcept = default;
Classifier::~Classifier() = default;

TraceId Classifier::lookup(const net::Tuple& tuple) const noexcept {
    const Tables& tables = *tables_;
    assert(tuple.ingress_port < tables.lanes.size());
    if (!tables.forests.empty())
        return TraceId{classify::lookup(tables.forests[tables.lanes[tuple.ingress_port]], tuple)};
    const Sides source = tables.sides[classify::lookup(tables.trie, tuple.family, tuple.source)];
    const Sides destination = tables.sides[classify::lookup(tables.trie, tuple.family, tuple.destination)];
    const std::uint32_t block = *block_of(tables, tuple.ingress_port, source, destination) & ~kUniform;
    return tables.cell(tables.blocks[block], tables.services.service_class(tuple));
}

void Classifier::lookup(std::span<const net::Tuple> tuples, std::span<TraceId> traces) const noexcept {
    assert(tuples.size() <= kMaxBurst && traces.size() >= tuples.size());
    const Tables& tables = *tables_;
    if (!tables.forests.empty()) return lookup_in_forests(tables, tuples, traces);
    const Descents descents(tables.trie, tuples);
    const std::size_t size = tuples.size();
    std::array<const std::uint32_t*, kMaxBurst> places;  // in a row, then where the block is written
    const Sides* const sides = tables.sides.data();
    const bool plain = tables.rows.empty();
    const std::uint32_t* const first = plain ? tables.lists.data() : tables.rows.data();
    for (std::size_t at = 0; at < size; ++at) {
        assert(tuples[at].ingress_port < tables.lanes.size());
        const Sides source = sides[descents.source(at)];
        const std::size_t row = tables.row_at(tuples[at].ingress_port, source, sides[descents.destination(at)]);
        places[at] = first + (plain ? row * kChunk + source.source % kChunk : row);
        prefetch(places[at]);
    }
    std::array<std::uint32_t, kMaxBurst> services;
    for (std::size_t at = 0; at < size; ++at) services[at] = tables.services.service_class(tuples[at]);
    if (!plain) {
        const std::uint32_t* const lists = tables.lists.data();
        for (std::size_t at = 0; at < size; ++at) {
            places[at] = Tables::block_at(places[at], lists, sides[descents.source(at)]);
            prefetch(places[at]);
        }
    }
    std::array<const Block*, kMaxBurst> blocks;
    const Block* const all_blocks = tables.blocks.data();
    for (std::size_t at = 0; at < size; ++at) {
        blocks[at] = all_blocks + (*places[at] & ~kUniform);
        prefetch(blocks[at]);
    }
    std::array<const std::uint16_t*, kMaxBurst> parts;
    std::array<const TraceId*, kMaxBurst> cells;
    const std::uint16_t* const shapes = tables.shapes.data();
    const TraceId* const all_cells = tables.cells.data();
    for (std::size_t at = 0; at < size; ++at) {
        parts[at] = shapes + (std::size_t{blocks[at]->shape} + services[at]);
        cells[at] = all_cells + blocks[at]->cells;
        prefetch(parts[at]);
        prefetch(cells[at]);
    }
    for (std::size_t at = 0; at < size; ++at) cells[at] += *parts[at];
    for (std::size_t at = 0; at < tuples.size(); ++at) traces[at] = *cells[at];
}

std::span<const Trace> Classifier::traces() const noexcept { return tables_->traces; }
const Footprint& Classifier::footprint() const noexcept { return tables_->footprint; }

}  // namespace drywall::classify

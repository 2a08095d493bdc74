#include <array>
#include <cassert>
#include <utility>

#include "address_trie.h"
#include "drywall/base/cache_line.h"
#include "drywall/classify/classifier.h"
#include "forest_lookup.h"
#include "tables.h"

namespace drywall::classify {
namespace {

// Both addresses of every packet of a burst, source and destination in turn, on their way down the trie.
class Descents {
public:
    Descents(const AddressTrie& trie, std::span<const net::Tuple> tuples) noexcept : trie_(trie) {
        for (const net::Tuple& tuple : tuples) {
            const std::size_t root = tuple.family == net::Family::kIPv6 ? kTrieRoot : 0;
            start(root, tuple.source);
            start(root, tuple.destination);
        }
        while (unfinished_ != 0) descend();
    }

    [[nodiscard]] std::uint32_t source(std::size_t packet) const noexcept { return entries_[2 * packet]; }
    [[nodiscard]] std::uint32_t destination(std::size_t packet) const noexcept { return entries_[2 * packet + 1]; }

private:
    void start(std::size_t root, const net::AddressBytes& bytes) noexcept {
        entries_[count_] = trie_.root[root + (std::size_t{bytes[0]} << 8 | bytes[1])];
        bytes_[count_] = &bytes;
        depths_[count_] = 2;
        keep_if_unfinished(static_cast<std::uint8_t>(count_));
        ++count_;
    }

    // One step for all that have not reached a leaf: independent loads, which the core overlaps.
    void descend() noexcept {
        const std::size_t unfinished = std::exchange(unfinished_, 0);
        for (std::size_t at = 0; at < unfinished; ++at) {
            const std::uint8_t which = which_[at];
            entries_[which] = trie_.descend(entries_[which], *bytes_[which], depths_[which]);
            keep_if_unfinished(which);
        }
    }

    // Always writes, so that nothing depends on a branch: leaves are overwritten by the next one.
    void keep_if_unfinished(std::uint8_t which) noexcept {
        which_[unfinished_] = which;
        unfinished_ += entries_[which] >> 31;
    }

    const AddressTrie& trie_;
    std::size_t count_ = 0;
    std::size_t unfinished_ = 0;
    std::array<std::uint32_t, 2 * kMaxBurst> entries_;
    std::array<const net::AddressBytes*, 2 * kMaxBurst> bytes_;
    std::array<std::uint32_t, 2 * kMaxBurst> depths_;
    std::array<std::uint8_t, 2 * kMaxBurst + 1> which_;
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
    const Block& block = tables.blocks[tables.pairs[tables.pair_at(tuple.ingress_port, source, destination)]];
    return tables.cell(block, tables.services.service_class(tuple));
}

void Classifier::lookup(std::span<const net::Tuple> tuples, std::span<TraceId> traces) const noexcept {
    assert(tuples.size() <= kMaxBurst && traces.size() >= tuples.size());
    const Tables& tables = *tables_;
    if (!tables.forests.empty()) return lookup_in_forests(tables, tuples, traces);
    const Descents descents(tables.trie, tuples);
    std::array<const std::uint32_t*, kMaxBurst> pairs;
    std::array<std::uint32_t, kMaxBurst> services;
    std::array<const Block*, kMaxBurst> blocks;
    for (std::size_t at = 0; at < tuples.size(); ++at) {
        assert(tuples[at].ingress_port < tables.lanes.size());
        pairs[at] = &tables.pairs[tables.pair_at(tuples[at].ingress_port, tables.sides[descents.source(at)],
                                                 tables.sides[descents.destination(at)])];
        __builtin_prefetch(pairs[at]);
    }
    for (std::size_t at = 0; at < tuples.size(); ++at) services[at] = tables.services.service_class(tuples[at]);
    for (std::size_t at = 0; at < tuples.size(); ++at) {
        blocks[at] = &tables.blocks[*pairs[at]];
        __builtin_prefetch(blocks[at]);
    }
    std::array<const std::uint16_t*, kMaxBurst> parts;
    for (std::size_t at = 0; at < tuples.size(); ++at) {
        parts[at] = &tables.shapes[blocks[at]->shape + services[at]];
        __builtin_prefetch(parts[at]);
    }
    std::array<const TraceId*, kMaxBurst> cells;
    for (std::size_t at = 0; at < tuples.size(); ++at) {
        cells[at] = &tables.cells[blocks[at]->cells + *parts[at]];
        __builtin_prefetch(cells[at]);
    }
    for (std::size_t at = 0; at < tuples.size(); ++at) traces[at] = *cells[at];
}

std::span<const Trace> Classifier::traces() const noexcept { return tables_->traces; }
const Footprint& Classifier::footprint() const noexcept { return tables_->footprint; }

}  // namespace drywall::classify

#include <array>
#include <cassert>
#include <utility>

#include "address_descent.h"
#include "address_trie.h"
#include "drywall/base/cache_line.h"
#include "drywall/base/prefetch.h"
#include "drywall/classify/classifier.h"
#include "forest_lookup.h"
#include "row_lookup.h"
#include "tables.h"

namespace drywall::classify {
namespace {

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

// Rows of lists of blocks, one step at a time over the burst.
void lookup_in_lists(const Tables& tables, std::span<const net::Tuple> tuples, std::span<TraceId> traces) noexcept {
    const AddressDescent descent(tables.trie, tuples);
    const std::size_t size = tuples.size();
    std::array<const std::uint32_t*, kMaxBurst> places;  // in a row, then where the block is written
    const std::uint32_t* const rows = tables.rows.data();
    for (std::size_t at = 0; at < size; ++at) {
        assert(tuples[at].ingress_port < tables.lanes.size());
        const Sides source = tables.sides_of(descent.source(at));
        places[at] = rows + tables.row_at(tuples[at].ingress_port, source, tables.sides_of(descent.destination(at)));
        prefetch(places[at]);
    }
    std::array<std::uint32_t, kMaxBurst> services;
    for (std::size_t at = 0; at < size; ++at) services[at] = tables.services.service_class(tuples[at]);
    const std::uint32_t* const lists = tables.lists.data();
    for (std::size_t at = 0; at < size; ++at) {
        places[at] = Tables::block_at(places[at], lists, tables.sides_of(descent.source(at)));
        prefetch(places[at]);
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
    for (std::size_t at = 0; at < size; ++at) traces[at] = *cells[at];
}

}  // namespace

Classifier::Classifier(std::shared_ptr<const Tables> tables) noexcept : tables_(std::move(tables)) {}
Classifier::Classifier(Classifier&&) noexcept = default;
Classifier& Classifier::operator=(Classifier&&) noexcept = default;
Classifier::~Classifier() = default;

TraceId Classifier::lookup(const net::Tuple& tuple) const noexcept {
    const Tables& tables = *tables_;
    assert(tuple.ingress_port < tables.lanes.size());
    if (!tables.forests.empty())
        return TraceId{classify::lookup(tables.forests[tables.lanes[tuple.ingress_port]], tuple)};
    if (!tables.row_tables.empty()) return lookup_in_rows(tables, tuple);
    const Sides source = tables.sides_of(classify::lookup(tables.trie, tuple.family, tuple.source));
    const Sides destination = tables.sides_of(classify::lookup(tables.trie, tuple.family, tuple.destination));
    const std::uint32_t* const row = tables.rows.data() + tables.row_at(tuple.ingress_port, source, destination);
    const std::uint32_t block = *Tables::block_at(row, tables.lists.data(), source) & ~kUniform;
    return tables.cell(tables.blocks[block], tables.services.service_class(tuple));
}

void Classifier::lookup(std::span<const net::Tuple> tuples, std::span<TraceId> traces) const noexcept {
    assert(tuples.size() <= kMaxBurst && traces.size() >= tuples.size());
    const Tables& tables = *tables_;
    if (!tables.forests.empty()) return lookup_in_forests(tables, tuples, traces);
    if (!tables.row_tables.empty()) return lookup_in_rows(tables, tuples, traces);
    lookup_in_lists(tables, tuples, traces);
}

std::span<const Trace> Classifier::traces() const noexcept { return tables_->traces; }
const Footprint& Classifier::footprint() const noexcept { return tables_->footprint; }

}  // namespace drywall::classify

// Tables: a compiled program: either pairs of classes with their blocks, or decision forests. The compiler writes it
// once; the lookup only reads it. Nothing else in the module knows both sides.
//
// Threads: immutable after compile(). docs/classifier.md has the picture.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "decision_forest.h"
#include "drywall/base/ids.h"
#include "drywall/classify/classifier.h"
#include "row_tables.h"
#include "table_layout.h"

namespace drywall::classify {

struct Tables {
    AddressTrie trie;
    std::vector<Sides> sides;          // by address class; empty: the leaves of the trie are Sides::packed()
    std::vector<std::uint32_t> lanes;  // by ingress port: the lane class
    std::size_t destination_classes = 0;
    std::size_t source_chunks = 0;     // per row
    AllRowTables row_tables;           // or, where those are empty, rows of lists of blocks:
    std::vector<std::uint32_t> rows;   // [lane class][destination class][chunk of source classes]
    std::vector<std::uint32_t> lists;  // [list][source class within its chunk]: the block
    std::vector<Block> blocks;
    std::vector<std::uint16_t> shapes;
    std::vector<TraceId> cells;
    ServiceTable services;
    std::vector<DecisionForest> forests;  // by lane class: the program is a list of rules, and there are no pairs
    std::vector<Trace> traces;
    Footprint footprint;

    // What a leaf of the trie says.
    [[nodiscard]] Sides sides_of(std::uint32_t leaf) const noexcept {
        return sides.empty() ? Sides::unpacked(leaf) : sides[leaf];
    }
    // The row of a destination, as seen from a port.
    [[nodiscard]] std::size_t row_of(std::uint16_t ingress_port, Sides destination) const noexcept {
        return lanes[ingress_port] * destination_classes + destination.destination;
    }
    // Where a row of lists says what the chunk of the source answers.
    [[nodiscard]] std::size_t row_at(std::uint16_t ingress_port, Sides source, Sides destination) const noexcept {
        return row_of(ingress_port, destination) * source_chunks + source.source / kChunk;
    }
    // Where the block of a pair is written: in the row itself, or in a list. kUniform is to be taken off.
    [[nodiscard]] static const std::uint32_t* block_at(const std::uint32_t* row, const std::uint32_t* lists,
                                                       Sides source) noexcept {
        if ((*row & kUniform) != 0) return row;
        return lists + std::size_t{*row} * kChunk + source.source % kChunk;
    }
    [[nodiscard]] TraceId cell(const Block& block, std::uint32_t service_class) const noexcept {
        return cells[block.cells + shapes[block.shape + service_class]];
    }
};

}  // namespace drywall::classify

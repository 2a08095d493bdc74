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
#include "table_layout.h"

namespace drywall::classify {

struct Tables {
    AddressTrie trie;
    std::vector<Sides> sides;          // by address class
    std::vector<std::uint32_t> lanes;  // by ingress port: the lane class
    std::size_t source_classes = 0;
    std::size_t destination_classes = 0;
    std::vector<std::uint32_t> pairs;  // [lane class][source class][destination class]: the block
    std::vector<Block> blocks;
    std::vector<std::uint16_t> shapes;
    std::vector<TraceId> cells;
    ServiceTable services;
    std::vector<DecisionForest> forests;  // by lane class: the program is a list of rules, and there are no pairs
    std::vector<Trace> traces;
    Footprint footprint;

    [[nodiscard]] std::size_t pair_at(std::uint16_t ingress_port, Sides source, Sides destination) const noexcept {
        return (lanes[ingress_port] * source_classes + source.source) * destination_classes + destination.destination;
    }
    [[nodiscard]] TraceId cell(const Block& block, std::uint32_t service_class) const noexcept {
        return cells[block.cells + shapes[block.shape + service_class]];
    }
};

}  // namespace drywall::classify

// BlockTable: the blocks of the finished tables. Each distinct function from service class to trace is written once,
// each distinct shape once.
//
// Threads: owned by one compilation.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "normal_program.h"
#include "service_functions.h"
#include "table_layout.h"

namespace drywall::classify {

class BlockTable {
public:
    explicit BlockTable(const ServiceFunctions& functions) : functions_(functions) {}

    // The block of a function whose values are TraceIds.
    std::uint32_t block_of(FunctionId function);

    [[nodiscard]] std::size_t size() const noexcept { return blocks_.size(); }
    [[nodiscard]] const Block& block(std::uint32_t id) const noexcept { return blocks_[id]; }
    // Which part of a block's shape a service class is in.
    [[nodiscard]] std::uint16_t part(std::uint32_t shape, std::size_t service_class) const noexcept {
        return shapes_[shape + service_class];
    }
    [[nodiscard]] TraceId trace(std::uint32_t id, std::size_t service_class) const noexcept {
        return cells_[blocks_[id].cells + part(blocks_[id].shape, service_class)];
    }
    [[nodiscard]] std::size_t bytes() const noexcept {
        return blocks_.size() * sizeof(Block) + shapes_.size() * sizeof(shapes_[0]) + cells_.size() * sizeof(TraceId);
    }
    // Both arrays are indexed with 32 bits, and a row has one bit less for a block.
    [[nodiscard]] bool addressable() const noexcept {
        return shapes_.size() <= 0xffffffff && cells_.size() <= 0xffffffff && blocks_.size() < kUniform;
    }
    struct Parts {
        std::vector<Block> blocks;
        std::vector<std::uint16_t> shapes;
        std::vector<TraceId> cells;
    };
    [[nodiscard]] Parts take() && { return {std::move(blocks_), std::move(shapes_), std::move(cells_)}; }

private:
    std::uint32_t shape_at(ShapeId shape);

    const ServiceFunctions& functions_;
    std::vector<std::uint32_t> block_of_function_;  // kNone: not written yet
    std::vector<std::uint32_t> at_of_shape_;
    std::vector<Block> blocks_;
    std::vector<std::uint16_t> shapes_;
    std::vector<TraceId> cells_;
};

}  // namespace drywall::classify

#include "block_table.h"

namespace drywall::classify {

std::uint32_t BlockTable::block_of(FunctionId function) {
    if (function >= block_of_function_.size()) block_of_function_.resize(std::size_t{function} + 1, kNone);
    std::uint32_t& known = block_of_function_[function];
    if (known != kNone) return known;
    known = static_cast<std::uint32_t>(blocks_.size());
    blocks_.push_back({shape_at(functions_.shape(function)), static_cast<std::uint32_t>(cells_.size())});
    for (const std::uint64_t trace : functions_.cells(function)) cells_.push_back(static_cast<TraceId>(trace));
    return known;
}

std::uint32_t BlockTable::shape_at(ShapeId shape) {
    if (shape >= at_of_shape_.size()) at_of_shape_.resize(std::size_t{shape} + 1, kNone);
    std::uint32_t& known = at_of_shape_[shape];
    if (known == kNone) {
        known = static_cast<std::uint32_t>(shapes_.size());
        const auto parts = functions_.parts(shape);
        shapes_.insert(shapes_.end(), parts.begin(), parts.end());
    }
    return known;
}

}  // namespace drywall::classify

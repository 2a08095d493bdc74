// ServiceFunctions: functions from service class to a number, hash-consed: equal functions have equal ids. A function
// is a shape (how the service classes are parted) and one cell per part. Shapes are few, for most pairs of endpoints
// cut the services in the same way; so combining two functions costs their parts, not the number of service classes.
//
// Threads: owned by one compilation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <utility>
#include <vector>

#include "interner.h"

namespace drywall::classify {

using FunctionId = std::uint32_t;
using ShapeId = std::uint32_t;

// Numbers values in the order of their first appearance.
class Numbering {
public:
    void restart(std::size_t at_most);
    std::uint16_t number(std::uint64_t value);
    [[nodiscard]] std::size_t count() const noexcept { return count_; }

private:
    struct Slot {
        std::uint64_t value = 0;
        std::uint32_t round = 0;
        std::uint16_t number = 0;
    };
    std::vector<Slot> slots_;
    std::uint32_t round_ = 0;
    std::size_t mask_ = 0;
    std::size_t count_ = 0;
};

class ServiceFunctions {
public:
    // REQUIRES: 1 <= service_classes <= 65535
    explicit ServiceFunctions(std::size_t service_classes);

    [[nodiscard]] FunctionId constant(std::uint64_t value);
    // REQUIRES: values.size() == service_classes
    [[nodiscard]] FunctionId make(std::span<const std::uint64_t> values);

    // s -> op(a(s), b(s)). `op` may not touch this object.
    template <typename Op>
    [[nodiscard]] FunctionId combine(FunctionId a, FunctionId b, Op&& op) {
        const std::span<const std::uint64_t> left = cells(a);
        const std::span<const std::uint64_t> right = cells(b);
        scratch_.clear();
        if (left.size() == 1) {
            for (const std::uint64_t value : right) scratch_.push_back(op(left[0], value));
            return canonical(shape(b));
        }
        if (right.size() == 1) {
            for (const std::uint64_t value : left) scratch_.push_back(op(value, right[0]));
            return canonical(shape(a));
        }
        const Join& join = joined(shape(a), shape(b));
        for (const auto& [from_left, from_right] : join.parts) {
            scratch_.push_back(op(left[from_left], right[from_right]));
        }
        return canonical(join.shape);
    }

    // s -> op(a(s)). `op` may not touch this object.
    template <typename Op>
    [[nodiscard]] FunctionId map(FunctionId a, Op&& op) {
        scratch_.clear();
        for (const std::uint64_t value : cells(a)) scratch_.push_back(op(value));
        return canonical(shape(a));
    }

    [[nodiscard]] ShapeId shape(FunctionId id) const noexcept { return static_cast<ShapeId>(functions_[id][0]); }
    [[nodiscard]] std::span<const std::uint64_t> cells(FunctionId id) const noexcept {
        return functions_[id].subspan(1);
    }
    // By service class: the cell's number.
    [[nodiscard]] std::span<const std::uint16_t> parts(ShapeId id) const noexcept { return shapes_[id]; }
    [[nodiscard]] std::size_t bytes() const noexcept {
        return functions_.bytes() + shapes_.bytes() + join_keys_.bytes() + join_bytes_;
    }

private:
    // The common refinement of two shapes, and for each of its parts the parts of both that it lies in.
    struct Join {
        ShapeId shape = 0;
        std::vector<std::pair<std::uint16_t, std::uint16_t>> parts;
    };

    const Join& joined(ShapeId a, ShapeId b);
    Join join(ShapeId a, ShapeId b);
    // The function with the cells in `scratch_`, equal cells merged.
    FunctionId canonical(ShapeId shape);

    std::size_t service_classes_;
    Interner<std::uint16_t> shapes_;
    Interner<std::uint64_t> functions_;  // shape, cells...
    Interner<std::uint32_t> join_keys_;
    std::deque<Join> joins_;  // by id of join_keys_
    std::size_t join_bytes_ = 0;
    Numbering numbering_;
    std::vector<std::uint64_t> scratch_;
    std::vector<std::uint16_t> scratch_shape_;
    std::vector<std::uint64_t> scratch_function_;
    std::vector<std::uint16_t> merged_;
};

}  // namespace drywall::classify

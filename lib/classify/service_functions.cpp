#include "service_functions.h"

#include <array>
#include <bit>
#include <cassert>

namespace drywall::classify {

void Numbering::restart(std::size_t at_most) {
    const std::size_t wanted = std::bit_ceil(2 * at_most + 2);
    if (slots_.size() < wanted) slots_.assign(wanted, {});
    mask_ = wanted - 1;
    if (++round_ == 0) {
        slots_.assign(slots_.size(), {});
        round_ = 1;
    }
    count_ = 0;
}

std::uint16_t Numbering::number(std::uint64_t value) {
    for (std::size_t at = mix(0, value) & mask_;; at = (at + 1) & mask_) {
        Slot& slot = slots_[at];
        if (slot.round != round_) {
            slot = {value, round_, static_cast<std::uint16_t>(count_++)};
            return slot.number;
        }
        if (slot.value == value) return slot.number;
    }
}

ServiceFunctions::ServiceFunctions(std::size_t service_classes) : service_classes_(service_classes) {
    assert(service_classes >= 1 && service_classes <= 65535);
}

FunctionId ServiceFunctions::constant(std::uint64_t value) {
    scratch_shape_.assign(service_classes_, 0);
    const std::array<std::uint64_t, 2> function{shapes_.intern(scratch_shape_), value};
    return functions_.intern(function);
}

FunctionId ServiceFunctions::make(std::span<const std::uint64_t> values) {
    assert(values.size() == service_classes_);
    numbering_.restart(values.size());
    scratch_shape_.clear();
    scratch_function_.assign(1, 0);
    for (const std::uint64_t value : values) {
        const std::size_t before = numbering_.count();
        scratch_shape_.push_back(numbering_.number(value));
        if (numbering_.count() != before) scratch_function_.push_back(value);
    }
    scratch_function_[0] = shapes_.intern(scratch_shape_);
    return functions_.intern(scratch_function_);
}

const ServiceFunctions::Join& ServiceFunctions::joined(ShapeId a, ShapeId b) {
    const std::array<std::uint32_t, 2> key{a, b};
    const std::uint32_t id = join_keys_.intern(key);
    if (id == joins_.size()) {
        joins_.push_back(join(a, b));
        join_bytes_ += sizeof(Join) + joins_.back().parts.size() * sizeof(joins_.back().parts[0]);
    }
    return joins_[id];
}

ServiceFunctions::Join ServiceFunctions::join(ShapeId a, ShapeId b) {
    const std::span<const std::uint16_t> left = shapes_[a];
    const std::span<const std::uint16_t> right = shapes_[b];
    Join join;
    numbering_.restart(service_classes_);
    scratch_shape_.clear();
    for (std::size_t at = 0; at < service_classes_; ++at) {
        const std::size_t before = numbering_.count();
        scratch_shape_.push_back(numbering_.number(std::uint64_t{left[at]} << 16 | right[at]));
        if (numbering_.count() != before) join.parts.emplace_back(left[at], right[at]);
    }
    join.shape = shapes_.intern(scratch_shape_);
    return join;
}

FunctionId ServiceFunctions::canonical(ShapeId shape) {
    numbering_.restart(scratch_.size());
    scratch_function_.assign(1, shape);
    merged_.clear();
    for (const std::uint64_t value : scratch_) {
        const std::size_t before = numbering_.count();
        merged_.push_back(numbering_.number(value));
        if (numbering_.count() != before) scratch_function_.push_back(value);
    }
    if (numbering_.count() != scratch_.size()) {
        scratch_shape_.clear();
        for (const std::uint16_t part : shapes_[shape]) scratch_shape_.push_back(merged_[part]);
        scratch_function_[0] = shapes_.intern(scratch_shape_);
    }
    return functions_.intern(scratch_function_);
}

}  // namespace drywall::classify

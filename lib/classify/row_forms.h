// RowForms: rows of blocks in small numbers, each worked out by itself: how the row cuts the services into parts, which
// traces each part knows, and for every source a function from part to the number of a trace. Cuts and functions that
// rows share are kept once; they and their numbers stay when rows go, so that a later program's rows find them.
//
// Threads: owned by one compilation, and kept for the next one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "block_table.h"
#include "interner.h"
#include "row_tables.h"
#include "service_functions.h"

namespace drywall::classify {

// Numbers ids 0, 1, 2, … in the order of their first appearance, over and over.
class LocalNumbers {
public:
    void restart() noexcept {
        ++round_;
        ids_.clear();
    }
    std::uint32_t number(std::uint32_t id) {
        if (id >= slots_.size()) slots_.resize(std::max<std::size_t>(id + std::size_t{1}, 2 * slots_.size()));
        Slot& slot = slots_[id];
        if (slot.round != round_) {
            slot = {round_, static_cast<std::uint32_t>(ids_.size())};
            ids_.push_back(id);
        }
        return slot.number;
    }
    // In the order of their numbers.
    [[nodiscard]] const std::vector<std::uint32_t>& ids() const noexcept { return ids_; }
    [[nodiscard]] std::size_t bytes() const noexcept { return slots_.size() * sizeof(Slot); }

private:
    struct Slot {
        std::uint32_t round = 0;
        std::uint32_t number = 0;
    };
    std::vector<Slot> slots_;
    std::uint32_t round_ = 0;
    std::vector<std::uint32_t> ids_;
};

// The parts of the services that the blocks of a row tell apart.
struct RowShape {
    std::vector<std::uint16_t> parts;        // by service class
    std::vector<std::uint16_t> first_class;  // by part: a service class in it
};

// How the services are cut by several shapes together; each set of shapes is worked out once.
class RowShapes {
public:
    RowShapes(const BlockTable& blocks, std::size_t service_classes)
        : blocks_(blocks), service_classes_(service_classes) {}

    std::uint32_t of(std::span<const std::uint32_t> row_blocks);
    [[nodiscard]] const RowShape& operator[](std::uint32_t id) const noexcept { return shapes_[id]; }
    [[nodiscard]] std::size_t size() const noexcept { return shapes_.size(); }
    // Of all shapes together, by service class.
    [[nodiscard]] std::size_t parts() const noexcept { return shapes_.size() * service_classes_; }
    // What working them out took, in service classes looked at.
    [[nodiscard]] std::size_t work() const noexcept { return work_; }
    [[nodiscard]] std::size_t bytes() const noexcept {
        return keys_.bytes() + parts() * 2 * sizeof(std::uint16_t) + shapes_.size() * sizeof(RowShape);
    }

private:
    [[nodiscard]] RowShape cut_by(std::span<const std::uint32_t> shapes);

    const BlockTable& blocks_;
    std::size_t service_classes_;
    std::size_t work_ = 0;
    Numbering numbering_;
    Interner<std::uint32_t> keys_;
    std::vector<RowShape> shapes_;
    std::vector<std::uint32_t> key_;
};

// Functions by their width, each kept once: a function is a number of a trace for each part.
class FunctionPools {
public:
    std::uint32_t intern(std::span<const std::uint16_t> cells);
    [[nodiscard]] std::size_t cells() const noexcept { return cells_; }
    [[nodiscard]] std::size_t most() const noexcept { return most_; }  // of one width
    [[nodiscard]] std::size_t bytes() const noexcept;

    // Written one pool after the other; returns where each width begins.
    template <typename Cell>
    std::vector<std::uint32_t> write(HugePages<Cell>& out) const {
        std::vector<std::uint32_t> begins;
        out.reserve(cells_);
        for (const Pool& pool : pools_) {
            begins.push_back(static_cast<std::uint32_t>(out.size()));
            const std::size_t first = out.size();
            out.resize(first + pool.all().size());
            std::ranges::transform(pool.all(), out.begin() + static_cast<std::ptrdiff_t>(first),
                                   [](std::uint16_t cell) { return static_cast<Cell>(cell); });
        }
        return begins;
    }

private:
    using Pool = Interner<std::uint16_t>;
    std::vector<Pool> pools_;  // by width
    std::size_t cells_ = 0;
    std::size_t most_ = 0;
};

// What a row is beside the function of each source.
struct RowForm {
    std::uint32_t shape = 0;             // number of a RowShape
    std::uint32_t width = 0;             // parts
    std::vector<std::uint32_t> columns;  // by part: where its traces begin
    std::vector<TraceId> traces;         // part by part
};

class RowForms {
public:
    // `blocks` must outlive this.
    RowForms(const BlockTable& blocks, std::size_t service_classes)
        : blocks_(blocks), shapes_(blocks, service_classes) {}

    // `blocks`: by source. Writes each source's function, a number among those of the row's width, into `answers`.
    RowForm add(std::span<const std::uint32_t> blocks, std::span<std::uint32_t> answers);

    [[nodiscard]] const RowShapes& shapes() const noexcept { return shapes_; }
    [[nodiscard]] const FunctionPools& functions() const noexcept { return functions_; }
    // The most parts of a row so far, or traces of a column.
    [[nodiscard]] std::size_t most_cells() const noexcept { return most_cells_; }
    [[nodiscard]] std::size_t bytes() const noexcept {
        return functions_.bytes() + shapes_.bytes() + numbers_.bytes() + trace_numbers_.bytes();
    }

private:
    void number_traces(const RowShape& shape, RowForm& row);
    [[nodiscard]] std::uint32_t trace(std::uint32_t block, std::uint16_t service_class) const noexcept;

    const BlockTable& blocks_;
    RowShapes shapes_;
    FunctionPools functions_;
    std::size_t most_cells_ = 0;
    // Of the row at work.
    LocalNumbers numbers_;  // of blocks
    LocalNumbers trace_numbers_;
    std::vector<std::size_t> uses_;           // by number of a block: sources
    std::vector<std::uint16_t> cells_;        // [block][part]
    std::vector<std::uint32_t> function_of_;  // by number of a block
};

}  // namespace drywall::classify

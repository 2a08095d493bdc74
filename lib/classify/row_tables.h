// RowTables: what a destination class answers each source class, in small numbers. A row cuts the services into few
// parts, and in each part (a column) it knows few traces; so a function from part to the number of a trace in its
// column is a few bytes, and the rows of a program share most of them. One word per pair of classes names the function.
//
//   answers[row][source class] ─────────────▶ function ─┐
//   rows[row] {cells, width, shape, columns}             ├▶ cells[cells + function * width + part] ─┐
//   shapes[shape + service class] ──────────▶ part ──────┴▶ columns[columns + part] ────────────────┴▶ traces[·]
//
// Threads: immutable after compile().
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "drywall/base/huge_pages.h"
#include "drywall/base/ids.h"
#include "table_layout.h"

namespace drywall::classify {

// Read at random places: where the kernel has huge pages, a miss of the cache is none of the TLB.
template <typename T>
using HugePages = std::vector<T, HugePageAllocator<T>>;

struct Row {
    std::uint32_t cells = 0;    // the functions of its width: first one in RowTables::cells
    std::uint32_t columns = 0;  // first one in RowTables::columns
    std::uint32_t shape = 0;    // first one in RowTables::shapes; rows that cut services alike share it
    std::uint32_t width = 0;    // parts
};

// Answer: the number of a function among those of its width. Cell: the number of a part in its row, and of a trace in
// its column.
template <typename Answer, typename Cell>
struct RowTables {
    std::size_t width = 0;               // source classes
    HugePages<Answer> answers;           // [lane class][destination class][source class]
    std::vector<Row> rows;               // [lane class][destination class]
    std::vector<Cell> shapes;            // by service class
    HugePages<Cell> cells;               // [width][function][part]
    std::vector<std::uint32_t> columns;  // by part: first one in `traces`
    HugePages<TraceId> traces;           // by the column's number of them

    [[nodiscard]] bool empty() const noexcept { return rows.empty(); }
    [[nodiscard]] std::size_t answer_bytes() const noexcept {
        return answers.size() * sizeof(Answer) + rows.size() * sizeof(Row);
    }
    [[nodiscard]] std::size_t cell_bytes() const noexcept {
        return (shapes.size() + cells.size()) * sizeof(Cell) + columns.size() * sizeof(columns[0]) +
               traces.size() * sizeof(TraceId);
    }
};

// Numbers as small as all rows of a program allow: at most one of them is not empty.
struct AllRowTables {
    RowTables<std::uint16_t, std::uint8_t> small;
    RowTables<std::uint16_t, std::uint16_t> medium;
    RowTables<std::uint32_t, std::uint16_t> large;

    [[nodiscard]] bool empty() const noexcept { return small.empty() && medium.empty() && large.empty(); }
    [[nodiscard]] std::size_t answer_bytes() const noexcept {
        return small.answer_bytes() + medium.answer_bytes() + large.answer_bytes();
    }
    [[nodiscard]] std::size_t cell_bytes() const noexcept {
        return small.cell_bytes() + medium.cell_bytes() + large.cell_bytes();
    }
};

}  // namespace drywall::classify

// Rows of blocks written as RowTables, when those are worth it: counted whole before anything is allocated for them.
// Rows that a generation has in common with the one before it are copied.
//
// Threads: owned by one compilation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "chunk_pool.h"
#include "row_forms.h"
#include "row_tables.h"

namespace drywall::classify {

// What the pairs of a program answer, as blocks: rows[row][chunk of source classes] are ids of `lists`.
struct BlockRows {
    std::span<const std::uint32_t> rows;
    const ChunkPool& lists;
    std::size_t source_classes = 0;
    std::size_t service_classes = 0;
};

// Rows whose answers are known: which ones, and those of all sources, row after row.
struct AnsweredRows {
    std::vector<std::uint32_t> rows;
    std::vector<std::uint32_t> answers;
};

// The forms of all rows, added to `forms`, and their answers. Nothing when they would take more than `most_bytes`, or a
// row tells more apart than its numbers can hold.
[[nodiscard]] std::optional<AnsweredRows> answer_rows(const BlockRows& pairs, std::size_t most_bytes, RowForms& pool,
                                                      std::vector<RowForm>& forms);

// How a program's tables are written.
struct RowWriting {
    const RowForms& pool;
    std::span<const RowForm> forms;  // by row
    const AnsweredRows& answered;
    const AllRowTables* before;  // where the answers of all other rows are; null: there are none
    LocalNumbers& traces;        // gives those that some row has their numbers in the tables
    std::size_t source_classes = 0;
    std::size_t service_classes = 0;
    std::size_t most_bytes = 0;
};

// Empty when they would take more than that, or need more than 32 bits.
[[nodiscard]] AllRowTables write_rows(const RowWriting& writing);

}  // namespace drywall::classify

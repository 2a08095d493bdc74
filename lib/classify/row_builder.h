// Rows of blocks rewritten as RowTables, when those are worth it: counted whole before anything is allocated for them.
//
// Threads: owned by one compilation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "block_table.h"
#include "chunk_pool.h"
#include "row_tables.h"

namespace drywall::classify {

// What the pairs of a program answer, as blocks: rows[row][chunk of source classes] are ids of `lists`.
struct BlockRows {
    std::span<const std::uint32_t> rows;
    const ChunkPool& lists;
    const BlockTable::Parts& blocks;
    std::size_t source_classes = 0;
    std::size_t service_classes = 0;
};

// Empty when they would take more than `most_bytes`, or a row tells more apart than its numbers can hold.
[[nodiscard]] AllRowTables build_row_tables(const BlockRows& pairs, std::size_t most_bytes);

}  // namespace drywall::classify

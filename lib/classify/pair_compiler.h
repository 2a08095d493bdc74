// PairCompiler: the steps of every lane, source class and destination class joined into blocks of traces.
//
// Threads: owned by one compilation.
#pragma once

#include <cstdint>
#include <vector>

#include "address_classes.h"
#include "block_table.h"
#include "drywall/base/result.h"
#include "drywall/classify/classifier.h"
#include "normal_program.h"
#include "paths.h"
#include "row_tables.h"
#include "service_classes.h"

namespace drywall::classify {

// Either rows with numbers of their own, or rows of lists of blocks.
struct PairTables {
    AllRowTables row_tables;
    std::vector<std::uint32_t> rows;   // [lane][destination class][chunk of source classes] (table_layout.h, kChunk)
    std::vector<std::uint32_t> lists;  // [list][source class within its chunk]: the block
    BlockTable::Parts blocks;
    std::size_t block_count = 0;  // distinct answers of pairs, in either form
    std::vector<Trace> traces;
};

// What the joined tables may cost: blocks (and, while compiling, what leads to them), and traces.
struct PairBudget {
    std::size_t block_bytes = 0;
    std::size_t working_bytes = 0;
    std::size_t traces = 0;
    Structure structure = Structure::kPairs;  // kRows, kBlocks: that form
};

[[nodiscard]] Result<PairTables> compile_pairs(const Program& program, const NormalProgram& normal,
                                               const AddressClasses& addresses, const ServiceClasses& services,
                                               const PairBudget& budget);

}  // namespace drywall::classify

// PairCompiler: the steps of every lane, source class and destination class joined into rows: what a destination
// answers each source. With the memory of the last program, only rows of which something changed are worked out, and
// the others copied from its tables.
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
#include "pair_memory.h"
#include "row_tables.h"
#include "service_classes.h"

namespace drywall::classify {

// Either rows with numbers of their own, or rows of lists of blocks.
struct PairTables {
    AllRowTables row_tables;
    std::vector<std::uint32_t> rows;   // [lane][destination class][chunk of source classes] (table_layout.h, kChunk)
    std::vector<std::uint32_t> lists;  // [list][source class within its chunk]: the block
    BlockTable::Parts blocks;
    std::size_t block_count = 0;  // distinct answers of pairs, in either form; those of earlier programs among them
    std::size_t rows_worked_out = 0;
    std::vector<Trace> traces;
};

// What the joined tables may cost: blocks (and, while compiling, what leads to them), and traces.
struct PairBudget {
    std::size_t block_bytes = 0;
    std::size_t working_bytes = 0;
    std::size_t traces = 0;
    Structure structure = Structure::kPairs;  // kRows, kBlocks: that form
};

struct PairProgram {
    const Program& program;
    const NormalProgram& normal;
    const AddressClasses& addresses;
    const std::vector<std::uint32_t>& destination_contents;  // by destination class: ClassNumbers::content_at
    const ServiceClasses& services;
};

// `before`: the tables of the program that `memory` comes from; null: it is new.
// `keep`: the memory is to serve another program.
[[nodiscard]] Result<PairTables> compile_pairs(const PairProgram& program, const PairBudget& budget, PairMemory& memory,
                                               const AllRowTables* before, bool keep);

}  // namespace drywall::classify

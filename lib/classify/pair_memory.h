// PairMemory: what a compilation of pairs worked out, known by content, so that the next one looks it up: functions,
// paths and traces, blocks, the forms of rows; and what each row of the last tables was made of.
//
// Threads: owned by one compilation, and kept for the next one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "block_table.h"
#include "match_members.h"
#include "normal_program.h"
#include "paths.h"
#include "row_forms.h"
#include "service_classes.h"
#include "service_functions.h"
#include "walk_evaluator.h"

namespace drywall::classify {

// What a row of the last tables was made of. Equal ones are equal rows, as long as nothing else that rows look at
// changed.
struct RowOrigin {
    std::uint32_t destination = kNone;  // the content of its class (ClassNumbers::content_at)
    std::uint32_t fronts = kNone;  // what the sources' own steps answer there: an id of PairMemory::known_front_lists
    bool operator==(const RowOrigin&) const = default;
};

struct PairMemory {
    // Both must outlive this, and services stay what they are.
    PairMemory(const NormalProgram& normal, const ServiceClasses& services)
        : functions(services.count),
          evaluator(normal, services, functions, paths),
          blocks(functions),
          forms(blocks, services.count) {}

    ServiceFunctions functions;
    Paths paths;
    WalkEvaluator evaluator;
    Memo<2> joined_worlds;  // enforced function, pending function -> the function that has both
    Memo<2> joined;         // one step's function, the next one's -> the function of both, one after the other
    Memo<3> finished;       // steps before, last step, failsafe -> function of traces
    Interner<std::uint32_t> known_fronts;
    Interner<std::uint32_t> known_front_lists;  // fronts by profile
    Memo<2> known_blocks;                       // front, the destination's function -> block
    BlockTable blocks;
    RowForms forms;

    // Of the last tables.
    std::optional<MatchMembers> source_members;
    std::vector<NormalLane> lanes;
    std::vector<std::vector<std::uint32_t>> profile_of;  // by lane, by source
    std::size_t sources = 0;
    std::size_t destinations = 0;
    std::vector<RowOrigin> origins;  // by row
    std::vector<RowForm> rows;       // by row

    [[nodiscard]] std::size_t working_bytes() const noexcept {
        return functions.bytes() + paths.bytes() + evaluator.bytes() + joined_worlds.bytes() + joined.bytes() +
               finished.bytes() + known_fronts.bytes() + known_front_lists.bytes() + known_blocks.bytes();
    }
    [[nodiscard]] std::size_t bytes() const noexcept;
};

}  // namespace drywall::classify

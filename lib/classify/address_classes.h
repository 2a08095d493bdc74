// Address classes: all addresses that no rule and no party tells apart share one. Source and destination are told apart
// by different rules, so a class is a pair: what the address is as a source, and what it is as a destination.
//
// Threads: pure functions.
#pragma once

#include <vector>

#include "address_trie.h"
#include "bit_matrix.h"
#include "drywall/base/result.h"
#include "normal_program.h"

namespace drywall::classify {

// The classes of one side of a packet.
struct SideClasses {
    std::vector<std::uint32_t> step;  // by class: the party's step (index into NormalProgram::steps), or kNone
    BitMatrix holds;                  // [class][match of this side]

    [[nodiscard]] std::size_t size() const noexcept { return step.size(); }
};

struct AddressClasses {
    std::vector<ClassedPrefix> prefixes;  // sorted
    std::uint32_t none = 0;               // the class of addresses in no prefix
    std::vector<Sides> sides;             // by address class
    SideClasses source;
    SideClasses destination;

    // Both sides of every class fit into a leaf of the trie (Sides::packed).
    [[nodiscard]] bool packable() const noexcept {
        return source.size() <= Sides::kPackedSources && destination.size() <= Sides::kPackedDestinations;
    }
};

// kInvalid when two parties overlap; kRefused when source x destination classes of `lanes` lanes would take more than
// `pair_budget_bytes`.
[[nodiscard]] Result<AddressClasses> build_address_classes(const Program& program, const NormalProgram& normal,
                                                           std::size_t pair_budget_bytes);

}  // namespace drywall::classify

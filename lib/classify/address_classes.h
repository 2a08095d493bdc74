// Address classes: all addresses that no rule and no party tells apart share one. Source and destination are told apart
// by different rules, so a class is a pair: what the address is as a source, and what it is as a destination.
//
// Threads: owned by one compilation; what it leaves in AddressMemory is kept for the next one.
#pragma once

#include <utility>
#include <vector>

#include "address_trie.h"
#include "bit_matrix.h"
#include "class_numbers.h"
#include "drywall/base/result.h"
#include "mentions.h"
#include "normal_program.h"

namespace drywall::classify {

// The classes of one side of a packet.
// A number that is vacant, because what had it is no more or for what may come, is judged as unknown addresses are: so
// it adds nothing to what there is.
struct SideClasses {
    std::vector<std::uint32_t> step;  // by class: the party's step (index into NormalProgram::steps), or kNone
    BitMatrix holds;                  // [class][match of this side]
    std::size_t known = 0;            // classes without the vacant ones

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

// What the last program's addresses were, so that the next one's get the same numbers as far as they are the same.
struct AddressMemory {
    Mentions mentions;
    // What is known of the addresses of each prefix; used again when no mention changed.
    std::vector<std::pair<net::Prefix, std::uint32_t>> prefixes;  // sorted; with the id of its membership
    Interner<std::uint32_t> memberships;                          // party, numbers of sets...

    ClassNumbers sources;
    ClassNumbers destinations;
    std::vector<std::pair<net::Prefix, Sides>> placed;  // sorted: the classes of each prefix

    [[nodiscard]] std::size_t bytes() const noexcept;
};

// kInvalid when two parties overlap; kRefused when source x destination classes of `lanes` lanes would take more than
// `pair_budget_bytes`, or there is no room for new classes among the numbers of the last program.
// `keep`: another program will follow, for whose classes some numbers are spared.
[[nodiscard]] Result<AddressClasses> build_address_classes(const Program& program, const Normalizer& normalizer,
                                                           std::size_t pair_budget_bytes, AddressMemory& memory,
                                                           bool keep);

}  // namespace drywall::classify

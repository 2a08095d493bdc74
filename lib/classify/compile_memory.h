// CompileMemory: what a compilation leaves to the next one (CompileCache is its owner): numbers that stay, what was
// worked out under them, and the tables that came of it. Nothing here is read by a lookup but the tables, which are
// immutable.
//
// Threads: whoever compiles.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "address_classes.h"
#include "normal_program.h"
#include "pair_memory.h"
#include "service_classes.h"
#include "tables.h"

namespace drywall::classify {

struct CompileMemory {
    Normalizer normalizer;
    AddressMemory addresses;
    ServiceClasses services;  // of all services that the normalizer knows
    std::size_t services_known = 0;
    std::unique_ptr<PairMemory> pairs;

    // Of the last program.
    std::shared_ptr<const Tables> tables;
    std::vector<ClassedPrefix> prefixes;  // what the trie was made of, packed;
    std::uint32_t none = 0;               // and for all other addresses
    Structure structure = Structure::kChosen;
    Verdict unmatched = Verdict::kAllow;
    HitId unmatched_hit{};
    std::size_t bytes_at_first = 0;  // after the first program: what was made since then, and is no longer used, is not
                                     // told from what is

    [[nodiscard]] std::size_t bytes() const noexcept {
        return normalizer.bytes() + addresses.bytes() + services.table.bytes() + (pairs ? pairs->bytes() : 0) +
               prefixes.size() * sizeof(prefixes[0]);
    }
};

}  // namespace drywall::classify

// Mentions: the prefixes that a program's sets and parties name, in order. Where a program follows another one, only
// what sets and parties name that changed is ordered, and taken into what there is.
//
// Threads: owned by one compilation, and kept for the next one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <tuple>
#include <vector>

#include "drywall/classify/program.h"
#include "normal_program.h"

namespace drywall::classify {

struct Mention {
    // The prefix's own order in two words, which is how most of them are told apart.
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    net::Prefix prefix;
    std::uint32_t party = kNone;
    std::uint32_t set = kNone;  // its number

    Mention(const net::Prefix& named, std::uint32_t in_party, std::uint32_t in_set) noexcept;
    [[nodiscard]] auto order() const noexcept {
        return std::tuple(prefix.address.family, high, low, prefix.length, party, set);
    }
};

class Mentions {
public:
    // Sorted by prefix, parties behind sets. `used`: by number of a set, whether some condition asks for it.
    // `changed`: those whose addresses are not what they were.
    const std::vector<Mention>& update(const Program& program, const std::vector<std::uint32_t>& set_numbers,
                                       const std::vector<bool>& used, const std::vector<bool>& changed);

    // Nothing of it changed: the last update() said the same.
    [[nodiscard]] bool current(const Program& program, const std::vector<bool>& used) const;
    [[nodiscard]] std::size_t bytes() const noexcept;

private:
    std::vector<Mention> sorted_;
    std::vector<std::vector<net::Prefix>> parties_;
    std::vector<bool> used_;
    bool known_ = false;
};

}  // namespace drywall::classify

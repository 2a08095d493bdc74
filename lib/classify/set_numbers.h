// SetNumbers: numbers of address sets that stay while programs come and go. A set keeps its number when its addresses
// are the same, wherever it stands; else one that stands where a set stood that is no more takes that one's.
//
// A number is only a name: which numbers are given changes what a compilation can use again, never what it answers.
//
// Threads: owned by one compilation, and kept for the next one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "drywall/classify/program.h"

namespace drywall::classify {

class SetNumbers {
public:
    // By set of the program: its number, each a different one.
    const std::vector<std::uint32_t>& number(const std::vector<AddressSet>& sets);

    // The last two programs had the same sets in the same places.
    [[nodiscard]] bool unchanged() const noexcept { return unchanged_; }
    // By number: its addresses are not what they were in the program before.
    [[nodiscard]] const std::vector<bool>& changed() const noexcept { return changed_; }
    [[nodiscard]] std::size_t count() const noexcept { return next_; }  // numbers are below it
    [[nodiscard]] std::size_t bytes() const noexcept;

private:
    void find_moved(const std::vector<AddressSet>& sets, std::vector<std::uint32_t>& numbers, std::vector<bool>& taken);

    std::vector<AddressSet> sets_;  // of the last program
    std::vector<std::uint32_t> numbers_;
    std::uint32_t next_ = 0;
    std::vector<bool> changed_;
    bool unchanged_ = false;
};

}  // namespace drywall::classify

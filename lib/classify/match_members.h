// MatchMembers: for which classes of one side a match holds, as a list: of those, or, where they are most of them, of
// the others. What looks at a match then looks at few classes.
//
// Threads: owned by one compilation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "address_classes.h"

namespace drywall::classify {

class MatchMembers {
public:
    explicit MatchMembers(const SideClasses& classes);

    struct Few {
        std::span<const std::uint32_t> classes;  // ascending
        bool hold = true;                        // the match holds for these and no others; or for all others
    };
    [[nodiscard]] Few of(std::uint32_t match) const noexcept {
        return {std::span(classes_).subspan(begins_[match], begins_[match + 1] - begins_[match]), hold_[match]};
    }
    // A match holds for other classes than it did.
    [[nodiscard]] bool differs(const MatchMembers& before, std::uint32_t match) const noexcept;
    [[nodiscard]] std::size_t bytes() const noexcept {
        return classes_.size() * sizeof(classes_[0]) + begins_.size() * sizeof(begins_[0]);
    }

private:
    std::vector<std::size_t> begins_;  // by match, one more at the end
    std::vector<bool> hold_;
    std::vector<std::uint32_t> classes_;
};

}  // namespace drywall::classify

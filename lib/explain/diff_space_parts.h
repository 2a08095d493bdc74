// What the parts of diff_space() hand to each other.
//
// Threads: values, made by one comparison.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "diff_contents.h"
#include "diff_space.h"

namespace drywall::explain {

inline constexpr std::uint32_t kNoParty = 0xffffffff;

// The steps of one regime, by content.
class RegimeSteps {
public:
    RegimeSteps(const Regime& regime, DiffContents& contents);

    [[nodiscard]] const classify::Program& program() const noexcept { return *program_; }
    [[nodiscard]] std::uint32_t egress(std::uint32_t party) const {
        return party == kNoParty ? DiffContents::kNoWalk : egress_[party];
    }
    [[nodiscard]] std::uint32_t ingress(std::uint32_t party) const {
        return party == kNoParty ? DiffContents::kNoWalk : ingress_[party];
    }
    // By lane: the walks of the ingress port and of the egress port.
    [[nodiscard]] const std::vector<std::array<std::uint32_t, 2>>& lanes() const noexcept { return lanes_; }
    [[nodiscard]] std::uint32_t failsafe() const noexcept { return failsafe_; }

private:
    const classify::Program* program_;
    std::vector<std::uint32_t> egress_;
    std::vector<std::uint32_t> ingress_;
    std::vector<std::array<std::uint32_t, 2>> lanes_;
    std::uint32_t failsafe_ = 0;
};

// REQUIRES: both regimes' steps are known to `contents`.
[[nodiscard]] ClassedAddresses cut_addresses(const RegimeSteps& before, const RegimeSteps& after,
                                             const DiffContents& contents);

[[nodiscard]] Result<ClassedServices> cut_services(const std::vector<classify::ServiceMatch>& matches,
                                                   net::Family family, std::size_t most_cells);

}  // namespace drywall::explain

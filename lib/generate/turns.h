// Turns: who is next, so that each comes as often as its weight says and evenly in between (smooth weighted round
// robin); and which flow a packet belongs to.
//
// Threads: immutable once made.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "drywall/loader/traffic_profile.h"

namespace drywall::generate {

inline constexpr std::size_t kMostTurns = 65536;

// One round: each index as often as its weight, after division by their greatest common divisor. Nothing: a round would
// be longer than kMostTurns. REQUIRES: weights are not 0
[[nodiscard]] std::optional<std::vector<std::uint16_t>> turns(std::span<const std::uint32_t> weights);

class FlowPicker {
public:
    FlowPicker() = default;
    // REQUIRES: flows.count > 0
    FlowPicker(const loader::FlowsProfile& flows, std::uint64_t seed, std::uint64_t series);

    // Of packet `n`; below flows.count.
    [[nodiscard]] std::uint64_t pick(std::uint64_t n) const noexcept;

private:
    void make_alias_table(double exponent);

    // Walker's alias method: a column, and by how much of it another flow is meant.
    struct Column {
        float share = 1;
        std::uint32_t other = 0;
    };

    loader::FlowsProfile::Spread spread_ = loader::FlowsProfile::Spread::kInTurn;
    std::uint64_t count_ = 1;
    std::uint64_t seed_ = 0;
    std::uint64_t series_ = 0;
    std::vector<Column> columns_;  // kZipf
};

}  // namespace drywall::generate

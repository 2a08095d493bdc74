#include "turns.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "random.h"

namespace drywall::generate {

using Spread = loader::FlowsProfile::Spread;

std::optional<std::vector<std::uint16_t>> turns(std::span<const std::uint32_t> weights) {
    std::uint32_t divisor = 0;
    for (const std::uint32_t weight : weights) divisor = std::gcd(divisor, weight);
    std::uint64_t round = 0;
    for (const std::uint32_t weight : weights) round += weight / divisor;
    if (round > kMostTurns) return std::nullopt;
    std::vector<std::int64_t> credit(weights.size());
    std::vector<std::uint16_t> out;
    out.reserve(round);
    while (out.size() < round) {
        for (std::size_t i = 0; i < weights.size(); ++i) credit[i] += weights[i] / divisor;
        const auto next = std::max_element(credit.begin(), credit.end());
        *next -= static_cast<std::int64_t>(round);
        out.push_back(static_cast<std::uint16_t>(next - credit.begin()));
    }
    return out;
}

FlowPicker::FlowPicker(const loader::FlowsProfile& flows, std::uint64_t seed, std::uint64_t series)
    : spread_(flows.spread), count_(flows.count), seed_(seed), series_(series) {
    if (spread_ == Spread::kZipf) make_alias_table(flows.exponent);
}

void FlowPicker::make_alias_table(double exponent) {
    std::vector<double> scaled(count_);
    double sum = 0;
    for (std::size_t k = 0; k < count_; ++k) sum += scaled[k] = std::pow(static_cast<double>(k + 1), -exponent);
    for (double& share : scaled) share *= static_cast<double>(count_) / sum;
    columns_.resize(count_);
    std::vector<std::uint32_t> small;
    std::vector<std::uint32_t> large;
    for (std::uint32_t k = 0; k < count_; ++k) (scaled[k] < 1 ? small : large).push_back(k);
    while (!small.empty() && !large.empty()) {
        const std::uint32_t less = small.back();
        small.pop_back();
        const std::uint32_t more = large.back();
        columns_[less] = {static_cast<float>(scaled[less]), more};
        scaled[more] -= 1 - scaled[less];
        if (scaled[more] >= 1) continue;
        large.pop_back();
        small.push_back(more);
    }
    for (const auto& rest : {small, large})
        for (const std::uint32_t k : rest) columns_[k] = {1, k};
}

std::uint64_t FlowPicker::pick(std::uint64_t n) const noexcept {
    if (spread_ == Spread::kInTurn) return n % count_;
    const std::uint64_t draw = drawn(seed_, series_, n);
    const std::uint64_t flow = below(draw, count_);
    if (spread_ == Spread::kUniform) return flow;
    const Column& column = columns_[flow];
    return unit_interval(mixed(draw)) < static_cast<double>(column.share) ? flow : column.other;
}

}  // namespace drywall::generate

#include "source_steps.h"

#include <algorithm>
#include <numeric>

namespace drywall::classify {

void SourceSteps::build(const std::function<bool(std::size_t)>& go_on) {
    const NormalProgram& normal = context_.normal;
    const SideClasses& sources = context_.addresses.source;
    std::vector<std::vector<std::uint32_t>> sources_of(normal.steps.size());
    for (std::uint32_t source = 0; source < sources.size(); ++source) {
        if (sources.step[source] != kNone) sources_of[sources.step[source]].push_back(source);
    }
    SourceGrid& egress = grids_.emplace_back(sources.size());
    for (std::uint32_t step = 0; step < normal.steps.size(); ++step) {
        if (sources_of[step].empty()) continue;
        egress.add(judge_, normal.steps[step], sources_of[step], [&] { return go_on(bytes_ + egress.bytes()); });
    }
    egress.finish(context_.addresses.destination.size());
    bytes_ += egress.bytes();
    of_step_.assign(normal.steps.size(), nullptr);
    const SourceGrid* const failsafe = of_all_sources(normal.failsafe, go_on);
    for (const NormalLane& lane : normal.lanes) {
        lanes_.push_back(fronts_of(
            {of_all_sources(lane.ingress_port, go_on), &egress, of_all_sources(lane.egress_port, go_on), failsafe}));
    }
}

const SourceGrid* SourceSteps::of_all_sources(std::uint32_t step, const std::function<bool(std::size_t)>& go_on) {
    if (step == kNone || of_step_[step] != nullptr) return step == kNone ? nullptr : of_step_[step];
    std::vector<std::uint32_t> sources(context_.addresses.source.size());
    std::iota(sources.begin(), sources.end(), 0);
    SourceGrid& grid = grids_.emplace_back(sources.size());
    grid.add(judge_, context_.normal.steps[step], sources, [&] { return go_on(bytes_ + grid.bytes()); });
    grid.finish(context_.addresses.destination.size());
    bytes_ += grid.bytes();
    return of_step_[step] = &grid;
}

SourceSteps::LaneFronts SourceSteps::fronts_of(const std::array<const SourceGrid*, kFronts>& grids) const {
    LaneFronts fronts;
    fronts.grids = grids;
    Interner<std::uint32_t> known;
    for (std::uint32_t source = 0; source < context_.addresses.source.size(); ++source) {
        std::array<std::uint32_t, kFronts> groups{};
        for (std::size_t step = 0; step < kFronts; ++step)
            groups[step] = grids[step] == nullptr ? 0 : grids[step]->group_of(source);
        const std::uint32_t profile = known.intern(groups);
        if (profile == fronts.profiles.size()) fronts.profiles.push_back(groups);
        fronts.profile_of.push_back(profile);
    }
    return fronts;
}

const std::vector<std::uint32_t>& SourceSteps::fronts_at(std::size_t of_lane, std::uint32_t destination) {
    LaneFronts& lane = lanes_[of_lane];
    const bool differs = std::ranges::any_of(
        lane.grids, [&](const SourceGrid* grid) { return grid != nullptr && grid->differs_at(destination); });
    if (!differs && !lane.mostly.empty()) return lane.mostly;
    for (std::size_t step = 0; step < kFronts; ++step) {
        answers_[step].assign(1, kNoStep);
        if (lane.grids[step] != nullptr) lane.grids[step]->answers_at(destination, answers_[step]);
    }
    std::vector<std::uint32_t>& fronts = differs ? fronts_ : lane.mostly;
    fronts.clear();
    for (const auto& groups : lane.profiles) {
        Front front{};
        for (std::size_t step = 0; step < kFronts; ++step) front[step] = answers_[step][groups[step]];
        fronts.push_back(known_fronts_.intern(front));
    }
    return fronts;
}

}  // namespace drywall::classify

#include "diff_space.h"

#include <map>
#include <utility>

#include "diff_space_parts.h"

namespace drywall::explain {

RegimeSteps::RegimeSteps(const Regime& regime, DiffContents& contents) : program_(&regime.ruleset->program()) {
    const auto step = [&](const classify::Walks& walks) {
        return contents.walk(*regime.ruleset, regime.world == World::kEnforced ? walks.enforced : walks.pending);
    };
    for (const classify::Party& party : program_->parties) {
        egress_.push_back(step(party.egress));
        ingress_.push_back(step(party.ingress));
    }
    for (const classify::Lane& lane : program_->lanes)
        lanes_.push_back({lane.ingress_port ? step(*lane.ingress_port) : DiffContents::kNoWalk,
                          lane.egress_port ? step(*lane.egress_port) : DiffContents::kNoWalk});
    failsafe_ = contents.rules(*regime.ruleset, program_->failsafe);
}

namespace {

std::vector<LaneClass> lane_classes(const RegimeSteps& before, const RegimeSteps& after) {
    std::map<std::pair<std::array<std::uint32_t, 2>, std::array<std::uint32_t, 2>>, std::size_t> known;
    std::vector<LaneClass> classes;
    for (std::size_t lane = 0; lane < before.lanes().size(); ++lane) {
        const auto& was = before.lanes()[lane];
        const auto& is = after.lanes()[lane];
        const auto [found, fresh] = known.try_emplace({was, is}, classes.size());
        if (fresh) classes.push_back({{}, was != is});
        classes[found->second].lanes.push_back(static_cast<std::uint16_t>(lane));
    }
    return classes;
}

}  // namespace

Result<DiffSpace> diff_space(const Regime& before, const Regime& after, const DiffLimits& limits) {
    DiffContents contents;
    const RegimeSteps was(before, contents);
    const RegimeSteps is(after, contents);
    if (was.lanes().size() != is.lanes().size())
        return Error::of(ErrorKind::kInvalid,
                         "the two have " + std::to_string(was.lanes().size()) + " and " +
                             std::to_string(is.lanes().size()) + " ports; they can't be compared",
                         "compare what was made for the same appliance");
    DiffSpace space;
    space.addresses = cut_addresses(was, is, contents);
    space.lanes = lane_classes(was, is);
    space.everything_differs = was.failsafe() != is.failsafe() || was.program().unmatched != is.program().unmatched;
    for (const net::Family family : {net::Family::kIPv4, net::Family::kIPv6}) {
        Result<ClassedServices> services = cut_services(contents.services(), family, limits.service_cells);
        if (!services) return std::move(services).error();
        space.services[family == net::Family::kIPv4 ? 0 : 1] = *std::move(services);
    }
    return space;
}

}  // namespace drywall::explain

// Walks: for every group of endpoints, direction and world, the tiers that judge it. Endpoints whose walks are equal in
// both worlds and directions become one party.
//
// Threads: the builder of one generation only. It appends to the Program that it was given.
// Source:  Calico's walk per endpoint and direction; docs/life-of-a-policy.md tells it whole.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "drywall/classify/program.h"
#include "endpoints.h"
#include "hits.h"
#include "lowering.h"
#include "selector_book.h"
#include "world.h"

namespace drywall::ruleset {

class WalkBuilder {
public:
    // All must outlive this. `pending_names_first`: as in Calico, the end of a tier is attributed to the first policy
    // in the pending world.
    WalkBuilder(classify::Program& program, const Worlds& worlds, const Population& population, Lowering& lowering,
                HitTable& hits, bool pending_names_first)
        : program_(program),
          worlds_(worlds),
          population_(population),
          lowering_(lowering),
          hits_(hits),
          pending_names_first_(pending_names_first) {}

    // Lowers all policies, in the order of evaluation, then fills in the Program's walks, parties and lanes.
    void build(SelectorBook& selectors, const Surroundings& surroundings);

private:
    // Indices into Worlds::participants, ascending: the order of evaluation.
    using Applying = std::vector<std::uint32_t>;

    // What makes a walk: equal keys are one walk, whatever the world, endpoint or generation of staged policies.
    struct Key {
        Applying participants;
        Direction direction{};
        Role role{};
        std::size_t profiles = 0;  // index into Population::profile_lists
        FailsafesId failsafes{};
        bool names_first = false;
        auto operator<=>(const Key&) const = default;
    };
    // Everything that tells the walks of two groups apart: who selects them stands for their labels.
    using Judges = std::tuple<std::size_t, Role, bool, std::size_t, FailsafesId>;
    struct BothDirections {
        classify::Walks egress;
        classify::Walks ingress;
    };

    void select(SelectorBook& selectors);
    void lower_all();
    void lower_failsafes();
    [[nodiscard]] bool applies(const Participant& participant, const Group& group, Direction direction) const;
    [[nodiscard]] Applying part_of(const Group& group, Direction direction, World world) const;
    const BothDirections& walks_of(std::size_t group);
    classify::Walks walks_of(const Group& group, Direction direction);
    classify::WalkId walk(Key key);
    classify::Walk make(const Key& key);
    // The tiers of one chain, from `key.participants`.
    void add_tiers(const Key& key, Chain chain, classify::Walk& walk);
    classify::Tier make_tier(const Key& key, const Applying& policies);
    const std::vector<classify::RuleIndex>& skipped(const Key& key, Chain chain);
    const LoweredProfiles& profiles(std::size_t list, Direction direction);
    void add_parties();
    void add_lanes(const Surroundings& surroundings);

    std::vector<classify::RuleIndex>& lowered(std::uint32_t participant, Direction direction, bool forward);

    classify::Program& program_;
    const Worlds& worlds_;
    const Population& population_;
    Lowering& lowering_;
    HitTable& hits_;
    bool pending_names_first_;

    std::vector<Applying> applying_;                                        // distinct lists
    std::vector<std::size_t> applying_of_;                                  // by LabelsId: index into applying_
    std::vector<std::array<std::vector<classify::RuleIndex>, 4>> lowered_;  // by participant; direction, forward
    std::map<std::pair<FailsafesId, Direction>, std::vector<classify::RuleIndex>> open_;
    std::map<std::tuple<FailsafesId, Direction, Chain>, std::vector<classify::RuleIndex>> skipped_;
    std::map<std::pair<std::size_t, Direction>, LoweredProfiles> profiles_;
    std::map<Judges, BothDirections> judged_;
    std::map<Key, classify::WalkId> known_;
};

}  // namespace drywall::ruleset

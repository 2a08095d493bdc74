// Walks: for every endpoint, direction and world, the tiers that judge it. Endpoints whose walks are equal in both
// worlds and directions become one party.
//
// Threads: the builder of one generation only. It appends to the Program that it was given.
// Source:  Calico's walk per endpoint and direction; docs/life-of-a-policy.md tells it whole.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <map>
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
    // `pending_names_first`: as in Calico, the end of a tier is attributed to the first policy in the pending world.
    WalkBuilder(classify::Program& program, const Worlds& worlds, Lowering& lowering, HitTable& hits,
                bool pending_names_first)
        : program_(program),
          worlds_(worlds),
          lowering_(lowering),
          hits_(hits),
          pending_names_first_(pending_names_first) {}

    // Lowers all policies, in the order of evaluation, then fills in the Program's walks, parties and lanes.
    void build(const Population& population, const SelectorBook& selectors, const Surroundings& surroundings);

private:
    // Indices into Worlds::participants, ascending: the order of evaluation.
    using Applying = std::vector<std::uint32_t>;

    // What makes a walk: equal keys are one walk, whatever the world, endpoint or generation of staged policies.
    struct Key {
        Applying participants;
        Direction direction{};
        Role role{};
        HitId otherwise{};
        bool names_first = false;
        auto operator<=>(const Key&) const = default;
    };

    void lower_all(const Population& population);
    [[nodiscard]] Applying applying_to(const Subject& subject, const SelectorBook& selectors) const;
    [[nodiscard]] Applying part_of(const Applying& applying, Direction direction, World world) const;
    classify::Walks walks_of(std::size_t subject, const Population& population, Direction direction);
    classify::WalkId walk(Key key);
    classify::Walk make(const Key& key);
    classify::Tier make_tier(const Key& key, std::size_t begin, std::size_t end);
    [[nodiscard]] HitId otherwise_hit(const Subject& subject, Direction direction);
    void open_failsafe_ports(const Key& key, classify::Walk& walk);
    const std::vector<classify::RuleIndex>& host_failsafe(Direction direction);
    void add_parties(const Population& population);
    void add_lanes(const Population& population, const Surroundings& surroundings);

    std::vector<classify::RuleIndex>& lowered(std::uint32_t participant, Direction direction, bool forward);

    classify::Program& program_;
    const Worlds& worlds_;
    Lowering& lowering_;
    HitTable& hits_;
    bool pending_names_first_;

    std::vector<Applying> applying_;                                        // by subject
    std::vector<std::array<std::vector<classify::RuleIndex>, 4>> lowered_;  // by participant; direction, forward
    std::array<std::vector<classify::RuleIndex>, 2> host_failsafe_;         // by direction, lowered when needed
    std::map<Key, classify::WalkId> known_;
};

}  // namespace drywall::ruleset

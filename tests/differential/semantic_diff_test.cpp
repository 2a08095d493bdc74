// The semantic diff against random packets: whoever's verdict differs is in exactly one region, and nobody else is in
// any. Two generations are one inventory with some resources taken out; the worlds of one generation are compared too.
// Where rules ask for requests and names, the reference evaluator judges connections that show random ones: where both
// sides are called equal it never tells them apart, and it agrees with every example.
//
//   DRYWALL_SEED=N       begins at another seed; a failure prints the seed that repeats it
//   DRYWALL_ROUNDS=N     that many inventories
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "dice.h"
#include "drywall/explain/semantic_diff.h"
#include "drywall/reference/evaluator.h"
#include "random_layer7.h"
#include "random_scene.h"

namespace drywall::test {
namespace {

constexpr std::uint64_t kRounds = 60;
constexpr std::size_t kPackets = 400;

using explain::Regime;

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// The scene without one in five of its policies and sets: a legal inventory as well.
Scene thinned(const Scene& scene, std::uint64_t seed) {
    Dice dice(seed * 7919);
    Scene out = scene;
    std::erase_if(out.inventory, [&](const auto& item) {
        const bool policy = std::holds_alternative<policy::Policy>(*item.second) ||
                            std::holds_alternative<policy::KubernetesNetworkPolicy>(*item.second);
        return (policy || std::holds_alternative<policy::NetworkSet>(*item.second)) && dice.below(5) == 0;
    });
    return out;
}

std::shared_ptr<const ruleset::Ruleset> built(const Scene& scene, std::uint64_t generation) {
    auto ruleset = ruleset::Ruleset::build(Generation{generation}, scene.inventory, scene.surroundings);
    EXPECT_TRUE(ruleset) << ruleset.error().text();
    return ruleset ? *ruleset : nullptr;
}

std::size_t regions_of(const explain::SemanticDiff& diff, const net::Tuple& packet, const Regime& before,
                       const Regime& after) {
    std::size_t count = 0;
    for (const explain::Difference& difference : diff.differences) {
        if (!difference.contains(packet)) continue;
        ++count;
        EXPECT_EQ(difference.before, before.outcome(packet));
        EXPECT_EQ(difference.after, after.outcome(packet));
    }
    return count;
}

// How many of the packets differ.
std::size_t expect_exact(const Regime& before, const Regime& after, const std::vector<net::Tuple>& packets) {
    const auto diff = explain::semantic_diff(before, after, {.regions = 1000000});
    EXPECT_TRUE(diff) << diff.error().text();
    if (!diff) return 0;
    EXPECT_EQ(diff->left_out, 0u);
    for (const explain::Difference& difference : diff->differences) {
        EXPECT_TRUE(difference.contains(difference.example)) << explain::packet_text(difference.example);
        EXPECT_EQ(regions_of(*diff, difference.example, before, after), 1u);
    }
    std::size_t differing = 0;
    for (const net::Tuple& packet : packets) {
        const bool differs = before.verdict(packet) != after.verdict(packet);
        differing += differs ? 1 : 0;
        EXPECT_EQ(regions_of(*diff, packet, before, after), differs ? 1u : 0u) << text(packet);
        if (testing::Test::HasFailure()) break;
    }
    return differing;
}

TEST(SemanticDiff, HoldsExactlyThePacketsWhoseVerdictDiffers) {
    const std::uint64_t first = number_from_environment("DRYWALL_SEED", 1);
    const std::uint64_t rounds = number_from_environment("DRYWALL_ROUNDS", kRounds);
    std::size_t differing = 0;
    for (std::uint64_t seed = first; seed < first + rounds && !HasFailure(); ++seed) {
        SCOPED_TRACE("DRYWALL_SEED=" + std::to_string(seed) + " DRYWALL_ROUNDS=1");
        const Scene scene = random_scene(seed);
        const auto with = built(scene, 2);
        const auto without = built(thinned(scene, seed), 1);
        if (with == nullptr || without == nullptr) continue;
        const std::vector<net::Tuple> packets = random_packets(scene, seed, kPackets);
        differing += expect_exact({without.get(), World::kEnforced}, {with.get(), World::kEnforced}, packets);
        differing += expect_exact({with.get(), World::kEnforced}, {without.get(), World::kPending}, packets);
        differing += expect_exact({with.get(), World::kEnforced}, {with.get(), World::kPending}, packets);
    }
    if (rounds >= kRounds) {
        EXPECT_GT(differing, 1000u) << "the inventories are too much alike to try anything";
    }
}

// The scene with other conditions on some of its rules: what differs is what is asked for, and nothing else.
Scene asking_for_else(const Scene& scene, std::uint64_t seed) {
    Dice dice(seed * 104729);
    Scene out = scene;
    for (auto& [id, resource] : out.inventory) {
        policy::Resource changed = *resource;
        auto* policy = std::get_if<policy::Policy>(&changed);
        if (policy == nullptr || !dice.chance(40)) continue;
        for (policy::Rule& rule : policy->ingress) rule.http.reset();
        for (policy::Rule& rule : policy->egress) rule.destination.domains.clear();
        add_conditions(dice, *policy);
        resource = std::make_shared<const policy::Resource>(std::move(changed));
    }
    return out;
}

// One side of a comparison, and the reference's opinion of it.
struct Side {
    std::shared_ptr<const ruleset::Ruleset> ruleset;
    std::shared_ptr<const reference::Evaluator> evaluator;
    World world = World::kEnforced;

    [[nodiscard]] Regime regime() const { return {ruleset.get(), world}; }
    [[nodiscard]] Verdict judge(const net::Tuple& packet, const reference::ConnectionFacts& facts) const {
        const reference::Answer answer = evaluator->judge(packet, facts);
        return world == World::kEnforced ? answer.enforced.verdict : answer.pending.verdict;
    }
    [[nodiscard]] Side pending() const { return {ruleset, evaluator, World::kPending}; }
};

Side side_of(const Scene& scene, std::uint64_t generation) {
    return {built(scene, generation), std::make_shared<const reference::Evaluator>(scene.inventory, scene.surroundings),
            World::kEnforced};
}

struct Tally {
    std::size_t differing = 0;  // connections that differ by what they show
    std::size_t depending = 0;  // regions where it depends
    std::size_t without_example = 0;
};

void expect_examples(const explain::Difference& difference, const Side& before, const Side& after, Tally& tally) {
    using explain::Outcome;
    if (difference.before != Outcome::kDepends && difference.after != Outcome::kDepends) return;
    ++tally.depending;
    tally.without_example += difference.shown.empty() ? 1 : 0;
    for (const explain::ShownDifference& shown : difference.shown) {
        EXPECT_EQ(shown.before, before.judge(difference.example, shown.facts)) << text(shown.facts);
        EXPECT_EQ(shown.after, after.judge(difference.example, shown.facts)) << text(shown.facts);
        EXPECT_NE(shown.before, shown.after);
        EXPECT_TRUE(shown.before == Verdict::kAllow ? difference.newly_denied : difference.newly_allowed);
    }
}

void expect_nothing_missed(const Side& before, const Side& after, const std::vector<net::Tuple>& packets, Dice& dice,
                           Tally& tally) {
    const auto diff = explain::semantic_diff(before.regime(), after.regime(), {.regions = 1000000});
    ASSERT_TRUE(diff) << diff.error().text();
    for (const explain::Difference& difference : diff->differences) expect_examples(difference, before, after, tally);
    for (const net::Tuple& packet : packets) {
        const auto holds = [&](const explain::Difference& difference) { return difference.contains(packet); };
        const auto region = std::ranges::find_if(diff->differences, holds);
        ASSERT_LE(std::ranges::count_if(diff->differences, holds), 1) << text(packet);
        for (int shows = 0; shows < 3; ++shows) {
            const reference::ConnectionFacts facts = random_facts(dice);
            const Verdict was = before.judge(packet, facts);
            if (was == after.judge(packet, facts)) continue;
            ++tally.differing;
            ASSERT_NE(region, diff->differences.end()) << text(packet) << '\n' << text(facts);
            ASSERT_TRUE(was == Verdict::kAllow ? region->newly_denied : region->newly_allowed) << text(packet) << '\n'
                                                                                               << text(facts);
        }
    }
}

TEST(SemanticDiff, WhatIsCalledEqualIsEqualForWhateverConnectionsShow) {
    const std::uint64_t first = number_from_environment("DRYWALL_SEED", 1);
    const std::uint64_t rounds = number_from_environment("DRYWALL_ROUNDS", kRounds);
    Tally tally;
    for (std::uint64_t seed = first; seed < first + rounds && !HasFailure(); ++seed) {
        SCOPED_TRACE("DRYWALL_SEED=" + std::to_string(seed) + " DRYWALL_ROUNDS=1");
        const Scene scene = random_layer7_scene(seed);
        const Side here = side_of(scene, 2);
        const Side there = side_of(seed % 2 == 0 ? thinned(scene, seed) : asking_for_else(scene, seed), 1);
        if (here.ruleset == nullptr || there.ruleset == nullptr) continue;
        const std::vector<net::Tuple> packets = random_packets(scene, seed, kPackets);
        Dice dice(seed);
        expect_nothing_missed(there, here, packets, dice, tally);
        expect_nothing_missed(here, there.pending(), packets, dice, tally);
        expect_nothing_missed(here, here.pending(), packets, dice, tally);
    }
    if (rounds < kRounds) return;
    EXPECT_GT(tally.differing, 1000U) << "the inventories are too much alike to try anything";
    EXPECT_GT(tally.depending, 80U);
    EXPECT_LT(tally.without_example * 20, tally.depending) << "of " << tally.depending << " regions";
}

}  // namespace
}  // namespace drywall::test

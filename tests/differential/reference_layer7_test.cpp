// Rules on requests and names: the compiled ruleset against the reference evaluator, the same verdict and the same hits
// in both worlds, for random scenes, packets, and what connections show of themselves. And the promotion property for
// them.
//
//   DRYWALL_SEED=N       begins at another seed; a failure prints the seed that repeats it
//   DRYWALL_ROUNDS=N     that many inventories, four hundred packets each
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "dice.h"
#include "drywall/reference/evaluator.h"
#include "drywall/ruleset/ruleset.h"
#include "random_layer7.h"
#include "random_scene.h"
#include "told.h"

namespace drywall::test {
namespace {

constexpr std::uint64_t kSeed = 1;
constexpr std::uint64_t kRounds = 150;
constexpr std::size_t kPackets = 400;

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::size_t depended = 0;  // packets whose answer hung on what was shown

void expect_agreement(std::uint64_t seed) {
    const Scene scene = random_layer7_scene(seed);
    ASSERT_TRUE(policy::check(scene.inventory, scene.surroundings.port_names)) << "seed " << seed;
    const auto built = ruleset::Ruleset::build(Generation{1}, scene.inventory, scene.surroundings);
    ASSERT_TRUE(built) << "seed " << seed << ": " << built.error().text();
    const ruleset::Ruleset& compiled = **built;
    if (!compiled.inspects()) return;
    inspect::ConditionWorkspace workspace;
    ASSERT_TRUE(workspace.grow_for(compiled.conditions()));
    const reference::Evaluator evaluator(scene.inventory, scene.surroundings);
    Dice dice(seed);
    for (const net::Tuple& packet : random_packets(scene, seed, kPackets)) {
        const reference::ConnectionFacts facts = random_facts(dice);
        TraceId id = compiled.classify(packet);
        if (compiled.verdict(id).inspection == ruleset::Inspection::kNone) continue;
        ++depended;
        id = compiled.resolve(id, facts, workspace);
        const std::string expected = told(evaluator.judge(packet, facts));
        ASSERT_EQ(told(compiled, compiled.trace(id)), expected)
            << "DRYWALL_SEED=" << seed << " DRYWALL_ROUNDS=1 shows it again\n"
            << text(scene) << text(packet) << "\n"
            << text(facts);
    }
}

TEST(ReferenceLayer7, TheCompiledRulesetSaysTheSameOfEveryConnection) {
    const std::uint64_t first = number_from_environment("DRYWALL_SEED", kSeed);
    const std::uint64_t rounds = number_from_environment("DRYWALL_ROUNDS", kRounds);
    for (std::uint64_t seed = first; seed < first + rounds && !HasFatalFailure(); ++seed) expect_agreement(seed);
    EXPECT_TRUE(rounds < 100 || depended > 500U) << depended << " show little";
}

// Where the enforced world denies whatever is said, its trace is told at once; nothing that is shown may change that.
TEST(ReferenceLayer7, WhatIsNotWaitedForIsDeniedOrHasNoCondition) {
    for (std::uint64_t seed = kSeed; seed < kSeed + 60; ++seed) {
        const Scene scene = random_layer7_scene(seed);
        const auto built = ruleset::Ruleset::build(Generation{1}, scene.inventory, scene.surroundings);
        ASSERT_TRUE(built);
        const reference::Evaluator evaluator(scene.inventory, scene.surroundings);
        Dice dice(seed);
        for (const net::Tuple& packet : random_packets(scene, seed, kPackets)) {
            const TraceId id = (*built)->classify(packet);
            if ((*built)->verdict(id).inspection != ruleset::Inspection::kNone) continue;
            const reference::ConnectionFacts facts = random_facts(dice);
            ASSERT_EQ((*built)->trace(id).enforced, evaluator.judge(packet, facts).enforced.verdict)
                << "seed " << seed << "\n"
                << text(scene) << text(packet) << "\n"
                << text(facts) << told((**built), (*built)->trace(id)) << "\nreference:\n"
                << told(evaluator.judge(packet, facts));
        }
    }
}

}  // namespace
}  // namespace drywall::test

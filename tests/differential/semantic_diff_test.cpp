// The semantic diff against random packets: whoever's verdict differs is in exactly one region, and nobody else is in
// any. Two generations are one inventory with some resources taken out; the worlds of one generation are compared too.
//
//   DRYWALL_SEED=N       begins at another seed; a failure prints the seed that repeats it
//   DRYWALL_ROUNDS=N     that many inventories
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "dice.h"
#include "drywall/explain/semantic_diff.h"
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
        EXPECT_EQ(difference.before, before.verdict(packet));
        EXPECT_EQ(difference.after, after.verdict(packet));
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

}  // namespace
}  // namespace drywall::test

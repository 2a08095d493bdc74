// The compiled ruleset against the reference evaluator: the same verdict and the same hits, in both worlds, for every
// packet.
//
//   DRYWALL_SEED=N       begins at another seed; a failure prints the seed that repeats it
//   DRYWALL_ROUNDS=N     that many inventories, a hundred packets each
#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <string>

#include "drywall/loader/resources.h"
#include "drywall/reference/evaluator.h"
#include "drywall/ruleset/ruleset.h"
#include "random_scene.h"
#include "shrink.h"
#include "told.h"

namespace drywall::test {
namespace {

constexpr std::uint64_t kSeed = 1;
constexpr std::uint64_t kRounds = 150;
constexpr std::size_t kPackets = 100;

using ruleset::Ruleset;

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::string told_of(const Ruleset& ruleset, const net::Tuple& packet) {
    return told(ruleset, ruleset.trace(ruleset.classify(packet)));
}

struct Difference {
    std::string reference;
    std::string compiled;
};

// Nothing where they agree; a scene that is not legal, or can't be compiled, is no difference.
std::optional<Difference> difference(const Scene& scene, const net::Tuple& packet) {
    if (!policy::check(scene.inventory, scene.surroundings.port_names)) return std::nullopt;
    const auto built = Ruleset::build(Generation{1}, scene.inventory, scene.surroundings);
    if (!built) return std::nullopt;
    const std::string expected = told(reference::Evaluator(scene.inventory, scene.surroundings).judge(packet));
    std::string found = told_of(**built, packet);
    if (expected == found) return std::nullopt;
    return Difference{expected, std::move(found)};
}

// What there is to see, on as little as shows it.
std::string report(const Scene& scene, const net::Tuple& packet) {
    const Scene small =
        shrink(scene, [&](const Scene& candidate) { return difference(candidate, packet).has_value(); });
    const Difference differs = difference(small, packet).value();
    return text(small) + "\n" + text(packet) + "\n\nreference says\n" + differs.reference + "\ncompiled says\n" +
           differs.compiled;
}

void expect_agreement(std::uint64_t seed) {
    const Scene scene = random_scene(seed);
    const Status legal = policy::check(scene.inventory, scene.surroundings.port_names);
    ASSERT_TRUE(legal) << "seed " << seed << ": " << legal.error().text() << "\n" << text(scene);
    const auto built = Ruleset::build(Generation{1}, scene.inventory, scene.surroundings);
    ASSERT_TRUE(built) << "seed " << seed << ": " << built.error().text() << "\n" << text(scene);
    const reference::Evaluator evaluator(scene.inventory, scene.surroundings);
    for (const net::Tuple& packet : random_packets(scene, seed, kPackets)) {
        if (told(evaluator.judge(packet)) == told_of(**built, packet)) continue;
        FAIL() << "DRYWALL_SEED=" << seed << " DRYWALL_ROUNDS=1 shows it again\n" << report(scene, packet);
    }
}

TEST(Reference, TheCompiledRulesetSaysTheSameOfEveryPacket) {
    const std::uint64_t first = number_from_environment("DRYWALL_SEED", kSeed);
    const std::uint64_t rounds = number_from_environment("DRYWALL_ROUNDS", kRounds);
    for (std::uint64_t seed = first; seed < first + rounds && !HasFatalFailure(); ++seed) expect_agreement(seed);
}

TEST(RandomScenes, LoadBackAsTheyWereWritten) {
    const std::uint64_t first = number_from_environment("DRYWALL_SEED", kSeed);
    for (std::uint64_t seed = first; seed < first + kRounds; ++seed) {
        for (const auto& [id, resource] : random_scene(seed).inventory) {
            const std::string yaml = loader::to_yaml(*resource);
            const auto loaded = loader::load_resources({.name = "scene.yaml", .text = yaml});
            ASSERT_TRUE(loaded) << "seed " << seed << ": " << loaded.error().text() << "\n" << yaml;
            ASSERT_EQ(loaded->size(), 1u) << "seed " << seed << "\n" << yaml;
            ASSERT_EQ(loader::to_json(loaded->front()), loader::to_json(*resource)) << "seed " << seed << "\n" << yaml;
        }
    }
}

}  // namespace
}  // namespace drywall::test

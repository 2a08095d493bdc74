// Promote and demote as the API does them, on random inventories, half of them with rules on requests
// and names: the way there and back gives the same documents.
//
//   DRYWALL_SEED=N       begins at another seed; a failure prints the seed that repeats it
//   DRYWALL_ROUNDS=N     that many inventories
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <string>

#include "drywall/loader/resources.h"
#include "random_layer7.h"
#include "random_scene.h"
#include "staging.h"

namespace drywall::test {
namespace {

constexpr std::uint64_t kRounds = 100;

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::map<std::string, std::string> documents(const policy::Inventory& inventory) {
    std::map<std::string, std::string> out;
    for (const auto& [id, resource] : inventory) out[id.text()] = loader::to_json(*resource);
    return out;
}

std::optional<policy::StagedAction> action_of(const policy::Resource& resource) {
    if (const auto* one = std::get_if<policy::Policy>(&resource)) return one->staged_action;
    if (const auto* one = std::get_if<policy::KubernetesNetworkPolicy>(&resource)) return one->staged_action;
    return std::nullopt;
}

TEST(Promotion, ThereAndBackGivesTheSameDocuments) {
    const std::uint64_t first = number_from_environment("DRYWALL_SEED", 1);
    const std::uint64_t rounds = number_from_environment("DRYWALL_ROUNDS", kRounds);
    std::size_t tried = 0;
    for (std::uint64_t seed = first; seed < first + rounds && !HasFailure(); ++seed) {
        SCOPED_TRACE("DRYWALL_SEED=" + std::to_string(seed) + " DRYWALL_ROUNDS=1");
        const policy::Inventory before = (seed % 2 == 0 ? random_scene(seed) : random_layer7_scene(seed)).inventory;
        for (const auto& [id, resource] : before) {
            const policy::ResourceId enforced{policy::enforced_twin(id.kind).value_or(id.kind), id.ns, id.name};
            if (action_of(*resource) != policy::StagedAction::kSet || before.contains(enforced)) continue;
            const auto there = control::plan_promote(before, id);
            ASSERT_TRUE(there) << there.error().text();
            ASSERT_FALSE(there->after.contains(id));
            ASSERT_FALSE(action_of(*there->after.at(enforced)));
            const auto back = control::plan_demote(there->after, enforced);
            ASSERT_TRUE(back) << back.error().text();
            ASSERT_EQ(documents(back->after), documents(before)) << id.text();
            ++tried;
        }
    }
    if (rounds >= kRounds) {
        EXPECT_GT(tried, 50u) << "the inventories have too little that is staged";
    }
}

}  // namespace
}  // namespace drywall::test

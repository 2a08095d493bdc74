// What the two worlds promise, on random inventories of all kinds. A failure names its seed.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "drywall/classify/oracle.h"
#include "ruleset_random_cluster.h"
#include "self_check.h"

namespace drywall::test {
namespace {

constexpr std::uint64_t kSeeds = 150;
constexpr std::size_t kKeys = 500;

using ruleset::HitDescriptor;
using ruleset::Ruleset;
using Built = std::shared_ptr<const Ruleset>;

std::vector<net::Tuple> keys_of(const Ruleset& a, const Ruleset& b) {
    std::vector<net::Tuple> keys = ruleset::boundary_keys(a.program(), kKeys);
    for (const net::Tuple& key : ruleset::boundary_keys(b.program(), kKeys)) keys.push_back(key);
    return keys;
}

// Position in the policy, text, and what counters are kept by.
Texts described(const Ruleset& ruleset, const std::vector<HitId>& hits) {
    Texts texts;
    for (const HitId id : hits) texts.push_back(ruleset.hit(id).text() + " " + ruleset.hit(id).identity);
    return texts;
}

// The same, as it reads once every staged policy is promoted.
Texts as_promoted(const Ruleset& ruleset, const std::vector<HitId>& hits) {
    Texts texts;
    for (const HitId id : hits) {
        std::string text = ruleset.hit(id).text();
        for (const std::string kind : {"|sgnp:", "|snp:", "|sknp:"})
            if (const auto at = text.find(kind); at != std::string::npos) text.erase(at + 1, 1);
        texts.push_back(text + " " + ruleset.hit(id).enforced_twin);
    }
    return texts;
}

TEST(Worlds, PendingIsWhatIsEnforcedAfterEveryStagedPolicyWasPromoted) {
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        const Cluster cluster = random_cluster(seed);
        const Built before = cluster.build();
        const Built after = with_all_promoted(cluster).build();
        for (const net::Tuple& key : keys_of(*before, *after)) {
            const classify::Trace& is = before->trace(before->classify(key));
            const classify::Trace& becomes = after->trace(after->classify(key));
            ASSERT_EQ(is.pending, becomes.enforced) << "seed " << seed << ", key " << ruleset::text(key);
            ASSERT_EQ(as_promoted(*before, is.pending_hits), described(*after, becomes.enforced_hits))
                << "seed " << seed << ", key " << ruleset::text(key);
            ASSERT_EQ(becomes.pending_hits, becomes.enforced_hits) << "seed " << seed;
        }
    }
}

void expect_no_trace_of_staging(const Cluster& cluster, std::uint64_t seed) {
    const Built with = cluster.build();
    const Built without = without_staged(cluster).build();
    ASSERT_EQ(with->enforced_image(), without->enforced_image()) << "seed " << seed;
    for (const net::Tuple& key : keys_of(*with, *without)) {
        const TraceId a = with->classify(key);
        const TraceId b = without->classify(key);
        ASSERT_EQ(with->verdict(a).enforced, without->verdict(b).enforced)
            << "seed " << seed << ", key " << ruleset::text(key);
        ASSERT_EQ(with->verdict(a).reason, without->verdict(b).reason) << "seed " << seed;
        ASSERT_EQ(described(*with, with->trace(a).enforced_hits), described(*without, without->trace(b).enforced_hits))
            << "seed " << seed << ", key " << ruleset::text(key);
    }
}

TEST(Worlds, NothingStagedCanBeSeenInTheEnforcedOne) {
    for (std::uint64_t seed = 1; seed <= kSeeds && !HasFatalFailure(); ++seed)
        expect_no_trace_of_staging(random_cluster(seed), seed);
}

TEST(Worlds, NothingStagedCanBeSeenInTheEnforcedOneWhenPendingIsCalicos) {
    for (std::uint64_t seed = 1; seed <= kSeeds / 3 && !HasFatalFailure(); ++seed) {
        Cluster cluster = random_cluster(seed);
        cluster.surroundings().pending_as_calico = true;
        expect_no_trace_of_staging(cluster, seed);
    }
}

TEST(Worlds, TheCompiledTableAnswersAsTheOracleDoes) {
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        const Built built = random_cluster(seed).build();
        for (const net::Tuple& key : ruleset::boundary_keys(built->program(), 3 * kKeys))
            ASSERT_EQ(built->trace(built->classify(key)), classify::judge(built->program(), key))
                << "seed " << seed << ", key " << ruleset::text(key);
    }
}

TEST(Worlds, EveryDifferenceIsOwedToStagedPoliciesThatExist) {
    std::size_t differences = 0;
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        Cluster cluster = random_cluster(seed);
        cluster.surroundings().pending_as_calico = seed % 4 == 0;
        const Built built = cluster.build();
        for (std::size_t i = 0; i < built->trace_count(); ++i) {
            const TraceId id{static_cast<std::uint32_t>(i)};
            const auto responsible = built->responsible(id);
            const bool differ = built->verdict(id).enforced != built->verdict(id).pending;
            differences += differ ? 1 : 0;
            ASSERT_EQ(responsible.empty(), !differ) << "seed " << seed << ", trace " << i;
            for (const ruleset::PolicyRef& policy : responsible)
                ASSERT_TRUE(policy.staged && cluster.inventory().contains({policy.kind, policy.ns, policy.name}))
                    << "seed " << seed << ": " << policy.text();
        }
    }
    EXPECT_GT(differences, 1000u) << "the inventories are too tame to try anything";
}

TEST(Worlds, AStagedRuleThatDecidesDifferentlyIsResponsible) {
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        const Built built = random_cluster(seed).build();
        for (std::size_t i = 0; i < built->trace_count(); ++i) {
            const TraceId id{static_cast<std::uint32_t>(i)};
            const auto responsible = built->responsible(id);
            if (responsible.empty() || built->verdict(id).pending == Verdict::kAllow) continue;
            const HitDescriptor& decider = built->hit(built->trace(id).pending_hits.back());
            if (decider.kind != ruleset::HitKind::kRule || !decider.policy->staged) continue;
            ASSERT_NE(std::find(responsible.begin(), responsible.end(), *decider.policy), responsible.end())
                << "seed " << seed << ", " << decider.text();
        }
    }
}

}  // namespace
}  // namespace drywall::test

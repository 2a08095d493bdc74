// What the two worlds promise, on random inventories of all kinds. A failure names its seed.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "drywall/classify/oracle.h"
#include "random_layer7.h"
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

// A cluster most of whose Allow rules ask for requests or names, in enforced and in staged policies.
Cluster random_layer7_cluster(std::uint64_t seed) {
    Cluster cluster = random_cluster(seed);
    Dice dice(seed + 4711);
    for (auto& [id, resource] : cluster.inventory()) {
        policy::Resource changed = *resource;
        if (auto* policy = std::get_if<policy::Policy>(&changed)) add_conditions(dice, *policy);
        resource = std::make_shared<const policy::Resource>(std::move(changed));
    }
    return cluster;
}

// One ruleset, asked about connections that show something.
class Asked {
public:
    explicit Asked(const Cluster& cluster) : ruleset_(cluster.build()) {
        if (!ruleset_->inspects()) return;
        EXPECT_TRUE(workspace_.grow_for(ruleset_->conditions()));
    }
    [[nodiscard]] const Ruleset& ruleset() const { return *ruleset_; }
    [[nodiscard]] bool depends(const net::Tuple& key) const {
        return ruleset_->verdict(ruleset_->classify(key)).inspection != ruleset::Inspection::kNone;
    }
    [[nodiscard]] bool enforces(const net::Tuple& key) const {
        return ruleset_->verdict(ruleset_->classify(key)).inspection == ruleset::Inspection::kEnforce;
    }
    [[nodiscard]] TraceId trace(const net::Tuple& key, const reference::ConnectionFacts& facts) {
        const TraceId id = ruleset_->classify(key);
        return depends(key) ? ruleset_->resolve(id, facts, workspace_) : id;
    }

private:
    Built ruleset_;
    inspect::ConditionWorkspace workspace_;
};

TEST(Worlds, PendingIsWhatIsEnforcedAfterPromotionForWhateverConnectionsShow) {
    std::size_t depended = 0;
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        const Cluster cluster = random_layer7_cluster(seed);
        Asked before(cluster);
        Asked after(with_all_promoted(cluster));
        Dice dice(seed);
        for (const net::Tuple& key : keys_of(before.ruleset(), after.ruleset())) {
            // What a world denies whatever is said is denied at once, as if every condition before that held; the
            // other world does not come to its questions.
            if (!before.depends(key) && after.depends(key)) {
                ASSERT_EQ(before.ruleset().verdict(before.ruleset().classify(key)).enforced, Verdict::kDeny);
                continue;
            }
            const reference::ConnectionFacts facts = random_facts(dice);
            const classify::Trace& is = before.ruleset().trace(before.trace(key, facts));
            const classify::Trace& becomes = after.ruleset().trace(after.trace(key, facts));
            depended += before.depends(key) ? 1 : 0;
            ASSERT_EQ(is.pending, becomes.enforced) << "seed " << seed << ", key " << ruleset::text(key) << '\n'
                                                    << text(facts);
            if (before.depends(key) != after.depends(key)) continue;
            ASSERT_EQ(as_promoted(before.ruleset(), is.pending_hits), described(after.ruleset(), becomes.enforced_hits))
                << "seed " << seed << ", key " << ruleset::text(key) << '\n'
                << text(facts);
            ASSERT_EQ(becomes.pending_hits, becomes.enforced_hits) << "seed " << seed;
        }
    }
    EXPECT_GT(depended, 1000U) << "the inventories ask for too little";
}

TEST(Worlds, StagedConditionsCanNotBeSeenInTheEnforcedOne) {
    std::size_t depended = 0;
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
        const Cluster cluster = random_layer7_cluster(seed);
        Asked with(cluster);
        Asked without(without_staged(cluster));
        ASSERT_EQ(with.ruleset().enforced_image(), without.ruleset().enforced_image()) << "seed " << seed;
        Dice dice(seed);
        for (const net::Tuple& key : keys_of(with.ruleset(), without.ruleset())) {
            const reference::ConnectionFacts facts = random_facts(dice);
            const TraceId a = with.trace(key, facts);
            const TraceId b = without.trace(key, facts);
            depended += with.depends(key) ? 1 : 0;
            ASSERT_EQ(with.ruleset().verdict(a).enforced, without.ruleset().verdict(b).enforced)
                << "seed " << seed << ", key " << ruleset::text(key) << '\n'
                << text(facts);
            ASSERT_EQ(with.ruleset().verdict(a).reason, without.ruleset().verdict(b).reason) << "seed " << seed;
            ASSERT_EQ(described(with.ruleset(), with.ruleset().trace(a).enforced_hits),
                      described(without.ruleset(), without.ruleset().trace(b).enforced_hits))
                << "seed " << seed << ", key " << ruleset::text(key) << '\n'
                << text(facts);
            ASSERT_EQ(with.enforces(key), without.enforces(key)) << "seed " << seed << ", key " << ruleset::text(key);
        }
    }
    EXPECT_GT(depended, 1000U) << "the inventories ask for too little";
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

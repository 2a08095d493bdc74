// The pending world. Numbers are those of the conformance cases on staged policies.
#include <gtest/gtest.h>

#include "cluster.h"

namespace drywall::test {
namespace {

using policy::StagedAction;

constexpr auto kUnknown = "198.51.100.7";
constexpr auto kW = "10.0.0.1";
constexpr auto kProfileHit = "__PROFILE__|pro:projectcalico-default-allow|allow|0";

class Staged : public ::testing::Test {
protected:
    Staged() { cluster.workload("w", kW, {{"app", "w"}}); }

    Judged judge(std::uint16_t port = 80) { return cluster.judge(tcp().from(kUnknown).to(kW, port)); }

    Cluster cluster;
};

TEST_F(Staged, G1DefaultDenyAloneIsPendingOnly) {
    const Judged judged = cluster.add(sgnp("sdd")).judge(tcp().from(kUnknown).to(kW, 80));
    EXPECT_EQ(judged.enforced_hits, Texts{kProfileHit});
    EXPECT_EQ(judged.pending_hits, Texts{"default|sgnp:sdd|deny|-1"});
    EXPECT_EQ(judged.responsible, Texts{"sgnp:sdd"});
}

TEST_F(Staged, G2AllowInFrontOfAnEnforcedDeny) {
    cluster.add(sgnp("s80").order(1).ingress(allow().tcp(80))).add(gnp("dd").order(2).ingress(deny()));
    EXPECT_EQ(judge().enforced_hits, Texts{"default|gnp:dd|deny|0"});
    EXPECT_EQ(judge().pending_hits, Texts{"default|sgnp:s80|allow|0"});
    EXPECT_EQ(judge().responsible, Texts{"sgnp:s80"});
    EXPECT_EQ(judge(22).pending, Verdict::kDeny);
    EXPECT_EQ(judge(22).responsible, Texts{});
}

TEST_F(Staged, G3DenyBehindAnEnforcedAllowIsNotReached) {
    cluster.add(gnp("web").order(1).ingress(allow().tcp(80))).add(sgnp("no").order(2).ingress(deny().tcp(80)));
    EXPECT_EQ(judge().enforced_hits, Texts{"default|gnp:web|allow|0"});
    EXPECT_EQ(judge().pending_hits, Texts{"default|gnp:web|allow|0"});
}

TEST_F(Staged, G4ATierOfStagedPoliciesOnlyIsSkippedInTheEnforcedWorld) {
    cluster.tier("sec", 10).add(sgnp("s").tier("sec")).add(gnp("dd").ingress(deny()));
    EXPECT_EQ(judge().enforced_hits, Texts{"default|gnp:dd|deny|0"});
    EXPECT_EQ(judge().pending_hits, Texts{"sec|sgnp:s|deny|-1"});
}

TEST_F(Staged, G5StagedPassIsAHitOfThePendingWorldOnly) {
    cluster.tier("sec", 10).add(sgnp("p").tier("sec").ingress(pass())).add(gnp("np1").ingress(allow()));
    EXPECT_EQ(judge().enforced_hits, Texts{"default|gnp:np1|allow|0"});
    EXPECT_EQ(judge().pending_hits, (Texts{"sec|sgnp:p|pass|0", "default|gnp:np1|allow|0"}));
}

TEST_F(Staged, SetReplacesTheEnforcedPolicyOfTheSameName) {
    cluster.add(gnp("x").ingress(allow().tcp(80))).add(sgnp("x").ingress(allow().tcp(81)));
    EXPECT_EQ(judge(80).pending_hits, Texts{"default|sgnp:x|deny|-1"});
    EXPECT_EQ(judge(80).responsible, Texts{"sgnp:x"});
    EXPECT_EQ(judge(81).pending_hits, Texts{"default|sgnp:x|allow|0"});
    EXPECT_EQ(judge(81).enforced, Verdict::kDeny);
}

TEST_F(Staged, ReplacementThatNoLongerSelectsTheEndpointIsResponsibleToo) {
    cluster.add(gnp("x").ingress(deny())).add(sgnp("x").selects("app == 'other'").ingress(deny()));
    EXPECT_EQ(judge().enforced, Verdict::kDeny);
    EXPECT_EQ(judge().pending_hits, Texts{kProfileHit});
    EXPECT_EQ(judge().responsible, Texts{"sgnp:x"});
}

TEST_F(Staged, DeleteTakesTheEnforcedPolicyAway) {
    cluster.add(gnp("x").ingress(deny())).add(sgnp("x", StagedAction::kDelete));
    EXPECT_EQ(judge().enforced, Verdict::kDeny);
    EXPECT_EQ(judge().pending_hits, Texts{kProfileHit});
    EXPECT_EQ(judge().responsible, Texts{"sgnp:x"});
}

TEST_F(Staged, DeleteOfAPolicyWhoseDefaultDenyDecidedIsResponsible) {
    cluster.add(gnp("x").ingress(allow().tcp(81))).add(sgnp("x", StagedAction::kDelete));
    EXPECT_EQ(judge(80).enforced_hits, Texts{"default|gnp:x|deny|-1"});
    EXPECT_EQ(judge(80).pending, Verdict::kAllow);
    EXPECT_EQ(judge(80).responsible, Texts{"sgnp:x"});
}

TEST_F(Staged, G8LearnIsLikeSetAndIgnoreTakesNoPart) {
    cluster.add(sgnp("l", StagedAction::kLearn).ingress(deny()));
    EXPECT_EQ(judge().pending, Verdict::kDeny);
    cluster.add(sgnp("l", StagedAction::kIgnore).ingress(deny()));
    EXPECT_EQ(judge().pending_hits, Texts{kProfileHit});
}

TEST_F(Staged, IgnoreDoesNotReplaceItsNamesake) {
    cluster.add(gnp("x").ingress(deny())).add(sgnp("x", StagedAction::kIgnore).ingress(allow()));
    EXPECT_EQ(judge().pending_hits, Texts{"default|gnp:x|deny|0"});
}

TEST_F(Staged, G9StagedEgressPolicyIsNotInPendingIngress) {
    cluster.add(sgnp("out").only_egress());
    EXPECT_EQ(judge().pending_hits, Texts{kProfileHit});
}

TEST_F(Staged, G10StagedPolicyWithoutAMatchInATierThatPasses) {
    cluster.tier("sec", 10, Action::kPass).add(sgnp("s").tier("sec").ingress(deny().udp(9)));
    EXPECT_EQ(judge().enforced_hits, Texts{kProfileHit});
    EXPECT_EQ(judge().pending_hits, (Texts{"sec|sgnp:s|pass|-1", kProfileHit}));
}

TEST_F(Staged, G11TheEndOfATierNamesTheLastPolicyOfItsWorld) {
    cluster.add(gnp("a").order(1).ingress(allow().tcp(1))).add(gnp("b").order(2).ingress(allow().tcp(2)));
    cluster.add(sgnp("c").order(3).ingress(allow().tcp(3)));
    EXPECT_EQ(judge().enforced_hits, Texts{"default|gnp:b|deny|-1"});
    EXPECT_EQ(judge().pending_hits, Texts{"default|sgnp:c|deny|-1"});
}

TEST_F(Staged, G12G13StagedLogIsNotedInThePendingWorldOnly) {
    cluster.add(sgnp("s").ingress(log()).ingress(allow()));
    EXPECT_EQ(judge().enforced_hits, Texts{kProfileHit});
    EXPECT_EQ(judge().pending_hits, (Texts{"default|sgnp:s|log|0", "default|sgnp:s|allow|1"}));
}

TEST_F(Staged, G15PromotionMakesTheEnforcedVerdictWhatThePendingOneWas) {
    const policy::Policy staged = sgnp("s").order(5).ingress(allow().tcp(80));
    cluster.add(gnp("dd").order(9).ingress(deny())).add(policy::Resource(staged));
    const Judged before = judge();
    cluster.remove(policy::Kind::kStagedGlobalNetworkPolicy, "s").add(policy::Resource(policy::promoted(staged)));
    const Judged after = judge();
    EXPECT_EQ(after.enforced, before.pending);
    EXPECT_EQ(after.pending, before.pending);
    EXPECT_EQ(before.pending_hits, Texts{"default|sgnp:s|allow|0"});
    EXPECT_EQ(after.enforced_hits, Texts{"default|gnp:s|allow|0"});
}

TEST_F(Staged, G18TheFirstOfTwoStagedPoliciesHidesTheSecond) {
    cluster.add(sgnp("a").order(1).ingress(allow())).add(sgnp("b").order(2).ingress(deny()));
    EXPECT_EQ(judge().pending_hits, Texts{"default|sgnp:a|allow|0"});
}

TEST_F(Staged, StagedPassOverAnEnforcedAllowIsResponsibleForTheDenyBelow) {
    cluster.tier("sec", 10).add(gnp("ok").tier("sec").order(2).ingress(allow())).add(gnp("dd").ingress(deny()));
    cluster.add(sgnp("skip").tier("sec").order(1).ingress(pass()));
    EXPECT_EQ(judge().enforced, Verdict::kAllow);
    EXPECT_EQ(judge().pending_hits, (Texts{"sec|sgnp:skip|pass|0", "default|gnp:dd|deny|0"}));
    EXPECT_EQ(judge().responsible, Texts{"sgnp:skip"});
}

TEST_F(Staged, BothTheStagedPassAndTheStagedDenyBelowItAreResponsible) {
    cluster.tier("sec", 10).add(gnp("ok").tier("sec").order(2).ingress(allow()));
    cluster.add(sgnp("skip").tier("sec").order(1).ingress(pass())).add(sgnp("dd").ingress(deny()));
    EXPECT_EQ(judge().responsible, (Texts{"sgnp:dd", "sgnp:skip"}));
}

TEST_F(Staged, APolicyThatArmsATierWhichIsArmedAnywayIsNotResponsible) {
    cluster.add(gnp("web").order(1).ingress(allow().tcp(80))).add(sgnp("web").order(1).ingress(allow().tcp(81)));
    cluster.add(gnp("a").order(2)).add(sgnp("b").order(3));
    EXPECT_EQ(judge(80).pending_hits, Texts{"default|sgnp:b|deny|-1"});
    EXPECT_EQ(judge(80).responsible, Texts{"sgnp:web"});
}

TEST_F(Staged, WhatStagedPoliciesDoAtTheSourceIsNotBlamedForADifferenceAtTheDestination) {
    cluster.workload("v", "10.0.0.2", {{"app", "v"}});
    cluster.add(sgnp("harmless").selects("app == 'v'").only_egress().egress(allow()));
    cluster.add(sgnp("harmful").selects("app == 'w'").ingress(deny()));
    const Judged judged = cluster.judge(tcp().from("10.0.0.2").to(kW, 80));
    EXPECT_EQ(judged.pending_hits, (Texts{"default|sgnp:harmless|allow|0", "default|sgnp:harmful|deny|0"}));
    EXPECT_EQ(judged.responsible, Texts{"sgnp:harmful"});
}

class AsCalico : public Staged {
protected:
    AsCalico() { cluster.surroundings().pending_as_calico = true; }
};

TEST_F(AsCalico, G6NamesakesAreBothInPendingAndTheEnforcedOneIsFirst) {
    cluster.add(gnp("x").order(1).ingress(allow().tcp(80))).add(sgnp("x").order(1).ingress(deny()));
    EXPECT_EQ(judge(80).pending_hits, Texts{"default|gnp:x|allow|0"});
    EXPECT_EQ(judge(81).pending_hits, Texts{"default|sgnp:x|deny|0"});
}

TEST_F(AsCalico, G7DeleteChangesNothing) {
    cluster.add(gnp("x").ingress(deny())).add(sgnp("x", StagedAction::kDelete));
    EXPECT_EQ(judge().pending_hits, Texts{"default|gnp:x|deny|0"});
}

TEST_F(AsCalico, G8IgnoreIsLikeSet) {
    cluster.add(sgnp("i", StagedAction::kIgnore).ingress(deny()));
    EXPECT_EQ(judge().pending_hits, Texts{"default|sgnp:i|deny|0"});
    EXPECT_EQ(judge().responsible, Texts{"sgnp:i"});
}

TEST_F(AsCalico, G11ThePendingEndOfATierNamesTheFirstPolicy) {
    cluster.add(gnp("a").order(1).ingress(allow().tcp(1))).add(gnp("b").order(2).ingress(allow().tcp(2)));
    cluster.add(sgnp("c").order(3).ingress(allow().tcp(3)));
    EXPECT_EQ(judge().enforced_hits, Texts{"default|gnp:b|deny|-1"});
    EXPECT_EQ(judge().pending_hits, Texts{"default|gnp:a|deny|-1"});
}

}  // namespace
}  // namespace drywall::test

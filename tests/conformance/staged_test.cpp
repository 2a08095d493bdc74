// Staged policies: cases G1 to G12, G15, and G17 to G24. G13, G14 and G16, about connections, are in
// connections_test.cpp.
//
// Pending is what would be enforced once every staged policy was promoted. Open-source Calico shows staged policies as
// additional ones instead; where the two differ, a case is tried both ways.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "site.h"

namespace drywall::test {
namespace {

constexpr Verdict kAllow = Verdict::kAllow;
constexpr Verdict kDeny = Verdict::kDeny;
const Texts kProfile{"0|__PROFILE__|pro:kns.prod|allow|0"};

const std::string kAllow80 = "{action: Allow, protocol: TCP, destination: {ports: [80]}}";
const std::string kDeny80 = "{action: Deny, protocol: TCP, destination: {ports: [80]}}";

std::string for_w(const std::string& spec) { return "{selector: app == 'w', " + spec + "}"; }

TEST(Staged, ADenyAllAloneChangesNothingAndShowsAsPending_G1) {
    const Judged judged = Site(W() + sgnp("sdd", for_w("types: [Ingress]"))).judge(to_w());
    EXPECT_EQ(judged.enforced.verdict, kAllow);
    EXPECT_EQ(judged.enforced.ingress, kProfile);
    EXPECT_EQ(judged.pending.verdict, kDeny);
    EXPECT_EQ(judged.pending.ingress, Texts{"0|default|sgnp:sdd|deny|-1"});
}

TEST(Staged, AnAllowBeforeAnEnforcedDenyShowsAsPending_G2) {
    const Judged judged = Site(W() + sgnp("s80", for_w("order: 1, ingress: [" + kAllow80 + "]")) +
                               gnp("dd", for_w("order: 2, ingress: [{action: Deny}]")))
                              .judge(to_w());
    EXPECT_EQ(judged.enforced.ingress, Texts{"0|default|gnp:dd|deny|0"});
    EXPECT_EQ(judged.pending.ingress, Texts{"0|default|sgnp:s80|allow|0"});
}

TEST(Staged, WhatAnEarlierEnforcedPolicyDecidesAStagedOneDoesNotReach_G3) {
    const Judged judged = Site(W() + gnp("web", for_w("order: 1, ingress: [" + kAllow80 + "]")) +
                               sgnp("no-web", for_w("order: 2, ingress: [" + kDeny80 + "]")))
                              .judge(to_w());
    EXPECT_EQ(judged.enforced.ingress, Texts{"0|default|gnp:web|allow|0"});
    EXPECT_EQ(judged.pending.ingress, Texts{"0|default|gnp:web|allow|0"});
}

TEST(Staged, ATierOfStagedPoliciesOnlyIsSkippedInWhatIsEnforced_G4) {
    const std::string closed = gnp("dd", for_w("ingress: [{action: Deny}]"));
    const std::string sec = tier("sec", "{order: 1}");
    const Judged decided =
        Site(W() + sec + closed + sgnp("s", for_w("tier: sec, ingress: [" + kAllow80 + "]"))).judge(to_w());
    EXPECT_EQ(decided.enforced.ingress, Texts{"0|default|gnp:dd|deny|0"});
    EXPECT_EQ(decided.pending.ingress, Texts{"0|sec|sgnp:s|allow|0"});
    const Judged passed =
        Site(W() + sec + closed + sgnp("s", for_w("tier: sec, ingress: [{action: Pass}]"))).judge(to_w());
    EXPECT_EQ(passed.enforced.ingress, Texts{"0|default|gnp:dd|deny|0"});
    EXPECT_EQ(passed.pending.ingress, (Texts{"0|sec|sgnp:s|pass|0", "1|default|gnp:dd|deny|0"}));
}

TEST(Staged, HitsAreNumberedInTheirOwnWorld_G5) {
    const Judged judged = Site(W() + tier("sec", "{order: 1}") + snp("p", "{tier: sec, ingress: [{action: Pass}]}") +
                               np("np1", "{ingress: [{action: Allow}]}"))
                              .judge(to_w());
    EXPECT_EQ(judged.enforced.ingress, Texts{"0|default|np:prod/np1|allow|0"});
    EXPECT_EQ(judged.pending.ingress, (Texts{"0|sec|snp:prod/p|pass|0", "1|default|np:prod/np1|allow|0"}));
}

TEST(Staged, ATwinReplacesTheEnforcedPolicyInPendingButNotInCalico_G6) {
    Site site(W() + gnp("x", for_w("order: 1, ingress: [" + kAllow80 + "]")) +
              sgnp("x", for_w("order: 1, ingress: [{action: Deny}]")));
    EXPECT_EQ(site.judge(to_w(80)).enforced.ingress, Texts{"0|default|gnp:x|allow|0"});
    EXPECT_EQ(site.judge(to_w(80)).pending.ingress, Texts{"0|default|sgnp:x|deny|0"});
    site.pending_as_calico();
    EXPECT_EQ(site.judge(to_w(80)).pending.ingress, Texts{"0|default|gnp:x|allow|0"});
    EXPECT_EQ(site.judge(to_w(22)).pending.ingress, Texts{"0|default|sgnp:x|deny|0"});
}

TEST(Staged, DeleteTakesTheEnforcedPolicyOutOfPendingButNotInCalico_G7) {
    Site site(W() + gnp("x", for_w("ingress: [{action: Deny}]")) + sgnp("x", "{stagedAction: Delete}"));
    EXPECT_EQ(site.judge(to_w()).enforced.ingress, Texts{"0|default|gnp:x|deny|0"});
    EXPECT_EQ(site.judge(to_w()).pending.ingress, kProfile);
    site.pending_as_calico();
    EXPECT_EQ(site.judge(to_w()).pending.ingress, Texts{"0|default|gnp:x|deny|0"});
}

TEST(Staged, LearnIsLikeSetAndIgnoreTakesNoPartButInCalico_G8) {
    Site learn(W() + sgnp("x", for_w("stagedAction: Learn, ingress: [{action: Deny}]")));
    Site ignore(W() + sgnp("x", for_w("stagedAction: Ignore, ingress: [{action: Deny}]")));
    EXPECT_EQ(learn.judge(to_w()).pending.ingress, Texts{"0|default|sgnp:x|deny|0"});
    EXPECT_EQ(ignore.judge(to_w()).pending.ingress, kProfile);
    EXPECT_EQ(learn.pending_as_calico().judge(to_w()).pending.ingress, Texts{"0|default|sgnp:x|deny|0"});
    EXPECT_EQ(ignore.pending_as_calico().judge(to_w()).pending.ingress, Texts{"0|default|sgnp:x|deny|0"});
}

TEST(Staged, AStagedEgressPolicyIsNotInPendingIngress_G9) {
    const Site site(W() + sgnp("out", for_w("types: [Egress]")));
    EXPECT_EQ(site.judge(to_w()).pending.ingress, kProfile);
    const Packet outwards = tcp().syn().from("10.0.0.1", 40000).to(kStranger, 80);
    EXPECT_EQ(site.judge(outwards).pending.egress, Texts{"0|default|sgnp:out|deny|-1"});
}

TEST(Staged, ThePassAtTheEndOfATierIsShownAsPending_G10) {
    const Judged judged = Site(W() + tier("sec", "{order: 1, defaultAction: Pass}") +
                               sgnp("s", for_w("tier: sec, ingress: [{action: Allow, protocol: UDP}]")))
                              .judge(to_w());
    EXPECT_EQ(judged.enforced.ingress, kProfile);
    EXPECT_EQ(judged.pending.ingress, (Texts{"0|sec|sgnp:s|pass|-1", "1|__PROFILE__|pro:kns.prod|allow|0"}));
}

TEST(Staged, TheEndOfATierNamesTheLastPolicyAndCalicosPendingTheFirst_G11) {
    Site site(W() + gnp("a", for_w("order: 1, ingress: [{action: Allow, protocol: UDP}]")) +
              gnp("b", for_w("order: 2, ingress: [{action: Allow, protocol: UDP}]")) +
              sgnp("c", for_w("order: 3, types: [Ingress]")));
    EXPECT_EQ(site.judge(to_w()).enforced.ingress, Texts{"0|default|gnp:b|deny|-1"});
    EXPECT_EQ(site.judge(to_w()).pending.ingress, Texts{"0|default|sgnp:c|deny|-1"});
    site.pending_as_calico();
    EXPECT_EQ(site.judge(to_w()).enforced.ingress, Texts{"0|default|gnp:b|deny|-1"});
    EXPECT_EQ(site.judge(to_w()).pending.ingress, Texts{"0|default|gnp:a|deny|-1"});
}

TEST(Staged, AStagedLogRuleLogsNothingThatIsEnforced_G12) {
    const Judged judged = Site(W() + sgnp("watch", for_w("ingress: [{action: Log}, {action: Allow}]"))).judge(to_w());
    EXPECT_EQ(judged.enforced.logged, Texts{});
    EXPECT_EQ(judged.pending.logged, Texts{"default|sgnp:watch|log|0"});
}

// Only the kind in the strings changes: what was pending is now enforced.
TEST(Staged, PromotionMakesEnforcedWhatPendingWas_G15) {
    const std::string spec = for_w("order: 5, ingress: [" + kAllow80 + "]");
    Site site(W() + gnp("old", for_w("order: 9, ingress: [{action: Deny}]")) + sgnp("x", spec));
    for (const std::uint16_t port : {80, 22}) {
        const Judged before = site.judge(to_w(port));
        Site promoted = site;
        promoted.apply(gnp("x", spec));
        const Judged between = promoted.judge(to_w(port));
        const Judged after = promoted.remove(policy::Kind::kStagedGlobalNetworkPolicy, "x").judge(to_w(port));
        EXPECT_EQ(between.pending, before.pending);
        EXPECT_EQ(after.pending.verdict, before.pending.verdict);
        EXPECT_EQ(after.enforced, after.pending);
    }
}

TEST(Staged, AStagedKubernetesPolicyWithoutPolicyTypesIsForIngressOnly_G17) {
    const Site site(W() + sknp("k", "{podSelector: {matchLabels: {app: w}}, egress: [{}]}"));
    EXPECT_EQ(site.judge(to_w()).pending.ingress, Texts{"0|default|sknp:prod/k|deny|-1"});
    const Packet outwards = tcp().syn().from("10.0.0.1", 40000).to(kStranger, 80);
    EXPECT_EQ(site.judge(outwards).pending.egress, kProfile);
}

TEST(Staged, WhatAnEarlierStagedPolicyAllowsHidesALaterOne_G18) {
    const Judged judged = Site(W() + sgnp("first", for_w("order: 1, ingress: [{action: Allow}]")) +
                               sgnp("second", for_w("order: 2, ingress: [{action: Deny}]")))
                              .judge(to_w());
    EXPECT_EQ(judged.enforced.ingress, kProfile);
    EXPECT_EQ(judged.pending.ingress, Texts{"0|default|sgnp:first|allow|0"});
}

// Calico has no pending for these; here pending is what promotion would make of them.
TEST(Staged, StagedUntrackedAndPreDnatPoliciesTouchNothing_G19) {
    const std::string port = host("left-port", "interfaceName: left");
    for (const char* class_of : {"doNotTrack", "preDNAT"}) {
        const Judged judged = Site(port + sgnp("early", "{selector: all(), " + std::string(class_of) +
                                                            ": true, applyOnForward: true, ingress: [{action: Deny}]}"))
                                  .judge(transit(443));
        EXPECT_EQ(judged.enforced.port_in, Texts{"0|__FORWARD__|hep:__NO_MATCH__|allow|-1"}) << class_of;
        EXPECT_EQ(judged.pending.port_in, Texts{"0|default|sgnp:early|deny|0"}) << class_of;
    }
}

TEST(Staged, AnInvalidStagedPolicyIsRefusedAsTheEnforcedOneIs_G20) {
    for (const char* spec : {"{ingress: [{action: Allow, destination: {ports: [80]}}]}",
                             "{ingress: [{action: Allow, protocol: ICMP, destination: {ports: [http]}}]}",
                             "{doNotTrack: true}", "{selector: 'app = w'}", "{tier: gone}"}) {
        const auto reason = [&](const std::string& kind) {
            const std::string text = refusal(kind == "gnp" ? gnp("x", spec) : sgnp("x", spec));
            const auto at = text.find("globalnetworkpolicy/x");  // how the policy itself is called is all that differs
            return at == std::string::npos ? text : text.substr(at);
        };
        EXPECT_NE(reason("gnp"), "") << spec;
        EXPECT_EQ(reason("sgnp"), reason("gnp")) << spec;
    }
}

TEST(Staged, AThousandStagedPoliciesDoNotChangeOneByteOfWhatIsEnforced_G21) {
    const std::string enforced = W() + tier("sec", "{order: 1}") + gnp("web", for_w("ingress: [" + kAllow80 + "]"));
    std::string staged;
    for (int i = 0; i < 1000; ++i)
        staged += sgnp("s-" + std::to_string(i),
                       for_w("order: " + std::to_string(i % 7) + ", tier: " + (i % 2 == 0 ? "sec" : "default") +
                             ", ingress: [" + (i % 3 == 0 ? kAllow80 : kDeny80) + "]"));
    const Site without(enforced);
    const Site with(enforced + staged);
    EXPECT_EQ(with.build()->enforced_image(), without.build()->enforced_image());
    EXPECT_EQ(with.judge(to_w(80)).enforced, without.judge(to_w(80)).enforced);
    EXPECT_EQ(with.judge(to_w(22)).enforced, without.judge(to_w(22)).enforced);
}

TEST(Staged, TheEndOfATierNamesANamespacedStagedPolicyWithItsNamespace_G22) {
    const Judged judged = Site(W() + snp("x", "{types: [Ingress]}")).judge(to_w());
    EXPECT_EQ(judged.pending.ingress, Texts{"0|default|snp:prod/x|deny|-1"});
}

TEST(Staged, EachTierHasExactlyOneEntry_G23) {
    const Judged judged =
        Site(W() + tier("sec", "{order: 1}") + sgnp("a", for_w("tier: sec, order: 1, types: [Ingress]")) +
             sgnp("b", for_w("tier: sec, order: 2, ingress: [{action: Pass}]")) +
             sgnp("c", for_w("tier: sec, order: 3, types: [Ingress]")) + gnp("d", for_w("order: 1, types: [Ingress]")) +
             gnp("e", for_w("order: 2, ingress: [{action: Pass}]")))
            .judge(to_w());
    EXPECT_EQ(judged.pending.ingress,
              (Texts{"0|sec|sgnp:b|pass|0", "1|default|gnp:e|pass|0", "2|__PROFILE__|pro:kns.prod|allow|0"}));
}

TEST(Staged, AStagedPolicyOfAnotherNamespaceIsAbsent_G24) {
    const Judged judged = Site(W() + name_space("dev") + snp("x", "{ingress: [{action: Deny}]}", "dev")).judge(to_w());
    EXPECT_EQ(judged.pending.ingress, kProfile);
}

}  // namespace
}  // namespace drywall::test

// What the reference evaluator says where no case of the conformance list looks.
#include "drywall/reference/evaluator.h"

#include <gtest/gtest.h>

#include "cluster.h"
#include "packets.h"

namespace drywall::reference {
namespace {

using test::allow;
using test::Cluster;
using test::deny;
using test::gnp;
using test::log;
using test::Packet;
using test::pass;
using test::tcp;
using test::Texts;

Answer judge(Cluster& cluster, const Packet& packet) {
    return Evaluator(cluster.inventory(), cluster.surroundings()).judge(packet.tuple());
}

Texts texts(const std::vector<Hit>& hits) {
    Texts texts;
    for (const Hit& hit : hits) texts.push_back(hit.policy);
    return texts;
}

policy::Policy untracked(const policy::Rule& rule) {
    policy::Policy policy = gnp("raw").ingress(rule).egress(rule).on_forward();
    policy.do_not_track = true;
    return policy;
}

policy::FelixConfiguration felix(const std::string& name, std::vector<policy::FailsafePort> inbound) {
    policy::FelixConfiguration felix;
    felix.metadata.name = name;
    felix.failsafe_inbound = std::move(inbound);
    return felix;
}

Packet to_host(std::uint16_t port) { return tcp().syn().from("203.0.113.9", 40000).to("10.0.0.20", port); }

TEST(Evaluator, NamesThePartsOfAHit) {
    Cluster cluster;
    cluster.workload("w", "10.0.0.1").add(gnp("web").ingress(allow().tcp(80)));
    const Decision decision = judge(cluster, tcp().syn().from("203.0.113.9").to("10.0.0.1", 80)).enforced;
    const Hit expected{.kind = "GlobalNetworkPolicy",
                       .ns = "",
                       .name = "web",
                       .tier = "default",
                       .action = Action::kAllow,
                       .rule_index = 0,
                       .policy = "default|gnp:web|allow|0"};
    EXPECT_EQ(decision.ingress, std::vector<Hit>{expected});
}

TEST(Evaluator, TheFirstDenyLeavesTheLaterStepsEmpty) {
    Cluster cluster;
    cluster.workload("a", "10.0.0.1", {}, test::kNoProfiles).workload("b", "10.0.0.2").port("right-port", "right");
    const Decision decision = judge(cluster, tcp().syn().from("10.0.0.1").to("10.0.0.2", 80)).enforced;
    EXPECT_EQ(decision.verdict, Verdict::kDeny);
    EXPECT_EQ(texts(decision.egress), Texts{"__PROFILE__|pro:__NO_MATCH__|deny|0"});
    EXPECT_TRUE(decision.ingress.empty() && decision.out_port.empty());
}

TEST(Evaluator, AnIPv6AddressIsNotTheIPv4OneWithTheSameBytes) {
    Cluster cluster;
    cluster.workload("w", "10.0.0.1");
    for (const char* other : {"a00:1::", "::ffff:10.0.0.1", "::10.0.0.1"})
        EXPECT_TRUE(judge(cluster, tcp().syn().from("2001:db8::9").to(other, 80)).enforced.unmatched) << other;
}

TEST(Evaluator, PassAndLogDoNothingInAProfile) {
    policy::Profile profile;
    profile.metadata.name = "odd";
    profile.ingress = {pass(), log(), allow()};
    Cluster cluster;
    cluster.add(policy::Resource(profile)).workload("w", "10.0.0.1", {}, {"odd"});
    const Decision decision = judge(cluster, tcp().syn().from("203.0.113.9").to("10.0.0.1", 80)).enforced;
    EXPECT_EQ(texts(decision.ingress), Texts{"__PROFILE__|pro:odd|allow|2"});
}

TEST(Evaluator, WhatANodeSaysOfFailsafePortsWinsOverTheDefault) {
    Cluster cluster;
    cluster.host("h", "10.0.0.20")
        .add(policy::Resource(felix("default", {{.protocol = 6, .port = 80, .net = {}}})))
        .add(policy::Resource(felix("node.h", {{.protocol = 6, .port = 81, .net = {}}})));
    EXPECT_EQ(judge(cluster, to_host(80)).enforced.verdict, Verdict::kDeny);
    EXPECT_EQ(texts(judge(cluster, to_host(81)).enforced.ingress), Texts{"__FAILSAFE__|hep:tcp/81|allow|0"});
    EXPECT_EQ(judge(cluster, to_host(22)).enforced.verdict, Verdict::kDeny);
}

TEST(Evaluator, AtAPortAFailsafePortIsSavedFromUntrackedPoliciesOnly) {
    Cluster cluster;
    cluster.port("left-port", "left").add(policy::Resource(untracked(deny())));
    EXPECT_EQ(texts(judge(cluster, to_host(80)).enforced.in_port), Texts{"default|gnp:raw|deny|0"});
    EXPECT_EQ(texts(judge(cluster, to_host(22)).enforced.in_port), Texts{"__FORWARD__|hep:__NO_MATCH__|allow|-1"});
    cluster.add(gnp("closed").ingress(deny()).on_forward());
    EXPECT_EQ(texts(judge(cluster, to_host(22)).enforced.in_port), Texts{"default|gnp:closed|deny|0"});
}

TEST(Evaluator, WhatAnswersAFailsafePortIsNotUntracked) {
    Cluster cluster;
    cluster.host("h", "10.0.0.20", {}, test::kAllowed).add(policy::Resource(untracked(deny())));
    const auto answer = [](std::uint16_t port) { return tcp().from("10.0.0.20", port).to("203.0.113.9", 40000); };
    EXPECT_EQ(texts(judge(cluster, answer(22)).enforced.egress),
              Texts{"__PROFILE__|pro:projectcalico-default-allow|allow|0"});
    EXPECT_EQ(texts(judge(cluster, answer(80)).enforced.egress), Texts{"default|gnp:raw|deny|0"});
}

TEST(Evaluator, WhatLeavesAPortMeetsForwardPoliciesOnly) {
    Cluster cluster;
    cluster.port("right-port", "right").add(policy::Resource(untracked(deny())));
    EXPECT_EQ(texts(judge(cluster, to_host(80)).enforced.out_port), Texts{"__FORWARD__|hep:__NO_MATCH__|allow|-1"});
}

}  // namespace
}  // namespace drywall::reference

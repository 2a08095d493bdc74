// Traffic for rules: what is made hits them, and what can't be hit is named.
#include "drywall/generate/rule_streams.h"

#include <algorithm>
#include <fstream>

#include <gtest/gtest.h>

#include "drywall/explain/site.h"
#include "packet_writer.h"
#include "packets.h"
#include "temporary_folder.h"

namespace drywall::generate {
namespace {

constexpr const char* kSite = R"(
apiVersion: projectcalico.org/v3
kind: WorkloadEndpoint
metadata: {name: client, namespace: default, labels: {role: client}}
spec: {orchestrator: lab, node: n, workload: client, interfaceName: eth0, ipNetworks: [10.0.0.1/32, "2001:db8::1/128"], profiles: [projectcalico-default-allow]}
---
apiVersion: projectcalico.org/v3
kind: WorkloadEndpoint
metadata: {name: server, namespace: default, labels: {role: server}}
spec: {orchestrator: lab, node: n, workload: server, interfaceName: eth0, ipNetworks: [10.1.0.1/32], profiles: [projectcalico-default-allow]}
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: server}
spec:
  selector: role == 'server'
  types: [Ingress]
  ingress:
  - {action: Allow, protocol: TCP, source: {selector: role == 'client'}, destination: {ports: [443]}}
  - {action: Deny, protocol: UDP, destination: {ports: [53]}}
  - {action: Allow, protocol: ICMP, icmp: {type: 8}}
  - {action: Deny, protocol: TCP, source: {selector: role == 'client'}, destination: {ports: [443]}}
  - {action: Allow, protocol: SCTP}
  - {action: Deny, source: {selector: role == 'nobody'}}
  - {action: Allow, source: {nets: [10.9.0.0/16]}}
)";

class RuleStreams : public testing::Test {
protected:
    RuleStreams() { std::ofstream(folder_.path() / "site.yaml") << kSite; }

    loader::TrafficProfile profile(const std::string& more = "") {
        auto loaded = loader::load_profile(
            {"p.yaml", "ports: [{name: a, device: net_null0}]\npolicies: {from: a, to: a, files: [" +
                           (folder_.path() / "site.yaml").string() + "]" + more + "}\n"});
        EXPECT_TRUE(loaded) << loaded.error().text();
        return loaded ? *loaded : loader::TrafficProfile{};
    }

    test::TemporaryFolder folder_;
};

const loader::StreamProfile* stream_of(const loader::TrafficProfile& profile, const std::string& begin) {
    const auto found = std::find_if(profile.streams.begin(), profile.streams.end(),
                                    [&](const auto& stream) { return stream.name.starts_with(begin); });
    return found == profile.streams.end() ? nullptr : &*found;
}

TEST_F(RuleStreams, EveryPacketHitsItsRuleAndMeetsTheVerdictThatIsExpected) {
    auto expanded = profile();
    const auto without = add_rule_streams(expanded);
    ASSERT_TRUE(without) << without.error().text();
    EXPECT_FALSE(expanded.policies);
    const auto sources = loader::read_sources((folder_.path() / "site.yaml").string());
    const auto site = explain::build_site(*sources, loader::settings_for_questions());
    ASSERT_TRUE(site) << site.error().text();
    const ruleset::Ruleset& ruleset = *site->ruleset;
    EXPECT_EQ(expanded.streams.size(), 4U);
    for (const loader::StreamProfile& stream : expanded.streams) {
        const auto writer = PacketWriter::create(stream, 1, 0);
        ASSERT_TRUE(writer) << writer.error().text();
        for (std::uint64_t n = 0; n < 40; ++n) {
            test::Bytes frame((*writer)->length(n));
            (*writer)->write(frame.data(), static_cast<std::uint16_t>(frame.size()), n, {});
            const auto& trace = ruleset.trace(ruleset.classify(net::parse(test::view(frame)).tuple));
            EXPECT_EQ(trace.enforced == Verdict::kAllow, stream.expect == loader::Expect::kAllow) << stream.name;
            EXPECT_TRUE(std::any_of(trace.enforced_hits.begin(), trace.enforced_hits.end(), [&](HitId hit) {
                return stream.name.starts_with(ruleset.hit(hit).text() + " " +
                                               std::string(name(ruleset.hit(hit).direction)));
            })) << stream.name;
        }
    }
}

TEST_F(RuleStreams, WhatCantBeHitOrSentIsNamedWithItsReason) {
    auto expanded = profile();
    const auto without = add_rule_streams(expanded);
    ASSERT_TRUE(without);
    const auto why = [&](const std::string& rule) {
        for (const auto& one : *without)
            if (one.rule == rule) return one.why;
        return std::string("has traffic");
    };
    EXPECT_EQ(why("default|gnp:server|allow|0 ingress"), "has traffic");
    EXPECT_NE(why("default|gnp:server|deny|3 ingress").find("shadowed by default|gnp:server|allow|0: tcp 10.0.0.1:"),
              std::string::npos)
        << why("default|gnp:server|deny|3 ingress");
    EXPECT_EQ(why("default|gnp:server|allow|4 ingress"),
              "the packets that it takes are neither TCP, UDP nor ICMP echo");
    EXPECT_EQ(why("default|gnp:server|deny|5 ingress"), "nothing has the labels, services or ports that it names");
    EXPECT_NE(stream_of(expanded, "default|gnp:server|allow|2 ingress allowed icmp/4"), nullptr);
}

TEST_F(RuleStreams, NamedRulesGetTheirSharesAndNoOthersAny) {
    auto expanded = profile(
        ", rules: [{rule: \"default|gnp:server|allow|0\", share: 3}, {rule: \"default|gnp:server|deny|1\"}], "
        "flows-per-rule: 4");
    const auto without = add_rule_streams(expanded);
    ASSERT_TRUE(without) << without.error().text();
    EXPECT_TRUE(without->empty());
    ASSERT_EQ(expanded.streams.size(), 2U);
    const auto* allowed = stream_of(expanded, "default|gnp:server|allow|0 ingress allowed tcp/4");
    const auto* denied = stream_of(expanded, "default|gnp:server|deny|1 ingress denied udp/4");
    ASSERT_TRUE(allowed != nullptr && denied != nullptr);
    EXPECT_EQ(allowed->weight, 3 * denied->weight);
    EXPECT_EQ(allowed->given.size(), 4U);
    EXPECT_EQ(denied->expect, loader::Expect::kDeny);

    auto all_of_policy = profile(", rules: [{rule: \"gnp:server\"}]");
    ASSERT_TRUE(add_rule_streams(all_of_policy));
    EXPECT_EQ(stream_of(all_of_policy, "__PROFILE__"), nullptr);
    auto unknown = profile(", rules: [{rule: gnp:sever}]");
    const auto refused = add_rule_streams(unknown);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().text().find("there is no enforced rule 'gnp:sever'"), std::string::npos)
        << refused.error().text();
}

TEST_F(RuleStreams, ZipfGivesTheFirstRuleMost) {
    auto expanded = profile(", spread: zipf, exponent: 1.0");
    ASSERT_TRUE(add_rule_streams(expanded));
    EXPECT_GT(expanded.streams.front().weight, expanded.streams.back().weight);
    std::uint64_t all = 0;
    for (const auto& stream : expanded.streams) all += stream.weight;
    EXPECT_LE(all, 65'536U);
}

TEST_F(RuleStreams, WrongFilesAndPortsAreSaidAsTheApplianceWould) {
    auto wrong_port = profile(", enters: nowhere");
    const auto refused = add_rule_streams(wrong_port);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().text().find("the appliance has no port 'nowhere'; its ports are left, right"),
              std::string::npos);
    std::ofstream(folder_.path() / "site.yaml") << "kind: Nonsense\n";
    auto wrong_file = profile();
    EXPECT_FALSE(add_rule_streams(wrong_file));
}

}  // namespace
}  // namespace drywall::generate

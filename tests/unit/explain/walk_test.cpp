// Why a rule does not match: the field, and what it saw.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiled_site.h"
#include "drywall/explain/trace.h"

namespace drywall::explain {
namespace {

using test::kEndpoints;
using test::kStagedClosed;
using test::kWebToDb;
using test::site_of;
using test::with;
using testing::HasSubstr;

constexpr const char* kHead = R"(apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: rules, namespace: prod}
spec:
  selector: app == 'db'
  types: [Ingress]
  ingress:
    - )";

constexpr const char* kMore = R"(apiVersion: projectcalico.org/v3
kind: GlobalNetworkSet
metadata: {name: office, labels: {zone: office}}
spec: {nets: [192.0.2.0/24]}
---
apiVersion: projectcalico.org/v3
kind: WorkloadEndpoint
metadata: {name: job, namespace: dev, labels: {app: job}}
spec: {node: wire, orchestrator: k8s, ipNetworks: [10.3.0.1/32], profiles: [projectcalico-default-allow]}
)";

TraceAnswer trace_of(const Site& site, const std::string& source, std::uint16_t port, std::uint8_t protocol = 6) {
    TraceQuery query;
    query.source = source;
    query.destination = "prod/db";
    query.destination_port = port;
    query.protocol = protocol;
    auto answer = explain(*site.ruleset, query, site.inventory.get());
    EXPECT_TRUE(answer) << answer.error().text();
    return *std::move(answer);
}

// Why the only rule of the only policy does not match what comes from `source` to port 443.
std::string why_not(const std::string& rule, const std::string& source = "prod/web", std::uint8_t protocol = 6,
                    std::uint16_t port = 443) {
    const Site site = site_of({kEndpoints, kMore, kHead + rule + '\n'});
    const TraceAnswer answer = trace_of(site, source, port, protocol);
    const WalkedTier& tier = answer.decisions.front().enforced_walk.back().tiers.front();
    const WalkedRule& walked = tier.policies.front().rules.front();
    EXPECT_FALSE(walked.matched);
    EXPECT_EQ(tier.end, "deny");
    return walked.why_not;
}

TEST(Walk, NamesTheFieldAndWhatItSaw) {
    EXPECT_EQ(why_not("{action: Allow, protocol: UDP}"), "protocol: tcp is not udp");
    EXPECT_EQ(why_not("{action: Allow, notProtocol: TCP}"), "notProtocol: this is tcp");
    EXPECT_EQ(why_not("{action: Allow, ipVersion: 6}"), "ipVersion: this is IPv4, not IPv6");
    EXPECT_EQ(why_not("{action: Allow, protocol: TCP, destination: {ports: [8080, '9000:9100']}}"),
              "destination.ports: 443 is not in 8080, 9000:9100");
    EXPECT_EQ(why_not("{action: Allow, protocol: TCP, destination: {notPorts: ['400:500']}}"),
              "destination.notPorts: 443 is in 400:500");
    EXPECT_EQ(why_not("{action: Allow, source: {nets: [10.9.0.0/16]}}"), "source.nets: 10.0.0.1 is not in 10.9.0.0/16");
    EXPECT_EQ(why_not("{action: Allow, source: {notNets: [10.0.0.0/8]}}"), "source.notNets: 10.0.0.1 is in 10.0.0.0/8");
    EXPECT_EQ(why_not("{action: Allow, protocol: ICMP, icmp: {type: 8}}", "prod/web", 1, 3 << 8 | 1),
              "icmp: type 3 code 1 is not type 8");
    EXPECT_THAT(why_not("{action: Allow, protocol: TCP, destination: {ports: [https]}}"),
                HasSubstr("destination.ports: 443 is not in 'https' (10.1.0.1 declares no such port)"));
}

TEST(Walk, TellsWhatASelectorSaw) {
    EXPECT_EQ(why_not("{action: Allow, source: {selector: app == 'x'}}"),
              "source.selector: app == 'x'; the source has app=web");
    EXPECT_EQ(why_not("{action: Allow, source: {selector: has(tier)}}"),
              "source.selector: has(tier); the source has no tier");
    EXPECT_EQ(why_not("{action: Allow, source: {notSelector: app == 'web'}}"),
              "source.notSelector: app == 'web' excludes it; the source has app=web");
    EXPECT_THAT(why_not("{action: Allow, source: {selector: app == 'job'}}", "dev/job"),
                HasSubstr("the policy's own namespace"));
    EXPECT_THAT(why_not("{action: Allow, source: {selector: app == 'x'}}", "198.51.100.1"),
                HasSubstr("198.51.100.1 belongs to no endpoint and no network set"));
    EXPECT_THAT(why_not("{action: Allow, source: {namespaceSelector: global(), selector: zone == 'lab'}}", "192.0.2.1"),
                HasSubstr("globalnetworkset/office has zone=office"));
}

TEST(Walk, GoesThroughBothWorldsRuleByRule) {
    const Site site = site_of({kEndpoints, kWebToDb, kStagedClosed});
    const TraceAnswer answer = trace_of(site, "prod/web", 8080);
    const TraceDecision& decision = answer.decisions.front();
    ASSERT_EQ(decision.enforced_walk.size(), 2U);
    EXPECT_EQ(decision.enforced_walk[0].step, "egress of the source");
    EXPECT_EQ(decision.enforced_walk[0].tiers.back().policies.front().name, "pro:projectcalico-default-allow");
    const WalkedPolicy& enforced = decision.enforced_walk[1].tiers.front().policies.front();
    EXPECT_EQ(enforced.name, "gnp:web-to-db");
    EXPECT_TRUE(enforced.rules.front().matched);
    EXPECT_EQ(enforced.rules.front().spot.line, 9);
    const WalkedPolicy& pending = decision.pending_walk[1].tiers.front().policies.front();
    EXPECT_EQ(pending.name, "sgnp:closed");
    EXPECT_TRUE(pending.staged);
    EXPECT_TRUE(pending.rules.front().matched);
}

TEST(Walk, ARuleThatAsksForMoreThanWasShownSaysWhat) {
    const Site site = site_of({kEndpoints, with(kWebToDb, "destination: {ports: [8080]}",
                                                "destination: {ports: [8080]}\n      http: {methods: [GET]}")});
    const TraceDecision decision = trace_of(site, "prod/web", 8080).decisions.front();
    const WalkedRule& rule = decision.enforced_walk[1].tiers.front().policies.front().rules.front();
    EXPECT_FALSE(rule.matched);
    EXPECT_EQ(rule.why_not, "http: the connection does not show GET");
}

}  // namespace
}  // namespace drywall::explain

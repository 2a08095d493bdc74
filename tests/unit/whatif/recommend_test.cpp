#include "drywall/whatif/recommend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "drywall/loader/resources.h"
#include "sites.h"

namespace drywall::whatif {
namespace {

using test::site_of;
using test::workload;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

RecordedFlow flow(const std::string& from, const std::string& to, std::uint16_t port, std::uint8_t protocol = 6) {
    RecordedFlow out;
    out.source = *net::Address::parse(from);
    out.destination = *net::Address::parse(to);
    out.protocol = protocol;
    out.destination_port = port;
    out.connections = 1;
    out.first = parse_time("2026-11-22T12:00:00Z");
    out.last = parse_time("2026-11-22T13:00:00Z");
    return out;
}

std::vector<std::string> shop() {
    return {workload("web-1", "shop", "10.0.0.1", "app: web"), workload("web-2", "shop", "10.0.0.2", "app: web"),
            workload("db", "shop", "10.1.0.1", "app: db"), workload("probe", "ops", "10.2.0.1", "app: probe")};
}

Recommendation recommended(const explain::Site& site, const std::vector<RecordedFlow>& flows,
                           const RecommendOptions& options = {}) {
    auto result = recommend(*site.inventory, *site.ruleset, flows, options);
    EXPECT_TRUE(result) << result.error().text();
    return result ? *std::move(result) : Recommendation{};
}

TEST(Recommend, ReadableRulesOverLabelsComeOfWhatWasSeen) {
    const explain::Site site = site_of(shop());
    const Recommendation out = recommended(
        site,
        {flow("10.0.0.1", "10.1.0.1", 5432), flow("10.0.0.2", "10.1.0.1", 5432), flow("10.2.0.1", "10.1.0.1", 22)});
    ASSERT_EQ(out.policies.size(), 3U);
    const policy::Policy& db = out.policies[1].policy;
    EXPECT_EQ(db.metadata.name, "learned-db");
    EXPECT_EQ(db.metadata.ns, "shop");
    EXPECT_EQ(db.kind(), policy::Kind::kStagedNetworkPolicy);
    EXPECT_EQ(db.staged_action, policy::StagedAction::kLearn);
    EXPECT_EQ(db.selector, "app == 'db'");
    EXPECT_FALSE(db.egress_type) << "nothing was seen leaving it";
    ASSERT_EQ(db.ingress.size(), 2U);
    EXPECT_EQ(db.ingress[0].source.selector, "app == 'web'");
    EXPECT_EQ(db.ingress[0].destination.ports, (std::vector<policy::PortRange>{{5432, 5432}}));
    EXPECT_EQ(db.ingress[1].source.namespace_selector, "all()");
    EXPECT_EQ(db.ingress[1].source.selector, "projectcalico.org/namespace == 'ops' && app == 'probe'");
    EXPECT_THAT(out.not_covered, IsEmpty());
    EXPECT_EQ(out.covered.connections, 3U);
}

TEST(Recommend, UndeclaredAddressesBecomeNetsOfExactlyThese) {
    const explain::Site site = site_of(shop());
    const Recommendation out =
        recommended(site, {flow("10.0.0.1", "192.0.2.8", 443), flow("10.0.0.1", "192.0.2.9", 443),
                           flow("10.0.0.1", "198.51.100.7", 443)});
    ASSERT_EQ(out.policies.size(), 1U);
    ASSERT_EQ(out.policies[0].policy.egress.size(), 1U);
    std::vector<std::string> nets;
    for (const net::Prefix& prefix : out.policies[0].policy.egress[0].destination.nets) nets.push_back(prefix.text());
    EXPECT_THAT(nets, ElementsAre("192.0.2.8/31", "198.51.100.7/32"));
}

TEST(Recommend, WhatEndpointsOfTheSameLabelsGetWithTheOthersIsTold) {
    const explain::Site site = site_of(shop());
    const Recommendation out = recommended(site, {flow("10.0.0.1", "10.1.0.1", 5432)});
    ASSERT_EQ(out.policies.size(), 2U);
    EXPECT_THAT(out.policies[1].silent, ElementsAre("workloadendpoint/shop/web-2"));
    EXPECT_THAT(out.policies[1].admitted_unseen, ElementsAre("shop/web-2 -> shop/db tcp/5432"));
    EXPECT_THAT(yaml_of(out.policies[1]), HasSubstr("# learned from 1 connection, 2026-11-22T12:00:00.000Z to"));
    EXPECT_THAT(yaml_of(out.policies[1]), HasSubstr("#   shop/web-2 -> shop/db tcp/5432\n"));
}

TEST(Recommend, WhatARuleDecidesIsLeftAlone) {
    std::vector<std::string> texts = shop();
    texts.emplace_back(R"(apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec: {selector: app == 'db', types: [Ingress], ingress: [{action: Allow, source: {selector: app == 'web'}}]}
)");
    const explain::Site site = site_of(texts);
    const Recommendation out =
        recommended(site, {flow("10.0.0.1", "10.1.0.1", 5432)}, {.scope = "shop/db", .since = {}, .denied = false});
    EXPECT_THAT(out.policies, IsEmpty());
    EXPECT_EQ(out.outside.connections, 1U) << "the web's side of it is undecided, and was not asked about";
}

TEST(Recommend, TheSafetyNetIsNoDecisionAndStaysBehindWhatIsLearned) {
    std::vector<std::string> texts = shop();
    texts.emplace_back(R"(apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: safety-net}
spec: {order: 5000, selector: all(), types: [Ingress, Egress], ingress: [{action: Allow}], egress: [{action: Allow}]}
)");
    const explain::Site site = site_of(texts);
    const Recommendation out = recommended(site, {flow("10.0.0.1", "10.1.0.1", 5432)});
    ASSERT_EQ(out.policies.size(), 2U);
    for (const RecommendedPolicy& one : out.policies) EXPECT_LT(*one.policy.order, 5000);
    EXPECT_THAT(out.not_covered, IsEmpty());
}

TEST(Recommend, WhatIsDeniedByDefaultIsCoveredOnlyWhenAskedFor) {
    std::vector<std::string> texts = shop();
    texts.emplace_back(R"(apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: closed, namespace: shop}
spec: {selector: app == 'db', types: [Ingress]}
)");
    const explain::Site site = site_of(texts);
    RecordedFlow knock = flow("10.0.0.1", "10.1.0.1", 22);
    knock.action = Verdict::kDeny;
    EXPECT_THAT(recommended(site, {knock}).policies, IsEmpty());
    EXPECT_EQ(recommended(site, {knock}).denied.connections, 1U);
    const Recommendation out = recommended(site, {knock}, {.scope = "shop/db", .since = {}, .denied = true});
    ASSERT_EQ(out.policies.size(), 1U);
    EXPECT_EQ(out.policies[0].policy.ingress.size(), 1U);
}

TEST(Recommend, ARuleStandsInTheTierWhoseEndWouldDeny) {
    std::vector<std::string> texts = shop();
    texts.emplace_back(R"(apiVersion: projectcalico.org/v3
kind: Tier
metadata: {name: app}
spec: {order: 100}
---
apiVersion: projectcalico.org/v3
kind: StagedGlobalNetworkPolicy
metadata: {name: app.closed}
spec: {tier: app, selector: app == 'db', types: [Ingress]}
)");
    const explain::Site site = site_of(texts);
    const Recommendation out =
        recommended(site, {flow("10.0.0.1", "10.1.0.1", 5432)}, {.scope = "app=db", .since = {}, .denied = false});
    ASSERT_EQ(out.policies.size(), 1U);
    EXPECT_EQ(out.policies[0].policy.tier, "app");
    EXPECT_THAT(out.not_covered, IsEmpty());
}

TEST(Recommend, NamesStayClearOfWhatIsThereInEitherWorld) {
    std::vector<std::string> texts = shop();
    texts.emplace_back(R"(apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: learned-db, namespace: shop}
spec: {selector: app == 'nobody', types: [Ingress]}
)");
    const explain::Site site = site_of(texts);
    const Recommendation out =
        recommended(site, {flow("10.0.0.1", "10.1.0.1", 5432)}, {.scope = "shop/db", .since = {}, .denied = false});
    ASSERT_EQ(out.policies.size(), 1U);
    EXPECT_EQ(out.policies[0].policy.metadata.name, "learned-db-2");
}

TEST(Recommend, AddressesOfNetworkSetsAreNotLetInByTheirLabels) {
    std::vector<std::string> texts = shop();
    texts.emplace_back(R"(apiVersion: projectcalico.org/v3
kind: NetworkSet
metadata: {name: twin, namespace: shop, labels: {app: web}}
spec: {nets: [203.0.113.0/24]}
)");
    const explain::Site site = site_of(texts);
    const Recommendation out =
        recommended(site, {flow("10.0.0.1", "10.1.0.1", 5432)}, {.scope = "shop/db", .since = {}, .denied = false});
    ASSERT_EQ(out.policies.size(), 1U);
    EXPECT_FALSE(out.policies[0].policy.ingress[0].source.selector);
    EXPECT_EQ(out.policies[0].policy.ingress[0].source.nets.size(), 1U);
}

TEST(Recommend, AHostGetsAGlobalPolicy) {
    std::vector<std::string> texts = shop();
    texts.emplace_back(R"(apiVersion: projectcalico.org/v3
kind: HostEndpoint
metadata: {name: bastion, labels: {role: bastion}}
spec: {node: bastion, expectedIPs: [10.3.0.1], profiles: [projectcalico-default-allow]}
)");
    const explain::Site site = site_of(texts);
    const Recommendation out =
        recommended(site, {flow("10.0.0.1", "10.3.0.1", 8443)}, {.scope = "bastion", .since = {}, .denied = false});
    ASSERT_EQ(out.policies.size(), 1U);
    const policy::Policy& policy = out.policies[0].policy;
    EXPECT_EQ(policy.kind(), policy::Kind::kStagedGlobalNetworkPolicy);
    EXPECT_EQ(policy.selector, "role == 'bastion'");
    EXPECT_EQ(policy.ingress[0].source.selector, "app == 'web'");
}

TEST(Recommend, IcmpAndPortRangesReadAsTheyAreWritten) {
    const explain::Site site = site_of(shop());
    const Recommendation out = recommended(site,
                                           {flow("10.0.0.1", "10.1.0.1", 8080), flow("10.0.0.1", "10.1.0.1", 8081),
                                            flow("10.0.0.1", "10.1.0.1", 8 << 8, 1)},
                                           {.scope = "app=db", .since = {}, .denied = false});
    ASSERT_EQ(out.policies.size(), 1U);
    const std::vector<policy::Rule>& rules = out.policies[0].policy.ingress;
    ASSERT_EQ(rules.size(), 2U);
    EXPECT_EQ(rules[0].icmp, (policy::Icmp{8, 0}));
    EXPECT_EQ(rules[1].destination.ports, (std::vector<policy::PortRange>{{8080, 8081}}));
}

TEST(Recommend, AScopeThatIsNothingIsSaidToBe) {
    const explain::Site site = site_of(shop());
    const auto result =
        recommend(*site.inventory, *site.ruleset, {}, {.scope = "nobody", .since = {}, .denied = false});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::kNotFound);
}

TEST(Recommend, FlowsBetweenStrangersAreToldAsNotCovered) {
    const explain::Site site = site_of(shop());
    const Recommendation out = recommended(site, {flow("192.0.2.1", "192.0.2.2", 80)});
    ASSERT_EQ(out.not_covered.size(), 1U);
    EXPECT_THAT(out.not_covered[0].why, HasSubstr("no endpoint is declared"));
}

TEST(Recommend, ItsYamlIsReadBackAsTheSamePolicy) {
    const explain::Site site = site_of(shop());
    for (const RecommendedPolicy& one : recommended(site, {flow("10.0.0.1", "10.1.0.1", 5432)}).policies) {
        const auto back = loader::load_resources({"learned.yaml", yaml_of(one)});
        ASSERT_TRUE(back) << back.error().text() << yaml_of(one);
        EXPECT_EQ(loader::to_json(back->front()), loader::to_json(policy::Resource(one.policy)));
    }
}

}  // namespace
}  // namespace drywall::whatif

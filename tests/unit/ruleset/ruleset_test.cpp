// What a ruleset says about itself: identities, the enforced image, endpoints, sizes.
#include "drywall/ruleset/ruleset.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "cluster.h"

namespace drywall::test {
namespace {

constexpr auto kUnknown = "198.51.100.7";
constexpr auto kW = "10.0.0.1";

// Identity by text of the hit.
std::map<std::string, std::string> identities(const Cluster& cluster) {
    std::map<std::string, std::string> by_text;
    const auto built = cluster.build();
    for (const ruleset::HitDescriptor& hit : built->hits()) by_text[hit.text()] = hit.identity;
    return by_text;
}

// The identity of the hit that denies an unknown port.
std::string judged_end(const Cluster& cluster, World world) {
    const auto built = cluster.build();
    const auto& trace = built->trace(built->classify(tcp().from(kUnknown).to(kW, 9999).tuple()));
    return built->hit((world == World::kEnforced ? trace.enforced_hits : trace.pending_hits).back()).identity;
}

class Identity : public ::testing::Test {
protected:
    Identity() { cluster.workload("w", kW, {{"app", "w"}}); }
    Cluster cluster;
};

TEST_F(Identity, IsUniqueWithinAGeneration) {
    cluster.port("uplink", "left").host("h", "10.0.0.9");
    cluster.add(gnp("a").on_forward().ingress(allow().tcp(80)).ingress(allow().tcp(80)).egress(allow().tcp(80)));
    cluster.add(sgnp("a").on_forward().ingress(allow().tcp(80)));
    const auto built = cluster.build();
    std::set<std::string> seen;
    for (const ruleset::HitDescriptor& hit : built->hits())
        EXPECT_TRUE(seen.insert(hit.identity).second) << hit.identity;
    EXPECT_GT(seen.size(), 10u);
}

TEST_F(Identity, OfARuleSurvivesRulesThatComeAndGoAroundIt) {
    cluster.add(gnp("a").ingress(allow().tcp(80)));
    const std::string before = identities(cluster).at("default|gnp:a|allow|0");
    cluster.add(gnp("a").order(7).ingress(deny().udp(9)).ingress(allow().tcp(80))).add(gnp("b").ingress(deny()));
    EXPECT_EQ(identities(cluster).at("default|gnp:a|allow|1"), before);
}

TEST_F(Identity, OfARuleChangesWithWhatTheRuleSays) {
    cluster.add(gnp("a").ingress(allow().tcp(80).from("app == 'w'")));
    const std::string before = identities(cluster).at("default|gnp:a|allow|0");
    cluster.add(gnp("a").ingress(allow().tcp(80).from(" ( app=='w' )")));
    EXPECT_EQ(identities(cluster).at("default|gnp:a|allow|0"), before) << "another spelling is the same content";
    cluster.add(gnp("a").ingress(allow().tcp(81).from("app == 'w'")));
    EXPECT_NE(identities(cluster).at("default|gnp:a|allow|0"), before);
}

TEST_F(Identity, OfAnEndOfTierSurvivesEditsOfThePoliciesAndStagedOnesBesideThem) {
    cluster.add(gnp("a").ingress(allow().tcp(80)));
    const std::string before = identities(cluster).at("default|gnp:a|deny|-1");
    cluster.add(gnp("a").ingress(allow().tcp(81))).add(sgnp("b").order(1));
    EXPECT_EQ(judged_end(cluster, World::kEnforced), before);
    EXPECT_NE(judged_end(cluster, World::kPending), before) << "in the pending world two policies arm it";
}

TEST_F(Identity, TwinOfAStagedHitIsTheIdentityAfterPromotion) {
    const policy::Policy staged = sgnp("s").ingress(allow().tcp(80)).ingress(allow().tcp(80));
    cluster.add(gnp("a").order(1).ingress(allow().tcp(81))).add(policy::Resource(staged));
    std::map<std::string, std::string> twins;
    const auto before = cluster.build();
    for (const ruleset::HitDescriptor& hit : before->hits()) twins[hit.text()] = hit.enforced_twin;
    cluster.remove(policy::Kind::kStagedGlobalNetworkPolicy, "s").add(policy::Resource(policy::promoted(staged)));
    const auto after = identities(cluster);
    EXPECT_EQ(twins.at("default|sgnp:s|allow|0"), after.at("default|gnp:s|allow|0"));
    EXPECT_EQ(twins.at("default|sgnp:s|allow|1"), after.at("default|gnp:s|allow|1"));
    EXPECT_EQ(twins.at("default|sgnp:s|deny|-1"), after.at("default|gnp:s|deny|-1"));
    EXPECT_EQ(twins.at("default|gnp:a|allow|0"), after.at("default|gnp:a|allow|0"));
}

TEST(Hits, PoliciesThatApplyNowhereAreDescribedToo) {
    const auto built = Cluster().add(gnp("lonely").ingress(allow().tcp(80))).build();
    ASSERT_FALSE(built->hits().empty());
    EXPECT_EQ(built->hits().front().text(), "default|gnp:lonely|allow|0");
}

TEST(Hits, RulesStandInTheOrderOfEvaluation) {
    Cluster cluster;
    cluster.workload("w", kW).tier("sec", 10);
    cluster.add(gnp("z").tier("sec").ingress(pass())).add(gnp("b").order(2).ingress(allow()));
    cluster.add(gnp("a").order(1).selects("none == 'such'").ingress(deny()));
    Texts rules;
    const auto built = cluster.build();
    for (const auto& hit : built->hits())
        if (hit.kind == ruleset::HitKind::kRule) rules.push_back(hit.text());
    EXPECT_EQ(rules, (Texts{"sec|gnp:z|pass|0", "default|gnp:a|deny|0", "default|gnp:b|allow|0"}));
}

TEST(Hits, AnEndOfTierListsEveryPolicyThatArmedIt) {
    Cluster cluster;
    cluster.workload("w", kW).add(gnp("a").order(1)).add(gnp("b").order(2)).add(sgnp("c").order(3));
    const auto built = cluster.build();
    const auto& trace = built->trace(built->classify(tcp().from(kUnknown).to(kW, 80).tuple()));
    const auto armed = [&](const std::vector<HitId>& hits) {
        Texts texts;
        for (const ruleset::PolicyRef& policy : built->hit(hits.at(0)).armed_by) texts.push_back(policy.text());
        return texts;
    };
    EXPECT_EQ(armed(trace.enforced_hits), (Texts{"gnp:a", "gnp:b"}));
    EXPECT_EQ(armed(trace.pending_hits), (Texts{"gnp:a", "gnp:b", "sgnp:c"}));
}

TEST(Parties, EndpointsThatPoliciesDoNotTellApartAreOne) {
    Cluster cluster;
    for (int i = 1; i <= 20; ++i)
        cluster.workload("w" + std::to_string(i), "10.0.0." + std::to_string(i),
                         {{"app", i % 2 == 0 ? "even" : "odd"}, {"n", std::to_string(i)}});
    cluster.add(gnp("even").selects("app == 'even'").ingress(allow().from("app == 'odd'")));
    EXPECT_EQ(cluster.build()->program().parties.size(), 2u);
}

TEST(Endpoints, AreFoundByAddress) {
    Cluster cluster;
    cluster.workload("w", kW, {{"app", "w"}}).host("h", "2001:db8::5").port("uplink", "left");
    const auto built = cluster.build();
    ASSERT_NE(built->endpoint_of(address(kW)), nullptr);
    EXPECT_EQ(built->endpoint_of(address(kW))->id.text(), "workloadendpoint/prod/w");
    EXPECT_EQ(built->endpoint_of(address(kW))->labels.at("app"), "w");
    EXPECT_EQ(built->endpoint_of(address("2001:db8::5"))->id.text(), "hostendpoint/h");
    EXPECT_EQ(built->endpoint_of(address(kUnknown)), nullptr);
    EXPECT_EQ(built->endpoints().size(), 2u) << "a port has no addresses of its own";
}

TEST(EnforcedImage, ChangesWithEveryEnforcedPartAndWithNoStagedOne) {
    Cluster cluster;
    cluster.workload("w", kW, {{"app", "w"}}).workload("v", "10.0.0.2", {{"app", "v"}}).port("uplink", "left");
    cluster.add(gnp("web").selects("app == 'w'").ingress(allow().tcp(80).from("app == 'v'")));
    const std::string before = cluster.build()->enforced_image();

    Cluster staged = cluster;
    staged.tier("sec", 1).add(sgnp("first").tier("sec").order(-1).on_forward().ingress(pass()).egress(deny()));
    staged.add(sgnp("web").selects("app == 'v'").ingress(deny().from("app == 'w'")));
    EXPECT_EQ(staged.build()->enforced_image(), before);

    Cluster edited = cluster;
    edited.add(gnp("web").selects("app == 'w'").ingress(allow().tcp(81).from("app == 'v'")));
    EXPECT_NE(edited.build()->enforced_image(), before);
    Cluster moved = cluster;
    moved.workload("v", "10.0.0.3", {{"app", "v"}});
    EXPECT_NE(moved.build()->enforced_image(), before);
}

TEST(EnforcedImage, G21AThousandStagedPoliciesChangeNotOneByteOfIt) {
    Cluster cluster;
    constexpr int kEndpoints = 64;
    for (int i = 0; i < kEndpoints; ++i)
        cluster.workload("w" + std::to_string(i), "10.0.1." + std::to_string(i), {{"app", std::to_string(i % 8)}});
    for (int i = 0; i < 8; ++i) {
        const std::string next = std::to_string((i + 1) % 8);
        cluster.add(gnp("p" + std::to_string(i))
                        .selects("app == '" + std::to_string(i) + "'")
                        .ingress(allow().tcp(8080).from("app == '" + next + "'")));
    }
    const auto before = cluster.build();
    for (int i = 0; i < 1000; ++i)
        cluster.add(sgnp("s" + std::to_string(i))
                        .order(i)
                        .selects("app == '" + std::to_string(i % 8) + "'")
                        .ingress(deny().tcp(static_cast<std::uint16_t>(1 + i))));
    const auto after = cluster.build();
    EXPECT_EQ(after->enforced_image(), before->enforced_image());
    for (const std::uint16_t port : {1, 500, 1000, 1001, 8080}) {
        const Packet packet = tcp().from("10.0.1.1").to("10.0.1.0", port);
        EXPECT_EQ(judge(*after, packet).enforced_hits, judge(*before, packet).enforced_hits) << port;
    }
}

// docs/life-of-a-policy.md tells this example.
TEST(LifeOfAPolicy, ExampleIsAsItIsTold) {
    constexpr auto kProfileHit = "__PROFILE__|pro:projectcalico-default-allow|allow|0";
    Cluster cluster;
    cluster.workload("database", "10.1.0.9", {{"app", "database"}})
        .workload("frontend", "10.0.0.1", {{"app", "frontend"}});
    cluster.workload("backend-1", "10.0.0.2", {{"app", "backend"}})
        .workload("backend-2", "10.0.0.3", {{"app", "backend"}});
    cluster.add(gnp("database").selects("app == 'database'").ingress(allow().tcp(8080).from("app == 'backend'")));
    cluster.add(sgnp("backend-default-deny").selects("app == 'backend'"));
    EXPECT_EQ(cluster.build()->program().parties.size(), 3u);

    const Judged foretold = cluster.judge(tcp().from("10.0.0.1").to("10.0.0.2", 8080));
    EXPECT_EQ(foretold.enforced_hits, (Texts{kProfileHit, kProfileHit}));
    EXPECT_EQ(foretold.pending_hits, (Texts{kProfileHit, "default|sgnp:backend-default-deny|deny|-1"}));
    EXPECT_EQ(foretold.responsible, Texts{"sgnp:backend-default-deny"});
    const Judged untouched = cluster.judge(tcp().from("10.0.0.2").to("10.1.0.9", 8080));
    EXPECT_EQ(untouched.pending_hits, (Texts{kProfileHit, "default|gnp:database|allow|0"}));
    EXPECT_EQ(untouched.pending_hits, untouched.enforced_hits);
}

TEST(Build, RefusesAnApplianceWithoutPorts) {
    Cluster cluster;
    cluster.surroundings().port_names.clear();
    ASSERT_FALSE(cluster.try_build());
}

TEST(Again, HasTheSameTablesUnderAnotherNumber) {
    Cluster cluster;
    cluster.workload("w", kW, {{"app", "w"}});
    cluster.add(gnp("a").ingress(allow().tcp(80)));
    const auto built = cluster.build();
    const auto again = built->again(Generation{9}, ruleset::Enforcement::kEnforce);
    EXPECT_EQ(again->generation(), Generation{9});
    EXPECT_EQ(again->enforced_image(), built->enforced_image());
    for (const std::uint16_t port : {80, 81}) {
        const net::Tuple tuple = tcp().from(kUnknown).to(kW, port).tuple();
        EXPECT_EQ(again->classify(tuple), built->classify(tuple));
        EXPECT_EQ(again->verdict(again->classify(tuple)).enforced, built->verdict(built->classify(tuple)).enforced);
    }
}

TEST(Again, ObservingLetsPassWhatPolicyDeniesAndSaysSo) {
    Cluster cluster;
    cluster.workload("w", kW, {{"app", "w"}});
    cluster.add(gnp("a").ingress(allow().tcp(80)));
    const auto open = cluster.build()->again(Generation{9}, ruleset::Enforcement::kObserve);
    const TraceId denied = open->classify(tcp().from(kUnknown).to(kW, 81).tuple());
    EXPECT_EQ(open->verdict(denied).enforced, Verdict::kAllow);
    EXPECT_EQ(open->verdict(denied).reason, DropReason::kNone);
    EXPECT_EQ(open->trace(denied).enforced, Verdict::kDeny) << "what policy decided is still told";
    EXPECT_TRUE(open->only_observed(denied));
    EXPECT_FALSE(open->only_observed(open->classify(tcp().from(kUnknown).to(kW, 80).tuple())));
    const auto closed = open->again(Generation{10}, ruleset::Enforcement::kEnforce);
    EXPECT_EQ(closed->verdict(denied).reason, DropReason::kPolicyDeny);
}

TEST(Build, KeepsItsGeneration) { EXPECT_EQ(Cluster().build()->generation(), Generation{1}); }

}  // namespace
}  // namespace drywall::test

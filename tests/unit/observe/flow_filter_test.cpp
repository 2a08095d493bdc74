// Which flows are meant: Hubble's logic, and what every flag takes.
#include "drywall/observe/flow_filter.h"

#include <gtest/gtest.h>

#include "drywall/observe/flow_json.h"

namespace drywall::observe {
namespace {

FlowRecord flow(std::string_view from, std::string_view to, std::uint16_t port) {
    FlowRecord record;
    record.source = *net::Address::parse(from);
    record.destination = *net::Address::parse(to);
    record.protocol = 6;
    record.destination_port = port;
    record.source_port = 40000;
    record.generation = Generation{7};
    record.ingress_port = "inside";
    record.source_party = std::make_shared<const Party>(
        Party{PartyType::kWorkload, "workloadendpoint/prod/web-1", "prod", "web-1", {{"app", "web"}}});
    Decided decided;
    decided.enforced = Verdict::kAllow;
    decided.pending = Verdict::kDeny;
    decided.enforced_hits = {hit_of("0|default|gnp:db|allow|0")};
    decided.pending_hits = {hit_of("0|app|snp:prod/closed|deny|-1")};
    record.decision = std::make_shared<const Decided>(std::move(decided));
    return record;
}

const FlowRecord kFlow = flow("10.0.7.4", "10.1.0.9", 5432);

bool matches(const std::vector<FlowTerm>& terms, const FlowRecord& record = kFlow) {
    const auto filter = FlowFilter::of(terms);
    if (!filter) {
        ADD_FAILURE() << filter.error().text();
        return false;
    }
    return filter->matches(record);
}

TEST(FlowFilter, WithoutFlagsEverythingIsMeant) { EXPECT_TRUE(matches({})); }

TEST(FlowFilter, ValuesOfOneFlagAreAlternatives) {
    EXPECT_TRUE(matches({{"from-ip", "10.0.9.9"}, {"from-ip", "10.0.7.4"}}));
    EXPECT_TRUE(matches({{"to-port", "22,5432"}}));
    EXPECT_FALSE(matches({{"to-port", "22"}, {"to-port", "443"}}));
}

TEST(FlowFilter, DifferentFlagsMustAllHold) {
    EXPECT_TRUE(matches({{"from-ip", "10.0.7.0/24"}, {"to-port", "5432"}}));
    EXPECT_FALSE(matches({{"from-ip", "10.0.7.0/24"}, {"to-port", "443"}}));
}

TEST(FlowFilter, NotTurnsRoundTheFlagThatFollowsAndNoOther) {
    EXPECT_FALSE(matches({{"from-ip", "10.0.7.0/24", true}}));
    EXPECT_TRUE(matches({{"from-ip", "10.0.8.0/24", true}, {"to-port", "5432"}}));
    EXPECT_FALSE(matches({{"from-ip", "10.0.8.0/24", true}, {"to-port", "22"}}));
    EXPECT_FALSE(matches({{"to-port", "22", true}, {"to-port", "5432", true}}));  // neither of the two
}

TEST(FlowFilter, EveryFlagFindsWhatItNames) {
    const std::vector<FlowTerm> all = {{"to-ip", "10.1.0.9"},
                                       {"ip", "10.1.0.0/16"},
                                       {"from-cidr", "10.0.0.0/8"},
                                       {"from-name", "web-*"},
                                       {"from-pod", "prod/web-1"},
                                       {"name", "*1"},
                                       {"from-namespace", "prod"},
                                       {"namespace", "pr*"},
                                       {"from-label", "app in {'web', 'x'}"},
                                       {"label", "has(app)"},
                                       {"from-port", "40000"},
                                       {"port", "5000-6000"},
                                       {"protocol", "TCP"},
                                       {"in", "inside"},
                                       {"verdict", "allowed"},
                                       {"enforced", "allow"},
                                       {"pending", "denied"},
                                       {"differing", "true"},
                                       {"generation", "7"},
                                       {"id", std::to_string(flow_id(kFlow))}};
    EXPECT_TRUE(matches(all));
    for (FlowTerm term : all) {
        EXPECT_TRUE(matches({term})) << term.flag;
        term.negated = true;
        EXPECT_FALSE(matches({term})) << term.flag;
    }
}

TEST(FlowFilter, PoliciesAreNamedShortOrInFull) {
    for (const char* meant : {"db", "gnp:db", "closed", "snp:prod/closed", "prod/closed", "clo*", "app|closed",
                              "app|snp:closed|deny", "*|*|deny|-1", "EndOfTier:closed", "GlobalNetworkPolicy:db"})
        EXPECT_TRUE(matches({{"policy", meant}})) << meant;
    for (const char* other : {"d", "sgnp:db", "dev/closed", "default|closed", "app|closed|allow", "app|closed|deny|0"})
        EXPECT_FALSE(matches({{"policy", other}})) << other;
}

TEST(FlowFilter, AnAddressThatNobodyDeclaredHasNoName) {
    EXPECT_FALSE(matches({{"to-name", "*"}}));
    EXPECT_FALSE(matches({{"to-label", "!has(app)"}}));
}

TEST(FlowFilter, IcmpHasNoPorts) {
    FlowRecord ping = kFlow;
    ping.protocol = 1;
    ping.destination_port = 0x0800;
    EXPECT_FALSE(matches({{"to-port", "2048"}}, ping));
    EXPECT_TRUE(matches({{"protocol", "icmp"}}, ping));
}

TEST(FlowFilter, AMistakeNamesTheFlagAndWhatItTakes) {
    const auto complaint = [](const char* flag, const char* value) {
        const std::vector<FlowTerm> terms{{flag, value}};
        const auto filter = FlowFilter::of(terms);
        return filter ? std::string("accepted") : filter.error().text();
    };
    EXPECT_NE(complaint("from-pi", "10.0.0.1").find("from-ip"), std::string::npos);
    EXPECT_NE(complaint("from-ip", "10.0.0.256").find("'10.0.0.256' is not an address"), std::string::npos);
    EXPECT_NE(complaint("to-port", "70000").find("8000-8999"), std::string::npos);
    EXPECT_NE(complaint("to-port", "9-1").find("to-port"), std::string::npos);
    EXPECT_NE(complaint("pending", "maybe").find("allow or deny"), std::string::npos);
    EXPECT_NE(complaint("protocol", "tpc").find("tcp"), std::string::npos);
    EXPECT_NE(complaint("from-label", "app = 'x'").find("selector"), std::string::npos);
    EXPECT_NE(complaint("policy", "a|b|c|d|e").find("TIER"), std::string::npos);
}

TEST(FlowFilter, StarsStandForAnything) {
    EXPECT_TRUE(fits_pattern("*", ""));
    EXPECT_TRUE(fits_pattern("a*b*c", "axxbyyc"));
    EXPECT_TRUE(fits_pattern("*ab", "aab"));
    EXPECT_TRUE(fits_pattern("**", "x"));
    EXPECT_FALSE(fits_pattern("a*b", "axxc"));
    EXPECT_FALSE(fits_pattern("", "a"));
    EXPECT_FALSE(fits_pattern("web", "web-1"));
}

TEST(FlowFilter, MomentsAreAgosAndDates) {
    const WallTime now{std::chrono::seconds(1'000'000)};
    EXPECT_EQ(*moment("10m", now), now - std::chrono::minutes(10));
    EXPECT_EQ(*moment("1h30m", now), now - std::chrono::minutes(90));
    EXPECT_EQ(*moment("1970-01-02T00:00:01.5Z", now), WallTime(std::chrono::milliseconds(86'401'500)));
    for (const char* no : {"", "10", "m", "10x", "yesterday", "1970-01-02", "1970-01-02T00:00:01", "99999999999d"})
        EXPECT_FALSE(moment(no, now)) << no;
}

TEST(FlowJson, WhatWasWrittenIsReadBack) {
    FlowGroup group(kFlow);
    group.first_seen = WallTime(std::chrono::milliseconds(1'000'123));
    group.last_seen = WallTime(std::chrono::milliseconds(2'000'456));
    group.connections_started = 3;
    group.forward = {5, 500};
    group.reverse = {4, 4000};
    group.lost = 2;
    group.doubt = Doubt::kRecordsLost | Doubt::kPolicyChanged;
    const auto json = json_of_flow(group);
    EXPECT_EQ(json["source_labels"], "app=web");
    EXPECT_EQ(json["source_type"], "wep");
    EXPECT_EQ(json["dest_type"], "net");
    EXPECT_EQ(json["policies"]["pending"][0]["trigger"]["name"], "closed");
    EXPECT_EQ(json["uncertain"], true);
    const auto back = flow_of_json(json);
    ASSERT_TRUE(back) << back.error().text();
    EXPECT_EQ(json_of_flow(*back).dump(), json.dump());
}

TEST(FlowJson, WhatIsNoFlowIsRefusedAndWhatIsMissingIsEmpty) {
    using Json = nlohmann::ordered_json;
    EXPECT_FALSE(flow_of_json(Json::array()));
    EXPECT_FALSE(flow_of_json(Json{{"code", "invalid"}}));
    const auto bare = flow_of_json(Json{{"action", "allow"}, {"policies", 7}, {"dest_port", "x"}});
    ASSERT_TRUE(bare);
    EXPECT_EQ(bare->enforced, Verdict::kAllow);
    EXPECT_EQ(bare->pending, Verdict::kAllow);
}

}  // namespace
}  // namespace drywall::observe

// What a promotion would do to what was asked for inside of connections, and to the connections whose ports do not
// tell.
#include "drywall/observe/request_impact.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "drywall/observe/impact.h"
#include "flow_events.h"

namespace drywall::observe {
namespace {

using namespace std::chrono_literals;
using ruleset::PolicyRef;
using telemetry::RequestKind;
using test::allow;
using test::Cluster;
using test::deny;
using test::gnp;
using test::sgnp;
using Built = std::shared_ptr<const ruleset::Ruleset>;

constexpr std::uint16_t kPort = 80;

PolicyRef staged_ref(const std::string& name) {
    return {policy::Kind::kStagedGlobalNetworkPolicy, "default", "", name, true};
}

policy::HttpMatch only(const std::string& method, const std::string& path = {}) {
    policy::HttpMatch match{.methods = {method}, .paths = {}};
    if (!path.empty()) match.paths.push_back({.prefix = true, .path = path});
    return match;
}

// db takes TCP 80 of everybody.
Cluster open_shop() {
    Cluster cluster;
    cluster.workload("web", "10.0.0.1", {{"app", "web"}}).workload("db", "10.1.0.1", {{"app", "db"}});
    cluster.add(gnp("db").order(10).selects("app == 'db'").ingress(allow().tcp(kPort)));
    return cluster;
}

// "asks" would let pass only GETs of /shop.
Cluster staged_shop() {
    Cluster cluster = open_shop();
    cluster.add(sgnp("asks")
                    .order(1)
                    .selects("app == 'db'")
                    .ingress(allow().tcp(kPort).http(only("GET", "/shop")))
                    .ingress(deny().tcp(kPort)));
    return cluster;
}

// The same, promoted.
Cluster promoted_shop() {
    Cluster cluster = open_shop();
    cluster.add(gnp("asks")
                    .order(1)
                    .selects("app == 'db'")
                    .ingress(allow().tcp(kPort).http(only("GET", "/shop")))
                    .ingress(deny().tcp(kPort)));
    return cluster;
}

// A log of what was asked under one ruleset.
class Asked {
public:
    explicit Asked(Built built) : built_(std::move(built)) {
        if (built_->inspects() && !workspace_.grow_for(built_->conditions())) ADD_FAILURE() << "no workspace";
    }
    Asked& ask(const std::string& method, const std::string& path, std::uint16_t from = 40000) {
        telemetry::Request made = request(from);
        made.method = telemetry::ShortText<24>(method);
        made.path = telemetry::ShortText<255>(path);
        add(made, {.http = reference::HttpRequest{method, path}, .names = {}, .tls = {}});
        return *this;
    }
    Asked& unread(std::uint16_t from = 40000) {
        telemetry::Request made = request(from);
        made.kind = RequestKind::kUnread;
        add(made, {});
        return *this;
    }
    [[nodiscard]] RequestEvidence evidence() const { return {log_.everything({}), {}, WallTime{}}; }

    static telemetry::Request request(std::uint16_t from) {
        telemetry::Request made;
        made.tuple = tcp_to(kPort);
        made.tuple.source_port = from;
        return made;
    }
    void add(telemetry::Request made, const reference::ConnectionFacts& facts) {
        made.generation = built_->generation();
        made.trace = built_->classify(made.tuple);
        if (built_->inspects()) made.trace = built_->resolve(made.trace, facts, workspace_);
        log_.add(made, built_.get(), WallTime(100s));
    }

private:
    Built built_;
    inspect::ConditionWorkspace workspace_;
    RequestLog log_;
};

FlowGroup group(std::uint64_t connections, std::uint64_t generation) {
    FlowRecord record;
    record.source = *net::Address::parse("10.0.0.1");
    record.destination = *net::Address::parse("10.1.0.1");
    record.protocol = net::protocol::kTcp;
    record.destination_port = kPort;
    record.connections_started = connections;
    record.generation = Generation{generation};
    record.first_seen = record.last_seen = WallTime(100s);
    Decided decided;
    decided.enforced = decided.pending = Verdict::kAllow;
    record.decision = std::make_shared<const Decided>(decided);
    return FlowGroup(record);
}

Rehearsal together(const Built& now, std::optional<PolicyRef> owed_to = {}) {
    return {{now.get(), World::kEnforced}, {now.get(), World::kPending}, std::move(owed_to), {}};
}
Rehearsal alone(const Built& now, const Built& then) { return {{now.get()}, {then.get()}, {}, {}}; }

std::vector<std::string> paths(const RequestImpact& impact, Effect effect) {
    std::vector<std::string> out;
    for (const ImpactRequest& one : impact.affected)
        if (one.effect == effect) out.push_back(one.request.path);
    return out;
}
using Paths = std::vector<std::string>;

RequestImpact impact_of(const Rehearsal& rehearsal, const RequestEvidence& evidence) {
    return RequestRehearser(rehearsal, evidence).impact();
}

TEST(RequestImpact, ShowsWhatAPromotionWouldDeny) {
    const Built now = built(staged_shop());
    Asked asked(now);
    asked.ask("GET", "/shop/1").ask("GET", "/admin").ask("PUT", "/shop/2");
    for (const Built& then : {now, built(promoted_shop(), 2)}) {
        const Rehearsal rehearsal = then == now ? together(now) : alone(now, then);
        const RequestImpact impact = impact_of(rehearsal, asked.evidence());
        EXPECT_EQ(impact.observed, 3U);
        EXPECT_EQ(impact.newly_denied, 2U);
        EXPECT_EQ(impact.uncertain, 0U);
        EXPECT_TRUE(impact.complete);
        EXPECT_EQ(paths(impact, Effect::kNewlyDenied), (Paths{"/shop/2", "/admin"})) << "the newest first";
        EXPECT_EQ(impact.affected[0].now_by, "default|gnp:db|allow|0");
        EXPECT_EQ(impact.affected[0].then_by, then == now ? "default|sgnp:asks|deny|1" : "default|gnp:asks|deny|1");
    }
}

TEST(RequestImpact, ShowsWhatAPromotionWouldAllow) {
    Cluster cluster = open_shop();
    cluster.remove(policy::Kind::kGlobalNetworkPolicy, "db");
    cluster.add(gnp("db").order(10).selects("app == 'db'").ingress(allow().tcp(kPort).http(only("GET"))));
    cluster.add(sgnp("puts").order(1).selects("app == 'db'").ingress(allow().tcp(kPort).http(only("PUT"))));
    const Built now = built(cluster);
    Asked asked(now);
    telemetry::Request denied = Asked::request(40000);
    denied.method = telemetry::ShortText<24>("PUT");
    denied.path = telemetry::ShortText<255>("/x");
    denied.drop = DropReason::kHttpDenied;
    asked.add(denied, {.http = reference::HttpRequest{"PUT", "/x"}, .names = {}, .tls = {}});
    const RequestImpact impact = impact_of(together(now), asked.evidence());
    EXPECT_EQ(paths(impact, Effect::kNewlyAllowed), Paths{"/x"});
}

TEST(RequestImpact, InCombinationShowsOnlyWhatIsOwedToThePolicy) {
    Cluster cluster = staged_shop();
    cluster.add(sgnp("no-ssh").order(2).selects("app == 'db'").ingress(deny().tcp(22)));
    const Built now = built(cluster);
    Asked asked(now);
    asked.ask("GET", "/admin");
    EXPECT_EQ(impact_of(together(now, staged_ref("asks")), asked.evidence()).newly_denied, 1U);
    EXPECT_EQ(impact_of(together(now, staged_ref("no-ssh")), asked.evidence()).newly_denied, 0U);
}

TEST(RequestImpact, APathThatHoldsMarksIsPutAsItWasSent) {
    const Built now = built(open_shop());
    Asked asked(now);
    asked.ask("GET", "/a?b%2e/d");  // sent as /a%3fb%252e/d
    const auto with = [](const std::string& path) {
        Cluster cluster = open_shop();
        cluster.add(gnp("asks")
                        .order(1)
                        .selects("app == 'db'")
                        .ingress(allow().tcp(kPort).http(only("GET", path)))
                        .ingress(deny().tcp(kPort)));
        return built(cluster, 2);
    };
    EXPECT_EQ(impact_of(alone(now, with("/a?b%2e")), asked.evidence()).newly_denied, 0U);
    EXPECT_EQ(impact_of(alone(now, with("/a")), asked.evidence()).newly_denied, 1U);
}

TEST(RequestImpact, WhatWasCutOrNotReadableIsUncertainWhereItWouldDecide) {
    const Built before = built(open_shop());
    const Built then = built(promoted_shop(), 2);
    Asked asked(before);
    asked.ask("GET", "/shop/" + std::string(300, 'x')).unread();
    EXPECT_EQ(impact_of(alone(before, then), asked.evidence()).uncertain, 2U);
    EXPECT_EQ(impact_of(alone(before, before), asked.evidence()).uncertain, 0U);
    Asked told(built(staged_shop()));
    const Built now = built(staged_shop());
    told.ask("GET", "/shop/" + std::string(300, 'x')).ask("PUT", "/" + std::string(300, 'x'));
    const RequestImpact impact = impact_of(together(now), told.evidence());
    EXPECT_EQ(impact.uncertain, 0U) << "this very generation decided about all of it";
    EXPECT_EQ(impact.newly_denied, 1U);
}

// By which names 10.1.0.1 was known when web asked is not recorded.
TEST(RequestImpact, WhereTheNamesOfAnAddressWouldDecideItIsUncertain) {
    const Built now = built(open_shop());
    Cluster cluster = open_shop();
    cluster.add(gnp("out").selects("app == 'web'").only_egress().egress(allow().to_domains({"shop.example"})));
    const Built then = built(cluster, 2);
    Asked asked(now);
    const auto greet = [&](const std::string& name) {
        telemetry::Request greeting = Asked::request(40000);
        greeting.kind = RequestKind::kTls;
        greeting.host = telemetry::ShortText<255>(name);
        asked.add(greeting, {});
    };
    greet("shop.example");
    greet("evil.example");
    RequestEvidence evidence = asked.evidence();
    RequestImpact impact = impact_of(alone(now, then), evidence);
    EXPECT_EQ(impact.uncertain, 1U) << "allowed if its address was known by that name";
    EXPECT_EQ(impact.newly_denied, 1U) << "whatever its address was known by";
    evidence.names = {{.name = "shop.example", .address = *net::Address::parse("10.1.0.1")}};
    impact = impact_of(alone(now, then), evidence);
    EXPECT_EQ(impact.uncertain, 0U);
    EXPECT_EQ(impact.newly_denied, 1U);
}

TEST(RequestImpact, AGroupWhosePortsDoNotTellIsDecidedByItsRequests) {
    const Built before = built(open_shop());
    const Built then = built(promoted_shop(), 2);
    const auto impact = [&](const Asked& asked, std::uint64_t connections) {
        return rehearse(std::vector{group(connections, 0)}, alone(before, then), 10, asked.evidence());
    };
    Asked fine(before);
    fine.ask("GET", "/shop/1", 40000).ask("GET", "/shop/2", 40000).ask("GET", "/shop/3", 40001);
    EXPECT_EQ(impact(fine, 2).uncertain.groups, 0U);
    EXPECT_EQ(impact(fine, 2).newly_denied.groups, 0U);
    EXPECT_EQ(impact(fine, 3).uncertain.groups, 1U) << "one of three was not heard to ask";
    EXPECT_EQ(impact(Asked(before), 1).uncertain.groups, 1U);

    Asked bad(before);
    bad.ask("GET", "/shop/1", 40000).ask("GET", "/admin", 40001);
    EXPECT_EQ(impact(bad, 5).newly_denied.groups, 1U) << "what is known to be denied needs no others";
    EXPECT_EQ(impact(bad, 5).groups.front().then_by, "default|gnp:asks|deny|1");
    EXPECT_EQ(impact(bad, 5).requests.newly_denied, 1U);
}

TEST(RequestImpact, WhereSomeAreMissingNothingIsCalledFine) {
    const Built before = built(open_shop());
    const Built then = built(promoted_shop(), 2);
    RequestEvidence evidence = Asked(before).ask("GET", "/shop/1").evidence();
    const std::vector<FlowGroup> groups{group(1, 0)};
    evidence.complete_since = WallTime(101s);  // the group was seen before
    EXPECT_EQ(rehearse(groups, alone(before, then), 10, evidence).uncertain.groups, 1U);
    evidence.complete_since.reset();
    EXPECT_EQ(rehearse(groups, alone(before, then), 10, evidence).uncertain.groups, 1U);
    EXPECT_FALSE(rehearse(groups, alone(before, then), 10, evidence).requests.complete);
}

TEST(RequestImpact, AGroupThatWasRecordedUnderThePendingTwinIsNoGuess) {
    const Built now = built(staged_shop());
    const Built then = built(promoted_shop(), 2);
    const std::vector<FlowGroup> groups{group(7, 1)};
    EXPECT_EQ(rehearse(groups, alone(now, then), 10).uncertain.groups, 0U)
        << "the staged policy asks what the promoted one will";
    Cluster other = promoted_shop();
    other.remove(policy::Kind::kGlobalNetworkPolicy, "asks");
    other.add(gnp("asks").order(1).selects("app == 'db'").ingress(allow().tcp(kPort).http(only("PUT"))));
    EXPECT_EQ(rehearse(groups, alone(now, built(other, 2)), 10).uncertain.groups, 1U);
    EXPECT_EQ(rehearse(std::vector{group(7, 0)}, alone(now, then), 10).uncertain.groups, 1U) << "of another generation";
}

TEST(RequestImpact, RequestsThatWouldBeDeniedAreNotSafe) {
    const Built now = built(staged_shop());
    Evidence evidence;
    evidence.impact = rehearse({}, together(now), 10, Asked(now).ask("GET", "/admin").ask("GET", "/shop").evidence());
    evidence.impact.matched.connections = 1000;
    evidence.observed_for = 24h;
    Judgement judgement = judge(evidence, {});
    EXPECT_EQ(judgement.safety, Safety::kNotSafe);
    EXPECT_EQ(judgement.would_deny_requests, 1U);
    EXPECT_EQ(judgement.reasons, Paths{"1 request inside of connections would newly be denied"});

    FlowGroup denied = group(1, 1);
    denied.id = 77;
    evidence.impact.groups.push_back({denied, Effect::kNewlyDenied, "", ""});
    evidence.impact.newly_denied.groups = 1;
    evidence.acknowledged = {77};
    judgement = judge(evidence, {});
    EXPECT_EQ(judgement.safety, Safety::kSafe) << "who acknowledged the group meant what is asked in it";
    EXPECT_EQ(judgement.would_deny_requests, 0U);
}

}  // namespace
}  // namespace drywall::observe

// What a promotion would do to recorded connections, and when it may be called safe.
#include "drywall/observe/impact.h"

#include <gtest/gtest.h>

#include "cluster.h"

namespace drywall::observe {
namespace {

using ruleset::PolicyRef;
using test::allow;
using test::Cluster;
using test::deny;
using test::gnp;
using test::sgnp;
using Built = std::shared_ptr<const ruleset::Ruleset>;

PolicyRef staged_ref(const std::string& name) {
    return {policy::Kind::kStagedGlobalNetworkPolicy, "default", "", name, true};
}

// db takes TCP 80 and 443 from web; "no-http" would close 80, "no-https" 443.
Cluster two_closings() {
    Cluster cluster;
    cluster.workload("web", "10.0.0.1", {{"app", "web"}}).workload("db", "10.1.0.1", {{"app", "db"}});
    cluster.add(gnp("db").order(10).selects("app == 'db'").ingress(allow().tcp(80)).ingress(allow().tcp(443)));
    cluster.add(sgnp("no-http").order(1).selects("app == 'db'").ingress(deny().tcp(80)));
    cluster.add(sgnp("no-https").order(2).selects("app == 'db'").ingress(deny().tcp(443)));
    return cluster;
}

FlowGroup recorded(std::uint64_t id, std::uint16_t port, std::uint64_t connections) {
    FlowGroup group;
    group.id = id;
    group.source = *net::Address::parse("10.0.0.1");
    group.destination = *net::Address::parse("10.1.0.1");
    group.protocol = net::protocol::kTcp;
    group.destination_port = port;
    group.connections_started = connections;
    group.connections_live = 1;
    group.forward = {connections, connections * 100};
    group.enforced = group.pending = Verdict::kAllow;
    group.first_seen = std::chrono::system_clock::time_point(std::chrono::seconds(100));
    group.last_seen = std::chrono::system_clock::time_point(std::chrono::seconds(200 + static_cast<long>(id)));
    return group;
}

Rehearsal together(const Built& built, std::optional<PolicyRef> owed_to = {}) {
    return {{built.get(), World::kEnforced}, {built.get(), World::kPending}, std::move(owed_to), {}};
}

// "asks" would hold what comes to port 80 to what it asks for.
Cluster one_that_asks() {
    Cluster cluster;
    cluster.workload("web", "10.0.0.1", {{"app", "web"}}).workload("db", "10.1.0.1", {{"app", "db"}});
    cluster.add(gnp("db").order(10).selects("app == 'db'").ingress(allow().tcp(80).http()).ingress(allow().tcp(443)));
    cluster.add(sgnp("asks")
                    .order(1)
                    .selects("app == 'db'")
                    .ingress(allow().tcp(443).http({.methods = {"GET"}, .paths = {{.prefix = true, .path = "/a"}}})));
    return cluster;
}

TEST(Impact, WhatWasAskedInsideOfConnectionsCannotBeToldFromTheirPorts) {
    const Built built = one_that_asks().build();
    const std::vector<FlowGroup> groups{recorded(1, 80, 5), recorded(2, 443, 7)};
    const Impact impact = rehearse(groups, together(built), 10);
    EXPECT_EQ(impact.uncertain.groups, 1U) << "443 alone: port 80 is asked the same now and then";
    EXPECT_EQ(impact.newly_denied.groups, 0U);
    EXPECT_EQ(impact.groups.front().flow.id, 2U);
}

TEST(Impact, WhatWasRecordedUnderBothWorldsIsKnown) {
    const Built built = one_that_asks().build();
    FlowGroup denied = recorded(2, 443, 7);
    denied.generation = built->generation();
    denied.pending = Verdict::kDeny;
    FlowGroup fine = recorded(3, 443, 9);
    fine.generation = built->generation();
    const Impact impact = rehearse(std::vector<FlowGroup>{denied, fine}, together(built), 10);
    EXPECT_EQ(impact.newly_denied.connections, 7U);
    EXPECT_EQ(impact.uncertain.groups, 0U);
}

TEST(Impact, AddsUpWhatWouldBeDenied) {
    const Built built = two_closings().build();
    const std::vector<FlowGroup> groups{recorded(1, 80, 5), recorded(2, 443, 7), recorded(3, 22, 9)};
    const Impact impact = rehearse(groups, together(built), 10);
    EXPECT_EQ(impact.observed.groups, 3u);
    EXPECT_EQ(impact.observed.connections, 21u);
    EXPECT_EQ(impact.newly_denied.groups, 2u);
    EXPECT_EQ(impact.newly_denied.connections, 12u);
    EXPECT_EQ(impact.newly_denied.traffic.bytes, 1200u);
    EXPECT_EQ(impact.newly_denied.live, 2u);
    EXPECT_EQ(impact.newly_denied.last_seen, groups[1].last_seen);
    EXPECT_EQ(impact.newly_allowed.groups, 0u);
    EXPECT_EQ(impact.uncertain.groups, 0u);
    ASSERT_EQ(impact.groups.size(), 2u);
    EXPECT_EQ(impact.groups[0].flow.id, 2u);  // more connections first
    EXPECT_EQ(impact.groups[0].now_by, "default|gnp:db|allow|1");
    EXPECT_EQ(impact.groups[0].then_by, "default|sgnp:no-https|deny|0");
}

TEST(Impact, InCombinationShowsOnlyWhatIsOwedToThePolicy) {
    const Built built = two_closings().build();
    const std::vector<FlowGroup> groups{recorded(1, 80, 5), recorded(2, 443, 7)};
    const Impact impact = rehearse(groups, together(built, staged_ref("no-http")), 10);
    ASSERT_EQ(impact.groups.size(), 1u);
    EXPECT_EQ(impact.groups[0].flow.id, 1u);
}

TEST(Impact, AloneIsTheRulesetWithOnlyThisOnePromoted) {
    Cluster cluster = two_closings();
    const Built now = cluster.build();
    cluster.remove(policy::Kind::kStagedGlobalNetworkPolicy, "no-http");
    cluster.add(gnp("no-http").order(1).selects("app == 'db'").ingress(deny().tcp(80)));
    const Built then = cluster.build();
    const std::vector<FlowGroup> groups{recorded(1, 80, 5), recorded(2, 443, 7)};
    const PolicyRef promoted{policy::Kind::kGlobalNetworkPolicy, "default", "", "no-http", false};
    const Impact impact = rehearse(groups, {{now.get()}, {then.get()}, {}, {promoted}}, 10);
    ASSERT_EQ(impact.groups.size(), 1u);
    EXPECT_EQ(impact.groups[0].flow.id, 1u);
    EXPECT_EQ(impact.matched.connections, 5u);
}

TEST(Impact, TellsWhatWouldNewlyBeAllowed) {
    Cluster cluster = two_closings();
    cluster.add(sgnp("ssh").order(1).selects("app == 'db'").ingress(allow().tcp(22)));
    const Built built = cluster.build();
    FlowGroup denied = recorded(3, 22, 9);
    denied.enforced = Verdict::kDeny;
    const Impact impact = rehearse(std::vector{denied}, together(built), 10);
    EXPECT_EQ(impact.newly_allowed.connections, 9u);
    EXPECT_EQ(impact.groups.at(0).effect, Effect::kNewlyAllowed);
}

TEST(Impact, WhereTheSourcePortDecidesItIsUncertain) {
    Cluster cluster = two_closings();
    cluster.add(sgnp("low-ports").order(0).selects("app == 'db'").ingress(deny().protocol(6).from_ports({{1, 1023}})));
    const Built built = cluster.build();
    const Impact impact = rehearse(std::vector{recorded(1, 22, 1), recorded(2, 443, 1)}, together(built), 10);
    EXPECT_EQ(impact.newly_denied.groups, 1u);  // 443 is denied from any port
    EXPECT_EQ(impact.uncertain.groups, 0u);     // 22 is denied now and then
    cluster.remove(policy::Kind::kStagedGlobalNetworkPolicy, "no-https");
    const Built doubtful = cluster.build();
    const Impact again = rehearse(std::vector{recorded(2, 443, 1)}, together(doubtful), 10);
    EXPECT_EQ(again.newly_denied.groups, 0u);
    EXPECT_EQ(again.uncertain.groups, 1u);
}

TEST(Impact, WhatThisGenerationRecordedIsNoGuess) {
    Cluster cluster = two_closings();
    cluster.remove(policy::Kind::kStagedGlobalNetworkPolicy, "no-https");
    cluster.add(sgnp("low-ports").order(0).selects("app == 'db'").ingress(deny().protocol(6).from_ports({{1, 1023}})));
    const Built built = cluster.build();
    FlowGroup group = recorded(2, 443, 1);
    group.generation = built->generation();
    EXPECT_TRUE(rehearse(std::vector{group}, together(built), 10).groups.empty());
    group.pending = Verdict::kDeny;
    EXPECT_EQ(rehearse(std::vector{group}, together(built), 10).newly_denied.groups, 1u);
}

TEST(Impact, GroupsBeyondTheLimitAreCounted) {
    const Built built = two_closings().build();
    const Impact impact = rehearse(std::vector{recorded(1, 80, 5), recorded(2, 443, 7)}, together(built), 1);
    EXPECT_EQ(impact.groups.size(), 1u);
    EXPECT_EQ(impact.left_out, 1u);
    EXPECT_EQ(impact.newly_denied.groups, 2u);
}

TEST(Impact, WhatIsOpenIsEvidenceHoweverLongItWasSilent) {
    std::vector<FlowGroup> seen{recorded(1, 80, 5)};
    FlowGroup over = recorded(3, 22, 9);
    over.connections_live = 0;
    add_open(seen, std::vector{recorded(1, 80, 50), recorded(2, 443, 7), over});
    ASSERT_EQ(seen.size(), 2u);
    EXPECT_EQ(seen[0].connections_started, 5u);  // seen, and counted as it was
    EXPECT_EQ(seen[1].id, 2u);
    EXPECT_EQ(seen[1].connections_started, 1u);  // those that it opened earlier are over
}

TEST(Check, AClockThatWasSetIsNoEvidence) {
    using namespace std::chrono_literals;
    const WallTime since{1000s};
    EXPECT_EQ(observed_for(since, since + 10s, 10s), 10s);
    EXPECT_EQ(observed_for(since, since + 25h, 10s), 10s);  // set ahead
    EXPECT_EQ(observed_for(since, since - 25h, 10s), 0s);   // set back
    EXPECT_EQ(observed_for(since, since + 5s, 10s), 5s);    // records do not reach back farther
}

Evidence enough() {
    Evidence evidence;
    evidence.impact.matched.connections = 1000;
    evidence.observed_for = std::chrono::hours(24);
    return evidence;
}

TEST(Check, EnoughThatIsNotDeniedIsSafe) {
    const Judgement judgement = judge(enough(), {});
    EXPECT_EQ(judgement.safety, Safety::kSafe);
    EXPECT_TRUE(judgement.reasons.empty());
}

TEST(Check, OneGroupThatWouldBeDeniedIsNotSafe) {
    Evidence evidence = enough();
    evidence.impact.newly_denied.groups = 1;
    evidence.impact.groups.push_back({recorded(7, 80, 1), Effect::kNewlyDenied, "", ""});
    EXPECT_EQ(judge(evidence, {}).safety, Safety::kNotSafe);
    evidence.acknowledged = {7};
    const Judgement judgement = judge(evidence, {});
    EXPECT_EQ(judgement.safety, Safety::kSafe);
    EXPECT_EQ(judgement.acknowledged, 1u);
}

TEST(Check, TooLittleIsNeverAGreenTick) {
    Evidence few = enough();
    few.impact.matched.connections = 999;
    EXPECT_EQ(judge(few, {}).safety, Safety::kNotEnoughEvidence);
    Evidence early = enough();
    early.observed_for = std::chrono::hours(23);
    EXPECT_EQ(judge(early, {}).safety, Safety::kNotEnoughEvidence);
    Evidence lossy = enough();
    lossy.lost = 1;
    EXPECT_EQ(judge(lossy, {}).safety, Safety::kNotEnoughEvidence);
    Evidence full = enough();
    full.forgotten = 1;
    EXPECT_EQ(judge(full, {}).safety, Safety::kNotEnoughEvidence);
    Evidence doubtful = enough();
    doubtful.impact.uncertain.groups = 1;
    EXPECT_EQ(judge(doubtful, {}).safety, Safety::kNotEnoughEvidence);
    EXPECT_EQ(judge(few, {.min_connections = 10}).safety, Safety::kSafe);
    EXPECT_EQ(judge(early, {.min_time = std::chrono::hours(1)}).safety, Safety::kSafe);
}

TEST(Check, WhatWouldBeDeniedIsNotSafeHoweverLittleWasSeen) {
    Evidence evidence;
    evidence.impact.newly_denied.groups = 1;
    EXPECT_EQ(judge(evidence, {}).safety, Safety::kNotSafe);
}

TEST(Check, AnOpenConnectionThatNoRecordForetoldIsNotSafe) {
    Evidence evidence = enough();
    evidence.open_unforeseen = 1;
    const Judgement judgement = judge(evidence, {});
    EXPECT_EQ(judgement.safety, Safety::kNotSafe);
    EXPECT_EQ(judgement.reasons, std::vector<std::string>{"1 open connection that no record tells of would be cut"});
}

TEST(Check, WhoseOpenConnectionsAreNotKnownCanNotBeCalledSafe) {
    Evidence evidence = enough();
    evidence.open_missing = "worker 1 (CPU 3) did not answer within 500 ms";
    EXPECT_EQ(judge(evidence, {}).safety, Safety::kNotEnoughEvidence);
}

TEST(Check, AnObjectionIsNotSafe) {
    Evidence evidence = enough();
    evidence.objections.emplace_back("the way by which the site is managed would be denied");
    EXPECT_EQ(judge(evidence, {}).safety, Safety::kNotSafe);
}

}  // namespace
}  // namespace drywall::observe

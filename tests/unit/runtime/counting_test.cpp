// What the stats core makes of the workers' counters and events.
#include <algorithm>

#include <gtest/gtest.h>

#include "testbed.h"

namespace drywall::runtime {
namespace {

// Packet i goes to service 5000 + i % 8, from a client of its own: each opens a flow or is denied.
std::vector<test::Packet> udp_packets(std::uint16_t count) {
    std::vector<test::Packet> packets;
    for (std::uint16_t i = 0; i < count; ++i)
        packets.push_back(test::udp()
                              .from("10.0.0.1", static_cast<std::uint16_t>(10000 + i))
                              .to("10.1.0.9", static_cast<std::uint16_t>(5000 + i % 8)));
    return packets;
}

policy::Policy half_open(const std::string& name) {
    return server_policy(name, {udp_rule(Action::kDeny, 5000, 5001), udp_rule(Action::kAllow, 5000, 5004)});
}

const RuleCounts* find(const Snapshot& snapshot, const std::string& policy, bool staged, int rule) {
    const auto found = std::find_if(snapshot.rules.begin(), snapshot.rules.end(), [&](const RuleCounts& counts) {
        return counts.hit.policy && counts.hit.policy->name == policy && counts.hit.policy->staged == staged &&
               counts.hit.rule_index == rule;
    });
    return found == snapshot.rules.end() ? nullptr : &*found;
}

TEST(Counting, EveryJudgedPacketIsInExactlyOneVerdictTotal) {
    Testbed bed(with_policies(1, {half_open("web")}));
    bed.send(udp_packets(80));
    bed.send({test::udp().from("10.0.0.1", 7).to("10.2.0.1", 53)});  // nobody declared: unmatched
    const Snapshot now = bed.dataplane->snapshot();
    EXPECT_EQ(now.judged.packets, 81U);
    EXPECT_EQ(now.enforced_allowed.packets, 31U);
    EXPECT_EQ(now.enforced_denied.packets, 50U);
    EXPECT_EQ(now.unmatched.packets, 1U);
    EXPECT_EQ(now.received.packets, 81U);
    EXPECT_EQ(now.transmitted.packets, 31U);
    EXPECT_EQ(now.drops.at(DropReason::kPolicyDeny).packets, 50U);
}

TEST(Counting, WhatIsOnlyObservedPassesAndIsCountedAsSuch) {
    const auto enforced = with_policies(1, {half_open("web")});
    Testbed bed(enforced);
    ASSERT_TRUE(bed.dataplane->publish(enforced->again(Generation{2}, ruleset::Enforcement::kObserve)));
    bed.send(udp_packets(80));
    const Snapshot open = bed.dataplane->snapshot();
    EXPECT_EQ(open.transmitted.packets, 80U);
    EXPECT_EQ(open.enforced_allowed.packets, 80U);
    EXPECT_EQ(open.enforced_denied.packets, 0U);
    EXPECT_EQ(open.only_observed.packets, 50U);
    EXPECT_EQ(find(open, "web", false, 0)->enforced.packets, 20U) << "rules go on being counted";

    ASSERT_TRUE(bed.dataplane->publish(enforced->again(Generation{3}, ruleset::Enforcement::kEnforce)));
    bed.send(udp_packets(80));
    EXPECT_EQ(bed.dataplane->snapshot().enforced_denied.packets, 50U);
    EXPECT_EQ(bed.dataplane->snapshot().only_observed.packets, 50U);
}

TEST(Counting, RulesKeepTheirCountsThroughGenerations) {
    Testbed bed(with_policies(1, {half_open("web")}));
    for (std::uint64_t generation = 2; generation <= 10; ++generation) {
        bed.send(udp_packets(80));
        ASSERT_TRUE(bed.dataplane->publish(with_policies(generation, {half_open("web")})));
    }
    const Snapshot now = bed.dataplane->snapshot();
    EXPECT_EQ(now.judged.packets, 9 * 80U);
    EXPECT_EQ(find(now, "web", false, 0)->enforced.packets, 9 * 20U);
    EXPECT_EQ(find(now, "web", false, 1)->enforced.packets, 9 * 30U);
    EXPECT_EQ(find(now, "web", false, -1)->enforced.packets, 9 * 30U);
    EXPECT_EQ(now.swaps, 9U);
}

TEST(Counting, StagedCountersForetellTheEnforcedOnesAfterPromotion) {
    Testbed bed(with_policies(1, {staged(half_open("web"))}));
    bed.send(udp_packets(160));
    const Snapshot rehearsed = bed.dataplane->snapshot();
    ASSERT_TRUE(bed.dataplane->publish(with_policies(2, {half_open("web")})));
    bed.send(udp_packets(160));
    const Snapshot promoted = bed.dataplane->snapshot();

    for (const int rule : {0, 1, -1})
        EXPECT_EQ(find(rehearsed, "web", true, rule)->pending, find(promoted, "web", false, rule)->enforced)
            << "rule " << rule;
    EXPECT_EQ(rehearsed.enforced_denied.packets, 0U);
    EXPECT_EQ(promoted.enforced_denied.packets, 100U);
}

TEST(Counting, WouldDenyIsToldPerRulePolicyAndDisagreement) {
    Testbed bed(with_policies(1, {staged(half_open("web"))}));
    bed.send(udp_packets(80));
    const Snapshot now = bed.dataplane->snapshot();
    EXPECT_EQ(find(now, "web", true, 0)->would_deny.packets, 20U);
    EXPECT_EQ(find(now, "web", true, 1)->would_deny.packets, 0U);
    EXPECT_EQ(find(now, "web", true, -1)->would_deny.packets, 30U);

    ASSERT_EQ(now.staged.size(), 1U);
    EXPECT_EQ(now.staged[0].policy.name, "web");
    EXPECT_EQ(now.staged[0].would_deny.packets, 50U);
    EXPECT_EQ(now.staged[0].would_allow.packets, 0U);

    telemetry::PacketsBytes differing;
    for (const Disagreement& disagreement : now.disagreements) differing += disagreement.count;
    EXPECT_EQ(now.disagreements.size(), 2U);
    EXPECT_EQ(differing.packets, 50U);
}

// What the stats core has read so far may lag behind the workers' counters.
template <typename Condition>
Snapshot eventually(Testbed& bed, Condition condition) {
    Snapshot now;
    wait_until([&] {
        now = bed.dataplane->snapshot();
        return condition(now);
    });
    return now;
}

std::uint64_t connections_of(const Snapshot& snapshot, const std::string& policy, bool staged, int rule) {
    const RuleCounts* counts = find(snapshot, policy, staged, rule);
    return counts == nullptr ? 0 : counts->connections;
}

TEST(Counting, ConnectionsAreCountedWhereTheyOpenInTheWorldOfTheRule) {
    policy::Policy first = staged(half_open("web"));
    first.order = 50;
    Testbed bed(with_policies(1, {server_policy("open", {udp_rule(Action::kAllow, 5000, 5005)}), first}));
    bed.send(udp_packets(80));
    bed.send(udp_packets(80));  // the same connections again, and the same denials
    const Snapshot now = eventually(bed, [](const Snapshot& at) { return connections_of(at, "open", false, 0) >= 60; });
    EXPECT_EQ(now.flows_opened, 60U);
    EXPECT_EQ(connections_of(now, "open", false, 0), 60U);
    EXPECT_EQ(connections_of(now, "open", false, -1), 0U) << "a denied packet opens none";
    EXPECT_EQ(connections_of(now, "web", true, 0), 20U);
    EXPECT_EQ(connections_of(now, "web", true, 1), 30U);
    ASSERT_EQ(now.staged.size(), 1U);
    EXPECT_EQ(now.staged[0].would_deny_connections, 20U)
        << "the staged policy denies 5000 and 5001; what it does not name goes on to the policy behind it";
    EXPECT_EQ(now.events_lost, 0U);
}

TEST(Counting, ConnectionsOfAGenerationThatIsGoneAreNotLost) {
    Testbed bed(allow_all(1));
    std::uint64_t opened = 0;
    for (std::uint64_t generation = 2; generation <= 20; ++generation) {
        bed.send({test::udp().from("10.0.0.1", static_cast<std::uint16_t>(1000 + generation)).to("10.1.0.9", 5000)});
        ++opened;
        ASSERT_TRUE(bed.dataplane->publish(with_policies(generation, {half_open("web")})));
        bed.send({test::udp().from("10.0.0.2", static_cast<std::uint16_t>(1000 + generation)).to("10.1.0.9", 5003)});
        ++opened;
    }
    const auto all = [](const Snapshot& at) { return connections_of(at, "web", false, 1); };
    const Snapshot now = eventually(bed, [&](const Snapshot& at) { return all(at) >= 19; });
    EXPECT_EQ(all(now), 19U);
    EXPECT_LE(now.flows_opened, opened);
}

TEST(Counting, ARuleThatWasHitSaysWhen) {
    const auto before = std::chrono::system_clock::now();
    Testbed bed(with_policies(1, {half_open("web"), staged(half_open("next"))}));
    bed.send({test::udp().from("10.0.0.1", 7).to("10.1.0.9", 5003)});
    const Snapshot now = bed.dataplane->snapshot();
    const auto hit = [&](const std::string& policy, bool staged, int rule) {
        return find(now, policy, staged, rule)->last_hit;
    };
    EXPECT_GE(hit("web", false, 1), before);
    EXPECT_LE(hit("web", false, 1), std::chrono::system_clock::now());
    EXPECT_EQ(hit("web", false, 0), std::chrono::system_clock::time_point{});
    EXPECT_EQ(hit("next", true, 0), std::chrono::system_clock::time_point{});
}

TEST(Counting, WorkersSayHowBusyTheyAreHowLongPacketsStayAndHowFarConnectionsAre) {
    Testbed bed(allow_all(1));
    bed.send(udp_packets(80));
    bed.send({test::tcp().syn().from("10.0.0.1", 7).to("10.1.0.9", 80)});
    const Snapshot now = eventually(bed, [](const Snapshot& at) { return at.workers[0].busy > Nanos{0}; });
    std::uint64_t packets = 0;
    for (const std::uint64_t bucket : now.residence.packets) packets += bucket;
    EXPECT_EQ(packets, 81U);
    EXPECT_GT(now.residence.nanoseconds, 0U);
    EXPECT_EQ(now.flows_by_state[static_cast<std::size_t>(flow::FlowState::kNew)], 81U);
    EXPECT_EQ(now.flows_half_open, 1U);
    EXPECT_GE(now.workers[0].busy_ratio, 0.0);
    EXPECT_LE(now.workers[0].busy_ratio, 1.0);
}

TEST(Counting, AWorkerWithMuchToDoIsBusyAndOneWithNothingIsNot) {
    Testbed bed(allow_all(1), 2);
    const auto packets = udp_packets(800);
    const Snapshot busy = eventually(bed, [&](const Snapshot& at) {
        for (const test::Packet& packet : packets) (void)bed.lan->inject(packet.bytes(), 0);
        return at.workers[0].busy_ratio > 0;
    });
    EXPECT_EQ(busy.workers[1].busy_ratio, 0.0);
    const Snapshot idle = eventually(bed, [](const Snapshot& at) { return at.workers[0].busy_ratio == 0; });
    EXPECT_GT(idle.workers[0].busy, Nanos{0});
}

TEST(Counting, WouldAllowIsToldWhenAStagedPolicyOpensWhatIsClosed) {
    Testbed bed(with_policies(1, {server_policy("web", {}), staged(half_open("web"))}));
    bed.send(udp_packets(80));
    const Snapshot now = bed.dataplane->snapshot();
    EXPECT_EQ(now.enforced_denied.packets, 80U);
    EXPECT_EQ(find(now, "web", true, 1)->would_allow.packets, 30U);
    ASSERT_EQ(now.staged.size(), 1U);
    EXPECT_EQ(now.staged[0].would_allow.packets, 30U);
    EXPECT_EQ(now.staged[0].would_deny.packets, 0U);
}

TEST(Counting, ARuleThatIsGoneIsKeptIfItCountedAndForgottenIfItNeverDid) {
    Testbed bed(with_policies(
        1, {server_policy("old", {udp_rule(Action::kAllow, 5000, 5007), udp_rule(Action::kAllow, 1, 1)})}));
    bed.send(udp_packets(8));
    ASSERT_TRUE(bed.dataplane->publish(allow_all(2)));
    const Snapshot now = bed.dataplane->snapshot();
    ASSERT_NE(find(now, "old", false, 0), nullptr);
    EXPECT_FALSE(find(now, "old", false, 0)->in_current_generation);
    EXPECT_EQ(find(now, "old", false, 0)->enforced.packets, 8U);
    EXPECT_EQ(find(now, "old", false, 1), nullptr);
}

TEST(Counting, EventsThatFindTheRingFullAreCountedAsLost) {
    Testbed bed(deny_all(1), 1, [](DataplaneSettings& settings) { settings.event_ring = 64; });
    bed.sink.close();
    bed.send(udp_packets(800));
    bed.sink.open();
    bed.dataplane->stop();

    EXPECT_EQ(bed.sink.events() + bed.sink.lost(), 800U);
    EXPECT_GT(bed.sink.lost(), 0U);
    EXPECT_EQ(bed.dataplane->snapshot().events_lost, bed.sink.lost());
    EXPECT_EQ(bed.dataplane->snapshot().transmitted.packets, 0U);
}

TEST(Counting, SumsTheWorkers) {
    Testbed bed(allow_all(1), 2);
    bed.send(udp_packets(10), 0);
    bed.send(udp_packets(30), 1);
    const Snapshot now = bed.dataplane->snapshot();
    EXPECT_EQ(now.received.packets, 40U);
    EXPECT_EQ(now.judged.packets, 40U);
    ASSERT_EQ(now.workers.size(), 2U);
    EXPECT_EQ(now.workers[0].packets, 10U);
    EXPECT_EQ(now.workers[1].packets, 30U);
    EXPECT_EQ(now.ports[0].received.packets, 40U);
    EXPECT_EQ(now.ports[1].transmitted.packets, 40U);
    EXPECT_EQ(now.flows_opened, 40U);
}

}  // namespace
}  // namespace drywall::runtime

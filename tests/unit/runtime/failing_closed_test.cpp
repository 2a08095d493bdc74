// Nothing passes unjudged: not before a ruleset is in force, not with a full table, not in overload, not while it
// stops.
#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "hanging_port.h"

namespace drywall::runtime {
namespace {

constexpr std::uint16_t kOpenPort = 53;
constexpr std::uint16_t kClosedPort = 54;

RulesetPtr only_one_service() {
    return with_policies(1, {server_policy("web", {udp_rule(Action::kAllow, kOpenPort, kOpenPort)})});
}

test::Packet datagram(std::uint16_t source_port, std::uint16_t port) {
    return test::udp().from("10.0.0.1", source_port).to("10.1.0.9", port);
}

std::uint64_t dropped(const Snapshot& now, DropReason reason) {
    const auto found = now.drops.find(reason);
    return found == now.drops.end() ? 0 : found->second.packets;
}

// Destination ports of what left, in an IPv4 frame without options.
std::vector<std::uint16_t> ports_of(const std::vector<test::Bytes>& frames) {
    std::vector<std::uint16_t> out;
    for (const test::Bytes& frame : frames) out.push_back(static_cast<std::uint16_t>(frame.at(36) << 8 | frame.at(37)));
    return out;
}

TEST(FailingClosed, WhatWaitedBeforeTheStartIsJudgedByTheFirstRuleset) {
    const auto lan = memory_port(PortId{0});
    const auto wan = memory_port(PortId{1});
    for (std::uint16_t port = 1; port <= 1000; ++port) ASSERT_TRUE(lan->inject(datagram(port, kOpenPort).bytes()));
    EXPECT_EQ(wan->collect().size(), 0U);
    EXPECT_EQ(lan->waiting(), 1000U) << "nobody polls before the start";

    CountingSink sink;
    const auto launcher = make_thread_launcher();
    const auto dataplane = Dataplane::start(settings_for({lan, wan}), deny_all(1), *launcher, sink);
    ASSERT_TRUE(dataplane) << dataplane.error().text();
    wait_until([&] { return dropped((*dataplane)->snapshot(), DropReason::kPolicyDeny) == 1000; });
    (*dataplane)->stop();
    EXPECT_EQ(wan->collect().size(), 0U);
}

TEST(FailingClosed, AFullTableLetsNothingPassThatPolicyDenies) {
    Testbed bed(only_one_service(), 1, [](DataplaneSettings& settings) { settings.engine.flow_capacity = 64; });
    std::vector<test::Packet> packets;
    for (std::uint16_t port = 1; port <= 1000; ++port) packets.push_back(datagram(port, kOpenPort));
    for (std::uint16_t port = 1; port <= 1000; ++port) packets.push_back(datagram(port, kClosedPort));
    bed.send(packets);
    const Snapshot now = bed.dataplane->snapshot();
    EXPECT_EQ(dropped(now, DropReason::kPolicyDeny), 1000U);
    EXPECT_EQ(now.transmitted.packets, now.flows_opened) << "what is not tracked does not pass";
    for (const std::uint16_t port : ports_of(bed.wan->collect())) EXPECT_EQ(port, kOpenPort);
}

TEST(FailingClosed, OverloadLosesPacketsAndPassesNoneUnjudged) {
    std::shared_ptr<HangingPort> lan;
    Testbed bed(only_one_service(), 2, [&](DataplaneSettings& settings) {
        lan = std::make_shared<HangingPort>(std::static_pointer_cast<io::MemoryPort>(settings.ports[0]));
        settings.ports[0] = lan;
    });
    lan->hang();
    std::uint64_t taken = 0;
    for (std::uint16_t i = 0; i < 5000; ++i)
        taken += bed.lan->inject(datagram(i % 512 + 1, i % 2 == 0 ? kOpenPort : kClosedPort).bytes(), 1) ? 1U : 0U;
    ASSERT_LT(taken, 5000U) << "the queue of a worker that does not come is full";
    lan->go_on();
    wait_until([&] {
        const Snapshot now = bed.dataplane->snapshot();
        return now.received.packets == taken && Testbed::settled(now);
    });
    EXPECT_EQ(bed.lan->statistics().missed, 5000 - taken);
    const std::vector<std::uint16_t> passed = ports_of(bed.wan->collect(1));
    EXPECT_EQ(passed, std::vector<std::uint16_t>(passed.size(), kOpenPort));
}

TEST(FailingClosed, WhileItStopsEveryPacketIsJudgedOrStaysWhereItWas) {
    Testbed bed(only_one_service());
    std::atomic<bool> enough{false};
    std::atomic<std::uint64_t> taken{0};
    std::thread sender([&] {
        for (std::uint32_t i = 0; !enough; ++i)
            taken +=
                bed.lan->inject(
                    datagram(static_cast<std::uint16_t>(i % 512 + 1), i % 2 == 0 ? kOpenPort : kClosedPort).bytes())
                    ? 1U
                    : 0U;
    });
    wait_until([&] { return bed.dataplane->snapshot().received.packets > 1000; });
    bed.dataplane->stop();
    const Snapshot stopped = bed.dataplane->snapshot();
    const std::size_t left = bed.wan->collect().size();
    enough = true;
    sender.join();
    EXPECT_TRUE(Testbed::settled(stopped)) << "packets in hand were finished and counted";
    EXPECT_EQ(stopped.transmitted.packets, left);
    EXPECT_EQ(bed.lan->waiting(), taken - stopped.received.packets) << "what nobody polled stays where it was";
    EXPECT_EQ(bed.wan->collect().size(), 0U) << "and nothing leaves afterwards";
}

}  // namespace
}  // namespace drywall::runtime

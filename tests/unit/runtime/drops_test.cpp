// What dies is counted by port, worker and reason, and can be looked at while it dies.
#include <algorithm>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "drop_hub.h"
#include "testbed.h"

namespace drywall::runtime {
namespace {

using telemetry::PacketsBytes;

PacketsBytes sum_of(const Drops& drops) {
    PacketsBytes sum;
    for (const auto& [reason, count] : drops) sum += count;
    return sum;
}

PacketsBytes plus(PacketsBytes a, const PacketsBytes& b) { return a += b; }

test::Bytes cut_short(const test::Packet& packet) {
    test::Bytes bytes = packet.bytes();
    bytes.resize(30);
    return bytes;
}

test::Bytes with_version_9(const test::Packet& packet) {
    test::Bytes bytes = packet.bytes();
    bytes[14] = 0x95;
    return bytes;
}

// Something that passes, or dies one way or another.
test::Bytes any_frame(std::mt19937& random) {
    const auto port = static_cast<std::uint16_t>(1000 + random() % 64);
    const test::Packet packet = test::udp().from("10.0.0.1", port).to("10.1.0.9", 5000).payload(random() % 900);
    switch (random() % 7) {
        case 0: return packet.to("10.1.0.9", 6000).bytes();  // denied
        case 1: return test::ether(0x88cc).payload(50).bytes();
        case 2: return cut_short(packet);
        case 3: return with_version_9(packet);
        case 4: return packet.fragment(8, false, port).bytes();  // nobody saw its first fragment
        default: return packet.bytes();
    }
}

RulesetPtr only_5000(std::uint64_t generation) {
    return with_policies(generation, {server_policy("web", {udp_rule(Action::kAllow, 5000, 5000)})});
}

TEST(Drops, WhatEveryPortReceivedWentOnOrDiedToThePacket) {
    constexpr std::uint32_t kSeed = 20261130;
    std::mt19937 random(kSeed);
    Testbed bed(only_5000(1), 2);
    PacketsBytes sent[2];
    for (int round = 0; round < 8; ++round) {
        bed.wan->set_link(round % 4 != 3);  // then what lan sends is refused at its way out
        for (int i = 0; i < 400; ++i) {
            const test::Bytes frame = any_frame(random);
            const std::size_t port = round % 4 == 3 ? 0 : random() % 2;
            ASSERT_TRUE((port == 0 ? bed.lan : bed.wan)->inject(frame, random() % 2));
            sent[port] += {1, frame.size()};
        }
        wait_until([&] {
            const Snapshot now = bed.dataplane->snapshot();
            return now.received.packets == sent[0].packets + sent[1].packets && Testbed::settled(now);
        });
    }
    bed.dataplane->stop();

    const Snapshot now = bed.dataplane->snapshot();
    for (std::size_t port = 0; port < 2; ++port) {
        const PortTotals& totals = now.ports[port];
        EXPECT_EQ(totals.received, sent[port]) << totals.name << ", seed " << kSeed;
        EXPECT_EQ(totals.received, plus(totals.forwarded, sum_of(totals.drops))) << totals.name << ", seed " << kSeed;
    }
    EXPECT_EQ(now.ports[0].forwarded, now.ports[1].transmitted);
    EXPECT_EQ(now.ports[1].forwarded, now.ports[0].transmitted);
    for (const DropReasonText& text : kDropReasons) {
        const DropReason reason = text.reason;
        EXPECT_EQ(plus(now.ports[0].drops.at(reason), now.ports[1].drops.at(reason)), now.drops.at(reason))
            << text.name;
        EXPECT_EQ(plus(now.workers[0].drops.at(reason), now.workers[1].drops.at(reason)), now.drops.at(reason))
            << text.name;
    }
    for (const DropReason reason : {DropReason::kPolicyDeny, DropReason::kNonIp, DropReason::kTruncated,
                                    DropReason::kBadHeader, DropReason::kFragmentUnknown})
        for (const PortTotals& port : now.ports) EXPECT_GT(port.drops.at(reason).packets, 0U) << name(reason);
    EXPECT_GT(now.ports[0].drops.at(DropReason::kTxRefused).packets, 0U);
    EXPECT_EQ(now.ports[1].drops.at(DropReason::kTxRefused).packets, 0U);
    for (const Snapshot::Worker& worker : now.workers) EXPECT_GT(sum_of(worker.drops).packets, 0U);
}

std::unique_ptr<DropWatch> watch(Testbed& bed, std::size_t bytes = kMostDropBytes) {
    auto looking = bed.dataplane->watch_drops(bytes);
    EXPECT_TRUE(looking) << looking.error().text();
    return std::move(*looking);
}

// A worker hands its copies over a moment after it has counted them.
std::vector<DroppedPacket> take(DropWatch& looking, std::size_t count) {
    std::vector<DroppedPacket> packets;
    wait_until([&] {
        (void)looking.take(packets, 100);
        return packets.size() >= count;
    });
    return packets;
}

test::Packet denied(std::uint16_t client) { return test::udp().from("10.0.0.1", client).to("10.1.0.9", 6000); }

std::vector<test::Packet> many_denied(std::uint16_t count, std::uint16_t first = 1000) {
    std::vector<test::Packet> packets;
    for (std::uint16_t i = 0; i < count; ++i) packets.push_back(denied(static_cast<std::uint16_t>(first + i)));
    return packets;
}

TEST(DropWatch, ShowsWhatDiedWhereAndByWhichDecision) {
    Testbed bed(only_5000(7));
    const auto looking = watch(bed);
    const auto before = std::chrono::system_clock::now() - std::chrono::seconds(1);
    const test::Packet packet = denied(1000).payload(400);
    bed.send({test::udp().from("10.0.0.1", 1).to("10.1.0.9", 5000), packet, test::ether(0x88cc).payload(50)});

    const std::vector<DroppedPacket> seen = take(*looking, 2);
    ASSERT_EQ(seen.size(), 2U);
    const test::Bytes bytes = packet.bytes();
    EXPECT_EQ(seen[0].reason, DropReason::kPolicyDeny);
    EXPECT_EQ(seen[0].ingress, PortId{0});
    EXPECT_EQ(seen[0].generation, Generation{7});
    ASSERT_TRUE(seen[0].trace);
    ASSERT_NE(seen[0].ruleset, nullptr);
    EXPECT_EQ(seen[0].ruleset->verdict(*seen[0].trace).enforced, Verdict::kDeny);
    EXPECT_EQ(seen[0].length, bytes.size());
    EXPECT_EQ(seen[0].bytes, test::Bytes(bytes.begin(), bytes.begin() + kMostDropBytes));
    EXPECT_GT(seen[0].time, before);
    EXPECT_LE(seen[0].time, std::chrono::system_clock::now());
    EXPECT_EQ(seen[1].reason, DropReason::kNonIp);
    EXPECT_FALSE(seen[1].trace) << "policy was never asked";
    EXPECT_EQ(looking->missed(), 0U);
}

TEST(DropWatch, AFragmentIsShownWithTheDecisionThatItsFirstOneMet) {
    Testbed bed(only_5000(1));
    const auto looking = watch(bed);
    const std::vector<test::Packet> fragments = denied(1000).payload(400).fragments(200, 7);
    bed.send(fragments);
    const std::vector<DroppedPacket> seen = take(*looking, fragments.size());
    ASSERT_EQ(seen.size(), fragments.size());
    for (const DroppedPacket& one : seen) {
        EXPECT_EQ(one.reason, DropReason::kPolicyDeny);
        EXPECT_EQ(one.trace, bed.dataplane->current()->classify(denied(1000).tuple()));
    }
}

TEST(DropWatch, ShowsWhatTheEgressDeviceRefused) {
    Testbed bed(only_5000(1));
    bed.wan->set_link(false);
    const auto looking = watch(bed);
    bed.send({test::udp().from("10.0.0.1", 1).to("10.1.0.9", 5000)});
    const std::vector<DroppedPacket> seen = take(*looking, 1);
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_EQ(seen[0].reason, DropReason::kTxRefused);
    EXPECT_EQ(seen[0].ingress, PortId{0});
}

TEST(DropWatch, ShowsWhatIsTooLargeForItsWayOut) {
    io::MemoryPortSettings settings;
    settings.name = "wan";
    settings.id = PortId{1};
    settings.mtu = 1500;
    const auto wan = std::make_shared<io::MemoryPort>(settings);
    Testbed bed(only_5000(1), 1, [&](DataplaneSettings& all) { all.ports[1] = wan; });
    const auto looking = watch(bed);
    const test::Packet query = test::udp().from("10.0.0.1", 1).to("10.1.0.9", 5000);
    const test::Packet fits = query.payload(1500 - 28);
    const test::Packet does_not = query.payload(1501 - 28);
    bed.send({query, does_not, fits.qinq(1, 2), does_not.vlan(3), fits});

    const std::vector<DroppedPacket> seen = take(*looking, 2);
    ASSERT_EQ(seen.size(), 2U);
    for (const DroppedPacket& one : seen) EXPECT_EQ(one.reason, DropReason::kEgressMtu);
    EXPECT_EQ(wan->collect(), (std::vector{query.bytes(), fits.qinq(1, 2).bytes(), fits.bytes()}));
    const Snapshot now = bed.dataplane->snapshot();
    EXPECT_EQ(now.drops.at(DropReason::kEgressMtu).packets, 2U);
    EXPECT_EQ(now.ports[0].received.packets, now.ports[1].transmitted.packets + 2);
}

TEST(DropWatch, SeesOnlyWhatDiesWhileItLooks) {
    Testbed bed(only_5000(1));
    bed.send(many_denied(10));
    {
        const auto earlier = watch(bed);
        bed.send(many_denied(20));  // never taken
    }
    bed.send(many_denied(30));
    ASSERT_TRUE(bed.dataplane->publish(only_5000(2)));  // the worker has done with the last of them
    const auto looking = watch(bed);
    bed.send(many_denied(5, 2000));
    EXPECT_EQ(take(*looking, 5).size(), 5U);
    EXPECT_EQ(looking->missed(), 0U);
}

TEST(DropWatch, WhatFindsNoRoomIsCountedAndForwardingGoesOn) {
    Testbed bed(only_5000(1), 1, [](DataplaneSettings& settings) { settings.drop_ring = 64; });
    const auto looking = watch(bed);
    bed.send(many_denied(800));
    bed.send({test::udp().from("10.0.0.1", 1).to("10.1.0.9", 5000)});
    EXPECT_EQ(bed.dataplane->snapshot().transmitted.packets, 1U);
    wait_until([&] { return looking->missed() == 800U - 64U; });
    EXPECT_EQ(take(*looking, 64).size(), 64U);

    bed.send(many_denied(10));
    EXPECT_EQ(take(*looking, 10).size(), 10U) << "there is room again";
    EXPECT_EQ(looking->missed(), 800U - 64U);
}

TEST(DropWatch, SeesTheDropsOfEveryWorker) {
    Testbed bed(only_5000(1), 2);
    const auto looking = watch(bed);
    bed.send(many_denied(30), 0);
    bed.send(many_denied(50), 1);
    const std::vector<DroppedPacket> seen = take(*looking, 80);
    const auto of = [&](WorkerId worker) {
        return std::count_if(seen.begin(), seen.end(), [&](const DroppedPacket& one) { return one.worker == worker; });
    };
    EXPECT_EQ(of(WorkerId{0}), 30);
    EXPECT_EQ(of(WorkerId{1}), 50);
}

TEST(DropWatch, SeveralShareWhatIsCopiedAndEachGetsItsLength) {
    Testbed bed(only_5000(1));
    const auto brief = watch(bed, 0);
    const auto whole = watch(bed, 200);
    bed.send({denied(1000).payload(400)});
    const std::vector<DroppedPacket> first = take(*whole, 1);
    const std::vector<DroppedPacket> second = take(*brief, 1);
    ASSERT_EQ(first.size(), 1U);
    ASSERT_EQ(second.size(), 1U);
    EXPECT_EQ(first[0].bytes.size(), 200U);
    EXPECT_EQ(second[0].bytes.size(), DropHub::kHeaderBytes) << "a packet is known by its headers";
    EXPECT_EQ(second[0].length, first[0].length);
}

TEST(DropWatch, TooManyAreRefusedUntilOneGoes) {
    Testbed bed(only_5000(1));
    std::vector<std::unique_ptr<DropWatch>> crowd;
    for (std::size_t i = 0; i < DropHub::kMostWatches; ++i) crowd.push_back(watch(bed));
    const auto refused = bed.dataplane->watch_drops(0);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::kUnavailable);
    EXPECT_NE(refused.error().text().find("4 are looking at dropped packets already"), std::string::npos);
    crowd.pop_back();
    EXPECT_TRUE(bed.dataplane->watch_drops(0));
}

TEST(DropWatch, EndsWithTheDataplaneAndMayOutliveIt) {
    std::unique_ptr<DropWatch> looking;
    {
        Testbed bed(only_5000(1));
        looking = watch(bed);
        bed.send(many_denied(3));
        EXPECT_FALSE(looking->ended());
        bed.dataplane->stop();
        EXPECT_TRUE(looking->ended());
        EXPECT_FALSE(bed.dataplane->watch_drops(0));
    }
    EXPECT_EQ(take(*looking, 3).size(), 3U) << "the last of them is not lost";
}

TEST(DropWatch, KnowsTheGenerationThatJudgedAlsoAfterThatOneIsGone) {
    Testbed bed(only_5000(1));
    const auto looking = watch(bed);
    bed.send(many_denied(1));
    ASSERT_TRUE(bed.dataplane->publish(only_5000(2)));
    wait_until([&] { return bed.dataplane->snapshot().rulesets_alive == 1; });
    bed.send(many_denied(1));
    const std::vector<DroppedPacket> seen = take(*looking, 2);
    ASSERT_EQ(seen.size(), 2U);
    for (const DroppedPacket& one : seen) {
        ASSERT_NE(one.ruleset, nullptr);
        EXPECT_EQ(one.ruleset->generation(), one.generation);
    }
    EXPECT_EQ(seen[1].generation, Generation{2});
}

DropDesk::Facts a_drop() {
    return {Instant{}, Generation{1}, engine::Decision::kUnjudged, 60, PortId{0}, DropReason::kNonIp};
}

TEST(DropDesk, AsksForNothingUntilSomebodyLooksAndAfterTheyWent) {
    DropDesk desk(16);
    EXPECT_EQ(desk.asked(), DropDesk::kNobody);
    desk.ask(100);
    EXPECT_NE(desk.asked(), DropDesk::kNobody);
    desk.dismiss();
    EXPECT_EQ(desk.asked(), DropDesk::kNobody);
    desk.ask(0);
    EXPECT_NE(desk.asked(), DropDesk::kNobody) << "no bytes is not nobody";
}

TEST(DropDesk, ACopyThatIsLateForItsAskingIsNotTaken) {
    DropDesk desk(16);
    desk.ask(10);
    const std::uint64_t first = desk.asked();
    desk.ask(20);
    const test::Bytes frame(60, 7);
    desk.hand_over(first, a_drop(), frame);
    desk.hand_over(desk.asked(), a_drop(), frame);
    std::vector<std::uint32_t> captured;
    while (desk.take([&](const DropDesk::Record& record) { captured.push_back(record.captured); }) > 0) {
    }
    EXPECT_EQ(captured, (std::vector<std::uint32_t>{20}));
}

TEST(DropHub, OneThatDawdlesMissesWhatTheOthersBroughtIn) {
    const auto hub = std::make_shared<DropHub>(1, 1024, [] { return std::vector<RulesetPtr>{}; });
    auto slow = hub->watch(0);
    auto quick = hub->watch(0);
    ASSERT_TRUE(slow && quick);
    const test::Bytes frame(60, 7);
    std::vector<DroppedPacket> seen;
    for (std::size_t i = 0; i < DropHub::kWaiting + 100; ++i) {
        hub->desk(WorkerId{0}).hand_over(hub->desk(WorkerId{0}).asked(), a_drop(), frame);
        (void)(*quick)->take(seen, 10);
    }
    EXPECT_EQ(seen.size(), DropHub::kWaiting + 100);
    EXPECT_EQ((*quick)->missed(), 0U);
    EXPECT_EQ(take(**slow, DropHub::kWaiting).size(), DropHub::kWaiting);
    EXPECT_EQ((*slow)->missed(), 100U);
    EXPECT_EQ(seen[0].ruleset, nullptr) << "nobody knows it";
}

}  // namespace
}  // namespace drywall::runtime

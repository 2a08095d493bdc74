// A census: every connection that is there while it is taken is in it once, whatever else happens meanwhile.
#include <algorithm>
#include <atomic>
#include <map>
#include <thread>

#include <gtest/gtest.h>

#include "census_desk.h"
#include "testbed.h"

namespace drywall::runtime {
namespace {

constexpr std::uint16_t kStays = 8080;  // TCP: they stay for as long as a test takes

test::Packet opening(std::uint16_t client) { return test::tcp().syn().from("10.0.0.1", client).to("10.1.0.9", kStays); }
test::Packet accepting(std::uint16_t client) { return opening(client).ack().reply().entering(1); }

std::vector<test::Packet> openings(std::uint16_t first, std::uint16_t count) {
    std::vector<test::Packet> packets;
    for (std::uint16_t client = first; client < first + count; ++client) packets.push_back(opening(client));
    return packets;
}

// By the client's port: how often each connection to the service that stays is in it.
std::map<std::uint16_t, int> counted(const Census& census) {
    std::map<std::uint16_t, int> out;
    for (const flow::CensusEntry& entry : census.connections)
        if (entry.tuple.destination_port == kStays) ++out[entry.tuple.source_port];
    return out;
}

// Of the clients first..first+count-1 each once, and no other.
void expect_each_once(const Census& census, std::uint16_t first, std::uint16_t count) {
    EXPECT_EQ(census.missing, "");
    const std::map<std::uint16_t, int> found = counted(census);
    EXPECT_EQ(found.size(), count);
    for (const auto& [client, times] : found) {
        EXPECT_TRUE(client >= first && client < first + count) << client;
        EXPECT_EQ(times, 1) << client;
    }
}

void patient(DataplaneSettings& settings) {
    settings.swap_timeout = std::chrono::seconds(60);  // a crowded machine is no reason to fail
}

TEST(Census, FindsTheConnectionsOfEveryWorker) {
    Testbed bed(allow_all(1), 2, patient);
    bed.send(openings(1000, 200), 0);
    bed.send(openings(1200, 100), 1);
    const Census census = bed.dataplane->census();
    expect_each_once(census, 1000, 300);
    std::map<std::uint64_t, int> of_worker;
    for (const flow::CensusEntry& entry : census.connections) ++of_worker[index(entry.worker)];
    EXPECT_EQ(of_worker, (std::map<std::uint64_t, int>{{0, 200}, {1, 100}}));
}

TEST(Census, SaysOfEachWhatItIs) {
    Testbed bed(allow_all(7), 1, patient);
    bed.send({opening(1000)});
    const Census census = bed.dataplane->census();
    ASSERT_EQ(census.connections.size(), 1U);
    const flow::CensusEntry& entry = census.connections[0];
    EXPECT_EQ(entry.tuple.source, test::address("10.0.0.1").bytes);
    EXPECT_EQ(entry.tuple.source_port, 1000);
    EXPECT_EQ(entry.tuple.destination_port, kStays);
    EXPECT_EQ(entry.tuple.ingress_port, 0);
    EXPECT_EQ(entry.state, flow::FlowState::kNew);
    EXPECT_EQ(entry.generation, Generation{7});
    EXPECT_EQ(entry.forward.packets, 1U);
    EXPECT_EQ(entry.reverse.packets, 0U);
    EXPECT_FALSE(entry.kept);
    EXPECT_FALSE(entry.was_reset);
}

TEST(Census, AnEmptyTableIsAnAnswerToo) {
    Testbed bed(allow_all(1), 2, patient);
    const Census census = bed.dataplane->census();
    EXPECT_EQ(census.missing, "");
    EXPECT_TRUE(census.connections.empty());
}

TEST(Census, AFullRingSlowsTheWalkAndLosesNothing) {
    Testbed bed(allow_all(1), 1, [](DataplaneSettings& settings) {
        patient(settings);
        settings.census_ring = 3;
    });
    bed.send(openings(1000, 500));
    expect_each_once(bed.dataplane->census(), 1000, 500);
}

// Connections that come and go for as long as it lives.
class Bustle {
public:
    explicit Bustle(Testbed& bed) : bed_(bed), thread_([this] { run(); }) {}
    ~Bustle() {
        stop_ = true;
        thread_.join();
    }

private:
    void run() {
        std::uint16_t client = 0;
        while (!stop_) {
            if (!bed_.lan->inject(test::udp().from("10.0.0.2", ++client).to("10.1.0.9", 53).bytes(), 0))
                std::this_thread::yield();
            (void)bed_.wan->collect(0);
        }
    }

    Testbed& bed_;
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

TEST(Census, IsExactForWhatStaysWhileOthersComeAndGo) {
    Testbed bed(allow_all(1), 1, [](DataplaneSettings& settings) {
        patient(settings);
        settings.census_ring = 64;
        settings.engine.timeouts.udp = std::chrono::milliseconds(1);
    });
    bed.send(openings(1000, 400));
    const Bustle bustle(bed);
    const std::uint64_t before = bed.dataplane->snapshot().flows_ended;
    for (int taken = 0; taken < 20 || bed.dataplane->snapshot().flows_ended < before + 1000; ++taken)
        expect_each_once(bed.dataplane->census(), 1000, 400);
}

TEST(Census, GoesOnThroughPublications) {
    Testbed bed(allow_all(1), 2, patient);
    bed.send(openings(1000, 400), 1);
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> published{1};
    std::thread publisher([&] {
        for (std::uint64_t generation = 2; !stop; ++generation) {
            ASSERT_TRUE(bed.dataplane->publish(allow_all(generation)));
            published = generation;
        }
    });
    for (int taken = 0; taken < 20 || published < 10; ++taken) {
        const Census census = bed.dataplane->census();
        expect_each_once(census, 1000, 400);
        EXPECT_TRUE(std::ranges::all_of(census.connections, [](const flow::CensusEntry& entry) {
            return entry.generation == Generation{1};
        })) << "no packet came since: they are judged again at their next";
    }
    stop = true;
    publisher.join();
}

TEST(Census, WhoAsksMeanwhileGetsOneOfHisOwn) {
    Testbed bed(allow_all(1), 2, patient);
    bed.send(openings(1000, 300), 0);
    std::vector<std::thread> askers;
    for (int asker = 0; asker < 3; ++asker)
        askers.emplace_back([&] {
            for (int taken = 0; taken < 10; ++taken) expect_each_once(bed.dataplane->census(), 1000, 300);
        });
    for (std::thread& asker : askers) asker.join();
}

TEST(Census, KnowsWhatIsKeptAndWhatWasReset) {
    Testbed bed(allow_all(1), 1, patient);
    bed.send({opening(1000)});
    ASSERT_TRUE(bed.dataplane->publish(deny_all(2), Existing::kKeep));
    EXPECT_TRUE(bed.dataplane->census().connections.at(0).kept) << "though it was silent since";
    bed.send({accepting(1000)});
    EXPECT_TRUE(bed.dataplane->census().connections.at(0).kept);
    ASSERT_TRUE(bed.dataplane->publish(deny_all(3), Existing::kRecheck));
    EXPECT_FALSE(bed.dataplane->census().connections.at(0).kept);

    policy::Rule allow;
    allow.action = Action::kAllow;
    ASSERT_TRUE(bed.dataplane->publish(with_policies(4, {server_policy("open", {allow})}), Existing::kReset));
    bed.send({accepting(1000)});
    const Census census = bed.dataplane->census();
    ASSERT_EQ(census.connections.size(), 1U);
    EXPECT_TRUE(census.connections[0].was_reset);
    EXPECT_FALSE(census.connections[0].kept);
}

TEST(Census, OfADataplaneThatStoppedNamesWhoIsMissing) {
    Testbed bed(allow_all(1), 2, patient);
    bed.send(openings(1000, 3));
    bed.dataplane->stop();
    const Census census = bed.dataplane->census();
    EXPECT_TRUE(census.connections.empty());
    EXPECT_NE(census.missing.find("worker 0 (CPU"), std::string::npos) << census.missing;
    EXPECT_NE(census.missing.find("worker 1 (CPU"), std::string::npos) << census.missing;
    EXPECT_NE(census.missing.find("has stopped"), std::string::npos) << census.missing;
}

flow::CensusEntry found(std::uint64_t flow) {
    flow::CensusEntry entry;
    entry.flow = flow;
    return entry;
}

TEST(CensusDesk, WhatIsLeftOfACensusThatNobodyWaitedForIsInNoOther) {
    CensusDesk desk(16);
    desk.ask();
    desk.hand_over(desk.asked(), std::vector{found(1), found(2)}, false);
    desk.dismiss();
    EXPECT_EQ(desk.asked(), CensusDesk::kNobody);
    desk.ask();
    desk.hand_over(desk.asked() - 1, std::vector{found(3)}, true);  // the worker had not looked yet
    EXPECT_FALSE(desk.answered());
    desk.hand_over(desk.asked(), std::vector{found(4)}, true);
    EXPECT_TRUE(desk.answered());
    std::vector<flow::CensusEntry> taken;
    EXPECT_EQ(desk.take(taken), 1U);
    EXPECT_EQ(taken.at(0).flow, 4U);
}

TEST(CensusDesk, HasRoomForNoMoreThanTheRingTakes) {
    CensusDesk desk(3);
    desk.ask();
    EXPECT_EQ(desk.room(), 3U);
    desk.hand_over(desk.asked(), std::vector{found(1), found(2)}, false);
    EXPECT_EQ(desk.room(), 1U);
    std::vector<flow::CensusEntry> taken;
    EXPECT_EQ(desk.take(taken), 2U);
    EXPECT_EQ(desk.room(), 3U);
    EXPECT_EQ(CensusDesk(1000).room(), flow::kCensusStep);
}

}  // namespace
}  // namespace drywall::runtime

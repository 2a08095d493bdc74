#include "drywall/flow/flow_table.h"

#include <gtest/gtest.h>

#include <unordered_map>

#include "keys.h"

namespace drywall::flow {
namespace {

using std::chrono::seconds;
namespace flag = net::tcp_flag;

constexpr std::uint64_t kSeed = 42;
constexpr std::uint32_t kClient = 0x0a000001;
constexpr std::uint32_t kServer = 0x0a010009;

Instant at(Nanos since_start) { return {since_start}; }

// Opens the packet's connection, TCP with a SYN, and records the packet.
Flow* open(FlowTable& table, const net::PacketMeta& first, Instant now = {}) {
    const Keyed keyed = keyed_across(first);
    const net::TcpSegment syn{.sequence = 999, .window = 0xffff, .flags = flag::kSyn};
    const bool tcp = first.tuple.protocol == net::protocol::kTcp;
    const Arrival arrival{.sender = keyed.sender, .bytes = 100, .at = now, .tcp = tcp ? &syn : nullptr};
    Flow* flow = table.open(keyed.key, first.tuple.ingress_port, arrival);
    if (flow != nullptr) table.record(*flow, arrival);
    return flow;
}

void follow(FlowTable& table, Flow& flow, Side sender, std::uint8_t tcp_flags, Instant now) {
    const net::TcpSegment segment = next_segment(flow, sender, tcp_flags);
    const bool tcp = flow.key.protocol == net::protocol::kTcp;
    if (tcp) {
        ASSERT_EQ(FlowTable::fit(flow, sender, segment), TcpFit::kBelongs);
    }
    table.record(flow, {.sender = sender, .bytes = 100, .at = now, .tcp = tcp ? &segment : nullptr});
}

// The second and third step of the handshake.
void establish(FlowTable& table, Flow& flow, Instant now = {}) {
    follow(table, flow, opposite(flow.initiator), flag::kSyn | flag::kAck, now);
    follow(table, flow, flow.initiator, flag::kAck, now);
}

// How long the flow lives without another packet, in seconds.
std::int64_t patience(const FlowTable& table, const Flow& flow) {
    std::int64_t lived = 0;
    while (!table.expired(flow, flow.last_seen + seconds(lived))) ++lived;
    return lived;
}

TEST(FlowTable, TheReplyFindsTheEntryOfItsRequest) {
    FlowTable table(16, {}, kSeed);
    const Flow* flow = open(table, packet(6, kClient, 40000, kServer, 8080, kLan));
    const Keyed reply = keyed_across(packet(6, kServer, 8080, kClient, 40000, kWan));
    EXPECT_EQ(table.find(reply.key), flow);
    EXPECT_NE(reply.sender, flow->initiator);
}

TEST(FlowTable, TheInitiatorsTupleIsKeptWhicheverSideOpened) {
    FlowTable table(16, {}, kSeed);
    const net::PacketMeta from_lan = packet(6, kClient, 40000, kServer, 8080, kLan);
    const net::PacketMeta from_wan = packet(17, kServer, 5000, kClient, 53, kWan);
    const net::PacketMeta ping = icmp(8, 77, kServer, kClient, kWan);
    for (const net::PacketMeta& first : {from_lan, from_wan, ping})
        EXPECT_EQ(open(table, first)->initiator_tuple(), first.tuple);
}

TEST(FlowTable, ConnectionsAreCountedByTheirState) {
    const auto states = [](const FlowTable& table) {
        const auto of = [&](FlowState state) { return table.counts().by_state[static_cast<std::size_t>(state)]; };
        return std::vector<std::uint32_t>{of(FlowState::kNew) + of(FlowState::kSynReceived),
                                          of(FlowState::kEstablished),
                                          of(FlowState::kInitiatorDone) + of(FlowState::kResponderDone),
                                          of(FlowState::kTimeWait), table.counts().half_open};
    };
    using Counts = std::vector<std::uint32_t>;
    FlowTable table(16, {}, kSeed);
    Flow& tcp = *open(table, packet(6, kClient, 1, kServer, 2));
    Flow& udp = *open(table, packet(17, kClient, 1, kServer, 2));
    EXPECT_EQ(states(table), (Counts{2, 0, 0, 0, 1}));
    follow(table, tcp, Side::kNear, flag::kSyn, {});  // repeated
    EXPECT_EQ(states(table), (Counts{2, 0, 0, 0, 1}));
    follow(table, tcp, Side::kFar, flag::kSyn | flag::kAck, {});
    EXPECT_EQ(states(table), (Counts{2, 0, 0, 0, 1}));
    follow(table, tcp, Side::kNear, flag::kAck, {});
    EXPECT_EQ(states(table), (Counts{1, 1, 0, 0, 0}));
    follow(table, udp, Side::kFar, 0, {});
    EXPECT_EQ(states(table), (Counts{0, 2, 0, 0, 0}));
    follow(table, tcp, Side::kNear, flag::kFin | flag::kAck, {});
    EXPECT_EQ(states(table), (Counts{0, 1, 1, 0, 0}));
    follow(table, tcp, Side::kFar, flag::kFin | flag::kAck, {});
    EXPECT_EQ(states(table), (Counts{0, 1, 0, 1, 0}));
    table.remove(udp);
    EXPECT_EQ(states(table), (Counts{0, 0, 0, 1, 0}));
    (void)open(table, packet(6, kClient, 9, kServer, 2));
    table.sweep(at(seconds(3600)), 16, [](const Flow&) {});
    EXPECT_EQ(states(table), (Counts{0, 0, 0, 0, 0}));
    EXPECT_EQ(table.size(), 0U);
}

TEST(FlowTable, PacketsAndBytesAreCountedPerDirection) {
    FlowTable table(16, {}, kSeed);
    Flow& flow = *open(table, packet(17, kClient, 1, kServer, 2, kWan));
    follow(table, flow, Side::kNear, 0, {});
    follow(table, flow, Side::kFar, 0, {});
    EXPECT_EQ(flow.forward, (telemetry::PacketsBytes{2, 200}));
    EXPECT_EQ(flow.reverse, (telemetry::PacketsBytes{1, 100}));
}

TEST(FlowTable, EachProtocolHasItsPatience) {
    FlowTable table(16, {}, kSeed);
    EXPECT_EQ(patience(table, *open(table, packet(6, kClient, 1, kServer, 2))), 30);
    EXPECT_EQ(patience(table, *open(table, packet(17, kClient, 1, kServer, 2))), 120);
    EXPECT_EQ(patience(table, *open(table, packet(132, kClient, 1, kServer, 2))), 30);
    EXPECT_EQ(patience(table, *open(table, packet(47, kClient, 0, kServer, 0))), 120);
    EXPECT_EQ(patience(table, *open(table, icmp(8, 1, kClient, kServer, kLan))), 30);
}

TEST(FlowTable, TcpIsPatientWhileEstablishedAndHastyWhenClosed) {
    FlowTable table(16, {}, kSeed);
    Flow& flow = *open(table, packet(6, kClient, 1, kServer, 2));
    follow(table, flow, Side::kFar, flag::kSyn | flag::kAck, {});
    EXPECT_EQ(patience(table, flow), 30);
    follow(table, flow, Side::kNear, flag::kAck, {});
    EXPECT_EQ(patience(table, flow), 7440);
    follow(table, flow, Side::kNear, flag::kFin | flag::kAck, {});
    EXPECT_EQ(patience(table, flow), 240);
    follow(table, flow, Side::kFar, flag::kFin | flag::kAck, {});
    EXPECT_EQ(patience(table, flow), 30);
}

TEST(FlowTable, PacketsProlongALiveConnectionButNotAClosedOne) {
    FlowTable table(16, {}, kSeed);
    Flow& udp = *open(table, packet(17, kClient, 1, kServer, 2));
    follow(table, udp, Side::kFar, 0, at(seconds(100)));
    EXPECT_FALSE(table.expired(udp, at(seconds(219))));
    EXPECT_TRUE(table.expired(udp, at(seconds(220))));

    Flow& tcp = *open(table, packet(6, kClient, 1, kServer, 2));
    establish(table, tcp, at(seconds(5)));
    follow(table, tcp, Side::kNear, flag::kFin | flag::kAck, at(seconds(10)));
    follow(table, tcp, Side::kFar, flag::kFin | flag::kAck, at(seconds(10)));
    follow(table, tcp, Side::kNear, flag::kAck, at(seconds(30)));
    EXPECT_TRUE(table.expired(tcp, at(seconds(40))));
}

TEST(FlowTable, WhatRepeatsAStepOfTheHandshakeDoesNotProlongIt) {
    FlowTable table(16, {}, kSeed);
    Flow& flow = *open(table, packet(6, kClient, 1, kServer, 2));
    follow(table, flow, Side::kNear, flag::kSyn, at(seconds(29)));
    EXPECT_TRUE(table.expired(flow, at(seconds(30))));
    follow(table, flow, Side::kFar, flag::kSyn | flag::kAck, at(seconds(29)));
    follow(table, flow, Side::kFar, flag::kSyn | flag::kAck, at(seconds(50)));
    EXPECT_FALSE(table.expired(flow, at(seconds(58))));
    EXPECT_TRUE(table.expired(flow, at(seconds(59))));
}

TEST(FlowTable, HalfOpenConnectionsStandInTheOrderInWhichTheyWereAskedFor) {
    FlowTable table(16, {}, kSeed);
    EXPECT_EQ(table.oldest_half_open(), nullptr);
    std::vector<Flow*> flows;
    for (std::uint16_t port = 1; port <= 5; ++port) flows.push_back(open(table, packet(6, kClient, port, kServer, 2)));
    (void)open(table, packet(17, kClient, 1, kServer, 2));
    EXPECT_EQ(table.oldest_half_open(), flows[0]);
    establish(table, *flows[1]);
    establish(table, *flows[4]);
    table.remove(*flows[0]);
    EXPECT_EQ(table.oldest_half_open(), flows[2]);
    EXPECT_EQ(table.counts().half_open, 2U);
    flows[0] = open(table, packet(6, kClient, 9, kServer, 2));
    table.remove(*flows[2]);
    table.remove(*flows[3]);
    EXPECT_EQ(table.oldest_half_open(), flows[0]);
    table.remove(*flows[0]);
    EXPECT_EQ(table.oldest_half_open(), nullptr) << "UDP is not half-open";
}

TEST(FlowTable, OfThoseThatNobodyAnsweredTheLargerKindGoesFirst) {
    FlowTable table(16, {}, kSeed);
    EXPECT_EQ(table.oldest_unanswered(), nullptr);
    Flow* const syn = open(table, packet(6, kClient, 1, kServer, 2));
    EXPECT_EQ(table.oldest_unanswered(), syn);
    Flow* const query = open(table, packet(17, kClient, 1, kServer, 2));
    EXPECT_EQ(table.oldest_unanswered(), syn) << "as many of each";
    Flow* const other = open(table, packet(17, kClient, 3, kServer, 2));
    EXPECT_EQ(table.oldest_unanswered(), query);
    table.record(*query, {.sender = opposite(query->initiator), .bytes = 60, .at = at(seconds(1))});
    EXPECT_EQ(table.oldest_unanswered(), syn) << "one was answered";
    table.remove(*syn);
    EXPECT_EQ(table.oldest_unanswered(), other);
    table.remove(*other);
    EXPECT_EQ(table.oldest_unanswered(), nullptr);
    EXPECT_EQ(table.size(), 1U);
}

TEST(FlowTable, SynAfterFinStartsANewConnection) {
    FlowTable table(16, {}, kSeed);
    Flow& flow = *open(table, packet(6, kClient, 1, kServer, 2));
    establish(table, flow);
    EXPECT_FALSE(FlowTable::starts_anew(flow, Side::kNear, flag::kSyn));
    follow(table, flow, Side::kNear, flag::kFin | flag::kAck, {});
    EXPECT_FALSE(FlowTable::starts_anew(flow, Side::kNear, flag::kSyn)) << "the responder still sends";
    follow(table, flow, Side::kFar, flag::kFin | flag::kAck, {});
    EXPECT_TRUE(FlowTable::starts_anew(flow, Side::kNear, flag::kSyn));
    EXPECT_FALSE(FlowTable::starts_anew(flow, Side::kNear, flag::kAck));
}

TEST(FlowTable, AFullTableRefusesUntilSomethingIsRemoved) {
    FlowTable table(1000, {}, kSeed);
    for (std::uint32_t client = 0; client < 1000; ++client)
        ASSERT_NE(open(table, packet(6, client, 1, kServer, 2)), nullptr);
    EXPECT_EQ(open(table, packet(6, 5000, 1, kServer, 2)), nullptr);
    EXPECT_EQ(table.size(), 1000U);

    table.remove(*table.find(keyed_across(packet(6, 77, 1, kServer, 2)).key));
    EXPECT_NE(open(table, packet(6, 5000, 1, kServer, 2)), nullptr);
}

TEST(FlowTable, EveryEntryIsUsableAtTheDefaultSize) {
    for (const std::uint64_t seed : {1, 2, 3}) {
        FlowTable table(65536, {}, seed);
        for (const FlowKey& key : random_keys(seed, 65536))
            ASSERT_NE(table.open(key, 0, {}), nullptr) << "seed " << seed;
    }
}

TEST(FlowTable, AnAssociationThatNobodyAnsweredIsOverSooner) {
    FlowTable table(16, {.sctp = seconds(300), .sctp_half_open = seconds(30)}, kSeed);
    Flow* flow = open(table, packet(net::protocol::kSctp, 1, 1, kServer, 2));
    ASSERT_NE(flow, nullptr);
    EXPECT_FALSE(table.expired(*flow, at(seconds(29))));
    EXPECT_TRUE(table.expired(*flow, at(seconds(30))));
    table.record(*flow, {.sender = opposite(flow->initiator), .bytes = 60, .at = at(seconds(20))});
    EXPECT_FALSE(table.expired(*flow, at(seconds(319))));
    EXPECT_TRUE(table.expired(*flow, at(seconds(320))));
}

TEST(FlowTable, AFullRoundOfTheSweepEndsAllThatTimedOut) {
    constexpr std::size_t kStep = 64;
    FlowTable table(1000, {.tcp_half_open = seconds(240)}, kSeed);
    for (std::uint32_t client = 0; client < 1000; ++client) {
        const bool udp = client % 3 == 0;
        ASSERT_NE(open(table, packet(udp ? 17 : 6, client, 1, kServer, 2)), nullptr);
    }
    std::size_t ended = 0;
    for (std::size_t call = 0; call < (table.capacity() + kStep - 1) / kStep; ++call)
        table.sweep(at(seconds(120)), kStep, [&](const Flow& flow) {
            EXPECT_EQ(flow.key.protocol, 17);
            ++ended;
        });
    EXPECT_EQ(ended, 334U);
    EXPECT_EQ(table.size(), 666U);
}

TEST(FlowTable, ASweepOfAnEmptyTableEndsNothing) {
    FlowTable none(0, {}, kSeed);
    FlowTable fresh(16, {}, kSeed);
    for (FlowTable* table : {&none, &fresh})
        table->sweep(at(seconds(9999)), 64, [](const Flow&) { FAIL() << "nothing was ever opened"; });
    EXPECT_EQ(open(none, packet(6, kClient, 1, kServer, 2)), nullptr);
}

TEST(FlowTable, ReportsNameEachConnectionThatWasHeardSinceTheLastOne) {
    constexpr Nanos kInterval = seconds(10);
    FlowTable table(256, {}, kSeed);
    std::vector<Flow*> flows;
    for (std::uint32_t client = 0; client < 200; ++client)
        flows.push_back(open(table, packet(17, client, 1, kServer, 2)));
    Instant now = at(seconds(100));
    // Twice the interval and more: whatever round was under way, a whole one is in it.
    const auto reported = [&] {
        std::size_t told = 0;
        for (int turn = 0; turn < 240; ++turn, now = now + kInterval / 100)
            table.report(now, kInterval, 16, [&](const Flow&) { ++told; });
        return told;
    };
    EXPECT_EQ(reported(), 200U) << "more may have come in the instant of the first packet";
    EXPECT_EQ(reported(), 0U);
    for (std::size_t i = 0; i < 200; i += 2) follow(table, *flows[i], Side::kNear, 0, now);
    EXPECT_EQ(reported(), 100U);
    EXPECT_EQ(reported(), 0U) << "nothing came since";
    for (std::size_t i = 0; i < 200; i += 4) follow(table, *flows[i], Side::kFar, 0, now);
    table.remove(*flows[0]);
    EXPECT_EQ(reported(), 49U);
}

TEST(FlowTable, ReportsAreBoundedPerTurnAndSpreadOverTheInterval) {
    constexpr Nanos kInterval = seconds(10);
    FlowTable table(1024, {}, kSeed);
    for (std::uint32_t client = 0; client < 1000; ++client)
        follow(table, *open(table, packet(17, client, 1, kServer, 2)), Side::kNear, 0, at(seconds(1)));
    std::size_t most = 0;
    std::size_t total = 0;
    for (Instant now = at(seconds(20)); now <= at(seconds(42)); now = now + Nanos(std::chrono::milliseconds(10))) {
        std::size_t turn = 0;
        table.report(now, kInterval, 32, [&](const Flow&) { ++turn; });
        most = std::max(most, turn);
        total += turn;
    }
    EXPECT_LE(most, 32U);
    EXPECT_EQ(total, 1000U);
}

// What a walk in parts of `entries` meets, by id; `between` happens after each part.
template <typename Between>
std::unordered_map<std::uint64_t, int> walked(const FlowTable& table, std::size_t entries, Instant now,
                                              Between between) {
    std::unordered_map<std::uint64_t, int> met;
    for (FlowTable::Walk walk = table.begin_walk(); !walk.done(); between())
        table.walk(walk, now, entries, [&](const Flow& flow) { ++met[table.notes(flow).id]; });
    return met;
}

TEST(FlowTable, AWalkMeetsOnceWhatIsThereFromItsBeginningToItsEnd) {
    FlowTable table(512, {}, kSeed);
    std::vector<Flow*> lasting;
    std::vector<Flow*> passing;
    for (std::uint32_t client = 0; client < 300; ++client)
        (client % 3 == 0 ? passing : lasting).push_back(open(table, packet(6, client, 1, kServer, 2)));
    std::uint32_t newcomer = 1000;
    const auto met = walked(table, 7, {}, [&] {
        if (!passing.empty()) {
            table.remove(*passing.back());
            passing.pop_back();
        }
        for (int i = 0; i < 2; ++i) (void)open(table, packet(6, ++newcomer, 1, kServer, 2));
    });
    for (const Flow* flow : lasting) EXPECT_EQ(met.at(table.notes(*flow).id), 1);
    for (const auto& [id, times] : met) EXPECT_EQ(times, 1) << "flow " << id;
}

TEST(FlowTable, AWalkIsAsLongAsTheTableWasWhenItBegan) {
    FlowTable table(512, {}, kSeed);
    std::uint32_t client = 0;
    for (; client < 10; ++client) (void)open(table, packet(6, client, 1, kServer, 2));
    const auto met = walked(table, 1, {}, [&] { (void)open(table, packet(6, ++client, 1, kServer, 2)); });
    EXPECT_EQ(met.size(), 10U) << "and does not run after those who open one connection a turn";
    FlowTable none(16, {}, kSeed);
    EXPECT_TRUE(none.begin_walk().done());
}

TEST(FlowTable, AWalkDoesNotMeetWhatIsOver) {
    FlowTable table(16, {}, kSeed);
    (void)open(table, packet(17, kClient, 1, kServer, 2));
    const Flow* heard = open(table, packet(6, kClient, 1, kServer, 2), at(seconds(100)));
    const auto met = walked(table, 16, at(seconds(125)), [] {});
    EXPECT_EQ(met.size(), 1U) << "the other one has timed out, and no sweep came by";
    EXPECT_TRUE(met.contains(table.notes(*heard).id));
}

TEST(FlowTable, IdsAreNeverUsedTwice) {
    FlowTable table(4, {}, kSeed);
    std::uint64_t last = 0;
    for (int round = 0; round < 100; ++round) {
        Flow* flow = open(table, packet(6, kClient, 1, kServer, 2));
        ASSERT_GT(table.notes(*flow).id, last);
        last = table.notes(*flow).id;
        table.remove(*flow);
    }
}

TEST(FlowTable, AnEntryThatWasGivenAwayNoLongerHoldsItsKey) {
    FlowTable table(1, {}, kSeed);
    Flow* flow = open(table, packet(6, kClient, 1, kServer, 2));
    const FlowKey key = flow->key;
    EXPECT_TRUE(FlowTable::holds(*flow, key));
    table.remove(*flow);
    EXPECT_FALSE(FlowTable::holds(*flow, key));
    ASSERT_EQ(open(table, packet(6, kClient, 3, kServer, 2)), flow);
    EXPECT_FALSE(FlowTable::holds(*flow, key));
}

TEST(FlowTable, ABurstFindsWhatTheKeysFindOneByOne) {
    const std::vector<FlowKey> keys = random_keys(kSeed, 20'000);
    FlowTable table(10'000, {}, kSeed);
    for (std::size_t i = 0; i < keys.size(); i += 2) ASSERT_NE(table.open(keys[i], 0, {}), nullptr);
    std::array<Flow*, kMaxBurst> found{};
    for (std::size_t first = 0; first < keys.size(); first += kMaxBurst) {
        const std::span<const FlowKey> burst(&keys[first], std::min(kMaxBurst, keys.size() - first));
        table.find(burst, found);
        for (std::size_t i = 0; i < burst.size(); ++i) {
            ASSERT_EQ(found[i], table.find(burst[i])) << burst[i];
            ASSERT_EQ(found[i] != nullptr, (first + i) % 2 == 0) << burst[i];
        }
    }
}

struct KeyHash {
    std::size_t operator()(const FlowKey& key) const {
        return std::hash<std::string_view>{}({reinterpret_cast<const char*>(&key), sizeof(key)});
    }
};

TEST(FlowTable, AgreesWithAMapOverManyRandomOperations) {
    constexpr std::size_t kCapacity = 512;
    const std::vector<FlowKey> keys = random_keys(kSeed, 2 * kCapacity);
    std::mt19937_64 random(kSeed);
    FlowTable table(kCapacity, {}, kSeed);
    std::unordered_map<FlowKey, std::uint64_t, KeyHash> model;  // key -> flow id
    for (int operation = 0; operation < 100'000; ++operation) {
        const FlowKey& key = keys[random() % keys.size()];
        Flow* flow = table.find(key);
        const auto known = model.find(key);
        ASSERT_EQ(flow != nullptr, known != model.end())
            << "seed " << kSeed << ", operation " << operation << ", " << key;
        if (flow == nullptr) {
            flow = table.open(key, 0, {});
            ASSERT_EQ(flow != nullptr, model.size() < kCapacity) << "seed " << kSeed << ", operation " << operation;
            if (flow != nullptr) model.emplace(key, table.notes(*flow).id);
            continue;
        }
        ASSERT_EQ(table.notes(*flow).id, known->second)
            << "seed " << kSeed << ", operation " << operation << ", " << key;
        if (random() % 2 == 0) {
            table.remove(*flow);
            model.erase(known);
        }
    }
    EXPECT_EQ(table.size(), model.size());
}

}  // namespace
}  // namespace drywall::flow

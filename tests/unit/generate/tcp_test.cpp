// Connections over two memory ports and a wire that loses what the test says, by a clock of the test's.
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "checksums.h"
#include "connection_table.h"
#include "drywall/io/memory_port.h"
#include "worker.h"

namespace drywall::generate {
namespace {

using test::Bytes;

std::uint64_t now = 0;  // ticks: nanoseconds
std::uint64_t tcp_ticks() noexcept { return now; }

loader::ConnectionsProfile profile_of(const std::string& text) {
    const auto profile = loader::load_profile(
        {"p.yaml",
         "ports: [{name: a, device: net_null0}, {name: b, device: net_null1}]\nconnections: [{from: a, to: b" + text +
             "}]\n"});
    EXPECT_TRUE(profile) << profile.error().text();
    return profile ? profile->connections.front() : loader::ConnectionsProfile{};
}

// A client on port 0, its server on port 1, one worker.
class TcpRig {
public:
    explicit TcpRig(const loader::ConnectionsProfile& connections) : profile(connections) {
        now = 1'000'000;
        times.start = now;
        for (std::uint16_t i = 0; i < 2; ++i)
            ports.push_back(std::make_shared<io::MemoryPort>(io::MemoryPortSettings{
                .id = PortId{i}, .receive_capacity = 1U << 16U, .transmit_capacity = 1U << 16U}));
        base = {ports.begin(), ports.end()};
        client = std::make_unique<TcpClient>(profile, *PacketWriter::create(profile.ends, 1, 0), 1, 1e9);
        server = std::make_unique<TcpServer>(profile, 1, 1e9);
        WorkerSettings settings;
        settings.times = &times;
        settings.frames = &pool;
        settings.ports = base;
        settings.receives_on = {0, 1};
        settings.port_counts = counts;
        settings.clients = {{client.get(), 0}};
        settings.servers = {{server.get(), 1}};
        settings.magic = magic_of(1, 2);
        settings.magic_before = magic_of(1, 1);
        settings.ticks = tcp_ticks;
        worker = std::make_unique<Worker>(std::move(settings));
    }

    // Turns of 10 µs until nothing is open any more, or so many are over. `keeps`: whether the wire keeps a frame.
    template <typename Keeps>
    void run(const Keeps& keeps, int turns = 2'000'000) {
        for (int i = 0; i < turns && !(client->finished() && i > 10); ++i) {
            now += 10'000;
            worker->turn(now);
            for (const std::size_t from : {0U, 1U})
                for (const Bytes& frame : ports[from]->collect()) {
                    const bool arrives = !keeps(from, frame) || ports[1 - from]->inject(frame);
                    EXPECT_TRUE(arrives);
                }
        }
    }
    void expect_everything_accounted() const {
        const auto& c = client->counts();
        EXPECT_EQ(client->opened(), c.completed.read() + c.refused.read() + c.timed_out.read() + c.reset.read() +
                                        c.failed.read() + client->open_now());
    }

    loader::ConnectionsProfile profile;
    std::vector<std::shared_ptr<io::MemoryPort>> ports;
    std::vector<std::shared_ptr<io::Port>> base;
    io::MemoryFramePool pool;
    std::vector<PortCounts> counts = std::vector<PortCounts>(2);
    TrialTimes times;
    std::unique_ptr<TcpClient> client;
    std::unique_ptr<TcpServer> server;
    std::unique_ptr<Worker> worker;
};

TEST(Tcp, ConnectionsAreOpenedAskAreAnsweredAndClose) {
    TcpRig rig(profile_of(", count: 500, rate: 10kcps, exchanges: 3, request: 3000, response: 100000, segment: 1400"));
    std::uint64_t payload[2] = {0, 0};
    std::set<std::uint16_t> ports_used;
    rig.run([&](std::size_t from, const Bytes& frame) {
        const auto meta = net::parse(test::view(frame));
        EXPECT_EQ(meta.malformed, DropReason::kNone);
        EXPECT_GE(frame.size(), 60U);
        test::expect_right_checksums(frame, meta);
        const auto segment = net::read_tcp_segment(test::view(frame), meta);
        payload[from] += segment.payload;
        if (segment.flags == net::tcp_flag::kSyn) ports_used.insert(meta.tuple.source_port);
        return true;
    });
    const auto& c = rig.client->counts();
    EXPECT_EQ(rig.client->opened(), 500U);
    EXPECT_EQ(c.established.read(), 500U);
    EXPECT_EQ(c.completed.read(), 500U);
    EXPECT_EQ(c.exchanges.read(), 1500U);
    EXPECT_EQ(payload[0], 1500U * 3000) << "no byte was sent twice";
    EXPECT_EQ(payload[1], 1500U * 100'000);
    EXPECT_EQ(ports_used.size(), 500U);
    EXPECT_EQ(c.syn_retransmissions.read() + rig.client->retransmissions() + rig.server->retransmissions(), 0U);
    EXPECT_EQ(rig.client->connect_latency().count(), 500U);
    EXPECT_EQ(rig.client->connect_latency().least(), 20'000U) << "two turns";
    EXPECT_EQ(rig.client->exchange_latency().count(), 1500U);
    EXPECT_EQ(rig.counts[0].foreign.read() + rig.counts[1].foreign.read(), 0U);
}

TEST(Tcp, WhatIsLostIsSentAgainUntilEverythingIsThere) {
    for (const unsigned seed : {1U, 2U, 3U}) {
        TcpRig rig(profile_of(
            ", count: 300, rate: 1kcps, exchanges: 2, request: 5000, response: 20000, retransmit: 20ms, retries: 100"));
        std::mt19937 random(seed);
        std::uint64_t syns_lost = 0;
        rig.run([&](std::size_t from, const Bytes& frame) {
            const bool lost = random() % 20 == 0;
            const auto meta = net::parse(test::view(frame));
            syns_lost += lost && from == 0 && meta.tcp_flags == net::tcp_flag::kSyn ? 1 : 0;
            return !lost;
        });
        const auto& c = rig.client->counts();
        EXPECT_EQ(c.completed.read(), 300U) << "seed " << seed;
        EXPECT_EQ(c.exchanges.read(), 600U);
        EXPECT_GE(c.syn_retransmissions.read(), syns_lost);
        EXPECT_GT(rig.client->retransmissions() + rig.server->retransmissions(), 0U);
        rig.expect_everything_accounted();
    }
}

TEST(Tcp, NobodyAnswersIsATimeoutAndLaterSilenceAFailure) {
    TcpRig dead(profile_of(", count: 10, retransmit: 5ms, retries: 2"));
    dead.run([](std::size_t, const Bytes&) { return false; });
    EXPECT_EQ(dead.client->counts().timed_out.read(), 10U);
    EXPECT_EQ(dead.client->counts().syn_retransmissions.read(), 20U);
    EXPECT_EQ(dead.client->counts().established.read(), 0U);

    TcpRig silent(profile_of(", count: 10, retransmit: 5ms, retries: 2"));
    silent.run([](std::size_t from, const Bytes& frame) {
        return from == 0 || (net::parse(test::view(frame)).tcp_flags & net::tcp_flag::kSyn) != 0;
    });
    EXPECT_EQ(silent.client->counts().established.read(), 10U);
    EXPECT_EQ(silent.client->counts().failed.read(), 10U);
    silent.expect_everything_accounted();
}

TEST(Tcp, AResetInsteadOfAnAnswerIsARefusalAndLaterABreak) {
    TcpRig rig(profile_of(", count: 40, rate: 1kcps, hold: 100ms"));
    int syns = 0;
    int answers = 0;
    rig.run([&](std::size_t from, const Bytes& frame) {
        const auto meta = net::parse(test::view(frame));
        const bool syn = from == 0 && meta.tcp_flags == net::tcp_flag::kSyn;
        const auto segment = net::read_tcp_segment(test::view(frame), meta);
        const bool answer = from == 1 && segment.payload > 0;
        if (!(syn && ++syns % 4 == 0) && !(answer && ++answers % 3 == 0)) return true;
        test::Packet reset = test::tcp().flags(net::tcp_flag::kRst | net::tcp_flag::kAck).sequence(0, segment.end());
        const net::Address source{meta.tuple.family, meta.tuple.source};
        const net::Address destination{meta.tuple.family, meta.tuple.destination};
        reset = syn ? reset.from(destination, meta.tuple.destination_port).to(source, meta.tuple.source_port)
                    : reset.from(source, meta.tuple.source_port).to(destination, meta.tuple.destination_port);
        EXPECT_TRUE(rig.ports[0]->inject(reset.bytes()));
        return false;
    });
    const auto& c = rig.client->counts();
    EXPECT_EQ(c.refused.read(), 10U);
    EXPECT_EQ(c.established.read(), 30U);
    EXPECT_EQ(c.reset.read(), 10U);
    EXPECT_EQ(c.completed.read(), 20U);
    rig.expect_everything_accounted();
}

TEST(Tcp, AsManyAreHeldOpenAsMayBeAndNoMore) {
    TcpRig rig(profile_of(", concurrent: 100, hold: 1h"));
    rig.run([](std::size_t, const Bytes&) { return true; }, 1000);
    EXPECT_EQ(rig.client->open_now(), 100U);
    EXPECT_EQ(rig.client->counts().established.read(), 100U);
    EXPECT_EQ(rig.client->open_at_most(), 100U);
    rig.times.stop_sending = true;
    rig.run([](std::size_t, const Bytes&) { return true; }, 10);
    EXPECT_TRUE(rig.worker->finished());
    rig.expect_everything_accounted();
}

TEST(Tcp, TagsAndIPv6AreThoseOfTheProfileBothWays) {
    TcpRig rig(profile_of(
        ", count: 5, vlan: [{id: 100-104}], ip: {source: \"2001:db8::1\", destination: \"2001:db8:1::/124\"}"));
    std::set<int> tags[2];
    rig.run([&](std::size_t from, const Bytes& frame) {
        const auto meta = net::parse(test::view(frame));
        EXPECT_EQ(meta.tuple.family, net::Family::kIPv6);
        test::expect_right_checksums(frame, meta);
        tags[from].insert(frame[14] * 256 + frame[15]);
        return true;
    });
    EXPECT_EQ(rig.client->counts().completed.read(), 5U);
    EXPECT_EQ(tags[0], tags[1]);
}

TEST(Tcp, AClientAndItsServerMayShareAPort) {
    TcpRig rig(profile_of(", count: 20, hold: 1ms"));
    WorkerSettings settings;
    settings.times = &rig.times;
    settings.frames = &rig.pool;
    settings.ports = rig.base;
    settings.receives_on = {0};
    settings.port_counts = rig.counts;
    settings.clients = {{rig.client.get(), 0}};
    settings.servers = {{rig.server.get(), 0}};
    settings.magic = magic_of(1, 2);
    settings.magic_before = magic_of(1, 1);
    settings.ticks = tcp_ticks;
    Worker worker(std::move(settings));
    for (int i = 0; i < 100'000 && !rig.client->finished(); ++i) {
        now += 10'000;
        worker.turn(now);
        for (const Bytes& frame : rig.ports[0]->collect()) EXPECT_TRUE(rig.ports[0]->inject(frame));
    }
    EXPECT_EQ(rig.client->counts().completed.read(), 20U);
    EXPECT_EQ(rig.client->retransmissions() + rig.server->retransmissions(), 0U);
}

TEST(ConnectionTable, AgreesWithASetOfWhatIsOpen) {
    for (const unsigned seed : {1U, 2U, 3U}) {
        std::mt19937 random(seed);
        ConnectionTable table(64);
        std::set<std::uint16_t> open;
        const auto ends = [](std::uint16_t port) {
            FlowEnds out;
            out.source_port = port;
            return out;
        };
        for (int i = 0; i < 20'000; ++i) {
            const auto port = static_cast<std::uint16_t>(random() % 100);
            TcpConnection* found = table.find(ends(port));
            ASSERT_EQ(found != nullptr, open.contains(port)) << "seed " << seed << ", step " << i;
            if (found != nullptr) {
                EXPECT_EQ(found->ends.source_port, port);
                table.close(*found);
                open.erase(port);
            } else if (table.open(ends(port)) != nullptr) {
                open.insert(port);
            } else {
                EXPECT_EQ(open.size(), 64U);
            }
            ASSERT_EQ(table.size(), open.size());
        }
    }
}

TEST(ConnectionTable, TimersEndInTheOrderInWhichTheyWereArmed) {
    ConnectionTable table(4);
    TcpConnection* some[3];
    for (std::uint16_t i = 0; i < 3; ++i) {
        FlowEnds ends;
        ends.source_port = i;
        some[i] = table.open(ends);
        table.arm(*some[i], TcpTimer::kRetransmit, 10U + i);
    }
    EXPECT_EQ(table.expired(TcpTimer::kRetransmit, 9), nullptr);
    EXPECT_EQ(table.expired(TcpTimer::kRetransmit, 10), some[0]);
    table.arm(*some[0], TcpTimer::kRetransmit, 20);
    EXPECT_EQ(table.expired(TcpTimer::kRetransmit, 30), some[1]);
    table.disarm(*some[1]);
    table.close(*some[2]);
    EXPECT_EQ(table.expired(TcpTimer::kRetransmit, 30), some[0]);
    table.arm(*some[0], TcpTimer::kIdle, 5);
    EXPECT_EQ(table.expired(TcpTimer::kRetransmit, 99), nullptr);
    EXPECT_EQ(table.expired(TcpTimer::kIdle, 5), some[0]);
}

}  // namespace
}  // namespace drywall::generate

// The book of replayed connections, which works a burst at a time, against one that takes event by event out of ordered
// maps; and a replay of random packets in bursts against the same one packet at a time.
#include "flow_book.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "dice.h"
#include "drywall/explain/site.h"
#include "drywall/flow/key.h"
#include "drywall/whatif/engine_settings.h"
#include "packets.h"
#include "site_texts.h"

namespace drywall::whatif {

bool operator==(const ReplayedFlow& a, const ReplayedFlow& b) {
    const auto all = [](const ReplayedFlow& f) {
        return std::tuple(f.source, f.destination, f.protocol, f.destination_port, f.trace, f.connections, f.first,
                          f.last, f.forward.packets, f.forward.bytes, f.reverse.packets, f.reverse.bytes);
    };
    return all(a) == all(b);
}

namespace {

using drywall::test::Dice;
using drywall::test::Frames;
using drywall::test::Packet;
using telemetry::FlowEvent;
using telemetry::FlowEventKind;
using namespace std::chrono_literals;

constexpr std::size_t kTraces = 4;

std::uint64_t seed_from_environment(std::uint64_t otherwise) {
    const char* text = std::getenv("DRYWALL_SEED");
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// What FlowBook promises, said as plainly as it goes.
class PlainFlowBook {
public:
    PlainFlowBook(std::size_t most_flows, std::size_t most_denied)
        : connections(kTraces), most_flows_(most_flows), most_denied_(most_denied) {}

    void enter(const FlowEvent& event) {
        const Key key = key_of(event.tuple);
        const Key asked = answered_by(key);
        switch (event.kind) {
            case FlowEventKind::kDenied: return denied(event, key, asked);
            case FlowEventKind::kOpened:
                if (!denied_.contains(asked)) touch(start(event), event.time, {}, {});
                return;
            case FlowEventKind::kEnded:
                if (denied_.contains(asked)) return touch(denied_.at(asked), {}, event.reverse, event.forward);
                return touch(group_of(event), {}, event.forward, event.reverse);
            default: return;
        }
    }

    std::vector<std::uint64_t> connections;
    ReplayedFlows flows;
    std::uint64_t left_out = 0;
    bool exact = true;

private:
    using Group = std::optional<std::size_t>;
    using Key =
        std::tuple<net::Family, std::uint8_t, net::AddressBytes, std::uint16_t, net::AddressBytes, std::uint16_t>;
    using GroupKey =
        std::tuple<net::Family, std::uint8_t, net::AddressBytes, net::AddressBytes, std::uint16_t, TraceId>;

    static Key key_of(const net::Tuple& tuple) {
        const std::uint16_t port = net::is_icmp(tuple.protocol) ? std::uint16_t{0} : tuple.destination_port;
        return {tuple.family, tuple.protocol, tuple.source, tuple.source_port, tuple.destination, port};
    }
    static Key answered_by(const Key& key) {
        const auto& [family, protocol, source, source_port, destination, destination_port] = key;
        return {family, protocol, destination, destination_port, source, source_port};
    }

    void denied(const FlowEvent& event, const Key& key, const Key& asked) {
        const bool can_answer = !net::is_icmp(event.tuple.protocol) || flow::is_icmp_reply(event.tuple);
        if (denied_.contains(key)) return touch(denied_.at(key), event.time, event.forward, {});
        if (can_answer && denied_.contains(asked)) return touch(denied_.at(asked), event.time, {}, event.forward);
        const Group group = start(event);
        touch(group, event.time, event.forward, {});
        if (denied_.size() < most_denied_)
            denied_.emplace(key, group);
        else
            exact = false;
    }
    Group start(const FlowEvent& event) {
        ++connections[index(event.trace)];
        const Group group = group_of(event);
        if (group)
            ++flows[*group].connections;
        else
            ++left_out;
        return group;
    }
    Group group_of(const FlowEvent& event) {
        const net::Tuple& tuple = event.tuple;
        const GroupKey key{tuple.family,      tuple.protocol,         tuple.source,
                           tuple.destination, tuple.destination_port, event.trace};
        if (const auto known = groups_.find(key); known != groups_.end()) return known->second;
        if (flows.size() >= most_flows_) return std::nullopt;
        groups_.emplace(key, flows.size());
        ReplayedFlow flow;
        flow.source = {tuple.family, tuple.source};
        flow.destination = {tuple.family, tuple.destination};
        flow.protocol = tuple.protocol;
        flow.destination_port = tuple.destination_port;
        flow.trace = event.trace;
        flow.first = flow.last = event.time.since_start;
        flows.push_back(flow);
        return flows.size() - 1;
    }
    void touch(Group group, Instant time, const telemetry::PacketsBytes& forward,
               const telemetry::PacketsBytes& reverse) {
        if (!group) return;
        flows[*group].forward += forward;
        flows[*group].reverse += reverse;
        flows[*group].last = std::max(flows[*group].last, time.since_start);
    }

    std::size_t most_flows_;
    std::size_t most_denied_;
    std::map<GroupKey, std::size_t> groups_;
    std::map<Key, Group> denied_;
};

// Few hosts and ports, so that both directions, both families and the same parties meet again and again; some hosts
// talk to themselves.
net::Address random_host(Dice& dice, net::Family family, std::size_t hosts) {
    net::Address host = net::Address::v4(0x0a000000U + static_cast<std::uint32_t>(dice.below(hosts)));
    host.family = family;
    return host;
}

FlowEvent random_event(Dice& dice, Instant now, std::size_t hosts) {
    FlowEvent event;
    event.kind = dice.pick({FlowEventKind::kDenied, FlowEventKind::kDenied, FlowEventKind::kOpened,
                            FlowEventKind::kEnded, FlowEventKind::kProgress});
    event.trace = TraceId{static_cast<std::uint32_t>(dice.below(kTraces))};
    event.time = now;
    net::Tuple& tuple = event.tuple;
    tuple.family = dice.pick({net::Family::kIPv4, net::Family::kIPv6});
    tuple.source = random_host(dice, tuple.family, hosts).bytes;
    tuple.destination = random_host(dice, tuple.family, hosts).bytes;
    tuple.protocol =
        dice.pick({net::protocol::kTcp, net::protocol::kUdp, net::protocol::kIcmp, net::protocol::kIcmpv6});
    const auto port = [&] { return static_cast<std::uint16_t>(1 + dice.below(hosts)); };
    if (net::is_icmp(tuple.protocol)) {
        const std::uint8_t type = dice.pick<std::uint8_t>({0, 3, 8, 128, 129});
        tuple.destination_port = static_cast<std::uint16_t>(type << 8);
    } else {
        tuple.source_port = port();
        tuple.destination_port = port();
    }
    event.forward = {1, 60 + dice.below(100)};
    if (event.kind == FlowEventKind::kEnded) event.reverse = {dice.below(9), dice.below(9000)};
    return event;
}

void same(const PlainFlowBook& plain, FlowBook& fast) {
    EXPECT_EQ(fast.connections(), plain.connections);
    EXPECT_EQ(fast.left_out(), plain.left_out);
    EXPECT_EQ(fast.exact(), plain.exact);
    EXPECT_TRUE(fast.take_flows() == plain.flows);
}

TEST(FlowBook, BurstsOfEventsAreEnteredAsOneEventAfterTheOther) {
    const std::uint64_t first = seed_from_environment(1);
    for (std::uint64_t seed = first; seed < first + 20 && !HasFailure(); ++seed) {
        SCOPED_TRACE("DRYWALL_SEED=" + std::to_string(seed));
        Dice dice(seed);
        const std::size_t hosts = dice.pick<std::size_t>({2, 5, 40});
        // Sometimes too little room for what is to come.
        const std::size_t most_flows = dice.pick<std::size_t>({10, 1'000'000});
        const std::size_t most_denied = dice.pick<std::size_t>({10, 1'000'000});
        FlowBook fast(kTraces, most_flows, most_denied, seed);
        PlainFlowBook plain(most_flows, most_denied);
        Instant now{1s};
        for (int burst = 0; burst < 100; ++burst) {
            std::vector<FlowEvent> events;
            for (std::size_t left = dice.below(telemetry::kMaxEvents + 1); left > 0; --left) {
                if (dice.chance(30)) now = now + 1ms;
                events.push_back(random_event(dice, now, hosts));
            }
            fast.enter(events);
            for (const FlowEvent& event : events) plain.enter(event);
        }
        same(plain, fast);
    }
}

TEST(FlowBook, AFullTableOfDeniedConnectionsGrowsAndForgetsNothing) {
    constexpr std::uint32_t kConnections = 20'000;  // many times what it begins with
    FlowBook book(kTraces, 10, 1'000'000, 7);
    FlowEvent event;
    event.kind = FlowEventKind::kDenied;
    event.tuple.protocol = net::protocol::kTcp;
    event.tuple.destination_port = 80;
    event.forward = {1, 60};
    for (int round = 0; round < 3; ++round)
        for (std::uint32_t i = 0; i < kConnections; ++i) {
            event.tuple.source = net::Address::v4(0x0a000000U + i % 4).bytes;
            event.tuple.source_port = static_cast<std::uint16_t>(i / 4);
            book.enter({&event, 1});
        }
    EXPECT_EQ(book.connections().front(), kConnections);
    EXPECT_TRUE(book.exact());
    for (const ReplayedFlow& flow : book.take_flows()) EXPECT_EQ(flow.forward.packets, 3 * flow.connections);
}

Packet random_packet(Dice& dice) {
    const std::string left = dice.pick<std::string>({"10.0.0.1", "10.0.0.2", "10.9.9.9"});
    const auto client = static_cast<std::uint16_t>(40000 + dice.below(4));
    const auto port = dice.pick<std::uint16_t>({22, 53, 8080});
    const auto between = [&](const Packet& packet) {
        return packet.from(left, client).to("10.1.0.1", port).entering(0);
    };
    Packet packet = [&] {
        switch (dice.below(6)) {
            case 0: return between(drywall::test::udp());
            case 1: return between(drywall::test::icmp_echo()).id(static_cast<std::uint16_t>(dice.below(2)));
            case 2: return between(drywall::test::tcp()).ack();
            case 3: return between(drywall::test::tcp()).fin().ack();
            case 4: return between(drywall::test::tcp()).rst();
            default: return between(drywall::test::tcp()).syn();
        }
    }();
    if (dice.chance(40)) packet = packet.reply().entering(1);
    return packet;
}

// REQUIRES: the texts are sound
explain::Site small_site(const loader::Settings& settings) {
    auto site = explain::build_site(
        drywall::test::files({drywall::test::kEndpoints, drywall::test::kWebToDb, drywall::test::kStagedClosed}),
        settings);
    if (!site) std::abort();
    return *std::move(site);
}

TEST(Replay, BurstsOfPacketsAreJudgedAndCountedAsOnePacketAfterTheOther) {
    const loader::Settings settings = loader::settings_for_questions();
    const explain::Site site = small_site(settings);
    const std::uint64_t first = seed_from_environment(1);
    for (std::uint64_t seed = first; seed < first + 8 && !HasFailure(); ++seed) {
        SCOPED_TRACE("DRYWALL_SEED=" + std::to_string(seed));
        Dice dice(seed);
        whatif::Replay in_bursts(site.ruleset, engine_settings(settings));
        whatif::Replay one_by_one(site.ruleset, engine_settings(settings));
        Nanos now = 1'700'000'000s;
        for (int burst = 0; burst < 100; ++burst) {
            Frames frames;
            for (std::size_t left = 1 + dice.below(kMaxBurst); left > 0; --left) frames.add(random_packet(dice));
            now += dice.pick<Nanos>({1ms, 100ms, 20s});
            const auto decided = in_bursts.take(frames.views(), now);
            for (std::size_t i = 0; i < frames.size(); ++i)
                EXPECT_EQ(one_by_one.take(frames.views().subspan(i, 1), now).front().drop, decided[i].drop);
        }
        const ReplayReport all = in_bursts.finish();
        const ReplayReport each = one_by_one.finish();
        EXPECT_TRUE(all.flows == each.flows);
        EXPECT_EQ(all.judged.enforced_allowed, each.judged.enforced_allowed);
        EXPECT_EQ(all.judged.enforced_denied, each.judged.enforced_denied);
        EXPECT_EQ(all.judged.newly_denied, each.judged.newly_denied);
        EXPECT_EQ(all.judged.newly_allowed, each.judged.newly_allowed);
        EXPECT_EQ(all.counted.transmitted, each.counted.transmitted);
    }
}

}  // namespace
}  // namespace drywall::whatif

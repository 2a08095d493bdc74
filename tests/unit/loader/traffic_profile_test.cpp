#include "drywall/loader/traffic_profile.h"

#include <random>

#include <gtest/gtest.h>

namespace drywall::loader {
namespace {

using Unit = TrafficRate::Unit;

constexpr const char* kPorts = "ports: [{name: a, device: net_null0}, {name: b, device: net_null1}]\n";

TrafficProfile loaded(const std::string& text) {
    const auto profile = load_profile({"p.yaml", kPorts + text});
    EXPECT_TRUE(profile) << text << profile.error().text();
    return profile ? *profile : TrafficProfile{};
}

std::string complaint(const std::string& text) {
    const auto profile = load_profile({"p.yaml", kPorts + text});
    return profile ? "" : profile.error().text();
}

void expect_complaint(const std::string& text, const std::string& message) {
    EXPECT_NE(complaint(text).find(message), std::string::npos) << text << "\n--- got: " << complaint(text);
}

TEST(Rate, IsReadWithItsUnitAndWrittenAsItIsRead) {
    EXPECT_EQ(parse_rate("1.5Mpps"), (TrafficRate{Unit::kPackets, 1.5e6}));
    EXPECT_EQ(parse_rate("250kpps"), (TrafficRate{Unit::kPackets, 250e3}));
    EXPECT_EQ(parse_rate("7pps"), (TrafficRate{Unit::kPackets, 7}));
    EXPECT_EQ(parse_rate("10Gbps"), (TrafficRate{Unit::kBitsOfLayer2, 10e9}));
    EXPECT_EQ(parse_rate("10Gbps-L1"), (TrafficRate{Unit::kBitsOfLayer1, 10e9}));
    EXPECT_EQ(parse_rate("max"), TrafficRate{});
    for (const char* text : {"1.5Mpps", "250kpps", "7pps", "10Gbps", "10Gbps-l1", "max"})
        EXPECT_EQ(parse_rate(text)->text(), text);
    for (const char* text :
         {"", "1", "0pps", "-1pps", "pps", "1 Mpps", "1mpps", "infpps", "nanpps", "1e3pps", "1e99Tpps", "50%"})
        EXPECT_FALSE(parse_rate(text)) << text;
}

TEST(FrameSize, IsOneOrAMixOrARange) {
    EXPECT_EQ(parse_frame_sizes("64")->mean(), 64);
    EXPECT_EQ(parse_frame_sizes("64,128")->mix.size(), 2U);
    EXPECT_EQ(parse_frame_sizes("imix"), parse_frame_sizes("64:7,594:4,1518:1"));
    EXPECT_NEAR(parse_frame_sizes("imix")->mean(), (7 * 64 + 4 * 594 + 1518) / 12.0, 1e-9);
    EXPECT_EQ(parse_frame_sizes("64-1518")->mean(), 791);
    EXPECT_EQ(parse_frame_sizes("9234,64")->smallest(), 64);
    for (const char* text : {"", "63", "9235", "64-", "1518-64", "64:0", "64:7,", "064", "jumbo", "64:99999"})
        EXPECT_FALSE(parse_frame_sizes(text)) << text;
}

TEST(Values, AreOneOrAListOrARange) {
    const auto range = parse_addresses("10.0.0.250-10.0.1.4 step 5");
    ASSERT_TRUE(range);
    EXPECT_EQ(range->size(), 3U);
    EXPECT_EQ(nth(*range, 2).text(), "10.0.1.4");
    EXPECT_EQ(parse_addresses("10.0.0.0/30")->size(), 4U);
    EXPECT_EQ(parse_addresses("0.0.0.0/0")->size(), kMostValues);
    EXPECT_EQ(nth(*parse_addresses("2001:db8::fffe-2001:db8::1:1"), 3).text(), "2001:db8::1:1");
    EXPECT_TRUE(parse_addresses("random:10.0.0.0/8")->random);
    const auto listed = parse_addresses("10.0.0.9,10.0.0.1");
    ASSERT_TRUE(listed);
    EXPECT_EQ(nth(*listed, 1).text(), "10.0.0.1");
    EXPECT_EQ(nth(*parse_numbers("65530-65535", 0, 65535), 5), 65535);
    for (const char* text : {"", "10.0.0.256", "10.0.0.9-10.0.0.1", "10.0.0.1-2001:db8::1", "10.0.0.1/24",
                             "10.0.0.1,::1", "10.0.0.1-10.0.0.9 step 0", "2001:db8::/32", "random:", "10.0.0.1,"})
        EXPECT_FALSE(parse_addresses(text)) << text;
    for (const char* text : {"65536", "-1", "9-1", "01", "1 step 2", "1-2-3"})
        EXPECT_FALSE(parse_numbers(text, 0, 65535)) << text;
}

TEST(Mac, IsSixPairsOfDigits) {
    EXPECT_EQ(parse_mac("02:00:00:00:00:fF"), (MacAddress{2, 0, 0, 0, 0, 0xff}));
    for (const char* text : {"", "02:00:00:00:00", "02:00:00:00:00:0g", "2:0:0:0:0:1", "02:00:00:00:00:00:00"})
        EXPECT_FALSE(parse_mac(text)) << text;
}

TEST(TrafficProfile, HasDefaultsWhereNothingIsWritten) {
    const TrafficProfile profile = loaded("streams: [{from: a, to: b}]\n");
    ASSERT_EQ(profile.streams.size(), 1U);
    EXPECT_EQ(profile.rate, TrafficRate{});
    EXPECT_FALSE(profile.duration);
    const StreamProfile& stream = profile.streams.front();
    EXPECT_EQ(stream.name, "stream-1");
    EXPECT_EQ(nth(stream.source, 0).text(), "198.18.0.1");
    EXPECT_EQ(stream.sizes.largest(), 64);
    EXPECT_EQ(stream.expect, Expect::kAny);
}

TEST(TrafficProfile, SaysEverythingThatIsWritten) {
    const TrafficProfile profile = loaded(R"(
seed: 7
cores: [1, 0]
rate: 1Mpps
ramp: {from: 10kpps, over: 5s}
duration: 10s
warm-up: 1s
drain: 250ms
window: 1024
streams:
- name: web
  from: a
  to: b
  weight: 3
  expect: deny
  packets: 12
  ethernet: {source: "02:00:00:00:00:0a", destination: "02:00:00:00:00:0b"}
  vlan: [{id: 100-199, priority: 5, type: 802.1ad}, 7]
  ip: {source: "2001:db8::1", destination: [2001:db8:1::1, 2001:db8:1::2], ttl: 3, dscp: 46}
  tcp: {source-port: random:1024-65535, destination-port: [80, 443], flags: [syn, ack]}
  size: [128, 1518]
  flows: {count: 50, spread: zipf, exponent: 1.1}
)");
    EXPECT_EQ(profile.seed, 7U);
    EXPECT_EQ(profile.machine.worker_cores, (std::vector<unsigned>{1, 0}));
    EXPECT_EQ(profile.ramp->over, std::chrono::seconds(5));
    EXPECT_EQ(profile.window, 1024U);
    const StreamProfile& stream = profile.streams.front();
    EXPECT_EQ(stream.weight, 3U);
    EXPECT_EQ(stream.packets, 12U);
    EXPECT_EQ(stream.source_mac[5], 0x0a);
    ASSERT_EQ(stream.vlans.size(), 2U);
    EXPECT_TRUE(stream.vlans[0].service);
    EXPECT_EQ(stream.vlans[0].priority, 5);
    EXPECT_EQ(nth(stream.vlans[1].id, 0), 7);
    EXPECT_EQ(stream.destination.size(), 2U);
    EXPECT_EQ(stream.hop_limit, 3);
    EXPECT_EQ(stream.dscp, 46);
    EXPECT_EQ(stream.layer4, Layer4::kTcp);
    EXPECT_EQ(stream.tcp_flags, 0x12);
    EXPECT_TRUE(stream.source_port.random);
    EXPECT_EQ(nth(stream.destination_port, 1), 443);
    EXPECT_EQ(stream.flows->spread, FlowsProfile::Spread::kZipf);
    EXPECT_DOUBLE_EQ(stream.flows->exponent, 1.1);
}

TEST(TrafficProfile, WhatIsWrongIsSaidWithItsPlace) {
    expect_complaint("streams: []\n", "p.yaml:1:1: there are no streams, connections or policies");
    expect_complaint("streams: [{from: a}]\n", "p.yaml:2:11: streams[0].to is missing");
    expect_complaint("streams: [{from: c, to: b}]\n",
                     "streams[0].from: port 'c' is not defined; defined ports are a, b");
    expect_complaint("streams: [{from: a, to: b, rate: 1}]\n",
                     "p.yaml:2:34: streams[0].rate can't be '1'; write 1Mpps");
    expect_complaint("streams: [{from: a, to: b, rate: 1pps, weight: 2}]\n", "a rate of its own and a weight");
    expect_complaint("streams: [{from: a, to: b, udp: {}, tcp: {}}]\n", "more than one of udp, tcp and icmp-echo");
    expect_complaint("streams: [{from: a, to: b, vlan: [4095]}]\n", "numbers here are from 0 to 4094");
    expect_complaint("streams: [{from: a, to: b, vlan: [1, 2, 3]}]\n", "at most 2");
    expect_complaint("streams: [{from: a, to: b, ip: {source: \"::1\"}}]\n", "of different families");
    expect_complaint("streams: [{from: a, to: b, tcp: {flags: [sin]}}]\n", "a flag in tcp.flags can't be 'sin'");
    expect_complaint("streams: [{from: a, to: b, flows: {spread: zipf}}]\n", "count is missing");
    expect_complaint("streams: [{from: a, to: b, flows: {count: 2, exponent: 1.0}}]\n", "is for `spread: zipf`");
    expect_complaint("streams: [{from: a, to: b, nam: x}]\n", "did you mean 'name'");
    expect_complaint("streams: [{name: x, from: a, to: b}, {name: x, from: a, to: b}]\n", "stream 'x' is there twice");
    expect_complaint("window: 1000\nstreams: [{from: a, to: b}]\n", "window must be a power of two");
    expect_complaint("ramp: {from: 1pps, over: 1s}\nstreams: [{from: a, to: b}]\n", "not of one unit");
    expect_complaint("clients: []\nstreams: [{from: a, to: b}]\n", "unknown field 'clients'");
    expect_complaint("connections: [{from: a, to: b, rate: 1kpps}]\n",
                     "connections[0].rate can't be '1kpps'; write new connections");
    expect_complaint("connections: [{from: a, to: b, udp: {}}]\n", "unknown field 'udp' in connections[0]");
    expect_complaint("connections: [{from: a, to: b, request: 0}]\n", "request must be a whole number in 1-");
    EXPECT_NE(load_profile({"p.yaml", ""}).error().text().find("the profile is empty"), std::string::npos);
    EXPECT_NE(load_profile({"p.yaml",
                            "ports: [{name: a, device: net_null0, sources: [10.0.0.0/8]}]\n"
                            "streams: [{from: a, to: a}]\n"})
                  .error()
                  .text()
                  .find("sources is a key of the appliance's ports"),
              std::string::npos);
}

TEST(TrafficProfile, AReplayTakesItsPacketsFromItsFile) {
    const TrafficProfile profile = loaded(R"(
streams:
- from: a
  to: b
  replay:
    file: x.pcap
    speed: 2.5
    loops: 3
    signature: true
    rewrite:
      source-mac: "02:00:00:00:00:0a"
      vlan: none
      addresses: [{from: 10.0.0.0/8, to: 11.0.0.0/8}]
      ports: [{from: 80, to: 8080}]
)");
    const ReplayProfile& replay = *profile.streams.front().replay;
    EXPECT_EQ(replay.speed, 2.5);
    EXPECT_EQ(replay.loops, 3U);
    EXPECT_EQ(replay.vlan, 0);
    EXPECT_EQ(replay.addresses.front().second.text(), "11.0.0.0/8");
    EXPECT_EQ(replay.ports.front().second, 8080);
    expect_complaint("streams: [{from: a, to: b, size: 64, replay: {file: x}}]\n",
                     "size and replay exclude each other");
    expect_complaint("streams: [{from: a, to: b, replay: {loops: 1}}]\n", "replay.file is missing");
    expect_complaint("streams: [{from: a, to: b, replay: {file: x, timing: slow}}]\n", "write recorded");
    expect_complaint("streams: [{from: a, to: b, replay: {file: x, timing: rate, speed: 2}}]\n",
                     "is for `timing: recorded`");
    expect_complaint(
        "streams: [{from: a, to: b, replay: {file: x, rewrite: {addresses: [{from: 10.0.0.0/8, to: 11.0.0.0/9}]}}}]\n",
        "no pair of prefixes of one family and length");
}

TEST(TrafficProfile, GarbageIsRefusedAndNothingElseHappens) {
    const std::string good =
        std::string(kPorts) +
        "rate: 1Mpps\nstreams:\n- {from: a, to: b, vlan: [{id: 1-9, type: 802.1ad}], ip: {source: 10.0.0.0/24},"
        " udp: {source-port: random:1-9}, size: 64-1518, flows: {count: 3, spread: zipf, exponent: 1.0}}\n"
        "- {from: b, to: a, replay: {file: x, rewrite: {ports: [{from: 1, to: 2}], vlan: 3}}}\n";
    std::mt19937 random(1);
    for (int round = 0; round < 3000; ++round) {
        std::string text = good;
        for (unsigned changes = 1 + random() % 4; changes > 0; --changes) {
            const std::size_t at = random() % text.size();
            if (random() % 3 == 0)
                text.erase(at, 1 + random() % 5);
            else if (random() % 2 == 0)
                text[at] = static_cast<char>(random() % 256);
            else
                text.insert(at, text.substr(random() % text.size(), random() % 8));
            if (text.empty()) text = " ";
        }
        (void)load_profile({"p.yaml", text});
    }
}

}  // namespace
}  // namespace drywall::loader

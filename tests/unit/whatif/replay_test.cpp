#include "drywall/whatif/replay.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <set>

#include <gtest/gtest.h>

#include "drywall/whatif/engine_settings.h"
#include "packets.h"
#include "sites.h"

namespace drywall::whatif {
namespace {

using namespace std::chrono_literals;
using drywall::test::Frames;
using drywall::test::Packet;
using drywall::test::tcp;
using drywall::test::udp;
using test::site_of;

constexpr std::uint16_t kLeft = 0;
constexpr std::uint16_t kRight = 1;
constexpr Nanos kStart = 1'700'000'000s;

// web 10.0.0.1 on the left, db 10.1.0.1 on the right.
Packet request() { return tcp().from("10.0.0.1", 40000).to("10.1.0.1", 8080).entering(kLeft); }
Packet answer() { return request().reply().entering(kRight); }

class ReplayOf {
public:
    explicit ReplayOf(std::vector<std::string> texts)
        : settings_(loader::settings_for_questions()),
          site_(site_of(std::move(texts), settings_)),
          replay_(site_.ruleset, engine_settings(settings_)) {}

    DropReason sees(const Packet& packet, Nanos at = 0s) {
        const Frames frames{packet};
        return replay_.take(frames.views(), kStart + at).front().drop;
    }
    ReplayReport finish() { return replay_.finish(); }
    [[nodiscard]] const ruleset::Ruleset& ruleset() const { return *site_.ruleset; }

private:
    loader::Settings settings_;
    explain::Site site_;
    Replay replay_;
};

using drywall::test::kEndpoints;
using drywall::test::kStagedClosed;
using drywall::test::kWebToDb;

// Or everybody could choose connections that collide in its table.
TEST(EngineSettings, TheHashSeedIsAnotherOneEachTime) {
    std::set<std::uint64_t> seeds;
    for (int start = 0; start < 16; ++start) seeds.insert(engine_settings(loader::settings_for_questions()).hash_seed);
    EXPECT_EQ(seeds.size(), 16U);
}

TEST(Replay, AConnectionThatOnlyThePendingWorldDeniesIsNewlyDenied) {
    ReplayOf replay({kEndpoints, kWebToDb, kStagedClosed});
    EXPECT_EQ(replay.sees(request().syn()), DropReason::kNone);
    EXPECT_EQ(replay.sees(answer().syn().ack()), DropReason::kNone);
    EXPECT_EQ(replay.sees(request().ack()), DropReason::kNone);
    const ReplayReport report = replay.finish();
    EXPECT_EQ(report.judged.enforced_allowed.connections, 1U);
    EXPECT_EQ(report.judged.newly_denied.connections, 1U);
    EXPECT_EQ(report.judged.newly_denied.traffic.packets, 3U);
    EXPECT_EQ(report.judged.pending_allowed, Amount{});
    ASSERT_EQ(report.flows.size(), 1U);
    EXPECT_EQ(report.flows.front().forward.packets, 2U);
    EXPECT_EQ(report.flows.front().reverse.packets, 1U);
    EXPECT_EQ(replay.ruleset().verdict(report.flows.front().trace).pending, Verdict::kDeny);
}

TEST(Replay, RepeatedPacketsOfADeniedConnectionAndItsRecordedAnswersAreOneConnection) {
    ReplayOf replay({kEndpoints, kWebToDb});
    const Packet denied = request().to("10.1.0.1", 22);
    EXPECT_EQ(replay.sees(denied.syn()), DropReason::kPolicyDeny);
    EXPECT_EQ(replay.sees(denied.syn(), 1s), DropReason::kPolicyDeny);
    (void)replay.sees(denied.reply().entering(kRight).syn().ack(), 2s);
    (void)replay.sees(denied.ack(), 3s);  // the answer opened a connection of its own: this is its other direction
    const ReplayReport report = replay.finish();
    EXPECT_EQ(report.judged.enforced_denied.connections, 1U);
    EXPECT_EQ(report.judged.enforced_allowed.connections, 0U);
    ASSERT_EQ(report.flows.size(), 1U);
    EXPECT_EQ(report.flows.front().forward.packets, 3U);
    EXPECT_EQ(report.flows.front().reverse.packets, 1U);
    EXPECT_TRUE(report.connections_exact);
}

TEST(Replay, TheRecordingsTimeEndsConnections) {
    ReplayOf replay({kEndpoints, kWebToDb});
    const Packet query = udp().from("10.0.0.1", 40000).to("10.9.0.9", 53).entering(kLeft);
    (void)replay.sees(query);
    (void)replay.sees(query, 10s);
    (void)replay.sees(query, 3600s);
    EXPECT_EQ(replay.finish().judged.enforced_allowed.connections, 2U);
}

TEST(Replay, WhatIsReceivedLeftOrIsCountedUnderOneReason) {
    ReplayOf replay({kEndpoints, kWebToDb});
    (void)replay.sees(request().syn());
    (void)replay.sees(request().to("10.1.0.1", 22).syn());
    (void)replay.sees(drywall::test::arp());
    (void)replay.sees(drywall::test::ether(0x88cc));
    const ReplayReport report = replay.finish();
    std::uint64_t dropped = 0;
    for (const auto& [reason, count] : report.counted.drops) dropped += count.packets;
    EXPECT_EQ(report.counted.received.packets, 4U);
    EXPECT_EQ(report.counted.received.packets, report.counted.transmitted.packets + dropped);
    EXPECT_EQ(report.counted.non_ip_passed.packets, 1U);
}

TEST(Replay, APacketThatTheCaptureCutIsJudgedByTheHeadersThatAreThere) {
    const drywall::test::Bytes whole = request().syn().payload(500).bytes();
    const auto length = static_cast<std::uint32_t>(whole.size());
    const net::FrameView headers{whole.data(), 60, length, kLeft};
    const net::FrameView too_short{whole.data(), 20, length, kLeft};
    const std::array frames{headers, too_short};
    const auto settings = loader::settings_for_questions();
    const explain::Site site = site_of({kEndpoints, kWebToDb}, settings);
    Replay cut(site.ruleset, engine_settings(settings));
    const auto decided = cut.take(frames, kStart);
    EXPECT_EQ(decided[0].drop, DropReason::kNone);
    EXPECT_EQ(decided[1].drop, DropReason::kTruncated);
    const ReplayReport report = cut.finish();
    EXPECT_EQ(report.cut, 2U);
    EXPECT_EQ(report.cut_unjudged, 1U);
    EXPECT_EQ(report.judged.enforced_allowed.traffic.bytes, whole.size());
}

TEST(Replay, RulesAreCountedAsTheAppliancesStatisticsCountThem) {
    ReplayOf replay({kEndpoints, kWebToDb, kStagedClosed});
    (void)replay.sees(request().syn());
    const ReplayReport report = replay.finish();
    bool found = false;
    for (const runtime::RuleCounts& rule : report.counted.rules) {
        if (rule.hit.text() != "default|gnp:web-to-db|allow|0") continue;
        found = true;
        EXPECT_EQ(rule.enforced.packets, 1U);
        EXPECT_EQ(rule.would_deny.packets, 1U);
    }
    EXPECT_TRUE(found);
    ASSERT_EQ(report.counted.staged.size(), 1U);
    EXPECT_EQ(report.counted.staged.front().would_deny.packets, 1U);
}

std::string asking(const char* kind) {
    const std::string text = test::with_http(kWebToDb, "{methods: [GET], paths: [{prefix: /shop}]}");
    return drywall::test::with(text, "kind: GlobalNetworkPolicy", std::string("kind: ") + kind);
}

// The handshake of one connection, then what the client sends in it.
void talk(ReplayOf& replay, std::string_view requests) {
    (void)replay.sees(request().syn().sequence(99));
    (void)replay.sees(answer().syn().ack().sequence(499, 100));
    (void)replay.sees(request().ack().sequence(100, 500));
    (void)replay.sees(request().ack().sequence(100, 500).payload(requests));
}

TEST(Replay, RequestsThatAStagedRuleWouldDenyAreCountedWithExamples) {
    ReplayOf replay({kEndpoints, kWebToDb, asking("StagedGlobalNetworkPolicy")});
    talk(replay, "GET /shop/1 HTTP/1.1\r\nHost: a.example\r\n\r\nPOST /in%1b HTTP/1.1\r\nHost: a.example\r\n\r\n");
    const ReplayReport report = replay.finish();
    std::uint64_t newly_denied = 0;
    std::uint64_t passed = 0;
    for (const ReplayedRequests& group : report.requests) {
        const ruleset::TraceVerdict& verdict = replay.ruleset().verdict(group.trace);
        EXPECT_EQ(verdict.enforced, Verdict::kAllow);
        (verdict.pending == Verdict::kDeny ? newly_denied : passed) += group.count;
        if (verdict.pending == Verdict::kAllow) continue;
        ASSERT_EQ(group.examples.size(), 1U);
        EXPECT_EQ(group.examples[0].method, "POST");
        EXPECT_EQ(group.examples[0].host, "a.example");
        EXPECT_EQ(group.examples[0].path, "/in?") << "what is not printable is not told";
        EXPECT_EQ(group.examples[0].destination.text(), "10.1.0.1");
    }
    EXPECT_EQ(newly_denied, 1U);
    EXPECT_EQ(passed, 1U);
}

TEST(Replay, ARequestThatTheCandidateDeniesEndsItsConnection) {
    ReplayOf replay({kEndpoints, asking("GlobalNetworkPolicy")});
    talk(replay, "POST /shop HTTP/1.1\r\nHost: a.example\r\n\r\n");
    EXPECT_EQ(replay.sees(request().ack().sequence(200, 500)), DropReason::kHttpDenied);
    const ReplayReport report = replay.finish();
    ASSERT_EQ(report.requests.size(), 1U);
    EXPECT_EQ(replay.ruleset().verdict(report.requests[0].trace).enforced, Verdict::kDeny);
    EXPECT_EQ(report.requests[0].count, 1U);
}

}  // namespace
}  // namespace drywall::whatif

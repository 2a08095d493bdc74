// Flows as IPFIX: read back by templates, as a collector would.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "drywall/control/ipfix_exporter.h"
#include "ipfix_reader.h"
#include "ipfix_session.h"

namespace drywall::control {
namespace {

using namespace std::chrono_literals;
using observe::FlowAnswer;
using observe::FlowGroup;
using std::chrono::system_clock;
using test::IpfixReader;
using test::IpfixRecord;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

constexpr std::uint32_t kPen = kDocumentationEnterprise;
constexpr std::uint32_t kReversePen = 29305;
const system_clock::time_point kStart = system_clock::time_point(1'700'000'000s);

enum Iana : std::uint16_t {
    kOctets = 1,
    kPackets = 2,
    kProtocol = 4,
    kSourceIPv4 = 8,
    kDestinationPort = 11,
    kDestinationIPv4 = 12,
    kSourceIPv6 = 27,
    kIcmpTypeCodeIPv4 = 32,
    kIcmpTypeCodeIPv6 = 139,
    kFlowStart = 152,
    kFlowEnd = 153,
    kFirewallEvent = 233,
    kNotSentFlows = 166,
    kElementId = 303,
    kElementName = 341,
    kElementType = 339,
    kPresent = 375,
    kInitiated = 376,
    kCompleted = 377,
};
enum Own : std::uint16_t {
    kPendingEvent = 1,
    kEnforcedPolicies = 2,
    kPendingPolicies = 3,
    kSourceEndpoint = 4,
    kDestinationEndpoint = 5,
    kGeneration = 6,
    kRecordsLost = 7,
};

class Collected final : public IpfixSink {
public:
    void send(std::span<const std::uint8_t> message, std::size_t flows) override {
        sizes.push_back(message.size());
        flow_records += flows;
        if (reachable) reader.read(message);
    }
    // Records of flows alone.
    [[nodiscard]] std::vector<IpfixRecord> flows() const {
        std::vector<IpfixRecord> out;
        for (const IpfixRecord& record : reader.records)
            if (record.has(kFirewallEvent)) out.push_back(record);
        return out;
    }

    IpfixReader reader;
    std::vector<std::size_t> sizes;
    std::size_t flow_records = 0;
    bool reachable = true;
};

FlowGroup group(std::uint64_t id) {
    FlowGroup out;
    out.id = id;
    out.sequence = id;
    out.source = *net::Address::parse("10.0.0.1");
    out.destination = *net::Address::parse("10.0.0.2");
    out.source_name = "workloadendpoint/prod/web-1";
    out.protocol = 6;
    out.destination_port = 8080;
    out.enforced = Verdict::kAllow;
    out.pending = Verdict::kDeny;
    out.enforced_hits = {"0|default|gnp:web|allow|0"};
    out.pending_hits = {"0|default|sgnp:close|deny|1"};
    out.generation = Generation{7};
    out.connections_started = 3;
    out.connections_completed = 2;
    out.connections_live = 1;
    out.forward = {20, 2000};
    out.reverse = {10, 9000};
    out.first_seen = kStart;
    out.last_seen = kStart + 5s;
    return out;
}

FlowAnswer answer(std::vector<FlowGroup> groups) {
    FlowAnswer out;
    out.groups = std::move(groups);
    return out;
}

class IpfixTest : public testing::Test {
protected:
    void look(std::vector<FlowGroup> groups, system_clock::time_point now = kStart) {
        session.add(answer(std::move(groups)), now);
        session.finish({}, now);
    }
    Collected collected;
    IpfixSession session{{}, collected, 4};
};

TEST_F(IpfixTest, AFlowIsReadBackByItsTemplate) {
    look({group(1)});
    ASSERT_THAT(collected.flows(), SizeIs(1));
    const IpfixRecord flow = collected.flows().front();
    EXPECT_EQ(flow.text(kSourceIPv4), std::string("\x0a\0\0\x01", 4));
    EXPECT_EQ(flow.text(kDestinationIPv4), std::string("\x0a\0\0\x02", 4));
    EXPECT_EQ(flow.number(kProtocol), 6U);
    EXPECT_EQ(flow.number(kDestinationPort), 8080U);
    EXPECT_EQ(flow.number(kFlowStart), 1'700'000'000'000U);
    EXPECT_EQ(flow.number(kFlowEnd), 1'700'000'005'000U);
    EXPECT_EQ(flow.number(kPackets), 20U);
    EXPECT_EQ(flow.number(kOctets), 2000U);
    EXPECT_EQ(flow.number(kPackets, kReversePen), 10U);
    EXPECT_EQ(flow.number(kOctets, kReversePen), 9000U);
    EXPECT_EQ(flow.number(kPresent), 1U);
    EXPECT_EQ(flow.number(kInitiated), 3U);
    EXPECT_EQ(flow.number(kCompleted), 2U);
    EXPECT_EQ(flow.number(kFirewallEvent), 1U);
    EXPECT_EQ(flow.number(kPendingEvent, kPen), 3U);
    EXPECT_EQ(flow.number(kGeneration, kPen), 7U);
    EXPECT_EQ(flow.text(kSourceEndpoint, kPen), "workloadendpoint/prod/web-1");
    EXPECT_EQ(flow.text(kDestinationEndpoint, kPen), "");
    EXPECT_EQ(flow.text(kEnforcedPolicies, kPen), "0|default|gnp:web|allow|0");
    EXPECT_EQ(flow.text(kPendingPolicies, kPen), "0|default|sgnp:close|deny|1");
}

TEST_F(IpfixTest, EachAddressFamilyAndIcmpHaveTemplatesOfTheirOwn) {
    FlowGroup v6 = group(1);
    v6.source = *net::Address::parse("2001:db8::1");
    v6.destination = *net::Address::parse("2001:db8::2");
    FlowGroup ping = group(2);
    ping.protocol = net::protocol::kIcmp;
    ping.destination_port = 8 << 8;
    FlowGroup ping6 = v6;
    ping6.id = 3;
    ping6.protocol = net::protocol::kIcmpv6;
    ping6.destination_port = 128 << 8;
    look({v6, ping, ping6});
    const std::vector<IpfixRecord> flows = collected.flows();
    ASSERT_THAT(flows, SizeIs(3));
    EXPECT_THAT(flows[0].text(kSourceIPv6), SizeIs(16));
    EXPECT_EQ(flows[0].number(kDestinationPort), 8080U);
    EXPECT_EQ(flows[1].number(kIcmpTypeCodeIPv4), 0x0800U);
    EXPECT_FALSE(flows[1].has(kDestinationPort));
    EXPECT_EQ(flows[2].number(kIcmpTypeCodeIPv6), 0x8000U);
}

TEST_F(IpfixTest, TheNextRecordSaysOnlyWhatCameSince) {
    FlowGroup flow = group(1);
    look({flow});
    flow.connections_started = 5;
    flow.forward = {25, 2600};
    flow.last_seen = kStart + 9s;
    look({flow});
    look({flow});  // touched, and nothing happened
    ASSERT_THAT(collected.flows(), SizeIs(2));
    const IpfixRecord second = collected.flows().back();
    EXPECT_EQ(second.number(kInitiated), 2U);
    EXPECT_EQ(second.number(kCompleted), 0U);
    EXPECT_EQ(second.number(kPackets), 5U);
    EXPECT_EQ(second.number(kOctets), 600U);
    EXPECT_EQ(second.number(kOctets, kReversePen), 0U);
    EXPECT_EQ(second.number(kFlowStart), 1'700'000'005'000U);
    EXPECT_EQ(second.number(kFlowEnd), 1'700'000'009'000U);
}

TEST_F(IpfixTest, AGroupThatWasForgottenAndCameBackStartsAnew) {
    look({group(1)});
    FlowGroup again = group(1);
    again.first_seen = kStart + 60s;
    again.connections_started = 4;
    look({again});
    EXPECT_EQ(collected.flows().back().number(kInitiated), 4U);
    EXPECT_EQ(collected.flows().back().number(kFlowStart), 1'700'000'060'000U);
}

TEST_F(IpfixTest, TheEventTellsCreationEndUpdateAndDenial) {
    FlowGroup flow = group(1);
    look({flow});
    flow.connections_completed = 3;
    look({flow});
    flow.forward.packets += 1;
    look({flow});
    FlowGroup denied = group(2);
    denied.enforced = Verdict::kDeny;
    look({denied});
    std::vector<std::uint64_t> events;
    for (const IpfixRecord& record : collected.flows()) events.push_back(record.number(kFirewallEvent));
    EXPECT_THAT(events, ElementsAre(1, 2, 5, 3));
}

TEST_F(IpfixTest, SequenceNumbersCountTheDataRecordsBefore) {
    for (std::uint64_t round = 0; round < 5; ++round) {
        std::vector<FlowGroup> groups;
        for (std::uint64_t i = 1; i <= 40; ++i) groups.push_back(group(round * 40 + i));
        look(std::move(groups));
    }
    std::size_t records = 0;
    IpfixReader counting;
    ASSERT_GT(collected.reader.headers.size(), 5U);
    EXPECT_EQ(collected.reader.headers.front().sequence, 0U);
    for (const IpfixReader::Header& header : collected.reader.headers) {
        EXPECT_EQ(header.version, 10U);
        EXPECT_EQ(header.domain, 1U);
        EXPECT_EQ(header.export_time, 1'700'000'000U);
        EXPECT_GE(header.sequence, records);
        records = header.sequence;
    }
    EXPECT_EQ(collected.flow_records, 200U);
    // All records but those of the last message.
    EXPECT_LT(records, collected.reader.records.size());
    EXPECT_GT(records, collected.reader.records.size() - 20);
}

TEST_F(IpfixTest, WhatWasLostOnTheWayShowsInTheSequence) {
    look({group(1)});
    const std::size_t before = collected.reader.records.size();
    collected.reachable = false;
    look({group(2), group(3)});
    collected.reachable = true;
    look({group(4)});
    EXPECT_EQ(collected.reader.headers.back().sequence, before + 3);  // two flows and one record of statistics
}

TEST_F(IpfixTest, MessagesFitTheirLimit) {
    std::vector<FlowGroup> groups;
    for (std::uint64_t i = 1; i <= 300; ++i) {
        groups.push_back(group(i));
        groups.back().enforced_hits.assign(20, "0|default|gnp:" + std::string(60, 'x') + "|allow|0");
        groups.back().source_name = "workloadendpoint/" + std::string(63, 'n') + "/" + std::string(253, 'w');
    }
    look(std::move(groups));
    for (const std::size_t size : collected.sizes) EXPECT_LE(size, 1400U);
    EXPECT_THAT(collected.flows(), SizeIs(300));
    EXPECT_THAT(collected.flows().front().text(kEnforcedPolicies, kPen), testing::EndsWith("|allow|0,..."));
}

TEST_F(IpfixTest, TemplatesComeFirstAndAgainAfterTheirInterval) {
    look({group(1)});
    look({group(2)}, kStart + 59s);
    EXPECT_THAT(collected.reader.templates_seen, SizeIs(6));
    for (const auto& [id, times] : collected.reader.templates_seen) EXPECT_EQ(times, 1U) << id;
    look({group(3)}, kStart + 60s);
    for (const auto& [id, times] : collected.reader.templates_seen) EXPECT_EQ(times, 2U) << id;
    look({group(4)}, kStart);  // the clock was set back
    for (const auto& [id, times] : collected.reader.templates_seen) EXPECT_EQ(times, 3U) << id;
}

TEST_F(IpfixTest, EnterpriseElementsAreExplainedByTypeRecords) {
    look({group(1)});
    std::map<std::uint64_t, std::string> names;
    for (const IpfixRecord& record : collected.reader.records)
        if (record.has(kElementName)) names[record.number(kElementId)] = record.text(kElementName);
    const IpfixRecord flow = collected.flows().front();
    for (const auto& [element, value] : flow.fields)
        EXPECT_TRUE(element.first != kPen || names.contains(element.second)) << element.second;
    EXPECT_EQ(names[kPendingEvent], "drywallPendingFirewallEvent");
}

TEST_F(IpfixTest, LossesAreExportedToo) {
    session.finish({.flows_sent = 10, .flows_not_sent = 3, .records_lost = 5, .groups_evicted = 0}, kStart);
    const IpfixRecord statistics = collected.reader.records.back();
    EXPECT_EQ(statistics.number(kNotSentFlows), 3U);
    EXPECT_EQ(statistics.number(kRecordsLost, kPen), 5U);
}

TEST_F(IpfixTest, WhatIsRememberedIsBounded) {
    for (std::uint64_t i = 1; i <= 100; ++i) look({group(i)});
    EXPECT_LE(session.remembered(), 8U);
    FlowGroup last = group(100);
    last.sequence = 101;
    last.connections_started += 1;
    look({last});
    EXPECT_EQ(collected.flows().back().number(kInitiated), 1U);
}

TEST(IpfixSettingsTest, TheEnterpriseNumberIsTheConfiguredOne) {
    Collected collected;
    IpfixSettings settings;
    settings.enterprise = 4711;
    IpfixSession session(settings, collected);
    session.add(answer({group(1)}), kStart);
    session.finish({}, kStart);
    EXPECT_EQ(collected.flows().front().number(kPendingEvent, 4711), 3U);
}

}  // namespace
}  // namespace drywall::control

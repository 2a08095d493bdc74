#include "drywall/whatif/recorded_flows.h"

#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "drywall/whatif/json.h"
#include "sites.h"

namespace drywall::whatif {
namespace {

using testing::HasSubstr;

constexpr const char* kRecord =
    R"({"source_ip":"10.0.0.1","dest_ip":"10.1.0.1","protocol":"tcp","dest_port":8080,"action":"allow",)"
    R"("num_connections_started":3,"num_connections_live":1,"packets_out":10,"bytes_out":1000,"packets_in":8,)"
    R"("bytes_in":900,"start_time":"2026-11-22T12:15:07.123Z","end_time":"2026-11-22T12:16:00Z","new_field":[1]})";

Result<std::vector<RecordedFlow>> read(const std::string& text) {
    std::istringstream in(text);
    return read_recorded_flows(in, "flows.jsonl");
}

TEST(RecordedFlows, ALineIsAGroupAndFieldsOfNewerVersionsAreSkipped) {
    const auto flows = read(std::string(kRecord) + "\n\n" + kRecord + "\n");
    ASSERT_TRUE(flows) << flows.error().text();
    ASSERT_EQ(flows->size(), 2U);
    const RecordedFlow& flow = flows->front();
    EXPECT_EQ(flow.destination_port, 8080);
    EXPECT_EQ(flow.amount(), (Amount{3, {18, 1900}}));
    ASSERT_TRUE(flow.first && flow.last);
    EXPECT_EQ(time_text(*flow.first), "2026-11-22T12:15:07.123Z");
    EXPECT_EQ(time_text(*flow.last), "2026-11-22T12:16:00.000Z");
}

TEST(RecordedFlows, LinesOfRequestsAreNoFlowsOfTheirOwn) {
    const auto flows = read(std::string(R"({"record":"request","sequence":1,"kind":"http","source_ip":"10.0.0.1"})") +
                            "\n" + kRecord + "\n");
    ASSERT_TRUE(flows) << flows.error().text();
    EXPECT_EQ(flows->size(), 1U);
}

TEST(RecordedFlows, AWholeAnswerOfTheApiIsReadToo) {
    const auto flows = read(std::string("{\n \"flows\": [") + kRecord + "],\n \"next\": 7}\n");
    ASSERT_TRUE(flows) << flows.error().text();
    EXPECT_EQ(flows->size(), 1U);
}

TEST(RecordedFlows, IcmpIsReadByTypeAndCode) {
    const auto flows = read(R"({"source_ip":"::1","dest_ip":"::2","protocol":"icmpv6","dest_port":0,"icmp_type":128,)"
                            R"("icmp_code":0,"action":"deny"})");
    ASSERT_TRUE(flows) << flows.error().text();
    EXPECT_EQ(flows->front().destination_port, 128 << 8);
    EXPECT_EQ(flows->front().action, Verdict::kDeny);
}

TEST(RecordedFlows, NumbersMadeInThisProcessMayBeSigned) {
    const explain::Json record{{"source_ip", "10.0.0.1"}, {"dest_ip", "10.1.0.1"}, {"protocol", "icmp"},
                               {"icmp_type", 8},          {"icmp_code", 0},        {"action", "allow"}};
    const auto flow = recorded_flow(record);
    ASSERT_TRUE(flow) << flow.error().text();
    EXPECT_EQ(flow->destination_port, 8 << 8);
    explain::Json negative = record;
    negative["icmp_type"] = -1;
    EXPECT_FALSE(recorded_flow(negative));
}

TEST(RecordedFlows, EveryWrongLineIsNamed) {
    const auto flows = read(std::string(kRecord) + "\nnot json\n{\"source_ip\": 5}\n");
    ASSERT_FALSE(flows);
    EXPECT_EQ(flows.error().kind, ErrorKind::kInvalid);
    EXPECT_THAT(flows.error().text(), HasSubstr("flows.jsonl:2: is no JSON"));
    EXPECT_THAT(flows.error().text(), HasSubstr("flows.jsonl:3: 'source_ip' is missing or is not an address"));
}

TEST(RecordedFlows, TimesThatAreNoneAreNoTimes) {
    for (const char* wrong : {"", "2026-11-22", "2026-13-22T12:00:00Z", "2026-11-22T12:00:00", "2026-11-22T25:00:00Z",
                              "2026-11-22T12:00:00.Z", "2026-11-22T12:00:00.xZ"})
        EXPECT_FALSE(parse_time(wrong)) << wrong;
}

TEST(Rejudge, WhatWasAllowedAndWouldBeDeniedIsNewlyDenied) {
    using namespace drywall::test;
    const auto flows = read(kRecord);
    ASSERT_TRUE(flows);
    const explain::Site site = test::site_of({kEndpoints, kWebToDb, kStagedClosed});
    const FlowReplay replay = rejudge(*site.ruleset, *flows);
    EXPECT_EQ(replay.pending_newly_denied, (Amount{3, {18, 1900}}));
    EXPECT_EQ(replay.enforced_newly_denied, Amount{});
    EXPECT_EQ(replay.recorded_allowed.connections, 3U);
    EXPECT_EQ(replay.uncertain, Amount{});
}

TEST(Rejudge, FlowsThatAreToldOfAreBoundedAndAllAreCounted) {
    using namespace drywall::test;
    const auto flows = read(kRecord);
    ASSERT_TRUE(flows);
    const explain::Site site = test::site_of({kEndpoints, kWebToDb, kStagedClosed});
    RecordedFlow same = flows->front();  // denied as the candidate denies it
    same.destination_port = 22;
    same.action = Verdict::kDeny;
    FlowRejudge rejudge(*site.ruleset, FlowRejudge::Keep::kDiffering, 2);
    for (int i = 0; i < 3; ++i) {
        rejudge.add(flows->front());
        rejudge.add(same);
    }
    const FlowReplay replay = rejudge.take();
    EXPECT_EQ(replay.flows.size(), 2U);
    EXPECT_EQ(replay.flows_left_out, 3U) << "connections of the third one that differs";
    EXPECT_EQ(replay.pending_newly_denied.connections, 9U);
    EXPECT_EQ(replay.recorded_denied.connections, 9U);
}

TEST(Rejudge, AVerdictThatDependsOnThePortOfEntryIsUncertain) {
    using namespace drywall::test;
    const char* port = R"(apiVersion: projectcalico.org/v3
kind: HostEndpoint
metadata: {name: left, labels: {port: left}}
spec: {node: wire, interfaceName: left}
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: left-closed}
spec: {selector: port == 'left', applyOnForward: true, types: [Ingress], ingress: [{action: Deny}]}
)";
    const auto flows = read(kRecord);
    ASSERT_TRUE(flows);
    loader::Settings settings = loader::settings_for_questions();
    settings.ports_assumed = false;
    const explain::Site site = test::site_of({kEndpoints, port}, settings);
    EXPECT_EQ(rejudge(*site.ruleset, *flows).uncertain.connections, 3U);
}

TEST(Rejudge, WhatDependsOnWhatWasSaidIsUndecided) {
    using namespace drywall::test;
    const auto flows = read(kRecord);
    ASSERT_TRUE(flows);
    const explain::Site site = test::site_of({kEndpoints, test::with_http(kWebToDb, "{methods: [GET]}")});
    const FlowReplay replay = rejudge(*site.ruleset, *flows);
    EXPECT_EQ(replay.undecided, (Amount{3, {18, 1900}}));
    EXPECT_EQ(replay.judged.enforced_allowed, Amount{}) << "it is not allowed just because nothing is known";
    EXPECT_EQ(replay.judged.enforced_denied, Amount{});
    EXPECT_EQ(replay.enforced_newly_denied, Amount{});
    EXPECT_EQ(replay.uncertain, Amount{});
    const explain::Json json = json_of(replay, *site.ruleset, Listed::kDiffering);
    EXPECT_EQ(json["undecided"]["connections"], 3);
    EXPECT_EQ(json["flows"][0]["action"], "undecided");
    EXPECT_EQ(json["flows"][0]["pending_action"], "undecided");
}

TEST(Rejudge, AWorldThatDeniesWhateverIsSaidIsDecided) {
    using namespace drywall::test;
    const auto flows = read(kRecord);
    ASSERT_TRUE(flows);
    const explain::Site site =
        test::site_of({kEndpoints, test::with_http(kWebToDb, "{methods: [GET]}"), kStagedClosed});
    const FlowReplay replay = rejudge(*site.ruleset, *flows);
    EXPECT_EQ(replay.undecided.connections, 3U) << "by what is enforced";
    EXPECT_EQ(replay.pending_newly_denied.connections, 3U);
}

}  // namespace
}  // namespace drywall::whatif

// A dropped packet as people read it, which of them are meant, and what to check next.
#include "drywall/observe/drop.h"

#include <gtest/gtest.h>

#include "drywall/observe/drop_describer.h"
#include "flow_events.h"

namespace drywall::observe {
namespace {

using RulesetPtr = std::shared_ptr<const ruleset::Ruleset>;

const RulesetPtr& web_may_reach_db() {
    static const RulesetPtr ruleset = built(web_and_db(), 7);
    return ruleset;
}

runtime::DroppedPacket copied(const test::Bytes& bytes, DropReason reason, std::size_t snapped = 256) {
    runtime::DroppedPacket packet;
    packet.time = WallTime(std::chrono::milliseconds(1'780'000'000'123));
    packet.reason = reason;
    packet.generation = Generation{7};
    packet.ruleset = web_may_reach_db();
    packet.length = static_cast<std::uint32_t>(bytes.size());
    packet.bytes.assign(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(std::min(bytes.size(), snapped)));
    return packet;
}

Drop described(runtime::DroppedPacket packet) {
    return DropDescriber({"inside", "outside"}).describe(std::move(packet));
}

Drop died(const test::Packet& packet, DropReason reason) { return described(copied(packet.bytes(), reason)); }

const test::Packet kDenied = test::tcp().syn().from("10.0.0.1", 40000).to("10.1.0.1", 22);

Drop denied() {
    runtime::DroppedPacket packet = copied(kDenied.bytes(), DropReason::kPolicyDeny);
    packet.trace = web_may_reach_db()->classify(kDenied.tuple());
    return described(std::move(packet));
}

TEST(Drop, SaysWhoSentWhatToWhomAndWhichRuleDenied) {
    const auto json = json_of_drop(denied(), 0);
    EXPECT_EQ(json["time"], "2026-05-28T20:26:40.123Z");
    EXPECT_EQ(json["time_ns"], 1'780'000'000'123'000'000);
    EXPECT_EQ(json["ingress_port"], "inside");
    EXPECT_EQ(json["reason"], "policy_deny");
    EXPECT_EQ(json["generation"], 7);
    EXPECT_EQ(json["length"], 54);
    EXPECT_EQ(json["ether_type"], 0x0800);
    EXPECT_EQ(json["source_ip"], "10.0.0.1");
    EXPECT_EQ(json["source_name"], "web");
    EXPECT_EQ(json["source_port"], 40000);
    EXPECT_EQ(json["dest_name"], "db");
    EXPECT_EQ(json["dest_port"], 22);
    EXPECT_EQ(json["protocol"], "tcp");
    EXPECT_EQ(json["tcp_flags"], "SYN");
    EXPECT_EQ(json["verdict"], "deny");
    EXPECT_EQ(json["decided_by"]["kind"], "EndOfTier");
    EXPECT_EQ(json["decided_by"]["trigger"]["name"], "db");
    EXPECT_FALSE(json.contains("frame")) << "nobody asked for it";
}

TEST(Drop, WhatPolicyDidNotJudgeHasNoDecision) {
    const auto json = json_of_drop(died(test::ether(0x88cc).payload(50), DropReason::kNonIp), 0);
    EXPECT_EQ(json["ether_type"], 0x88cc);
    for (const char* absent : {"source_ip", "protocol", "source_port", "verdict", "decided_by"})
        EXPECT_FALSE(json.contains(absent)) << absent;
}

TEST(Drop, OfAGenerationThatIsGoneTheVerdictIsKnownAndTheRuleIsNot) {
    runtime::DroppedPacket packet = copied(kDenied.bytes(), DropReason::kPolicyDeny);
    packet.trace = TraceId{3};
    packet.ruleset = nullptr;
    const auto json = json_of_drop(described(std::move(packet)), 0);
    EXPECT_EQ(json["verdict"], "deny");
    EXPECT_TRUE(json["decided_by"].is_null());
    EXPECT_EQ(json["generation"], 7);
}

TEST(Drop, OfABrokenPacketItSaysWhatItsHeaderClaims) {
    test::Bytes v4 = kDenied.bytes();
    v4[14] = 0x95;
    const auto broken = json_of_drop(described(copied(v4, DropReason::kBadHeader)), 0);
    EXPECT_EQ(broken["source_ip"], "10.0.0.1");
    EXPECT_EQ(broken["dest_ip"], "10.1.0.1");
    EXPECT_FALSE(broken.contains("protocol"));

    test::Bytes v6 = test::udp().from("2001:db8::1", 1).to("2001:db8::2", 2).vlan(7).bytes();
    v6[18] = 0x90;
    EXPECT_EQ(json_of_drop(described(copied(v6, DropReason::kBadHeader)), 0)["source_ip"], "2001:db8::1");

    test::Bytes brief = kDenied.bytes();
    brief.resize(30);
    EXPECT_FALSE(json_of_drop(described(copied(brief, DropReason::kTruncated)), 0).contains("source_ip"));
}

TEST(Drop, ACopyThatIsCutIsKnownByItsHeaders) {
    const test::Packet large = test::tcp().syn().from("10.0.0.1", 40000).to("10.1.0.1", 22).payload(1000);
    const auto json = json_of_drop(described(copied(large.bytes(), DropReason::kPolicyDeny, 128)), 256);
    EXPECT_EQ(json["dest_port"], 22);
    EXPECT_EQ(json["length"], large.bytes().size());
    EXPECT_EQ(json["frame"].get<std::string>().size(), 256U);
}

TEST(Drop, FragmentsAndIcmpSayWhatTheyAre) {
    const auto later =
        json_of_drop(died(test::udp().payload(16).fragment(8, false, 1), DropReason::kFragmentUnknown), 0);
    EXPECT_EQ(later["fragment"], "later");
    EXPECT_EQ(later["protocol"], "udp");
    EXPECT_FALSE(later.contains("dest_port")) << "only the first fragment has it";
    const auto echo = json_of_drop(died(test::icmp_echo(), DropReason::kPolicyDeny), 0);
    EXPECT_EQ(echo["icmp_type"], 8);
    EXPECT_EQ(echo["icmp_code"], 0);
    EXPECT_EQ(json_of_drop(died(test::tcp().flags(0), DropReason::kTcpFlags), 0)["tcp_flags"], "none");
}

TEST(Drop, ItsBytesAreThoseThatWereAskedFor) {
    Drop drop = denied();
    const std::string frame = json_of_drop(drop, 1000)["frame"];
    EXPECT_EQ(frame.size(), 2 * kDenied.bytes().size());
    EXPECT_EQ(json_of_drop(drop, 2)["frame"], frame.substr(0, 4));
    drop.bytes = {0x00, 0xff, 0x1a};
    EXPECT_EQ(json_of_drop(drop, 256)["frame"], "00ff1a");
}

bool meant(const std::vector<FlowTerm>& terms, const Drop& drop) {
    const auto filter = DropFilter::of(terms);
    if (!filter) {
        ADD_FAILURE() << filter.error().text();
        return false;
    }
    return filter->matches(drop);
}

TEST(DropFilter, AsksWhatFlowsAreAskedAndForTheReason) {
    const Drop drop = denied();
    EXPECT_TRUE(meant({}, drop));
    EXPECT_TRUE(meant({{"from-ip", "10.0.0.0/8"}, {"to-port", "22"}, {"protocol", "tcp"}}, drop));
    EXPECT_FALSE(meant({{"from-ip", "10.0.0.0/8"}, {"to-port", "80"}}, drop));
    EXPECT_TRUE(meant({{"to-port", "80"}, {"to-port", "22"}}, drop));
    EXPECT_TRUE(meant({{"reason", "non_ip,policy_deny"}}, drop));
    EXPECT_FALSE(meant({{"reason", "policy_deny", true}}, drop));
    EXPECT_TRUE(meant({{"policy", "gnp:db"}, {"in", "inside"}, {"generation", "7"}, {"from-name", "web"}}, drop));
    EXPECT_FALSE(meant({{"policy", "gnp:other"}}, drop));
    EXPECT_FALSE(meant({{"in", "outside"}}, drop));
}

TEST(DropFilter, WhatIsNotIpIsFromNobodyAndToNoPort) {
    const Drop frame = died(test::ether(0x88cc).payload(50), DropReason::kNonIp);
    EXPECT_FALSE(meant({{"from-ip", "0.0.0.0/0"}}, frame));
    EXPECT_TRUE(meant({{"from-ip", "0.0.0.0/0", true}}, frame));
    EXPECT_FALSE(meant({{"to-port", "0-65535"}}, frame));
    EXPECT_FALSE(meant({{"policy", "*"}}, frame));
    EXPECT_TRUE(meant({{"in", "inside"}}, frame));
    const Drop later = died(test::udp().payload(16).fragment(8, false, 1), DropReason::kFragmentUnknown);
    EXPECT_FALSE(meant({{"to-port", "0-65535"}}, later)) << "a later fragment has no ports";
    EXPECT_TRUE(meant({{"protocol", "udp"}, {"from-ip", "10.0.0.1"}}, later));
}

TEST(DropFilter, MistakesAreNamed) {
    const auto text_of = [](const FlowTerm& term) {
        const auto filter = DropFilter::of(std::vector<FlowTerm>{term});
        return filter ? std::string("none") : filter.error().text();
    };
    EXPECT_NE(text_of({"reason", "policy_denied"}).find("policy_deny"), std::string::npos);
    EXPECT_NE(text_of({"reason", "xyz"}).find("`drywall drops -o wide` lists them"), std::string::npos);
    EXPECT_NE(text_of({"to-port", "http"}).find("8000-8999"), std::string::npos);
    EXPECT_NE(text_of({"pending", "deny"}).find("drops can't be filtered by 'pending'"), std::string::npos);
}

TEST(DropAdvice, EveryReasonSaysWhatToCheckNext) {
    for (const DropReasonText& text : kDropReasons) EXPECT_FALSE(advice(text.reason).empty()) << text.name;
    EXPECT_TRUE(advice(DropReason::kNone).empty());
}

}  // namespace
}  // namespace drywall::observe

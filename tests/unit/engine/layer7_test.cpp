// Connections that are read: what passes until they say something, and what becomes of them then.

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "rulesets.h"
#include "wire.h"

namespace drywall::engine {
namespace {

using telemetry::FlowEventKind;
using test::Packet;
using test::tcp;
using Drops = std::vector<DropReason>;

constexpr DropReason kPass = DropReason::kNone;

policy::Rule http_rule(std::vector<std::string> methods, std::string prefix) {
    policy::Rule result = rule(Action::kAllow, net::protocol::kTcp, 8080);
    result.http =
        policy::HttpMatch{.methods = std::move(methods), .paths = {{.prefix = true, .path = std::move(prefix)}}};
    return result;
}

policy::Rule domain_rule(std::vector<std::string> names) {
    policy::Rule result = rule(Action::kAllow, net::protocol::kTcp);
    result.destination.domains = std::move(names);
    return result;
}

RulesetPtr with_policies(std::uint64_t generation, const std::vector<policy::Policy>& policies) {
    policy::Inventory inventory = policy::initial_inventory();
    add(inventory, workload("client", {net::Address::v4(0x0a000001)}));
    add(inventory, workload("server", {net::Address::v4(0x0a010009)}));
    for (const policy::Policy& policy : policies) add(inventory, policy);
    auto built = ruleset::Ruleset::build(Generation{generation}, inventory, wire_surroundings());
    EXPECT_TRUE(built) << (built ? "" : built.error().text());
    return *built;
}

RulesetPtr shop(std::uint64_t generation = 1, std::string prefix = "/shop") {
    return with_policies(generation, {ingress_policy("web", "server", {http_rule({"GET"}, std::move(prefix))})});
}

policy::Policy outward(std::vector<std::string> names) {
    policy::Policy result;
    result.metadata.name = "out";
    result.selector = "app == 'client'";
    result.ingress_type = false;
    result.egress_type = true;
    result.egress = {domain_rule(std::move(names))};
    return result;
}

// One connection whose client speaks in order.
class Talk : public Wire {
public:
    explicit Talk(RulesetPtr ruleset, const EngineSettings& settings = default_settings())
        : Wire(std::move(ruleset), settings) {}

    static Packet client() { return tcp().from("10.0.0.1", 40000).to("10.1.0.9", 8080); }
    static Packet server() { return client().reply().entering(1); }

    void shake_hands() {
        EXPECT_EQ(burst({client().syn().sequence(99), server().syn().ack().sequence(499, 100),
                         client().ack().sequence(100, 500)}),
                  (Drops{kPass, kPass, kPass}));
    }
    // A segment at this place of the client's stream.
    [[nodiscard]] Packet said(std::string_view text, std::uint32_t at) const {
        return client().ack().sequence(100 + at, answered_).payload(text);
    }
    DropReason says(std::string_view text) {
        const DropReason drop = send(said(text, at_));
        if (drop == kPass) at_ += static_cast<std::uint32_t>(text.size());
        return drop;
    }
    // The server has what was said so far, and answers.
    DropReason is_answered(std::size_t bytes = 10) {
        const DropReason drop = send(server().ack().sequence(answered_, 100 + at_).payload(bytes));
        answered_ += static_cast<std::uint32_t>(bytes);
        return drop;
    }
    [[nodiscard]] std::vector<std::string> requests() {
        std::vector<std::string> all;
        for (const telemetry::Request& request : engine().requests())
            all.push_back(std::string(request.method.text()) + " " + std::string(request.host.text()) + " " +
                          std::string(request.path.text()) + " " + std::string(name(request.drop)));
        engine().forget_requests();
        return all;
    }
    // By the text of the last enforced hit: how many requests a trace decided.
    [[nodiscard]] std::map<std::string, std::uint64_t> counted() {
        std::map<std::string, std::uint64_t> all;
        for (std::size_t id = 0; id < traces().size(); ++id) {
            const TraceId trace{static_cast<std::uint32_t>(id)};
            if (traces().requests(trace) == 0) continue;
            all[ruleset().hit(ruleset().trace(trace).enforced_hits.back()).text()] += traces().requests(trace);
        }
        return all;
    }

    std::uint32_t at_ = 0;
    std::uint32_t answered_ = 500;
};

constexpr std::string_view kAllowed = "GET /shop/1 HTTP/1.1\r\nHost: shop.example\r\n\r\n";
constexpr std::string_view kDenied = "GET /admin HTTP/1.1\r\nHost: shop.example\r\n\r\n";

TEST(Layer7, ARequestThatARuleAllowsPassesAndIsCounted) {
    Talk talk(shop());
    talk.shake_hands();
    EXPECT_EQ(talk.says(kAllowed), kPass);
    EXPECT_EQ(talk.is_answered(), kPass);
    EXPECT_EQ(talk.says(kAllowed), kPass) << "the next one";
    EXPECT_EQ(talk.requests(),
              (std::vector<std::string>{"GET shop.example /shop/1 none", "GET shop.example /shop/1 none"}));
    EXPECT_EQ(talk.counted(), (std::map<std::string, std::uint64_t>{{"default|gnp:web|allow|0", 2}}));
    talk.expect_all_accounted();
}

TEST(Layer7, ARequestThatNoRuleAllowsDiesAndBothEndsAreTold) {
    Talk talk(shop());
    talk.shake_hands();
    EXPECT_EQ(talk.says(kDenied), DropReason::kHttpDenied);
    EXPECT_TRUE(talk.last_decision().reset);
    EXPECT_EQ(talk.event_kinds(), (std::vector<FlowEventKind>{FlowEventKind::kCut}));
    EXPECT_EQ(talk.requests(), (std::vector<std::string>{"GET shop.example /admin http_denied"}));
    EXPECT_EQ(talk.says(kAllowed), DropReason::kHttpDenied) << "nothing of it passes any more";
    EXPECT_TRUE(talk.last_decision().reset) << "the first one may have been lost";
    EXPECT_EQ(talk.is_answered(), DropReason::kHttpDenied);
    EXPECT_FALSE(talk.last_decision().reset);
    EXPECT_EQ(talk.send(Talk::client().syn().sequence(9000)), kPass) << "another connection";
    talk.expect_all_accounted();
}

TEST(Layer7, WhereItIsNotToBeResetTheSegmentJustDies) {
    EngineSettings settings = Wire::default_settings();
    settings.layer7.reset_denied = false;
    Talk talk(shop(), settings);
    talk.shake_hands();
    EXPECT_EQ(talk.says(kDenied), DropReason::kHttpDenied);
    EXPECT_FALSE(talk.last_decision().reset);
}

TEST(Layer7, ARequestIsJudgedWithTheSegmentThatCompletesItWhereverItIsCut) {
    for (std::size_t cut = 1; cut < kDenied.size(); ++cut) {
        Talk talk(shop());
        talk.shake_hands();
        ASSERT_EQ(talk.says(kDenied.substr(0, cut)), kPass) << cut;
        ASSERT_EQ(talk.says(kDenied.substr(cut)), DropReason::kHttpDenied) << cut;
        talk.expect_all_accounted();
    }
}

TEST(Layer7, OfPipelinedRequestsEachIsJudged) {
    Talk talk(shop());
    talk.shake_hands();
    EXPECT_EQ(talk.says(std::string(kAllowed) + std::string(kDenied)), DropReason::kHttpDenied);
    EXPECT_EQ(talk.requests().size(), 2U);
}

TEST(Layer7, WhatComesOutOfOrderIsJudgedWhenItsTurnComes) {
    Talk talk(shop());
    talk.shake_hands();
    EXPECT_EQ(talk.send(talk.said(kDenied.substr(20), 20)), kPass) << "its receiver can do nothing with it yet";
    EXPECT_EQ(talk.send(talk.said(kDenied.substr(0, 20), 0)), DropReason::kHttpDenied);
    talk.expect_all_accounted();
}

TEST(Layer7, WhatWasJudgedCannotBeReplacedBeforeItArrived) {
    Talk talk(shop());
    talk.shake_hands();
    ASSERT_EQ(talk.says(kAllowed), kPass);
    EXPECT_EQ(talk.send(talk.said(kAllowed, 0)), kPass) << "said again";
    std::string other(kAllowed);
    other.replace(4, 7, "/admin/");
    EXPECT_EQ(talk.send(talk.said(other, 0)), DropReason::kInspectOverlap);
    EXPECT_EQ(talk.is_answered(), kPass);
    EXPECT_EQ(talk.send(talk.said(other, 0)), kPass) << "it has arrived; nobody takes other bytes in its place";
    talk.expect_all_accounted();
}

TEST(Layer7, WhatIsNoHttpDiesAsDeclared) {
    Talk talk(shop());
    talk.shake_hands();
    EXPECT_EQ(talk.says("SSH-2.0-OpenSSH_9.2\r\n"), DropReason::kInspectUnreadable);
    EXPECT_TRUE(talk.last_decision().reset);

    EngineSettings settings = Wire::default_settings();
    settings.layer7.not_http = Verdict::kAllow;
    Talk other(shop(), settings);
    other.shake_hands();
    EXPECT_EQ(other.says("SSH-2.0-OpenSSH_9.2\r\n"), kPass);
    EXPECT_EQ(other.says("more of it"), kPass);
    EXPECT_EQ(other.engine().inspection().contexts, 0U) << "nobody reads it any more";
    EXPECT_EQ(other.counted(), (std::map<std::string, std::uint64_t>{{"default|gnp:web|allow|0", 1}}));
}

// Servers skip empty lines and blanks before a request, and take tabs for spaces: what a lenient one would serve is no
// other protocol.
TEST(Layer7, BlanksDoNotMakeARequestAnotherProtocol) {
    EngineSettings settings = Wire::default_settings();
    settings.layer7.not_http = Verdict::kAllow;
    settings.layer7.upgraded = Verdict::kAllow;
    const std::string upgrade = "GET /shop HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    for (const std::string before : {"\n", "\r\n\r\n", "\r\n\n", "\r\r\n", " ", "\t", "\v", "\f"}) {
        SCOPED_TRACE(testing::PrintToString(before));
        Talk talk(shop(), settings);
        talk.shake_hands();
        EXPECT_EQ(talk.says(before + std::string(kDenied)), DropReason::kInspectUnreadable);
        Talk later(shop(), settings);
        later.shake_hands();
        EXPECT_EQ(later.says(upgrade), kPass);
        EXPECT_EQ(later.says(before + std::string(kDenied)), DropReason::kInspectUnreadable);
    }
    for (const std::string between : {"\t", "\v", "\f"}) {
        SCOPED_TRACE(testing::PrintToString(between));
        Talk talk(shop(), settings);
        talk.shake_hands();
        EXPECT_EQ(talk.says("GET" + between + "/admin HTTP/1.1\r\n\r\n"), DropReason::kInspectUnreadable);
    }
}

TEST(Layer7, DataInASynIsLeftToBeSentAgain) {
    Talk talk(shop());
    EXPECT_EQ(talk.send(Talk::client().syn().sequence(99).payload(kAllowed)), DropReason::kInspectUnreadable);
    EXPECT_EQ(talk.engine().flow_count(), 0U);
}

TEST(Layer7, AConnectionWhoseBeginningWasNotSeenCountsAsDeclared) {
    Talk talk(shop());
    EXPECT_EQ(talk.send(talk.said(kAllowed, 0)), DropReason::kHttpDenied);
    EngineSettings settings = Wire::default_settings();
    settings.layer7.unseen = Verdict::kAllow;
    Talk other(shop(), settings);
    EXPECT_EQ(other.send(other.said(kDenied, 0)), kPass);
}

TEST(Layer7, AFragmentedSegmentCannotBeRead) {
    Talk talk(shop());
    talk.shake_hands();
    for (const Packet& fragment : talk.said(std::string(kAllowed) + std::string(200, 'x'), 0).fragments(64, 7))
        EXPECT_NE(talk.send(fragment), kPass);
    talk.expect_all_accounted();
}

TEST(Layer7, WithoutMemoryToReadItASegmentWaitsOutside) {
    EngineSettings settings = Wire::default_settings();
    settings.layer7.inspector.connections = 1;
    Talk talk(shop(), settings);
    const auto from = [](std::uint16_t port) { return tcp().from("10.0.0.1", port).to("10.1.0.9", 8080); };
    for (const std::uint16_t port : {1000, 1001}) {
        const Packet to = from(port);
        ASSERT_EQ(talk.burst({to.syn(), to.reply().entering(1).syn().ack(), to.ack()}), (Drops{kPass, kPass, kPass}));
    }
    EXPECT_EQ(talk.send(from(1000).ack().payload("GET /shop")), kPass);
    EXPECT_EQ(talk.send(from(1001).ack().payload("GET /shop")), DropReason::kInspectLimit);
    EXPECT_FALSE(talk.last_decision().reset);
    talk.pass(std::chrono::hours(10));
    EXPECT_EQ(talk.sweep_all().size(), 2U);
    EXPECT_EQ(talk.engine().inspection().contexts, 0U) << "what ends gives its room back";
}

// Thousands of short connections take no more room than those that are open.
TEST(Layer7, AConnectionThatIsOverIsReadNoMore) {
    EngineSettings settings = Talk::default_settings();
    settings.layer7.inspector.connections = 1;
    Talk talk(shop(), settings);
    for (int connection = 0; connection < 3; ++connection) {
        SCOPED_TRACE(connection);
        talk.at_ = 0;
        talk.answered_ = 500;
        talk.shake_hands();
        EXPECT_EQ(talk.says(kAllowed), kPass);
        EXPECT_EQ(talk.engine().inspection().contexts, 1U);
        EXPECT_EQ(talk.is_answered(), kPass);
        const std::uint32_t last = 100 + talk.at_;
        if (connection == 1) {  // reset
            EXPECT_EQ(talk.send(Talk::client().rst().ack().sequence(last, talk.answered_)), kPass);
            EXPECT_EQ(talk.engine().inspection().contexts, 0U);
            continue;
        }
        EXPECT_EQ(talk.send(Talk::server().fin().ack().sequence(talk.answered_, last)), kPass);
        EXPECT_EQ(talk.send(Talk::client().fin().ack().sequence(last, talk.answered_ + 1)), kPass);
        EXPECT_EQ(talk.engine().inspection().contexts, 1U) << "its last words may be sent again";
        EXPECT_EQ(talk.send(Talk::server().ack().sequence(talk.answered_ + 1, last + 1)), kPass);
        EXPECT_EQ(talk.engine().inspection().contexts, 0U);
        EXPECT_EQ(talk.send(talk.said(kAllowed, 0)), kPass) << "repeated, and late";
        EXPECT_EQ(talk.engine().inspection().contexts, 0U);
    }
    EXPECT_EQ(talk.requests().size(), 3U);
    talk.expect_all_accounted();
}

// Behind a reset nothing is read again from the middle, where a part of a request may look like a whole one.
TEST(Layer7, NothingIsSaidBehindAResetAlsoWhereWindowsAreOnlyObserved) {
    EngineSettings settings = Talk::default_settings();
    settings.tcp_window = TcpWindow::kObserve;
    Talk talk(shop(), settings);
    talk.shake_hands();
    EXPECT_EQ(talk.says("GET /admin?"), kPass);
    EXPECT_EQ(talk.is_answered(), kPass);
    EXPECT_EQ(talk.send(Talk::client().rst().ack().sequence(100 + talk.at_, talk.answered_)), kPass);
    EXPECT_EQ(talk.says(kAllowed), DropReason::kInspectUnreadable);
    EXPECT_EQ(talk.send(talk.said("GET /admin?", 0)), kPass) << "which the server has";
    EXPECT_EQ(talk.requests(), std::vector<std::string>{});
    talk.expect_all_accounted();
}

// The server may not have taken the reset, answers the SYN with a mere acknowledgement (RFC 5961 4.2), and goes on
// with the connection that it has.
TEST(Layer7, NothingIsSaidBehindASynThatNobodyAnsweredAlsoWhereWindowsAreOnlyObserved) {
    EngineSettings settings = Talk::default_settings();
    settings.tcp_window = TcpWindow::kObserve;
    for (const bool challenged : {false, true}) {
        SCOPED_TRACE(challenged);
        Talk talk(shop(), settings);
        talk.shake_hands();
        EXPECT_EQ(talk.says(kAllowed), kPass);
        EXPECT_EQ(talk.is_answered(), kPass);
        const std::uint32_t next = 100 + talk.at_;
        EXPECT_EQ(talk.send(Talk::client().rst().ack().sequence(next, talk.answered_)), kPass);
        EXPECT_EQ(talk.send(Talk::client().syn().sequence(next - 1)), kPass);
        if (challenged) (void)talk.send(Talk::server().ack().sequence(talk.answered_, next));
        EXPECT_EQ(talk.says(kDenied), DropReason::kInspectUnreadable);
        talk.expect_all_accounted();
    }
}

TEST(Layer7, StagedRulesLetEverythingPassWhateverItIs) {
    Talk talk(with_policies(1, {staged(ingress_policy("web", "server", {http_rule({"GET"}, "/shop")}))}));
    talk.shake_hands();
    EXPECT_EQ(talk.says(kAllowed), kPass);
    EXPECT_EQ(talk.says(kDenied), kPass);
    std::string other(kDenied);
    other.replace(4, 6, "/nimda");
    EXPECT_EQ(talk.send(talk.said(other, static_cast<std::uint32_t>(kAllowed.size()))), kPass) << "even contradictions";
    EXPECT_EQ(talk.says("no HTTP at all\r\n\r\n"), kPass);
    EXPECT_EQ(talk.says("whatever"), kPass);
    std::uint64_t would_deny = 0;
    for (std::size_t id = 0; id < talk.traces().size(); ++id) {
        const classify::Trace& trace = talk.ruleset().trace(TraceId(id));
        if (trace.enforced != trace.pending) would_deny += talk.traces().requests(TraceId(id));
    }
    EXPECT_EQ(would_deny, 2U) << "the denied request and what is none";
    talk.expect_all_accounted();
}

TEST(Layer7, AnotherGenerationJudgesTheLastRequestAgain) {
    Talk talk(shop(1));
    talk.shake_hands();
    ASSERT_EQ(talk.says(kAllowed), kPass);
    ASSERT_EQ(talk.is_answered(), kPass);
    talk.use(shop(2, "/shop/1"));
    EXPECT_EQ(talk.is_answered(), kPass) << "still allowed";
    EXPECT_EQ(talk.says(kAllowed), kPass);
    talk.use(shop(3, "/other"));
    EXPECT_NE(talk.is_answered(), kPass) << "what it asked for is denied now";
    EXPECT_EQ(talk.engine().inspection().contexts, 0U);
    talk.expect_all_accounted();
}

TEST(Layer7, AnotherGenerationThatDoesNotAskLetsItGo) {
    Talk talk(shop(1));
    talk.shake_hands();
    ASSERT_EQ(talk.says(kAllowed), kPass);
    talk.use(with_policies(2, {}));
    EXPECT_EQ(talk.says(kDenied), kPass);
    EXPECT_EQ(talk.engine().inspection().contexts, 0U);
    talk.use(shop(3));
    EXPECT_NE(talk.says(kAllowed), kPass) << "from then on its beginning is unseen";
    talk.expect_all_accounted();
}

TEST(Layer7, ANameThatTheAddressIsNotKnownByIsDeniedAtTheFirstPacket) {
    Talk talk(with_policies(1, {outward({"shop.example"})}));
    EXPECT_EQ(talk.send(Talk::client().syn().sequence(99)), DropReason::kNameDenied);
    EXPECT_EQ(talk.engine().flow_count(), 0U);
}

}  // namespace
}  // namespace drywall::engine

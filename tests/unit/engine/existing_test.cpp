// What a new generation does to the connections that are there: judges them again, keeps them, or resets them.

#include <gtest/gtest.h>

#include "rulesets.h"
#include "wire.h"

namespace drywall::engine {
namespace {

using std::chrono::seconds;
using telemetry::FlowEventKind;
using test::Packet;
using Drops = std::vector<DropReason>;
using Kinds = std::vector<FlowEventKind>;

constexpr DropReason kPass = DropReason::kNone;
constexpr DropReason kDeny = DropReason::kPolicyDeny;

Packet web_request() { return test::tcp().syn().from("10.0.0.1", 40000).to("10.1.0.9", 8080); }
Packet web_answer() { return web_request().reply().flags(0).syn().ack().entering(1); }
Packet web_data() { return web_request().flags(0).ack(); }
Packet name_query() { return test::udp().from("10.0.0.1", 5000).to("10.1.0.9", 53); }

Existing keep_from(std::uint64_t generation) { return {.keep_from = Generation{generation}}; }

class Resetting {
public:
    explicit Resetting(const policy::Inventory& first)
        : paths_{paths_by_identity(*build(1, first))}, wire(build(1, first)) {
        wire.use(build(1, first), {.paths = paths_});
    }
    void reset_with(const policy::Inventory& next) {
        const RulesetPtr ruleset = build(2, next);
        paths_ = paths_by_identity(*ruleset);
        wire.use(ruleset, {.reset_before = Generation{2}, .paths = paths_});
    }

private:
    std::vector<std::uint32_t> paths_;

public:
    Wire wire;
};

// Nothing but what `rules` name may reach the server.
policy::Inventory guarded_by(std::vector<policy::Rule> rules) {
    policy::Inventory inventory = guarded();
    add(inventory, ingress_policy("server-in", "server", std::move(rules)));
    return inventory;
}

TEST(Keep, ADeniedConnectionGoesOnAndANewOneIsDenied) {
    Wire wire(build(1, guarded()));
    EXPECT_EQ(wire.burst({web_request(), name_query()}), (Drops{kPass, kPass}));
    wire.use(build(2, locked()), keep_from(1));
    EXPECT_EQ(wire.burst({web_answer(), web_data(), name_query()}), (Drops{kPass, kPass, kPass}));
    EXPECT_TRUE(wire.events().empty());  // its decision is the old one
    EXPECT_EQ(wire.send(web_request().from("10.0.0.1", 40001)), kDeny);
    EXPECT_EQ(wire.counters().flows_kept.read(), 2U);
    EXPECT_EQ(wire.counters().kept_passed.read().packets, 3U);
    wire.expect_all_accounted();
}

TEST(Keep, WhatHasNoRoomForItsLaterFragmentsWasKeptAndIsNotReset) {
    EngineSettings settings = Wire::default_settings();
    settings.fragment_capacity = 0;
    Wire wire(build(1, guarded()), settings);
    EXPECT_EQ(wire.send(name_query()), kPass);
    wire.use(build(2, locked()), keep_from(1));
    const Packet first = name_query().payload(800).fragments(400, 1).front();
    for (const std::uint64_t packets : {1U, 2U}) {  // asked about, and settled
        EXPECT_EQ(wire.send(first), DropReason::kFragmentTableFull);
        EXPECT_EQ(wire.counters().kept_passed.read().packets, packets);
        EXPECT_EQ(wire.counters().reset_dropped.read().packets, 0U);
    }
    EXPECT_EQ(wire.send(name_query()), kPass);
    wire.expect_all_accounted();
}

TEST(Keep, EndsWhenTheConnectionDoes) {
    Wire wire(build(1, guarded()));
    (void)wire.burst({web_request(), web_answer()});
    wire.use(build(2, locked()), keep_from(1));
    EXPECT_EQ(wire.burst({web_data().rst(), web_request()}), (Drops{kPass, kDeny}));
    EXPECT_EQ(wire.event_kinds(), (Kinds{FlowEventKind::kEnded, FlowEventKind::kDenied}));
    wire.expect_all_accounted();
}

TEST(Keep, HoldsThroughLaterGenerationsThatKeepToo) {
    Wire wire(build(1, guarded()));
    (void)wire.send(web_request());
    wire.use(build(2, locked()), keep_from(1));
    EXPECT_EQ(wire.send(web_answer()), kPass);
    wire.use(build(3, locked()), keep_from(1));
    EXPECT_EQ(wire.send(web_answer()), kPass);
    EXPECT_EQ(wire.counters().flows_kept.read(), 1U);
    wire.use(build(4, locked()), keep_from(4));
    EXPECT_EQ(wire.send(web_answer()), kDeny);
    EXPECT_EQ(wire.event_kinds(), Kinds{FlowEventKind::kCut});
    wire.expect_all_accounted();
}

TEST(Keep, IsNoExcuseForAConnectionThatSleptThroughAGenerationThatDeniedIt) {
    Wire wire(build(1, guarded()));
    (void)wire.send(web_request());
    wire.use(build(3, locked()), keep_from(2));  // 2 judged everything again; this connection said nothing then
    EXPECT_EQ(wire.send(web_answer()), kDeny);
}

TEST(Keep, WhatIsAllowedAgainIsAnOrdinaryConnection) {
    Wire wire(build(1, guarded()));
    (void)wire.send(web_request());
    wire.use(build(2, locked()), keep_from(1));
    (void)wire.send(web_answer());
    wire.use(build(3, guarded()), keep_from(1));
    EXPECT_EQ(wire.send(web_answer()), kPass);
    EXPECT_EQ(wire.event_kinds(), Kinds{FlowEventKind::kRejudged});
    EXPECT_EQ(wire.counters().kept_passed.read().packets, 1U);
    wire.expect_all_accounted();
}

TEST(Keep, AGenerationThatWasPutBackKeepsNothing) {
    Wire wire(build(1, guarded()));
    wire.use(build(2, guarded()), keep_from(1));
    (void)wire.send(web_request());
    wire.use(build(1, locked()), keep_from(1));  // back in force; what 2 opened is judged by it
    EXPECT_EQ(wire.send(web_answer()), kDeny);
}

TEST(Keep, FragmentsOfAKeptConnectionPassToo) {
    Wire wire(build(1, guarded()));
    (void)wire.send(name_query());
    wire.use(build(2, locked()), keep_from(1));
    for (const Packet& fragment : name_query().payload(32).fragments(16, 7)) EXPECT_EQ(wire.send(fragment), kPass);
    EXPECT_EQ(wire.counters().kept_passed.read().packets, 3U);
    wire.expect_all_accounted();
}

// Also before a sweep has found that it is over.
TEST(Keep, TheRestOfADatagramIsJudgedOnceItsConnectionHasTimedOut) {
    EngineSettings settings = Wire::default_settings();
    settings.timeouts.udp = seconds(2);
    settings.timeouts.fragment = seconds(10);
    Wire wire(build(1, guarded()), settings);
    (void)wire.send(name_query());
    wire.use(build(2, locked()), keep_from(1));
    const std::vector<Packet> fragments = name_query().payload(32).fragments(16, 7);
    EXPECT_EQ(wire.send(fragments[0]), kPass);
    wire.pass(seconds(3));
    EXPECT_EQ(wire.send(fragments[1]), kDeny);
    wire.expect_all_accounted();
}

TEST(Grace, WhenItIsOverTheConnectionIsCutAsByAnyGeneration) {
    Wire wire(build(1, guarded()));
    (void)wire.burst({web_request(), web_answer(), name_query()});
    wire.use(build(2, locked()), keep_from(1));
    EXPECT_EQ(wire.burst({web_data(), web_answer()}), (Drops{kPass, kPass}));
    wire.keep_from(Generation{2});
    EXPECT_EQ(wire.burst({web_data(), web_answer(), name_query()}), (Drops{kDeny, kDeny, kDeny}));
    EXPECT_EQ(wire.event_kinds(), (Kinds{FlowEventKind::kCut, FlowEventKind::kDenied, FlowEventKind::kCut}))
        << "whether it was kept already, or silent since the change";
    EXPECT_EQ(wire.counters().flows_ended.read(), 2U);
    EXPECT_EQ(wire.counters().kept_passed.read().packets, 2U);
    wire.expect_all_accounted();
}

TEST(Grace, OfEachGenerationEndsByItself) {
    Wire wire(build(1, guarded()));
    (void)wire.send(web_request());
    wire.use(build(2, guarded()), keep_from(1));
    (void)wire.send(name_query());
    wire.use(build(3, locked()), keep_from(1));
    EXPECT_EQ(wire.burst({web_answer(), name_query()}), (Drops{kPass, kPass}));
    wire.use(build(4, locked()), keep_from(1));
    EXPECT_EQ(wire.burst({web_answer(), name_query()}), (Drops{kPass, kPass}));
    wire.keep_from(Generation{2});
    EXPECT_EQ(wire.burst({web_answer(), name_query()}), (Drops{kDeny, kPass}));
    wire.keep_from(Generation{3});
    EXPECT_EQ(wire.send(name_query()), kDeny);
    wire.expect_all_accounted();
}

TEST(Grace, IsNothingToAConnectionThatPolicyAllows) {
    Wire wire(build(1, guarded()));
    (void)wire.burst({web_request(), name_query()});
    wire.use(build(2, guarded()), keep_from(1));
    (void)wire.send(web_answer());
    wire.keep_from(Generation{2});
    EXPECT_EQ(wire.burst({web_data(), name_query()}), (Drops{kPass, kPass}));
    EXPECT_EQ(wire.event_kinds(), Kinds{FlowEventKind::kRejudged}) << "of the one that was silent";
    EXPECT_EQ(wire.engine().flow_count(), 2U);
}

TEST(Grace, ACensusSaysWhatTheNextPacketWouldMeet) {
    Wire wire(build(1, guarded()));
    (void)wire.send(web_request());
    wire.use(build(2, locked()), keep_from(1));
    (void)wire.send(web_answer());
    for (const std::uint64_t oldest : {1, 2}) {
        flow::CensusBatch found;
        wire.engine().begin_census();
        (void)wire.engine().census(wire.now(), Generation{2}, keep_from(oldest), flow::kCensusStep, found);
        ASSERT_EQ(found.size(), 1U);
        EXPECT_EQ(found[0].kept, oldest == 1);
    }
}

TEST(Grace, TheRestOfADatagramGoesAsItsConnectionGoes) {
    for (const bool met : {false, true}) {  // a whole packet of the connection, before the rest of the datagram
        Wire wire(build(1, guarded()));
        (void)wire.send(name_query());
        wire.use(build(2, locked()), keep_from(1));
        const std::vector<Packet> fragments = name_query().payload(32).fragments(16, 7);
        EXPECT_EQ(wire.send(fragments[0]), kPass);
        wire.keep_from(Generation{2});
        if (met) {
            EXPECT_EQ(wire.send(name_query()), kDeny);
        }
        for (std::size_t i = 1; i < fragments.size(); ++i) EXPECT_EQ(wire.send(fragments[i]), kDeny);
        EXPECT_EQ(wire.engine().flow_count(), 0U);
        wire.expect_all_accounted();
    }
}

TEST(Grace, AnErrorAboutAConnectionThatIsOverIsJudgedByItself) {
    Wire wire(build(1, guarded()));
    (void)wire.send(name_query());
    wire.use(build(2, locked()), keep_from(1));
    const Packet error = test::icmp_error(3, 3, name_query()).entering(1);
    EXPECT_EQ(wire.send(error), kPass);
    EXPECT_EQ(wire.counters().related_passed.read().packets, 1U);
    wire.keep_from(Generation{2});
    (void)wire.send(error);
    EXPECT_EQ(wire.counters().related_passed.read().packets, 1U);
    EXPECT_EQ(wire.engine().flow_count(), 0U);
}

TEST(Reset, CutsWhatOtherRulesDecideAndNothingElse) {
    Resetting site(guarded());
    EXPECT_EQ(site.wire.burst({web_request(), web_answer(), name_query()}), (Drops{kPass, kPass, kPass}));
    // TCP 8080 is written in another way, UDP 53 is not.
    site.reset_with(guarded_by({rule(Action::kAllow, 6), rule(Action::kAllow, 17, 53)}));
    EXPECT_EQ(site.wire.burst({web_data(), web_answer(), name_query()}), (Drops{kDeny, kDeny, kPass}));
    EXPECT_EQ(site.wire.event_kinds(), (Kinds{FlowEventKind::kEnded, FlowEventKind::kRejudged}));
    EXPECT_EQ(site.wire.counters().flows_reset.read(), 1U);
    EXPECT_EQ(site.wire.counters().reset_dropped.read().packets, 2U);
    site.wire.expect_all_accounted();
}

TEST(Reset, TheClientsNextSynOpensAnewWhatPolicyAllows) {
    Resetting site(guarded());
    (void)site.wire.burst({web_request(), web_answer()});
    site.reset_with(guarded_by({rule(Action::kAllow, 6)}));
    EXPECT_EQ(site.wire.burst({web_data(), web_request(), web_answer()}), (Drops{kDeny, kPass, kPass}));
    EXPECT_EQ(site.wire.event_kinds(), (Kinds{FlowEventKind::kEnded, FlowEventKind::kOpened}));
    EXPECT_EQ(site.wire.counters().flows_ended.read(), 1U);
    site.wire.expect_all_accounted();
}

TEST(Reset, WhatHasNoHandshakeIsJudgedAnew) {
    Resetting site(guarded());
    (void)site.wire.send(name_query());
    site.reset_with(guarded_by({rule(Action::kAllow, 17)}));
    EXPECT_EQ(site.wire.burst({name_query(), name_query()}), (Drops{kDeny, kPass}));
    EXPECT_EQ(site.wire.event_kinds(), (Kinds{FlowEventKind::kEnded, FlowEventKind::kOpened}));
    site.wire.expect_all_accounted();
}

TEST(Reset, ADeniedConnectionIsCutAsByAnyGeneration) {
    Resetting site(guarded());
    (void)site.wire.burst({web_request(), web_answer()});
    site.reset_with(locked());
    EXPECT_EQ(site.wire.send(web_data()), kDeny);
    EXPECT_EQ(site.wire.event_kinds(), Kinds{FlowEventKind::kCut});
    site.wire.expect_all_accounted();
}

TEST(Reset, WhatIsRememberedEndsWithoutASecondReport) {
    Resetting site(guarded());
    (void)site.wire.burst({web_request(), web_answer()});
    site.reset_with(guarded_by({rule(Action::kAllow, 6)}));
    (void)site.wire.send(web_data());
    site.wire.pass(seconds(8000));
    EXPECT_TRUE(site.wire.sweep_all().empty());
    EXPECT_EQ(site.wire.engine().flow_count(), 0U);
    EXPECT_EQ(site.wire.counters().flows_ended.read(), 1U);
}

}  // namespace
}  // namespace drywall::engine

// What a promotion would do to connections that are open now.
#include "drywall/observe/live_impact.h"

#include <gtest/gtest.h>

#include "flow_events.h"

namespace drywall::observe {
namespace {

using flow::CensusEntry;
using flow::FlowState;
using Built = std::shared_ptr<const ruleset::Ruleset>;

// web_and_db(): web reaches db on 80; promoting "no-db" would take that away.
CensusEntry open_to(std::uint16_t port, FlowState state = FlowState::kEstablished) {
    CensusEntry entry;
    entry.tuple = tcp_to(port);
    entry.state = state;
    entry.generation = Generation{1};
    return entry;
}

Rehearsal pending_of(const Built& built) {
    return {{built.get(), World::kEnforced}, {built.get(), World::kPending}, std::nullopt, {}};
}

TEST(LiveImpact, OpenConnectionsThatWouldBeDeniedAreCut) {
    const Built ruleset = built(web_and_db());
    const std::vector census{open_to(80), open_to(80, FlowState::kNew), open_to(80, FlowState::kInitiatorDone),
                             open_to(80, FlowState::kResponderDone)};
    const LiveImpact impact = rehearse(census, pending_of(ruleset));
    EXPECT_EQ(impact.walked, 4U);
    EXPECT_EQ(impact.connections, 4U) << "half open and half closed ones may still carry data";
    EXPECT_EQ(impact.cut.size(), 4U);
}

TEST(LiveImpact, AClosedConnectionCanNotBeCut) {
    const Built ruleset = built(web_and_db());
    const LiveImpact impact = rehearse(std::vector{open_to(80), open_to(80, FlowState::kClosed)}, pending_of(ruleset));
    EXPECT_EQ(impact.walked, 2U);
    EXPECT_EQ(impact.connections, 1U);
    EXPECT_EQ(impact.closed, 1U);
    EXPECT_EQ(impact.cut.size(), 1U);
}

TEST(LiveImpact, WhatPolicyDeniesAlreadyIsNotCutByThePromotionUnlessItIsKept) {
    const Built ruleset = built(web_and_db());
    CensusEntry kept = open_to(22);
    kept.kept = true;
    CensusEntry reset = open_to(80);
    reset.was_reset = true;
    const LiveImpact impact = rehearse(std::vector{open_to(22), kept, reset}, pending_of(ruleset));
    EXPECT_EQ(impact.denied_now, 2U);
    EXPECT_EQ(impact.connections, 1U);
    ASSERT_EQ(impact.cut.size(), 1U);
    EXPECT_EQ(impact.cut[0].tuple.destination_port, 22);
}

TEST(LiveImpact, OtherRulesTouchWhatTheyDoNotCut) {
    test::Cluster cluster = web_and_db();
    cluster.remove(policy::Kind::kStagedGlobalNetworkPolicy, "no-db");
    cluster.add(test::sgnp("all").order(1).selects("app == 'db'").ingress(test::allow()));
    const Built ruleset = built(cluster);
    const LiveImpact impact = rehearse(std::vector{open_to(80)}, pending_of(ruleset));
    EXPECT_TRUE(impact.cut.empty());
    EXPECT_EQ(impact.touched, 1U);
}

TEST(LiveImpact, ThoseThatCarriedMostComeFirst) {
    const Built ruleset = built(web_and_db());
    std::vector<CensusEntry> census;
    for (std::uint64_t flow = 1; flow <= 200; ++flow) {
        census.push_back(open_to(80));
        census.back().flow = flow;
        census.back().reverse.bytes = 1000 * (flow % 150);
    }
    const LiveImpact impact = rehearse(census, pending_of(ruleset));
    ASSERT_EQ(impact.cut.size(), 200U) << "more than one burst";
    EXPECT_EQ(impact.cut.front().flow, 149U);
    EXPECT_EQ(impact.cut.back().flow, 150U);
}

class Unforeseen : public testing::Test {
protected:
    [[nodiscard]] std::uint64_t count(const Impact& recorded, const std::vector<std::uint64_t>& acknowledged) const {
        const LiveImpact live = rehearse(std::vector{open_to(80)}, rehearsal_);
        return unforeseen(live, recorded, rehearsal_, acknowledged);
    }
    // As the flow log has it, once the connection's opening was told.
    [[nodiscard]] Impact recorded() const {
        FlowLog log;
        log.on_event(judged(event(telemetry::FlowEventKind::kOpened, 1), *ruleset_), ruleset_.get());
        return rehearse(log.query({}).groups, rehearsal_, 10);
    }

    Built ruleset_ = built(web_and_db());
    Rehearsal rehearsal_ = pending_of(ruleset_);
};

TEST_F(Unforeseen, AreThoseThatNoRecordTellsOf) {
    EXPECT_EQ(count({}, {}), 1U);
    EXPECT_EQ(count(recorded(), {}), 0U);
}

TEST_F(Unforeseen, AreAcknowledgedByTheNumberOfTheGroupThatTheyBelongTo) {
    const std::uint64_t id = recorded().groups.at(0).flow.id;
    EXPECT_EQ(flow_id(*ruleset_, open_to(80).tuple), id);
    EXPECT_EQ(count({}, {id}), 0U);
    EXPECT_EQ(count({}, {id + 1}), 1U);
}

}  // namespace
}  // namespace drywall::observe

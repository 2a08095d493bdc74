// How long the judgement of a generation that was superseded keeps connections.
#include <gtest/gtest.h>

#include "generations.h"
#include "testbed.h"

namespace drywall::runtime {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kNode = -1;  // the only worker's: not known

class Grace : public testing::Test {
protected:
    static constexpr seconds kGrace{100};

    const InForce& publish(std::uint64_t generation, Existing existing, seconds at) {
        return *(current_ = &generations_.admit(allow_all(generation), existing, current_, {at}));
    }
    // Does what `judged` allowed go on at that time, whatever is in force says?
    [[nodiscard]] bool keeps(std::uint64_t judged, Nanos at) const {
        return current_->existing({at}).keeps(Generation{judged}, current_->ruleset->generation());
    }
    void expect_kept_until(std::uint64_t judged, seconds end) const {
        EXPECT_TRUE(keeps(judged, end - Nanos{1})) << judged;
        EXPECT_FALSE(keeps(judged, end)) << judged;
    }

    Generations generations_{{kNode}, kGrace};
    const InForce* current_ = nullptr;
};

TEST_F(Grace, BeginsWhenAGenerationIsSuperseded) {
    publish(1, Existing::kRecheck, seconds(0));
    publish(2, Existing::kKeep, seconds(50));
    expect_kept_until(1, seconds(150));
}

TEST_F(Grace, IsEachGenerationsOwn) {
    publish(1, Existing::kRecheck, seconds(0));
    publish(2, Existing::kKeep, seconds(10));
    publish(3, Existing::kKeep, seconds(60));
    expect_kept_until(1, seconds(110));
    expect_kept_until(2, seconds(160));
    publish(4, Existing::kKeep, seconds(120));
    EXPECT_FALSE(keeps(1, seconds(120)));
    expect_kept_until(2, seconds(160));
    expect_kept_until(3, seconds(220));
}

TEST_F(Grace, AChangeThatDoesNotKeepEndsItForAllBefore) {
    publish(1, Existing::kRecheck, seconds(0));
    publish(2, Existing::kKeep, seconds(10));
    publish(3, Existing::kRecheck, seconds(20));
    publish(4, Existing::kKeep, seconds(30));
    EXPECT_FALSE(keeps(2, seconds(30)));
    expect_kept_until(3, seconds(130));
}

TEST_F(Grace, OfWhatIsInForceAgainBeginsWhenThatIsSuperseded) {
    const InForce& first = publish(1, Existing::kRecheck, seconds(0));
    publish(2, Existing::kKeep, seconds(10));
    current_ = &first;  // a worker did not answer
    EXPECT_FALSE(keeps(2, seconds(11))) << "it was put back";
    publish(3, Existing::kKeep, seconds(500));
    expect_kept_until(1, seconds(600));
    EXPECT_FALSE(keeps(2, seconds(600)));
}

TEST_F(Grace, WhatItIsOverForTakesNoRoom) {
    publish(1, Existing::kRecheck, seconds(0));
    for (std::uint64_t generation = 2; generation <= 1000; ++generation)
        publish(generation, Existing::kKeep, seconds(generation));
    EXPECT_EQ(current_->superseded.size(), 100U);
    EXPECT_EQ(current_->existing({seconds(1000)}).keep_from, current_->superseded.front().generation);
    EXPECT_EQ(current_->existing({seconds(1'000'000)}).keep_from, Generation{1000});
}

TEST(NoGrace, KeepsAsLongAsConnectionsLive) {
    Generations generations({kNode}, std::nullopt);
    const InForce& first = generations.admit(allow_all(1), Existing::kRecheck, nullptr, {});
    const InForce& second = generations.admit(deny_all(2), Existing::kKeep, &first, {seconds(1)});
    EXPECT_TRUE(second.existing({std::chrono::hours(100'000)}).keeps(Generation{1}, Generation{2}));
}

test::Packet opening() { return test::tcp().syn().from("10.0.0.1", 1000).to("10.1.0.9", 8080); }
test::Packet accepting() { return opening().ack().reply().entering(1); }

// What becomes of a connection that a change keeps although policy denies it, after a while.
Snapshot after_a_while(std::optional<Nanos> grace) {
    Testbed bed(allow_all(1), 1, [&](DataplaneSettings& settings) {
        settings.swap_timeout = seconds(60);  // a crowded machine is no reason to fail
        settings.existing_grace = grace;
    });
    bed.send({opening()});
    EXPECT_TRUE(bed.dataplane->publish(deny_all(2), Existing::kKeep));
    std::this_thread::sleep_for(milliseconds(5));
    const bool kept = bed.dataplane->census().connections.at(0).kept;
    bed.send({accepting()});
    Snapshot now = bed.dataplane->snapshot();
    EXPECT_EQ(kept, now.kept_passed.packets == 1) << "a census says what the next packet meets";
    return now;
}

TEST(Dataplane, CutsWhatWasKeptWhenItsGraceIsOver) {
    const Snapshot cut = after_a_while(milliseconds(1));
    EXPECT_EQ(cut.drops.at(DropReason::kPolicyDeny).packets, 1U);
    EXPECT_EQ(cut.flows_ended, 1U);
    const Snapshot kept = after_a_while(std::chrono::hours(24));
    EXPECT_EQ(kept.transmitted.packets, 2U);
    EXPECT_EQ(kept.flows_ended, 0U);
}

}  // namespace
}  // namespace drywall::runtime

// A worker that does not answer: the publication fails in bounded time, the old generation stays, nothing is freed that
// the worker may still read.
#include <gtest/gtest.h>

#include "hanging_port.h"

namespace drywall::runtime {
namespace {

class HungWorker : public testing::Test {
protected:
    HungWorker()
        : bed_(allow_all(1), 2, [this](DataplaneSettings& settings) {
              device_ = std::make_shared<HangingPort>(std::static_pointer_cast<io::MemoryPort>(settings.ports[0]));
              settings.ports[0] = device_;
              settings.swap_timeout = std::chrono::milliseconds(50);
          }) {}
    ~HungWorker() override { device_->go_on(); }

    std::shared_ptr<HangingPort> device_;
    Testbed bed_;
};

TEST_F(HungWorker, MakesThePublicationFailAndIsNamed) {
    device_->hang();
    const auto status = bed_.dataplane->publish(deny_all(2));
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().kind, ErrorKind::kUnavailable);
    EXPECT_NE(status.error().text().find("worker 1 (CPU"), std::string::npos) << status.error().text();
    EXPECT_EQ(status.error().text().find("worker 0"), std::string::npos) << status.error().text();
}

TEST_F(HungWorker, LeavesTheOldGenerationInForceForTheOthers) {
    device_->hang();
    ASSERT_FALSE(bed_.dataplane->publish(deny_all(2)));
    EXPECT_EQ(index(bed_.dataplane->current()->generation()), 1U);
    // Worker 0 may be in the middle of a turn that began with generation 2; the second packet cannot be.
    bed_.send({test::udp().from("10.0.0.1", 1).to("10.1.0.9", 53)});
    bed_.send({test::udp().from("10.0.0.1", 2).to("10.1.0.9", 53)});
    EXPECT_GE(bed_.wan->collect(0).size(), 1U);
    EXPECT_EQ(bed_.dataplane->snapshot().generation, Generation{1});
}

TEST_F(HungWorker, KeepsBothGenerationsUntilItAnswers) {
    device_->hang();
    RulesetPtr failed = deny_all(2);
    const std::weak_ptr<const ruleset::Ruleset> remembered = failed;
    ASSERT_FALSE(bed_.dataplane->publish(std::move(failed)));
    EXPECT_FALSE(remembered.expired());
    EXPECT_EQ(bed_.dataplane->snapshot().rulesets_alive, 2U);

    device_->go_on();
    wait_until([&] { return bed_.dataplane->snapshot().rulesets_alive == 1; });
    EXPECT_TRUE(remembered.expired());
}

TEST_F(HungWorker, IsNamedByACensusThatHasTheConnectionsOfTheOthers) {
    bed_.send({test::udp().from("10.0.0.1", 1).to("10.1.0.9", 53)}, 0);
    bed_.send({test::udp().from("10.0.0.1", 2).to("10.1.0.9", 53)}, 1);
    device_->hang();
    Census census = bed_.dataplane->census();
    while (census.connections.empty()) census = bed_.dataplane->census();  // worker 0 has no CPU of its own
    EXPECT_EQ(census.connections.size(), 1U);
    EXPECT_NE(census.missing.find("worker 1 (CPU"), std::string::npos) << census.missing;
    EXPECT_NE(census.missing.find("did not answer within 50 ms"), std::string::npos) << census.missing;

    device_->go_on();
    do census = bed_.dataplane->census();
    while (!census.missing.empty());
    EXPECT_EQ(census.connections.size(), 2U);
}

TEST_F(HungWorker, DoesNotStandInTheWayOfLaterGenerations) {
    device_->hang();
    ASSERT_FALSE(bed_.dataplane->publish(deny_all(2)));
    const auto reused = bed_.dataplane->publish(deny_all(2));
    ASSERT_FALSE(reused);
    EXPECT_EQ(reused.error().kind, ErrorKind::kConflict);

    device_->go_on();
    std::uint64_t generation = 3;  // a crowded machine may need another try
    while (!bed_.dataplane->publish(deny_all(generation))) ++generation;
    bed_.send({test::udp().from("10.0.0.1", 1).to("10.1.0.9", 53)}, 1);
    EXPECT_EQ(bed_.wan->collect(1).size(), 0U);
}

}  // namespace
}  // namespace drywall::runtime

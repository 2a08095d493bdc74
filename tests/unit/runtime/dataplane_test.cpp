#include <gtest/gtest.h>

#include "testbed.h"

namespace drywall::runtime {
namespace {

TEST(Dataplane, ForwardsBothWaysInOrder) {
    Testbed bed(allow_all(1));
    const test::Packet first = test::tcp().syn().from("10.0.0.1", 40000).to("10.1.0.9", 80);
    const test::Packet second = test::udp().from("10.0.0.1", 40000).to("10.1.0.9", 53);
    bed.send({first, second});
    EXPECT_EQ(bed.wan->collect(), (std::vector<test::Bytes>{first.bytes(), second.bytes()}));

    const test::Packet answer = second.reply();
    ASSERT_TRUE(bed.wan->inject(answer.bytes()));
    std::vector<test::Bytes> arrived;
    wait_until([&] { return !(arrived = bed.lan->collect()).empty(); });
    EXPECT_EQ(arrived, (std::vector<test::Bytes>{answer.bytes()}));
}

TEST(Dataplane, CountsWhatTheEgressDeviceDoesNotTake) {
    Testbed bed(allow_all(1));
    bed.wan->set_link(false);
    bed.send({test::udp().to("10.1.0.9", 53), test::udp().to("10.1.0.9", 54)});
    const Snapshot now = bed.dataplane->snapshot();
    EXPECT_EQ(now.drops.at(DropReason::kTxRefused).packets, 2U);
    EXPECT_EQ(now.transmitted.packets, 0U);
}

TEST(Dataplane, StopsOnceAndStaysReadable) {
    Testbed bed(allow_all(1));
    bed.send({test::udp().to("10.1.0.9", 53)});
    bed.dataplane->stop();
    bed.dataplane->stop();
    EXPECT_EQ(bed.dataplane->snapshot().transmitted.packets, 1U);
    EXPECT_EQ(bed.sink.events(), 1U);
    const auto late = bed.dataplane->publish(allow_all(2));
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().kind, ErrorKind::kUnavailable);
}

TEST(Dataplane, RefusesADeviceWithFewerQueuesThanWorkers) {
    CountingSink sink;
    const auto launcher = make_thread_launcher();
    const auto started = Dataplane::start(settings_for({memory_port(PortId{0}, 2), memory_port(PortId{1}, 1)}, 2),
                                          allow_all(1), *launcher, sink);
    ASSERT_FALSE(started);
    EXPECT_NE(started.error().text().find("port 'wan' has 1 queue(s), but there are 2 workers"), std::string::npos)
        << started.error().text();
}

TEST(Dataplane, RefusesACoreThatIsNotThere) {
    CountingSink sink;
    const auto launcher = make_thread_launcher();
    DataplaneSettings settings = settings_for({memory_port(PortId{0}), memory_port(PortId{1})});
    settings.stats_core = 1'000'000;
    const auto started = Dataplane::start(std::move(settings), allow_all(1), *launcher, sink);
    ASSERT_FALSE(started);
    EXPECT_NE(started.error().text().find("CPU 1000000 is not one that stats may run on"), std::string::npos)
        << started.error().text();
}

TEST(Dataplane, ShowsThatEveryWorkerTurns) {
    Testbed bed(allow_all(1), 2);
    const Snapshot before = bed.dataplane->snapshot();
    wait_until([&] {
        const Snapshot now = bed.dataplane->snapshot();
        return now.workers[0].loops > before.workers[0].loops && now.workers[1].loops > before.workers[1].loops;
    });
    EXPECT_EQ(before.workers[0].core, some_cpu(0));
}

}  // namespace
}  // namespace drywall::runtime

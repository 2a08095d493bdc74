// Connections whose two directions come in on different queues: what RSS without a symmetric key does.
#include <gtest/gtest.h>

#include "drywall/io/distributor.h"
#include "testbed.h"

namespace drywall::runtime {
namespace {

constexpr unsigned kConnections = 40;
constexpr unsigned kExchanges = 5;

// Ports behind which the queue of a frame says nothing about its connection.
Testbed scattered(std::uint16_t workers, bool distributed) {
    return Testbed(allow_all(1), workers, [&](DataplaneSettings& settings) {
        settings.engine.mid_stream = engine::MidStream::kDrop;
        if (distributed)
            settings.ports = io::distributed(settings.ports, settings.engine.peer_of, io::Distribute::kAuto,
                                             io::Owners(workers, 11), 16384);
    });
}

std::uint64_t dropped(const Snapshot& now) {
    std::uint64_t sum = 0;
    for (const auto& [reason, count] : now.drops) sum += count.packets;
    return sum;
}

// Requests by one queue, answers by the next one.
void talk(Testbed& bed, std::uint16_t workers) {
    for (unsigned exchange = 0; exchange < kExchanges; ++exchange)
        for (const bool answer : {false, true}) {
            const std::uint64_t before = bed.dataplane->snapshot().received.packets;
            for (unsigned i = 0; i < kConnections; ++i) {
                const auto segment = exchange == 0 && !answer ? test::tcp().syn()
                                     : exchange == 0          ? test::tcp().syn().ack()
                                                              : test::tcp().ack();
                const auto request = segment.from(net::Address::v4(0x0a000001 + i), 40000).to("10.1.0.9", 80);
                const test::Packet back = segment.from("10.1.0.9", 80).to(net::Address::v4(0x0a000001 + i), 40000);
                const auto queue = static_cast<std::uint16_t>((i + (answer ? 1 : 0)) % workers);
                ASSERT_TRUE(answer ? bed.wan->inject(back.bytes(), queue) : bed.lan->inject(request.bytes(), queue));
            }
            wait_until([&] {
                const Snapshot now = bed.dataplane->snapshot();
                return now.received.packets == before + kConnections && Testbed::settled(now);
            });
        }
}

class Distribution : public testing::TestWithParam<std::uint16_t> {};

TEST_P(Distribution, BothDirectionsOfEveryConnectionMeet) {
    Testbed bed = scattered(GetParam(), true);
    talk(bed, GetParam());
    const Snapshot now = bed.dataplane->snapshot();
    EXPECT_EQ(now.received.packets, 2U * kConnections * kExchanges);
    EXPECT_EQ(now.transmitted.packets + dropped(now), now.received.packets);
    EXPECT_EQ(dropped(now), 0U);
    EXPECT_EQ(now.flows_opened, kConnections);
    EXPECT_EQ(now.flows_half_open, 0U);
    for (const PortTotals& port : now.ports) {
        EXPECT_EQ(port.device.received, port.received.packets);
        EXPECT_EQ(port.device.missed, 0U);
        EXPECT_EQ(port.device.handed_over > 0, GetParam() > 1);
    }
}

TEST_P(Distribution, TheErrorOfARouterFindsTheFlowThatItQuotes) {
    Testbed bed = scattered(GetParam(), true);
    talk(bed, GetParam());
    for (unsigned i = 0; i < kConnections; ++i) {
        const auto segment = test::tcp().ack().from(net::Address::v4(0x0a000001 + i), 40000).to("10.1.0.9", 80);
        bed.send({test::unreachable(segment).entering(1)}, static_cast<std::uint16_t>(i % GetParam()));
    }
    EXPECT_EQ(bed.dataplane->snapshot().related_passed.packets, kConnections);
}

INSTANTIATE_TEST_SUITE_P(Workers, Distribution, testing::Values(1, 2, 4));

// What the tests above would look like with nobody in between: an answer is a stranger to the worker that gets it.
TEST(DistributionNeeded, WithoutADistributorAnswersDie) {
    Testbed bed = scattered(2, false);
    talk(bed, 2);
    EXPECT_EQ(bed.dataplane->snapshot().drops.at(DropReason::kTcpMidStream).packets,
              std::uint64_t{kConnections} * kExchanges);
}

}  // namespace
}  // namespace drywall::runtime

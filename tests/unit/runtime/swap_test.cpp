// Rulesets change under traffic: nothing is lost, nothing is judged by two generations, nothing stays in memory.
#include <algorithm>
#include <array>
#include <atomic>

#include <gtest/gtest.h>
#include <malloc.h>

#include "testbed.h"

namespace drywall::runtime {
namespace {

constexpr std::uint64_t kSwaps = 1000;
constexpr std::uint16_t kEvenService = 1000;  // open in even generations only
constexpr std::uint16_t kOddService = 2000;   // open in odd generations only

RulesetPtr one_service_open(std::uint64_t generation) {
    const std::uint16_t port = generation % 2 == 0 ? kEvenService : kOddService;
    return with_policies(generation, {server_policy("services", {udp_rule(Action::kAllow, port, port)})});
}

// A wire that always has a burst in which every second packet goes to the one service and every other to the other.
// It remembers whether any burst left with packets of both, or with only some of one.
class AlternatingWire final : public io::Port {
public:
    static constexpr std::size_t kPairs = 16;

    explicit AlternatingWire(PortId id) : id_(id) {
        for (std::size_t i = 0; i < kPairs; ++i) {
            const auto source = static_cast<std::uint16_t>(40000 + i);
            frames_[2 * i] = test::udp().from("10.0.0.1", source).to("10.1.0.9", kEvenService).bytes();
            frames_[2 * i + 1] = test::udp().from("10.0.0.1", source).to("10.1.0.9", kOddService).bytes();
        }
    }

    std::uint16_t receive(std::uint16_t, std::span<io::Frame> frames) noexcept override {
        if (id_ != PortId{0}) return 0;
        std::this_thread::yield();  // the CPU may be shared with whoever builds the next ruleset
        for (std::size_t i = 0; i < frames_.size(); ++i) {
            const auto size = static_cast<std::uint32_t>(frames_[i].size());
            frames[i] = {{frames_[i].data(), size, size, 0}, &frames_[i]};
        }
        sent_.fetch_add(frames_.size(), std::memory_order_relaxed);
        return static_cast<std::uint16_t>(frames_.size());
    }
    std::uint16_t transmit(std::uint16_t, std::span<io::Frame> frames) noexcept override {
        const auto parity = [this](const io::Frame& frame) {
            return (static_cast<const test::Bytes*>(frame.handle)->at(37) ^ kEvenService) & 0xff;  // port's low byte
        };
        for (const io::Frame& frame : frames)
            if (parity(frame) != parity(frames[0]) || frames.size() != kPairs) mixed_.fetch_add(1);
        return static_cast<std::uint16_t>(frames.size());
    }
    void release(std::span<io::Frame>) noexcept override {}
    [[nodiscard]] std::string name() const override { return "alternating"; }
    [[nodiscard]] std::uint16_t queues() const noexcept override { return 1; }
    [[nodiscard]] bool link_up() const noexcept override { return true; }
    bool set_link(bool) noexcept override { return false; }
    [[nodiscard]] io::DeviceStatistics statistics() const noexcept override { return {}; }

    [[nodiscard]] std::uint64_t sent() const { return sent_; }
    [[nodiscard]] std::uint64_t mixed() const { return mixed_; }

private:
    PortId id_;
    std::array<test::Bytes, 2 * kPairs> frames_;
    std::atomic<std::uint64_t> sent_{0};
    std::atomic<std::uint64_t> mixed_{0};
};

std::size_t heap_in_use() {
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

// The stats core forgets a generation first and frees it then: the smallest of many readings is the one without it.
std::size_t settled_heap() {
    std::size_t smallest = heap_in_use();
    for (int reading = 0; reading < 1000; ++reading) {
        std::this_thread::yield();
        smallest = std::min(smallest, heap_in_use());
    }
    return smallest;
}

struct SwappingWire {
    std::shared_ptr<AlternatingWire> lan = std::make_shared<AlternatingWire>(PortId{0});
    std::shared_ptr<AlternatingWire> wan = std::make_shared<AlternatingWire>(PortId{1});
    CountingSink sink;
    std::unique_ptr<Launcher> launcher = make_thread_launcher();
    std::unique_ptr<Dataplane> dataplane;
    std::vector<std::weak_ptr<const ruleset::Ruleset>> published;

    SwappingWire() {
        DataplaneSettings settings = settings_for({lan, wan});
        settings.swap_timeout = std::chrono::seconds(60);  // a crowded machine is no reason to fail
        auto started = Dataplane::start(std::move(settings), one_service_open(1), *launcher, sink);
        EXPECT_TRUE(started);
        dataplane = std::move(*started);
    }

    // Generations first..last, each under traffic.
    void swap(std::uint64_t first, std::uint64_t last) {
        for (std::uint64_t generation = first; generation <= last; ++generation) {
            RulesetPtr next = one_service_open(generation);
            published.emplace_back(next);
            const auto status = dataplane->publish(std::move(next));
            ASSERT_TRUE(status) << status.error().text();
            const std::uint64_t before = lan->sent();
            wait_until([&] { return lan->sent() > before; });
        }
    }
};

TEST(Swap, UnderTrafficLosesNoPacketAndJudgesEachBurstByOneGeneration) {
    SwappingWire wire;
    wire.swap(2, kSwaps + 1);
    wire.dataplane->stop();

    const Snapshot totals = wire.dataplane->snapshot();
    EXPECT_EQ(totals.swaps, kSwaps);
    EXPECT_EQ(totals.received.packets, wire.lan->sent());
    EXPECT_EQ(totals.transmitted.packets, wire.lan->sent() / 2);
    EXPECT_EQ(totals.drops.at(DropReason::kPolicyDeny).packets, wire.lan->sent() / 2);
    EXPECT_EQ(wire.wan->mixed(), 0U);
    EXPECT_EQ(totals.judged.packets, wire.lan->sent());
    EXPECT_EQ(totals.enforced_allowed.packets, totals.transmitted.packets);
    EXPECT_EQ(wire.sink.unreadable(), 0U);
}

TEST(Swap, FreesEveryGenerationThatIsNoLongerInForce) {
    SwappingWire wire;
    wire.swap(2, 51);
    const auto alive = [&] { return wire.dataplane->snapshot().rulesets_alive; };
    wait_until([&] { return alive() == 1; });
    const std::size_t before = settled_heap();
    wire.swap(52, 201);
    wait_until([&] { return alive() == 1; });
    EXPECT_LT(settled_heap(), before + 64 * 1024) << "the heap grows with the number of swaps";

    for (std::size_t i = 0; i + 1 < wire.published.size(); ++i)
        EXPECT_TRUE(wire.published[i].expired()) << "generation " << i + 2 << " is still in memory";
    EXPECT_EQ(wire.dataplane->current(), wire.published.back().lock());
    wire.dataplane->stop();
}

TEST(Swap, NeedsAGenerationNewerThanAnyBefore) {
    Testbed bed(allow_all(5));
    const auto again = bed.dataplane->publish(allow_all(5));
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().kind, ErrorKind::kConflict);
    EXPECT_EQ(index(bed.dataplane->current()->generation()), 5U);
}

}  // namespace
}  // namespace drywall::runtime

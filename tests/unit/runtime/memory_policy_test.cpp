// What a worker writes is made of its node's memory, and on nobody's core but the caller's.
#include "memory_policy.h"

#include <array>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <linux/mempolicy.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "testbed.h"

namespace drywall::runtime {
namespace {

// The calling thread's; -1: this kernel has none.
int policy() {
    int mode = 0;
    std::array<unsigned long, 16> nodes{};
    return ::syscall(SYS_get_mempolicy, &mode, nodes.data(), 1024UL, nullptr, 0UL) == 0 ? mode : -1;
}
// While a node is preferred.
int preferred() { return policy() < 0 ? -1 : MPOL_PREFERRED; }

TEST(MemoryPolicy, ACpuHasANodeAndWhatIsNoCpuHasNone) {
    EXPECT_GE(numa_node_of(some_cpu(0)), policy() < 0 ? -1 : 0);
    EXPECT_EQ(numa_node_of(1'000'000), -1);
}

TEST(MemoryPolicy, StandsAsLongAsItIsAskedFor) {
    const int before = policy();
    {
        const PreferredNode near(numa_node_of(some_cpu(0)));
        EXPECT_EQ(policy(), preferred());
        {
            const PreferredNode nearer(numa_node_of(some_cpu(0)));
            EXPECT_EQ(policy(), preferred());
        }
        EXPECT_EQ(policy(), preferred()) << "what was there before is put back";
    }
    EXPECT_EQ(policy(), before);
}

TEST(MemoryPolicy, ANodeThatIsNotKnownChangesNothing) {
    const int before = policy();
    for (const int node : {-1, 1023, 1 << 20}) {
        const PreferredNode nowhere(node);
        EXPECT_EQ(policy(), before) << node;
    }
    EXPECT_EQ(policy(), before);
}

// Says under which policy, and by whom, it was asked about its size: every worker does that while it is constructed.
class AskedPort final : public io::Port {
public:
    struct Asked {
        int policy = 0;
        std::thread::id by;
    };
    std::uint16_t receive(std::uint16_t /*queue*/, std::span<io::Frame> /*frames*/) noexcept override { return 0; }
    std::uint16_t transmit(std::uint16_t /*queue*/, std::span<io::Frame> /*frames*/) noexcept override { return 0; }
    void release(std::span<io::Frame> /*frames*/) noexcept override {}
    [[nodiscard]] std::string name() const override { return "asked"; }
    [[nodiscard]] std::uint16_t queues() const noexcept override { return 4; }
    [[nodiscard]] bool link_up() const noexcept override { return true; }
    bool set_link(bool /*up*/) noexcept override { return false; }
    [[nodiscard]] io::DeviceStatistics statistics() const noexcept override { return {}; }
    [[nodiscard]] std::uint16_t loses_beyond() const noexcept override {
        const std::lock_guard lock(mutex_);
        asked_.push_back({policy(), std::this_thread::get_id()});
        return 0;
    }
    [[nodiscard]] std::vector<Asked> asked() const {
        const std::lock_guard lock(mutex_);
        return asked_;
    }

private:
    mutable std::mutex mutex_;
    mutable std::vector<Asked> asked_;
};

TEST(MemoryPolicy, EveryWorkerIsConstructedNearItsCoreByTheOneWhoMakesIt) {
    const auto port = std::make_shared<AskedPort>();
    constexpr std::size_t kWorkers = 4;
    const Testbed bed(allow_all(1), kWorkers, [&](DataplaneSettings& settings) { settings.ports[1] = port; });
    const std::vector<AskedPort::Asked> asked = port->asked();
    ASSERT_GE(asked.size(), kWorkers);
    for (std::size_t worker = 0; worker < kWorkers; ++worker) {  // the stats core goes on asking
        EXPECT_EQ(asked[worker].policy, preferred());
        EXPECT_EQ(asked[worker].by, std::this_thread::get_id());
    }
}

}  // namespace
}  // namespace drywall::runtime

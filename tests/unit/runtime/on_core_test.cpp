// What a worker writes is made on its CPU.
#include "on_core.h"

#include <memory>
#include <mutex>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sched.h>

#include "testbed.h"

namespace drywall::runtime {
namespace {

unsigned here() { return static_cast<unsigned>(sched_getcpu()); }

TEST(OnCore, MakesItThereAndLeavesTheCallerWhereItIs) {
    cpu_set_t before;
    cpu_set_t after;
    ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
    for (std::size_t nth = 0; nth < 4; ++nth) EXPECT_EQ(on_core(some_cpu(nth), here), some_cpu(nth));
    ASSERT_EQ(sched_getaffinity(0, sizeof after, &after), 0);
    EXPECT_TRUE(CPU_EQUAL(&before, &after));
}

TEST(OnCore, WhereTheProcessMayNotBeItIsMadeAllTheSame) {
    EXPECT_FALSE(bind_to(CPU_SETSIZE));
    EXPECT_EQ(on_core(CPU_SETSIZE, [] { return 7; }), 7);
}

TEST(OnCore, WhatCannotBeMadeIsTheCallersTrouble) {
    EXPECT_THROW((void)on_core(some_cpu(0), []() -> int { throw std::runtime_error("no room"); }), std::runtime_error);
}

// Says on which CPU it was asked about its size: every worker does that while it is constructed.
class AskedPort final : public io::Port {
public:
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
        asked_on_.push_back(here());
        return 0;
    }
    [[nodiscard]] std::vector<unsigned> asked_on() const {
        const std::lock_guard lock(mutex_);
        return asked_on_;
    }

private:
    mutable std::mutex mutex_;
    mutable std::vector<unsigned> asked_on_;
};

TEST(OnCore, EveryWorkerIsConstructedOnItsOwn) {
    const auto asked = std::make_shared<AskedPort>();
    constexpr std::size_t kWorkers = 4;
    const Testbed bed(allow_all(1), kWorkers, [&](DataplaneSettings& settings) { settings.ports[1] = asked; });
    std::vector<unsigned> cores;
    for (std::size_t worker = 0; worker < kWorkers; ++worker) cores.push_back(some_cpu(worker));
    std::vector<unsigned> asked_on = asked->asked_on();
    ASSERT_GE(asked_on.size(), kWorkers);
    asked_on.resize(kWorkers);  // the stats core goes on asking
    EXPECT_EQ(asked_on, cores);
}

}  // namespace
}  // namespace drywall::runtime

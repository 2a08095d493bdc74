// The watch beside a running dataplane, with a worker that hangs in its device.
#include "drywall/runtime/health_watch.h"

#include <algorithm>
#include <mutex>

#include <gtest/gtest.h>

#include "hanging_port.h"

namespace drywall::runtime {
namespace {

class WatchedWorkers : public testing::Test {
protected:
    WatchedWorkers()
        : bed_(deny_all(1), 2, [this](DataplaneSettings& settings) {
              device_ = std::make_shared<HangingPort>(std::static_pointer_cast<io::MemoryPort>(settings.ports[0]));
              settings.ports[0] = device_;
          }) {
        HealthSettings settings;
        settings.late = std::chrono::milliseconds(20);
        settings.every = std::chrono::milliseconds(1);
        settings.watchdog = std::chrono::milliseconds(8);
        settings.notify = [this](const std::string& message) {
            const std::scoped_lock lock(mutex_);
            messages_.push_back(message);
        };
        settings.on_hung = [this](const std::string& worker) {
            const std::scoped_lock lock(mutex_);
            hung_.push_back(worker);
        };
        watch_ = std::make_unique<HealthWatch>(*bed_.dataplane, std::move(settings));
    }
    ~WatchedWorkers() override {
        device_->go_on();
        watch_.reset();
    }

    [[nodiscard]] std::size_t heard(const std::string& text) const {
        const std::scoped_lock lock(mutex_);
        return static_cast<std::size_t>(std::count_if(messages_.begin(), messages_.end(), [&](const auto& message) {
            return message.find(text) != std::string::npos;
        }));
    }
    // The stats core's rounds are longer than the time from one look to the next.
    void let_looks_pass() const {
        const std::uint64_t rounds = bed_.dataplane->vitals().stats_rounds;
        wait_until([&] { return bed_.dataplane->vitals().stats_rounds > rounds + 20; });
    }
    // Some other thread than the named worker may be late for a moment, on a crowded machine.
    [[nodiscard]] bool hangs(std::size_t worker) const {
        const Health health = watch_->health();
        return std::any_of(health.reasons.begin(), health.reasons.end(), [&](const Reason& reason) {
            return reason.trouble == Trouble::kWorkerHung && reason.worker == worker;
        });
    }

    std::shared_ptr<HangingPort> device_;
    Testbed bed_;
    mutable std::mutex mutex_;  // guards what follows
    std::vector<std::string> messages_;
    std::vector<std::string> hung_;
    std::unique_ptr<HealthWatch> watch_;
};

TEST_F(WatchedWorkers, AreToldToTheServiceManagerWhenAllPollAndEverythingElseIsUp) {
    wait_until([&] { return heard("WATCHDOG=1") > 0; });
    EXPECT_EQ(heard("READY=1"), 0U);
    watch_->announce("2 ports");
    wait_until([&] { return heard("READY=1\nSTATUS=") == 1; });
    EXPECT_NE(watch_->health().state, ApplianceState::kInit);
}

TEST_F(WatchedWorkers, AreNamedWhenTheyHangAndNotWhenTheyGoOn) {
    watch_->announce("2 ports");
    wait_until([&] { return heard("READY=1") > 0; });
    device_->hang();
    wait_until([&] { return hangs(1); });
    wait_until([&] { return heard("DEGRADED: ") > 0; });
    wait_until([&] {
        const std::scoped_lock lock(mutex_);
        return std::any_of(hung_.begin(), hung_.end(),
                           [](const auto& text) { return text.find("worker 1 (CPU") != std::string::npos; });
    });
    device_->go_on();
    wait_until([&] { return !hangs(1); });
    wait_until([&] { return watch_->health().state == ApplianceState::kReady; });
}

TEST_F(WatchedWorkers, StarveTheWatchdogWhileOneOfThemHangs) {
    device_->hang();
    wait_until([&] { return hangs(1); });
    let_looks_pass();  // one feeding may still be under way
    const std::size_t before = heard("WATCHDOG=1");
    let_looks_pass();
    EXPECT_EQ(heard("WATCHDOG=1"), before);
    device_->go_on();
    wait_until([&] { return heard("WATCHDOG=1") > before; });
}

TEST_F(WatchedWorkers, AreStoppedWithAWordToTheServiceManager) {
    watch_->stop();
    watch_->stop();
    EXPECT_EQ(watch_->health().state, ApplianceState::kStopped);
    EXPECT_EQ(heard("STOPPING=1"), 1U);
}

}  // namespace
}  // namespace drywall::runtime

// Health: what state the appliance is in and why, worked out from what its threads show of themselves; and when the
// service manager's watchdog may be fed.
//
// Threads: values of one thread; HealthWatch (health_watch.h) is the one that lives with a running dataplane.
// Clock:   none; every look is given its moment.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "drywall/base/clock.h"
#include "drywall/runtime/appliance_state.h"
#include "drywall/runtime/dataplane.h"

namespace drywall::runtime {

enum class Trouble : std::uint8_t {
    kWorkerHung,       // a worker has not turned its loop lately: nobody polls its queues
    kStatsCoreBehind,  // packets are forwarded, and nobody counts rules, frees generations or carries link state
    kStore,            // the state directory can't be written: changes are refused
    kNothingEnforced,  // `fail: open` and no policies to enforce
};
[[nodiscard]] std::string_view name(Trouble trouble) noexcept;  // "worker-hung"

struct Reason {
    Trouble trouble{};
    std::size_t worker = 0;  // for kWorkerHung
    std::string text;        // for people: the thing, and since when or why
    std::chrono::system_clock::time_point since{};
};

struct Health {
    ApplianceState state = ApplianceState::kInit;
    std::chrono::system_clock::time_point since{};
    std::vector<Reason> reasons{};  // empty unless degraded
    bool fail_open = false;         // as configured
};

// A moment, for durations and for people.
struct Look {
    Instant now{};
    std::chrono::system_clock::time_point wall{};
};

// What begins and what is over, each told once.
struct News {
    bool bad = false;
    std::string text;
};

class Diagnosis {
public:
    // A heartbeat that is older is that of a hung worker. With a look every tenth of a second, a worker that hangs is
    // named within a second.
    static constexpr Nanos kLate = std::chrono::milliseconds(800);

    explicit Diagnosis(bool fail_open, Nanos late = kLate) : late_(late) { health_.fail_open = fail_open; }

    // `others`: what is wrong beside the threads; trouble and text are given.
    // A look that comes late itself finds everyone late (a machine that was suspended, a process that was stopped):
    // then the next one decides.
    [[nodiscard]] std::vector<News> look(const Look& look, const Vitals& vitals, std::span<const Reason> others);
    void stop(const Look& look);

    [[nodiscard]] const Health& health() const noexcept { return health_; }
    // A ruleset is in force and every worker has turned since the start.
    [[nodiscard]] bool every_worker_polls() const noexcept { return polled_; }

private:
    [[nodiscard]] std::vector<Reason> found(const Look& look, const Vitals& vitals,
                                            std::span<const Reason> others) const;
    [[nodiscard]] bool comes_late(const Look& look);
    void enter(ApplianceState state, const Look& look);

    Nanos late_;
    Health health_;
    bool polled_ = false;
    Instant looked_{};             // the last time,
    bool looked_in_vain_ = false;  // and that look was so late itself that it proved nothing
};

// Feeds the service manager's watchdog: only when every worker has turned and the stats core has gone round since the
// last time, so that one of them that hangs starves it.
class WatchdogFeeder {
public:
    // `timeout`: as the service manager said; 0: it does not watch.
    explicit WatchdogFeeder(Nanos timeout) : timeout_(timeout) {}

    // True: say WATCHDOG=1 now.
    [[nodiscard]] bool due(Instant now, const Vitals& vitals);

private:
    Nanos timeout_;
    Instant fed_{};
    std::vector<std::uint64_t> turns_;  // of every worker and, last, the stats core, when it was fed
};

}  // namespace drywall::runtime

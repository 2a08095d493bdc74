// Guarding: the controller's side of include/drywall/control/guard.h, between changes.
//
// Threads: written under the controller's change mutex and `mutex`; read under either.
#pragma once

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "drywall/control/controller.h"
#include "drywall/control/guard.h"
#include "drywall/store/generation_store.h"

namespace drywall::control {

class StoreMemory final : public Memory {
public:
    explicit StoreMemory(store::GenerationStore& store) : store_(store) {}
    Status remember(std::string_view name, std::string_view text) override { return store_.remember(name, text); }
    Status forget(std::string_view name) override { return store_.forget(name); }
    Result<std::optional<std::string>> recall(std::string_view name) override { return store_.recall(name); }

private:
    store::GenerationStore& store_;
};

// The next try of a publication that failed: each try uses up a number, and memory until its workers have answered.
class Retry {
public:
    [[nodiscard]] bool may(Nanos boot) const noexcept { return boot >= not_before_; }
    void tried(bool succeeded, Nanos boot) noexcept {
        pause_ = succeeded ? Nanos{0} : std::clamp(pause_ * 2, kShortest, kLongest);
        not_before_ = succeeded ? Nanos{0} : boot + pause_;
    }

private:
    static constexpr Nanos kShortest = std::chrono::milliseconds(500);
    static constexpr Nanos kLongest = std::chrono::seconds(30);
    Nanos pause_{0};
    Nanos not_before_{0};
};

struct Guarding {
    GuardSettings settings;
    std::optional<StoreMemory> store_memory;  // what settings.memory is, unless it was given

    Retry bringing_back;  // these are under the change mutex alone
    Retry closing;
    Retry settling;

    mutable std::mutex mutex;  // guards what follows; held for the time of a copy
    Confirmation confirmation;
    std::optional<State> previous;  // of the change that waits: kept warm
    std::uint64_t drops_before = 0;
    std::optional<std::string> taking_back;  // the cause; set until the previous generation is in force again
    std::optional<SafetyOpening> safety;
    bool closing_safety = false;  // what is published now enforces; until it is in force, the safety is still open
    std::optional<Reverted> last_revert;
    std::map<ConfirmationState, std::uint64_t> taken_back;  // how many changes, by why
    std::map<std::uint32_t, std::string> notices;           // by uid: what a user is told with the next answer

    // Groups of connections that were allowed and seen in the last hour, also before a restart. A wall clock that was
    // set forth or back makes it longer, never shorter.
    [[nodiscard]] std::vector<observe::FlowGroup> seen_lately();
    std::once_flag looked_back;
    std::vector<observe::FlowGroup> seen_before;  // by the last run; written once, under looked_back
    Moment began;                                 // set by guard_with()

    [[nodiscard]] bool anything_promised() const {
        const std::scoped_lock lock(mutex);
        return confirmation.armed() || taking_back || (safety && safety->until);
    }
    [[nodiscard]] ruleset::Enforcement enforcement() const {
        const std::scoped_lock lock(mutex);
        return safety && !closing_safety ? ruleset::Enforcement::kObserve : ruleset::Enforcement::kEnforce;
    }
};

}  // namespace drywall::control

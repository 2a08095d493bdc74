// EditLog: when each policy was last edited, and where it stood then. What is known of a staged policy counts from the
// last edit of it, or of anything that is asked before it.
//
// Threads: a value; each generation has its own, immutable.
#pragma once

#include <chrono>
#include <map>
#include <span>
#include <utility>

#include "drywall/base/clock.h"
#include "drywall/control/controller.h"

namespace drywall::control {

// Where a policy is asked: by its tier's order, then by its own. Equal ones may be asked in either turn.
struct Standing {
    double tier = 0;
    double order = 0;
    auto operator<=>(const Standing&) const = default;
};

class EditLog {
public:
    using Time = std::chrono::system_clock::time_point;
    struct Edit {
        policy::ResourceId id;
        Generation generation{};
        Time time;
        Instant at{};  // the same moment by a clock that nobody sets; this process's
    };

    // Enters what `changes` did, now: `before` became `after`.
    void note(const policy::Inventory& before, const policy::Inventory& after, std::span<const Change> changes,
              Generation generation, Time time);
    // That this generation came into force at `time`, which is now, and not when it was noted.
    void happened(Generation generation, Time time) noexcept;

    // The last edit of this policy, of the enforced one that it stands for, or of a policy or tier that may be asked
    // before it; at the latest (in the beginning) the first generation that is known.
    [[nodiscard]] Edit last_that_concerns(const policy::Inventory& inventory, const policy::ResourceId& policy) const;
    // The same of all staged policies.
    [[nodiscard]] Edit last_of_any() const;

    // When the generation came into force, if this log was there.
    [[nodiscard]] std::optional<Time> time_of(Generation generation) const;

private:
    struct Entry {
        Generation generation{};
        Time time;
        Instant at{};
    };
    void forget_what_is_old();

    // By what was edited, and the foremost standing that it had around the edit.
    std::map<std::pair<policy::ResourceId, Standing>, Entry> entries_;
    std::map<Generation, Time> generations_;
    Edit floor_;  // everything earlier is forgotten: whatever is asked about was edited then at the latest
};

}  // namespace drywall::control

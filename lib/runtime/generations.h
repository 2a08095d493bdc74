// Generations: every ruleset that was published and is not yet freed, with its counters and the books they go into.
//
// Threads: any; one mutex, held while counters are read. The packet path never comes here.
// Life:    admitted before the workers see it; retired once no worker can; freed by the stats core's next round, when
//          every flow event that names it has been read.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "drywall/runtime/dataplane.h"
#include "drywall/runtime/ledger.h"
#include "in_force.h"

namespace drywall::runtime {

class Generations {
public:
    // `grace`: how long connections may be kept by the judgement of a generation that was superseded; absent: for as
    // long as they live.
    // `worker_nodes`: by worker, the NUMA node of its core.
    Generations(std::vector<int> worker_nodes, std::optional<Nanos> grace)
        : worker_nodes_(std::move(worker_nodes)), grace_(grace) {}

    // What workers may be pointed at. It stays where it is until retire(). `before`: what is in force now, whose
    // connections `existing` is about, and which is superseded `now`.
    [[nodiscard]] const InForce& admit(std::shared_ptr<const ruleset::Ruleset> ruleset, Existing existing,
                                       const InForce* before, Instant now);

    // From now on the one that report() calls current. REQUIRES: admitted
    void set_current(Generation generation);
    [[nodiscard]] std::shared_ptr<const ruleset::Ruleset> current() const;

    // Collects the counters for the last time and frees them; what its events tell is entered until the round that
    // frees the generation. REQUIRES: no worker can reach it any more
    void retire(Generation generation);

    // The stats core's round: between these two, everything retired before begin_round() is still found.
    void begin_round();
    void end_round();
    [[nodiscard]] std::vector<std::shared_ptr<const ruleset::Ruleset>> known() const;

    // Remembers the connections that opened, each for its generation's books. Stats core only.
    void count_connections(std::span<const telemetry::FlowEvent> events);

    // Enters what was counted since the last time into the books.
    void collect();
    // Fills in what the books say.
    void report(Snapshot& snapshot) const;

private:
    enum class Stage { kReachable, kRetired, kLastRound };
    struct Entry {
        std::unique_ptr<InForce> in_force;
        Ledger::Account account;
        Stage stage = Stage::kReachable;
    };

    void hand_on(const InForce& before, Instant now, InForce& next) const;

    const std::vector<int> worker_nodes_;  // each has counters of its own
    const std::optional<Nanos> grace_;
    mutable std::mutex mutex_;  // guards all below
    std::map<Generation, Entry> entries_;
    Generation current_{};
    Ledger ledger_;
};

}  // namespace drywall::runtime

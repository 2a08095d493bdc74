// DropHub: everybody who looks at dropped packets, and the desks at which the workers hand over copies. Whoever takes
// brings in what lies at all desks, for everyone: no thread of its own is needed.
//
// Threads: any; one mutex, which no worker ever takes.
// Memory:  kMostWatches watches, each with room for kWaiting packets that another one brought in.
// Life:    shared with its watches, so that one may outlive the dataplane. close() cuts it off from the rulesets.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "drop_desk.h"
#include "drywall/base/result.h"
#include "drywall/runtime/drop_watch.h"

namespace drywall::runtime {

class DropHub : public std::enable_shared_from_this<DropHub> {
public:
    using RulesetPtr = std::shared_ptr<const ruleset::Ruleset>;
    static constexpr std::size_t kMostWatches = 4;
    static constexpr std::size_t kWaiting = 4096;
    // Copied also for one who asks for less: a packet is known by its headers.
    static constexpr std::size_t kHeaderBytes = 128;

    // `known`: the rulesets by which workers may have judged lately.
    DropHub(std::size_t workers, std::uint32_t records, std::function<std::vector<RulesetPtr>()> known);

    [[nodiscard]] DropDesk& desk(WorkerId worker) noexcept { return *desks_[index(worker)]; }

    [[nodiscard]] Result<std::unique_ptr<DropWatch>> watch(std::size_t bytes);

    // The workers have stopped: brings in what they left, and ends every watch.
    void close();

private:
    class Watch;
    struct Looking {
        std::size_t bytes = 0;
        std::deque<DroppedPacket> waiting;
        std::uint64_t missed_before = 0;  // at the desks, when it began
        std::uint64_t missed = 0;         // brought in while it had no room
    };

    // REQUIRES of all: the mutex is held
    void look_as_far_as_needed();
    void bring_in();
    void give(std::size_t worker, const DropDesk::Record& record);
    [[nodiscard]] RulesetPtr ruleset_of(Generation generation) const;
    [[nodiscard]] std::uint64_t missed_at_desks() const;

    std::vector<std::unique_ptr<DropDesk>> desks_;  // by WorkerId
    mutable std::mutex mutex_;                      // guards what follows, and the askers' side of the desks
    std::function<std::vector<RulesetPtr>()> known_;
    std::vector<RulesetPtr> rulesets_;  // known now, and those known when packets were last brought in
    std::vector<Looking*> looking_;
    std::chrono::system_clock::time_point wall_;  // read together,
    Instant monotonic_;                           // to tell one from the other
    bool closed_ = false;
};

}  // namespace drywall::runtime

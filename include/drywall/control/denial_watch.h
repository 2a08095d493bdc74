// DenialWatch: stands before the flow log, hands every record on, and counts meanwhile what a change newly denied:
// connections that the generation before it would have let pass.
//
// Threads: the stats core calls on_event() and on_lost(); any thread the rest. While nothing is watched a record costs
//          one load more.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_set>
#include <vector>

#include "drywall/runtime/dataplane.h"

namespace drywall::control {

class DenialWatch final : public runtime::EventSink {
public:
    // `next` outlives it.
    explicit DenialWatch(runtime::EventSink& next) : next_(next) {}

    void on_event(const telemetry::FlowEvent& event, const ruleset::Ruleset* ruleset) override;
    void on_request(const telemetry::Request& request, const ruleset::Ruleset* ruleset) override;
    void on_lost(std::uint64_t records) override;

    // From now on denials by `since` and later generations are put to `previous`. Begin before `since` is published.
    void begin(Generation since, std::shared_ptr<const ruleset::Ruleset> previous);
    void end();

    struct Seen {
        std::uint64_t connections = 0;  // different ones: a packet sent again is the same connection
        std::vector<std::string> examples{};
        std::uint64_t records_lost = 0;  // then `connections` is a lower bound
    };
    // Since begin(), also after end().
    [[nodiscard]] Seen seen() const;

private:
    struct TupleHash {
        std::size_t operator()(const net::Tuple& tuple) const noexcept;
    };
    void look_at(const telemetry::FlowEvent& event);
    void look_at(const telemetry::Request& request);
    void note(const net::Tuple& tuple, std::string text);

    runtime::EventSink& next_;
    std::atomic<bool> watching_{false};
    mutable std::mutex mutex_;  // guards what follows
    Generation since_{};
    std::shared_ptr<const ruleset::Ruleset> previous_;
    std::unique_ptr<inspect::ConditionWorkspace> workspace_;  // for it, where it inspects
    std::unordered_set<net::Tuple, TupleHash> denied_;
    Seen seen_;
};

}  // namespace drywall::control

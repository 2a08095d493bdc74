// Wire: an engine between two segments, with its counters, a fake clock and the rulesets of a test.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "accounts.h"
#include "drywall/engine/engine.h"
#include "packets.h"
#include "resources.h"

namespace drywall::engine {

class Wire {
public:
    static constexpr std::size_t kPorts = 3;

    explicit Wire(RulesetPtr first, EngineSettings settings = default_settings())
        : counters_(kPorts), engine_(settings, counters_) {
        use(std::move(first));
    }

    static EngineSettings default_settings() {
        EngineSettings settings;
        settings.worker = WorkerId{3};
        settings.peer_of = wire_surroundings().peer_of;
        settings.non_ip = {{net::ether_type::kArp, Verdict::kAllow}};
        settings.flow_capacity = 4096;
        settings.fragment_capacity = 64;
        settings.hash_seed = 42;
        return settings;
    }

    void use(RulesetPtr ruleset) {
        ruleset_ = std::move(ruleset);
        using Requests = telemetry::TraceCounters::Requests;
        const Requests requests = ruleset_->inspects() ? Requests::kCounted : Requests::kNone;
        history_.push_back(std::make_unique<telemetry::TraceCounters>(ruleset_->trace_count(), requests));
        workspace_ = std::make_unique<inspect::ConditionWorkspace>();
        EXPECT_TRUE(!ruleset_->inspects() || workspace_->grow_for(ruleset_->conditions()));
    }
    void use(RulesetPtr ruleset, const Existing& existing) {
        use(std::move(ruleset));
        existing_ = existing;
    }
    void keep_from(Generation oldest) { existing_.keep_from = oldest; }  // while the same ruleset is in force
    void pass(Nanos time) { now_ = now_ + time; }

    std::vector<DropReason> burst(std::span<const net::FrameView> frames) {
        std::vector<Decision> decisions(frames.size());
        events_.clear();
        engine_.process(frames, *ruleset_, *history_.back(), now_, decisions, events_, existing_, workspace_.get());
        std::vector<DropReason> drops(frames.size());
        std::transform(decisions.begin(), decisions.end(), drops.begin(), [](const Decision& d) { return d.drop; });
        forwarded_ += static_cast<std::uint64_t>(std::count(drops.begin(), drops.end(), DropReason::kNone));
        last_ = std::move(decisions);
        return drops;
    }
    std::vector<DropReason> burst(std::initializer_list<test::Packet> packets) {
        return burst(test::Frames(packets).views());
    }
    DropReason send(const test::Packet& packet) { return burst({packet}).front(); }

    // A whole round of the sweep. Returns what it reported.
    std::vector<telemetry::FlowEvent> sweep_all() {
        std::vector<telemetry::FlowEvent> ended;
        for (std::size_t call = 0; call < 4096 / Engine::kSweepStep; ++call) {
            events_.clear();
            engine_.sweep(now_, events_);
            ended.insert(ended.end(), events_.begin(), events_.end());
        }
        return ended;
    }

    // The kinds of the last burst's events, in order.
    [[nodiscard]] std::vector<telemetry::FlowEventKind> event_kinds() const {
        std::vector<telemetry::FlowEventKind> kinds;
        for (const telemetry::FlowEvent& event : events_) kinds.push_back(event.kind);
        return kinds;
    }
    [[nodiscard]] const telemetry::EventBatch& events() const { return events_; }
    [[nodiscard]] const Decision& last_decision() const { return last_.back(); }
    [[nodiscard]] const telemetry::WorkerCounters& counters() const { return counters_; }
    [[nodiscard]] const ruleset::Ruleset& ruleset() const { return *ruleset_; }
    [[nodiscard]] telemetry::TraceCounters& traces() { return *history_.back(); }
    [[nodiscard]] Engine& engine() { return engine_; }
    [[nodiscard]] Instant now() const { return now_; }

    [[nodiscard]] std::uint64_t dropped(DropReason reason) const { return counters_.dropped.read(reason).packets; }
    [[nodiscard]] std::uint64_t received() const {
        return std::accumulate(counters_.received.begin(), counters_.received.end(), std::uint64_t{0},
                               [](std::uint64_t sum, const auto& port) { return sum + port.read().packets; });
    }
    // Sum over the traces of all generations.
    [[nodiscard]] std::uint64_t judged() const {
        std::uint64_t sum = 0;
        for (const auto& traces : history_)
            for (std::size_t trace = 0; trace < traces->size(); ++trace)
                sum += traces->read(TraceId{static_cast<std::uint32_t>(trace)}).packets;
        return sum;
    }

    // received == forwarded + sum of drops, and whoever was not judged has a counter that says why.
    void expect_all_accounted() const {
        EXPECT_EQ(received(), forwarded_ + dropped_packets(counters_));
        EXPECT_EQ(received(), judged() + unjudged_packets(counters_));
    }

private:
    telemetry::WorkerCounters counters_;
    Engine engine_;
    RulesetPtr ruleset_;
    std::vector<std::unique_ptr<telemetry::TraceCounters>> history_;  // of each ruleset that was in force, last: now
    std::unique_ptr<inspect::ConditionWorkspace> workspace_;          // of the one that is in force now
    std::vector<Decision> last_;
    telemetry::EventBatch events_;
    Existing existing_;
    Instant now_{std::chrono::seconds(1000)};
    std::uint64_t forwarded_ = 0;
};

}  // namespace drywall::engine

// The whole engine against its slow twin, and every judgement of the twin's against the reference evaluator: bursts,
// time, sweeps, generations that check, keep or reset what is there, and that are put back. After each step both hold
// the same connections, and have said the same of each packet, for the same reason and by the same rules.
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "accounts.h"
#include "drywall/engine/engine.h"
#include "drywall/reference/evaluator.h"
#include "engine_input.h"
#include "input.h"
#include "naive_engine.h"
#include "told.h"
#include "worlds.h"

namespace {

using namespace drywall;
using engine::Decision;
using engine::NaiveEngine;
using fuzz::Input;
using fuzz::require;

void require_equal(std::string_view found, std::string_view expected, const char* what) {
    if (found == expected) return;
    std::fprintf(stderr, "found\n%.*s\nexpected\n%.*s\n", static_cast<int>(found.size()), found.data(),
                 static_cast<int>(expected.size()), expected.data());
    require(false, what);
}

std::string text(const flow::StateCounts& counts) {
    std::string out = "half open " + std::to_string(counts.half_open) + ", by state";
    for (const std::uint32_t count : counts.by_state) out += " " + std::to_string(count);
    return out;
}

const reference::Evaluator& evaluator_of(const ruleset::Ruleset& ruleset) {
    static const std::vector<reference::Evaluator> all = [] {
        std::vector<reference::Evaluator> result;
        for (const fuzz::World& world : fuzz::worlds()) result.emplace_back(world.inventory(), world.surroundings());
        return result;
    }();
    std::size_t number = 0;
    while (&fuzz::worlds()[number].ruleset().program() != &ruleset.program()) ++number;
    return all[number];
}

// The linear oracle knows hits by their numbers, which is what the engine counts; the reference, what they have to be.
classify::Trace judge(const ruleset::Ruleset& ruleset, const net::Tuple& tuple) {
    classify::Trace trace = NaiveEngine::ask_oracle(ruleset, tuple);
    require_equal(test::told(ruleset, trace), test::told(evaluator_of(ruleset).judge(tuple)),
                  "the compiled program says what the reference says");
    return trace;
}

class Run {
public:
    explicit Run(Input& input)
        : input_(input),
          site_(fuzz::site_from(input)),
          frames_(input),
          counters_(fuzz::kPorts),
          engine_(site_.settings, counters_),
          twin_(site_.settings, judge, site_.sources) {
        change();
    }

    void step() {
        switch (input_.byte() % 16) {
            case 0: now_ = now_ + std::chrono::milliseconds(100 * input_.byte()); return;
            case 1: now_ = now_ + std::chrono::seconds(input_.byte()); return;
            case 2: return sweep();
            case 3: return change();
            case 4: return put_back();
            case 5: return burst(2 + input_.byte() % 6);
            default: return burst(1);
        }
    }

    void finish() const {
        for (const NaiveEngine::Counted& counted : twin_.counted()) {
            const Generations& all = generations_[index(counted.generation) - 1];
            const ruleset::Ruleset& ruleset = *all.publication.ruleset;
            std::uint64_t packets = 0;
            for (std::uint32_t trace = 0; trace < ruleset.trace_count(); ++trace)
                if (ruleset.trace(TraceId{trace}) == counted.trace) packets += all.traces->read(TraceId{trace}).packets;
            require(packets == counted.packets, "each trace counts the packets that it decided");
        }
        for (const DropReasonText& reason : kDropReasons) {
            const auto expected = twin_.observed().find(reason.reason);
            require(counters_.observed.read(reason.reason).packets ==
                        (expected == twin_.observed().end() ? 0 : expected->second),
                    "what only observes counts what it would have dropped");
        }
        require(counters_.kept_passed.read().packets == twin_.unjudged().kept, "packets of kept connections");
        require(counters_.reset_dropped.read().packets == twin_.unjudged().reset, "packets of reset connections");
        require(counters_.related_passed.read().packets == twin_.unjudged().related, "errors about connections");
    }

private:
    struct Generations {
        fuzz::Publication publication;
        std::unique_ptr<telemetry::TraceCounters> traces;
        std::size_t before = 0;  // which was in force then
    };

    void sweep() {
        static_assert(fuzz::kFlows <= engine::Engine::kSweepStep && fuzz::kFragments <= engine::Engine::kSweepStep);
        events_.clear();
        engine_.sweep(now_, events_);
        twin_.sweep(now_);
        check_connections();
    }

    void change() {
        constexpr std::size_t kMostGenerations = 40;
        if (generations_.size() == kMostGenerations) return;
        const fuzz::World& world = fuzz::worlds()[input_.byte() % fuzz::worlds().size()];
        const std::uint8_t how = input_.byte();
        const bool observe = how % 16 == 15;
        generations_.push_back({fuzz::publish(world, Generation{generations_.size() + 1},
                                              observe ? ruleset::Enforcement::kObserve : ruleset::Enforcement::kEnforce,
                                              static_cast<fuzz::How>(how % 3),
                                              generations_.empty() ? nullptr : &generations_[in_force_].publication),
                                nullptr, in_force_});
        in_force_ = generations_.size() - 1;
        generations_.back().traces =
            std::make_unique<telemetry::TraceCounters>(generations_.back().publication.ruleset->trace_count());
    }
    // As when a worker did not take the last one in time.
    void put_back() { in_force_ = generations_[in_force_].before; }

    void burst(std::size_t count) {
        test::Frames frames;
        for (; count > 0; --count) frames_.add_to(frames);
        Generations& current = generations_[in_force_];
        const ruleset::Ruleset& ruleset = *current.publication.ruleset;
        events_.clear();
        decisions_.fill({.drop = DropReason::kTxRefused});  // which the engine never says
        engine_.process(frames.views(), ruleset, *current.traces, now_, decisions_, events_,
                        current.publication.existing);
        for (std::size_t i = 0; i < frames.size(); ++i) {
            const Decision& found = decisions_[i];
            const NaiveEngine::Decided expected = twin_.decide(frames[i], ruleset, now_, current.publication.existing);
            require_equal(name(found.drop), name(expected.drop), "both decide alike");
            require((found.trace != Decision::kUnjudged) == expected.trace.has_value(), "both ask policy, or neither");
            if (expected.trace) require(ruleset.trace(found.trace) == *expected.trace, "both by the same rules");
        }
        check_connections();
    }

    void check_connections() const {
        require(engine_.flow_count() == twin_.flow_count(), "both hold as many connections");
        require_equal(text(engine_.flow_counts()), text(twin_.flow_counts()), "both hold them in the same states");
    }

    Input& input_;
    fuzz::Site site_;
    fuzz::FramesFrom frames_;
    telemetry::WorkerCounters counters_;
    engine::Engine engine_;
    NaiveEngine twin_;
    std::vector<Generations> generations_;  // by their number - 1
    std::size_t in_force_ = 0;
    Instant now_{std::chrono::seconds(1000)};
    std::array<Decision, kMaxBurst> decisions_;
    telemetry::EventBatch events_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input({data, size});
    Run run(input);
    while (!input.empty()) run.step();
    run.finish();
    return 0;
}

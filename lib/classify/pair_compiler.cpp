#include "pair_compiler.h"

#include <array>
#include <memory>
#include <numeric>
#include <optional>
#include <string>

#include "step_grid.h"

namespace drywall::classify {
namespace {

using Classes = std::vector<std::uint32_t>;

Classes all_of(const SideClasses& side) {
    Classes classes(side.size());
    std::iota(classes.begin(), classes.end(), 0);
    return classes;
}

// The classes of one side by the step that its party takes.
std::vector<Classes> by_step(const SideClasses& side, std::size_t steps) {
    std::vector<Classes> members(steps);
    for (std::uint32_t id = 0; id < side.size(); ++id) {
        if (side.step[id] != kNone) members[side.step[id]].push_back(id);
    }
    return members;
}

class Compiler {
public:
    Compiler(const Program& program, const NormalProgram& normal, const AddressClasses& addresses,
             const ServiceClasses& services, const PairBudget& budget)
        : program_(program),
          normal_(normal),
          addresses_(addresses),
          budget_(budget),
          functions_(services.count),
          evaluator_(normal, services, functions_, paths_),
          context_{normal, addresses, evaluator_, functions_, {}, [this] { return within_budget(); }},
          blocks_(functions_) {}

    Result<PairTables> run() {
        build_grids();
        PairTables tables;
        if (within_budget()) {
            tables.pairs.reserve(normal_.lanes.size() * addresses_.source.size() * addresses_.destination.size());
            for (std::size_t lane = 0; lane < normal_.lanes.size() && within_budget(); ++lane) {
                for (std::uint32_t source = 0; source < addresses_.source.size() && within_budget(); ++source) {
                    compile_row(lane, source, tables.pairs);
                }
            }
        }
        if (!within_budget()) return refusal();
        tables.blocks = std::move(blocks_).take();
        tables.traces = paths_.traces();
        return tables;
    }

private:
    using Grid = std::optional<StepGrid>;

    void build_grids() {
        const Classes sources = all_of(addresses_.source);
        const Classes destinations = all_of(addresses_.destination);
        const std::vector<Classes> sources_of = by_step(addresses_.source, normal_.steps.size());
        const std::vector<Classes> destinations_of = by_step(addresses_.destination, normal_.steps.size());
        egress_.resize(normal_.steps.size());
        ingress_.resize(normal_.steps.size());
        port_.resize(normal_.steps.size());
        position_.resize(destinations.size(), 0);
        for (std::uint32_t step = 0; step < normal_.steps.size(); ++step) {
            if (!sources_of[step].empty()) build(egress_[step], step, sources_of[step], destinations);
            if (!destinations_of[step].empty()) build(ingress_[step], step, sources, destinations_of[step]);
            for (std::uint32_t at = 0; at < destinations_of[step].size(); ++at) {
                position_[destinations_of[step][at]] = at;
            }
        }
        for (const NormalLane& lane : normal_.lanes) {
            for (const std::uint32_t step : {lane.ingress_port, lane.egress_port}) {
                if (step != kNone && !port_[step]) build(port_[step], step, sources, destinations);
            }
        }
        if (normal_.failsafe != kNone) build(failsafe_, normal_.failsafe, sources, destinations);
    }

    void build(Grid& grid, std::uint32_t step, const Classes& sources, const Classes& destinations) {
        if (!within_budget()) return;
        grid.emplace(context_, normal_.steps[step], sources, destinations);
        grid_bytes_ += grid->bytes();
    }

    void compile_row(std::size_t lane, std::uint32_t source, std::vector<std::uint32_t>& pairs) {
        for (std::uint32_t destination = 0; destination < addresses_.destination.size(); ++destination) {
            pairs.push_back(blocks_.block_of(judgement(normal_.lanes[lane], source, destination)));
            if (!within_budget()) return;
        }
    }

    // service class -> trace
    FunctionId judgement(const NormalLane& lane, std::uint32_t source, std::uint32_t destination) {
        const std::uint32_t egress = addresses_.source.step[source];
        const std::uint32_t ingress = addresses_.destination.step[destination];
        std::uint32_t so_far = kNone;
        if (lane.ingress_port != kNone) then(so_far, port_[lane.ingress_port]->at(source, destination));
        if (egress != kNone) then(so_far, egress_[egress]->at(source, destination));
        if (ingress != kNone) then(so_far, ingress_[ingress]->at(source, position_[destination]));
        if (lane.egress_port != kNone) then(so_far, port_[lane.egress_port]->at(source, destination));
        return finish(so_far, failsafe_ ? failsafe_->at(source, destination) : kNone);
    }

    // One more step behind those judged so far.
    void then(std::uint32_t& so_far, FunctionId next) {
        if (so_far == kNone) {
            so_far = next;
            return;
        }
        const std::array<std::uint32_t, 2> key{so_far, next};
        so_far = joined_.get(key, [&] {
            return functions_.combine(key[0], key[1], [this](std::uint64_t a, std::uint64_t b) {
                return both_worlds(paths_.then(enforced_of(a), enforced_of(b)),
                                   paths_.then(pending_of(a), pending_of(b)));
            });
        });
    }

    // The traces, with the failsafe list in front of everything.
    FunctionId finish(std::uint32_t judged, std::uint32_t failsafe) {
        const std::array<std::uint32_t, 2> key{judged, failsafe};
        return finished_.get(key, [&] {
            const bool unmatched = judged == kNone;
            const FunctionId last = unmatched ? this->unmatched() : judged;
            const FunctionId first = failsafe == kNone ? nothing() : failsafe;
            return functions_.combine(first, last, [&](std::uint64_t safe, std::uint64_t paths) {
                if (enforced_of(safe) != kNone) return trace(safe, false);
                return trace(paths, unmatched);
            });
        });
    }

    std::uint64_t trace(std::uint64_t paths, bool unmatched) {
        return index(paths_.trace(enforced_of(paths), pending_of(paths), unmatched));
    }

    FunctionId nothing() { return functions_.constant(both_worlds(kNone, kNone)); }

    FunctionId unmatched() {
        const std::array<std::uint32_t, 1> hit{static_cast<std::uint32_t>(program_.unmatched_hit)};
        const PathId path = paths_.add(program_.unmatched, hit);
        return functions_.constant(both_worlds(path, path));
    }

    [[nodiscard]] std::size_t working_bytes() const noexcept {
        return functions_.bytes() + paths_.bytes() + evaluator_.bytes() + context_.joined_worlds.bytes() +
               joined_.bytes() + finished_.bytes() + grid_bytes_;
    }

    [[nodiscard]] bool within_budget() const noexcept {
        return blocks_.bytes() <= budget_.block_bytes && blocks_.addressable() &&
               paths_.trace_count() <= budget_.traces && working_bytes() <= budget_.working_bytes;
    }

    [[nodiscard]] Error refusal() const {
        const auto refuse = [](const std::string& what, std::size_t is, std::size_t may_be, const std::string& unit) {
            return Error::of(ErrorKind::kRefused,
                             what + " would take more than " + std::to_string(may_be) + unit + " (" +
                                 std::to_string(is) + " when the compilation stopped)",
                             "let fewer different policies meet on one pair of endpoints, or raise the classifier's "
                             "budget");
        };
        if (paths_.trace_count() > budget_.traces) {
            return refuse("the combinations of hits", paths_.trace_count(), budget_.traces, " traces");
        }
        if (working_bytes() > budget_.working_bytes) {
            return refuse("the compilation itself", working_bytes(), budget_.working_bytes, " bytes");
        }
        return refuse("the blocks of traces", blocks_.bytes(), budget_.block_bytes, " bytes");
    }

    const Program& program_;
    const NormalProgram& normal_;
    const AddressClasses& addresses_;
    PairBudget budget_;
    ServiceFunctions functions_;
    Paths paths_;
    WalkEvaluator evaluator_;
    GridContext context_;
    BlockTable blocks_;
    Memo joined_;                // function of both_worlds, function of both_worlds -> the same, one after the other
    Memo finished_;              // function of both_worlds, failsafe function -> function of traces
    std::vector<Grid> egress_;   // by step: all sources with it x all destinations
    std::vector<Grid> ingress_;  // by step: all sources x the destinations with it
    std::vector<Grid> port_;     // by step: all x all
    Grid failsafe_;
    std::vector<std::uint32_t> position_;  // by destination class: its place among those with its step
    std::size_t grid_bytes_ = 0;
};

}  // namespace

Result<PairTables> compile_pairs(const Program& program, const NormalProgram& normal, const AddressClasses& addresses,
                                 const ServiceClasses& services, const PairBudget& budget) {
    return Compiler(program, normal, addresses, services, budget).run();
}

}  // namespace drywall::classify

#include "pair_compiler.h"

#include <array>
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
          context_{normal, addresses, evaluator_, functions_, [this] { return within_budget(); }},
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
    void build_grids() {
        const Classes sources = all_of(addresses_.source);
        const std::vector<Classes> sources_of = by_step(addresses_.source, normal_.steps.size());
        const std::vector<Classes> destinations_of = by_step(addresses_.destination, normal_.steps.size());
        for (std::uint32_t step = 0; step < normal_.steps.size(); ++step) {
            build(egress_, step, sources_of[step]);
            build(ingress_, step, destinations_of[step]);
        }
        port_.resize(normal_.steps.size());
        for (const NormalLane& lane : normal_.lanes) {
            for (const std::uint32_t step : {lane.ingress_port, lane.egress_port}) {
                if (step != kNone && !port_[step]) build_for_all(port_[step], step, sources);
            }
        }
        if (normal_.failsafe != kNone) build_for_all(failsafe_, normal_.failsafe, sources);
    }

    void build(StepGrid& grid, std::uint32_t step, const Classes& outer) {
        if (outer.empty() || !within_budget()) return;
        const std::size_t before = grid.bytes();
        grid.add(normal_.steps[step], outer);
        grid_bytes_ += grid.bytes() - before;
    }

    void build_for_all(std::optional<StepGrid>& grid, std::uint32_t step, const Classes& sources) {
        grid.emplace(context_, Side::kSource);
        grid_bytes_ += grid->bytes();
        build(*grid, step, sources);
    }

    void compile_row(std::size_t lane, std::uint32_t source, std::vector<std::uint32_t>& pairs) {
        for (std::uint32_t destination = 0; destination < addresses_.destination.size(); ++destination) {
            pairs.push_back(blocks_.block_of(judgement(normal_.lanes[lane], source, destination)));
            if (!within_budget()) return;
        }
    }

    // service class -> trace
    FunctionId judgement(const NormalLane& lane, std::uint32_t source, std::uint32_t destination) {
        std::array<FunctionId, 4> steps{};
        std::size_t count = 0;
        if (lane.ingress_port != kNone) steps[count++] = port_[lane.ingress_port]->at(source, destination);
        if (addresses_.source.step[source] != kNone) steps[count++] = egress_.at(source, destination);
        if (addresses_.destination.step[destination] != kNone) steps[count++] = ingress_.at(destination, source);
        if (lane.egress_port != kNone) steps[count++] = port_[lane.egress_port]->at(source, destination);
        FunctionId before = kNone;
        for (std::size_t at = 0; at + 1 < count; ++at) before = at == 0 ? steps[0] : then(before, steps[at]);
        const FunctionId last = count == 0 ? kNone : steps[count - 1];
        return traces_of(before, last, failsafe_ ? failsafe_->at(source, destination) : kNone);
    }

    FunctionId then(FunctionId first, FunctionId next) {
        const std::array<std::uint32_t, 2> key{first, next};
        return joined_.get(key, [&] {
            return functions_.combine(first, next,
                                      [this](std::uint64_t a, std::uint64_t b) { return paths_.then(a, b); });
        });
    }

    // What was judged before the last step (kNone: nothing), the last step (kNone: there was no step at all), and the
    // failsafe list (kNone: there is none) in front of everything.
    FunctionId traces_of(FunctionId before, FunctionId last, FunctionId failsafe) {
        const std::array<std::uint32_t, 3> key{before, last, failsafe};
        return finished_.get(key, [&] {
            const FunctionId judged = traces_of(before, last);
            if (failsafe == kNone) return judged;
            return functions_.combine(failsafe, judged, [this](std::uint64_t safe, std::uint64_t trace) {
                return enforced_of(safe) == kNone ? trace : std::uint64_t{index(paths_.trace(safe))};
            });
        });
    }

    FunctionId traces_of(FunctionId before, FunctionId last) {
        if (last == kNone) {
            return functions_.constant(index(paths_.unmatched(program_.unmatched, program_.unmatched_hit)));
        }
        if (before == kNone) {
            return functions_.map(last,
                                  [this](std::uint64_t both) { return std::uint64_t{index(paths_.trace(both))}; });
        }
        return functions_.combine(before, last, [this](std::uint64_t a, std::uint64_t b) {
            return std::uint64_t{index(paths_.trace(a, b))};
        });
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
    Memo<2> joined_;    // one step's function, the next one's -> the function of both, one after the other
    Memo<3> finished_;  // steps before, last step, failsafe -> function of traces
    StepGrid egress_{context_, Side::kSource};
    StepGrid ingress_{context_, Side::kDestination};
    std::vector<std::optional<StepGrid>> port_;  // by step
    std::optional<StepGrid> failsafe_;
    std::size_t grid_bytes_ = 0;
};

}  // namespace

Result<PairTables> compile_pairs(const Program& program, const NormalProgram& normal, const AddressClasses& addresses,
                                 const ServiceClasses& services, const PairBudget& budget) {
    return Compiler(program, normal, addresses, services, budget).run();
}

}  // namespace drywall::classify

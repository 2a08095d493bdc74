#include "pair_compiler.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>
#include <string>

#include "row_builder.h"
#include "source_grid.h"
#include "step_judge.h"

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

// Which steps a source's packets take before the destination's own one, and the failsafe list, in this order.
enum : std::uint8_t { kIngressPort, kEgress, kEgressPort, kFailsafe, kFronts };
// What they answer at one destination: functions, or kNoStep.
using Front = std::array<FunctionId, kFronts>;

// How the sources of one lane are told apart by these steps.
struct LaneFronts {
    std::array<const SourceGrid*, kFronts> grids{};  // null: no such step
    std::vector<std::uint32_t> profile_of;           // by source
    std::vector<std::array<std::uint32_t, kFronts>> profiles;  // the groups of the grids
    std::vector<std::uint32_t> mostly;               // by profile: the front where no grid differs
};

class Compiler {
public:
    Compiler(const Program& program, const NormalProgram& normal, const AddressClasses& addresses,
             const ServiceClasses& services, const PairBudget& budget)
        : program_(program),
          normal_(normal),
          addresses_(addresses),
          budget_(budget),
          service_classes_(services.count),
          functions_(services.count),
          evaluator_(normal, services, functions_, paths_),
          source_members_(addresses.source),
          destination_members_(addresses.destination),
          context_{normal, addresses, evaluator_, functions_},
          judge_sources_(context_, Side::kSource, destination_members_),
          judge_destinations_(context_, Side::kDestination, source_members_),
          blocks_(functions_),
          functions_at_(addresses.source.size(), 0),
          blocks_at_(addresses.source.size(), 0) {}

    Result<PairTables> run() {
        build_grids();
        PairTables tables;
        if (within_budget()) {
            tables.rows.resize(normal_.lanes.size() * addresses_.destination.size() * source_chunks());
            compile_rows(tables.rows);
        }
        if (!within_budget()) return refusal();
        tables.traces = paths_.traces();
        const std::size_t bytes = as_blocks();
        tables.blocks = std::move(blocks_).take();
        tables.block_count = tables.blocks.blocks.size();
        write_row_tables(tables, bytes);
        if (!tables.row_tables.empty()) {
            tables.rows = {};
            tables.blocks = {};
            return tables;
        }
        if (bytes > budget_.block_bytes || budget_.structure == Structure::kRows) return blocks_too_large(bytes);
        write_lists(tables);
        return tables;
    }

private:
    void build_grids() {
        const Classes sources = all_of(addresses_.source);
        const std::vector<Classes> sources_of = by_step(addresses_.source, normal_.steps.size());
        egress_.emplace(sources.size());
        for (std::uint32_t step = 0; step < normal_.steps.size(); ++step) add(*egress_, step, sources_of[step]);
        egress_->finish(addresses_.destination.size());
        grid_bytes_ += egress_->bytes();
        port_.resize(normal_.steps.size());
        for (const NormalLane& lane : normal_.lanes) {
            for (const std::uint32_t step : {lane.ingress_port, lane.egress_port}) {
                if (step != kNone && !port_[step]) build_for_all(port_[step], step, sources);
            }
        }
        if (normal_.failsafe != kNone) build_for_all(failsafe_, normal_.failsafe, sources);
        for (const NormalLane& lane : normal_.lanes) lanes_.push_back(fronts_of(lane));
    }

    void add(SourceGrid& grid, std::uint32_t step, const Classes& sources) {
        if (sources.empty()) return;
        grid.add(judge_sources_, normal_.steps[step], sources,
                 [&] { return working_bytes() + grid.bytes() <= budget_.working_bytes; });
    }

    void build_for_all(std::optional<SourceGrid>& grid, std::uint32_t step, const Classes& sources) {
        grid.emplace(sources.size());
        add(*grid, step, sources);
        grid->finish(addresses_.destination.size());
        grid_bytes_ += grid->bytes();
    }

    [[nodiscard]] LaneFronts fronts_of(const NormalLane& lane) const {
        const auto port = [this](std::uint32_t step) { return step == kNone ? nullptr : &*port_[step]; };
        LaneFronts fronts;
        fronts.grids = {port(lane.ingress_port), &*egress_, port(lane.egress_port), failsafe_ ? &*failsafe_ : nullptr};
        Interner<std::uint32_t> known;
        for (std::uint32_t source = 0; source < addresses_.source.size(); ++source) {
            std::array<std::uint32_t, kFronts> groups{};
            for (std::size_t step = 0; step < kFronts; ++step)
                groups[step] = fronts.grids[step] == nullptr ? 0 : fronts.grids[step]->group_of(source);
            const std::uint32_t profile = known.intern(groups);
            if (profile == fronts.profiles.size()) fronts.profiles.push_back(groups);
            fronts.profile_of.push_back(profile);
        }
        return fronts;
    }

    void write_lists(PairTables& tables) const {
        tables.lists.reserve(lists_.size() * kChunk);
        for (std::uint32_t list = 0; list < lists_.size(); ++list)
            tables.lists.insert(tables.lists.end(), lists_[list].begin(), lists_[list].end());
    }

    // Rows with numbers of their own are shorter to read: they may take somewhat more, and whatever they like where
    // both are small.
    void write_row_tables(PairTables& tables, std::size_t as_blocks) const {
        constexpr std::size_t kSmall = std::size_t{1} << 20;
        if (!addresses_.packable() || budget_.structure == Structure::kBlocks) return;
        const std::size_t otherwise = tables.rows.size() * sizeof(tables.rows[0]) + as_blocks;
        const std::size_t worth =
            budget_.structure == Structure::kRows ? budget_.block_bytes : std::max(otherwise + otherwise / 2, kSmall);
        const std::size_t most = std::min(worth, budget_.block_bytes);
        tables.row_tables =
            build_row_tables({tables.rows, lists_, tables.blocks, addresses_.source.size(), service_classes_}, most);
    }

    [[nodiscard]] std::size_t source_chunks() const noexcept { return chunks_of(addresses_.source.size()); }

    void compile_rows(std::vector<std::uint32_t>& rows) {
        const std::vector<Classes> destinations_of = by_step(addresses_.destination, normal_.steps.size());
        for (std::uint32_t step = 0; step < normal_.steps.size(); ++step) {
            const Classes& destinations = destinations_of[step];
            if (destinations.empty()) continue;
            const Grouping groups = judge_destinations_.group(normal_.steps[step], destinations);
            std::vector<Classes> members(groups.representative.size());
            for (std::size_t at = 0; at < destinations.size(); ++at)
                members[groups.group_of[at]].push_back(destinations[at]);
            for (const Classes& alike : members) {
                if (!within_budget()) return;
                compile_rows(alike, judge_destinations_.row(normal_.steps[step], alike.front()), rows);
            }
        }
        Classes unjudged;
        for (std::uint32_t to = 0; to < addresses_.destination.size(); ++to)
            if (addresses_.destination.step[to] == kNone) unjudged.push_back(to);
        compile_rows(unjudged, {.functions = {kNoStep}, .others = {}}, rows);
    }

    // Destinations whose own step answers alike, in every lane.
    void compile_rows(const Classes& destinations, const StepRow& ingress, std::vector<std::uint32_t>& rows) {
        for (const StepRow::Other& other : ingress.others) functions_at_[other.inner] = other.function;
        for (const std::uint32_t to : destinations) {
            for (std::size_t lane = 0; lane < lanes_.size() && within_budget(); ++lane) {
                answer_sources(lanes_[lane], to, ingress);
                const std::size_t row = lane * addresses_.destination.size() + to;
                write_chunks(std::span(rows).subspan(row * source_chunks(), source_chunks()));
            }
        }
        for (const StepRow::Other& other : ingress.others) functions_at_[other.inner] = 0;
    }

    // Fills blocks_at_: the block of each source. No block is made for what no source meets, so that there is no trace
    // which no packet has.
    void answer_sources(LaneFronts& lane, std::uint32_t to, const StepRow& ingress) {
        const std::vector<std::uint32_t>& fronts = fronts_at(lane, to);
        const bool alike = std::ranges::all_of(fronts, [&](std::uint32_t front) { return front == fronts[0]; });
        if (alike) {
            blocks_of_functions_.clear();
            for (const FunctionId function : ingress.functions)
                blocks_of_functions_.push_back(block_of(fronts[0], function));
            std::ranges::fill(blocks_at_, blocks_of_functions_[0]);
            for (const StepRow::Other& other : ingress.others)
                blocks_at_[other.inner] = blocks_of_functions_[other.function];
            return;
        }
        blocks_of_profiles_.assign(lane.profiles.size(), kNone);  // of those whom the step mostly answers
        for (std::size_t source = 0; source < blocks_at_.size(); ++source) {
            const std::uint32_t profile = lane.profile_of[source];
            const std::uint32_t function = functions_at_[source];
            if (function != 0) {
                blocks_at_[source] = block_of(fronts[profile], ingress.functions[function]);
                continue;
            }
            std::uint32_t& block = blocks_of_profiles_[profile];
            if (block == kNone) block = block_of(fronts[profile], ingress.functions[0]);
            blocks_at_[source] = block;
        }
    }

    // By profile.
    const std::vector<std::uint32_t>& fronts_at(LaneFronts& lane, std::uint32_t to) {
        const bool differs = std::ranges::any_of(
            lane.grids, [to](const SourceGrid* grid) { return grid != nullptr && grid->differs_at(to); });
        if (!differs && !lane.mostly.empty()) return lane.mostly;
        for (std::size_t step = 0; step < kFronts; ++step) {
            answers_[step].assign(1, kNoStep);
            if (lane.grids[step] != nullptr) lane.grids[step]->answers_at(to, answers_[step]);
        }
        std::vector<std::uint32_t>& fronts = differs ? fronts_ : lane.mostly;
        fronts.clear();
        for (const auto& groups : lane.profiles) {
            Front front{};
            for (std::size_t step = 0; step < kFronts; ++step) front[step] = answers_[step][groups[step]];
            fronts.push_back(known_fronts_.intern(front));
        }
        return fronts;
    }

    // What a row says of each chunk of sources.
    void write_chunks(std::span<std::uint32_t> row) {
        for (std::size_t chunk = 0; chunk < row.size(); ++chunk) {
            const auto sources = std::span<const std::uint32_t>(blocks_at_).subspan(chunk * kChunk);
            Chunk blocks{};
            const std::size_t count = std::min(sources.size(), kChunk);
            std::ranges::copy(sources.first(count), blocks.begin());
            // Places without a class: the block of the last one, which exists.
            std::fill(blocks.begin() + static_cast<std::ptrdiff_t>(count), blocks.end(), blocks[count - 1]);
            row[chunk] = lists_.intern(blocks);
        }
    }

    std::uint32_t block_of(std::uint32_t front, FunctionId ingress) {
        const std::array<std::uint32_t, 2> key{front, ingress};
        return known_blocks_.get(key, [&] {
            Front steps{};
            std::ranges::copy(known_fronts_[front], steps.begin());
            return blocks_.block_of(judgement(steps, ingress));
        });
    }

    // service class -> trace
    FunctionId judgement(const Front& front, FunctionId ingress) {
        FunctionId before = kNone;
        FunctionId last = kNone;
        for (const FunctionId step : {front[kIngressPort], front[kEgress], ingress, front[kEgressPort]}) {
            if (step == kNoStep) continue;
            if (last != kNone) before = before == kNone ? last : then(before, last);
            last = step;
        }
        return traces_of(before, last, front[kFailsafe]);
    }

    FunctionId then(FunctionId first, FunctionId next) {
        const std::array<std::uint32_t, 2> key{first, next};
        return joined_.get(key, [&] {
            return functions_.combine(first, next,
                                      [this](std::uint64_t a, std::uint64_t b) { return paths_.then(a, b); });
        });
    }

    // What was judged before the last step (kNone: nothing), the last step (kNone: there was no step at all), and the
    // failsafe list (kNoStep: there is none) in front of everything.
    FunctionId traces_of(FunctionId before, FunctionId last, FunctionId failsafe) {
        const std::array<std::uint32_t, 3> key{before, last, failsafe};
        return finished_.get(key, [&] {
            const FunctionId judged = traces_of(before, last);
            if (failsafe == kNoStep) return judged;
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
               joined_.bytes() + finished_.bytes() + known_blocks_.bytes() + known_fronts_.bytes() + lists_.bytes() +
               source_members_.bytes() + destination_members_.bytes() + grid_bytes_;
    }

    [[nodiscard]] std::size_t as_blocks() const noexcept { return blocks_.bytes() + lists_.table_bytes(); }
    // Rows with numbers of their own can take half of what they do as lists of blocks, which are cut to whole chunks.
    [[nodiscard]] std::size_t most_as_blocks() const noexcept {
        return 2 * budget_.block_bytes + normal_.lanes.size() * addresses_.destination.size() * sizeof(Chunk);
    }

    [[nodiscard]] bool within_budget() const noexcept {
        return as_blocks() <= most_as_blocks() && blocks_.addressable() && paths_.trace_count() <= budget_.traces &&
               working_bytes() <= budget_.working_bytes;
    }

    static Error refuse(const std::string& what, std::size_t is, std::size_t may_be, const std::string& unit) {
        return Error::of(ErrorKind::kRefused,
                         what + " would take more than " + std::to_string(may_be) + unit + " (" + std::to_string(is) +
                             " when the compilation stopped)",
                         "let fewer different policies meet on one pair of endpoints, or raise the classifier's "
                         "budget");
    }
    [[nodiscard]] Error blocks_too_large(std::size_t bytes) const {
        return refuse("the blocks of traces", bytes, budget_.block_bytes, " bytes");
    }

    [[nodiscard]] Error refusal() const {
        if (paths_.trace_count() > budget_.traces) {
            return refuse("the combinations of hits", paths_.trace_count(), budget_.traces, " traces");
        }
        if (working_bytes() > budget_.working_bytes) {
            return refuse("the compilation itself", working_bytes(), budget_.working_bytes, " bytes");
        }
        return blocks_too_large(as_blocks());
    }

    const Program& program_;
    const NormalProgram& normal_;
    const AddressClasses& addresses_;
    PairBudget budget_;
    std::size_t service_classes_;
    ServiceFunctions functions_;
    Paths paths_;
    WalkEvaluator evaluator_;
    MatchMembers source_members_;
    MatchMembers destination_members_;
    StepContext context_;
    StepJudge judge_sources_;
    StepJudge judge_destinations_;
    BlockTable blocks_;
    ChunkPool lists_;  // of blocks
    Memo<2> joined_;   // one step's function, the next one's -> the function of both, one after the other
    Memo<3> finished_;  // steps before, last step, failsafe -> function of traces
    Interner<std::uint32_t> known_fronts_;
    Memo<2> known_blocks_;  // front, the destination's function -> block
    std::optional<SourceGrid> egress_;
    std::vector<std::optional<SourceGrid>> port_;  // by step
    std::optional<SourceGrid> failsafe_;
    std::vector<LaneFronts> lanes_;
    // Of the row at work.
    std::vector<std::uint32_t> functions_at_;  // by source: index into the functions of the destination's step
    std::vector<std::uint32_t> blocks_at_;     // by source
    std::array<std::vector<FunctionId>, kFronts> answers_;  // by group
    std::vector<std::uint32_t> fronts_;                     // by profile
    std::vector<std::uint32_t> blocks_of_functions_;
    std::vector<std::uint32_t> blocks_of_profiles_;
    std::size_t grid_bytes_ = 0;
};

}  // namespace

Result<PairTables> compile_pairs(const Program& program, const NormalProgram& normal, const AddressClasses& addresses,
                                 const ServiceClasses& services, const PairBudget& budget) {
    return Compiler(program, normal, addresses, services, budget).run();
}

}  // namespace drywall::classify

#include "pair_compiler.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "row_builder.h"
#include "source_steps.h"
#include "step_judge.h"

namespace drywall::classify {
namespace {

using Classes = std::vector<std::uint32_t>;

// The classes of one side by the step that its party takes; those without one are behind the others.
std::vector<Classes> by_step(const SideClasses& side, std::size_t steps) {
    std::vector<Classes> members(steps + 1);
    for (std::uint32_t id = 0; id < side.size(); ++id)
        members[std::min<std::size_t>(side.step[id], steps)].push_back(id);
    return members;
}

class Compiler {
public:
    Compiler(const PairProgram& program, const PairBudget& budget, PairMemory& memory, const AllRowTables* before,
             bool keep)
        : program_(program),
          normal_(program.normal),
          addresses_(program.addresses),
          budget_(budget),
          memory_(memory),
          before_(before),
          keep_(keep),
          source_members_(addresses_.source),
          destination_members_(addresses_.destination),
          context_{normal_, addresses_, memory.evaluator, memory.functions, memory.joined_worlds},
          judge_(context_, Side::kDestination, source_members_),
          source_steps_(context_, destination_members_, memory.known_fronts),
          functions_at_(addresses_.source.size(), 0),
          blocks_at_(addresses_.source.size(), 0) {}

    Result<PairTables> run() {
        memory_.evaluator.learn_leaves();
        source_steps_.build([this](std::size_t bytes) { return working_bytes() + bytes <= budget_.working_bytes; });
        if (!within_budget()) return refusal();
        return before_ == nullptr ? compile_all() : compile_changes();
    }

private:
    // --- all rows ---

    Result<PairTables> compile_all() {
        PairTables tables;
        tables.rows.resize(row_count() * source_chunks());
        origins_.resize(keep_ ? row_count() : 0);
        for_rows(
            [this](std::size_t row, std::uint32_t to, std::size_t lane) {
                if (keep_) origins_[row] = origin_of(lane, to);
                return true;
            },
            [&](std::size_t row) {
                write_chunks(std::span(tables.rows).subspan(row * source_chunks(), source_chunks()));
            });
        if (!within_budget()) return refusal();
        const std::size_t bytes = as_blocks();
        tables.block_count = memory_.blocks.size();
        write_row_tables(tables, bytes);
        if (!tables.row_tables.empty()) {
            tables.rows = {};
            remember();
            return tables;
        }
        if (bytes > budget_.block_bytes || budget_.structure == Structure::kRows) return blocks_too_large(bytes);
        tables.blocks = std::move(memory_.blocks).take();
        LocalNumbers traces;
        traces.restart();
        for (TraceId& cell : tables.blocks.cells) cell = TraceId{traces.number(index(cell))};
        write_traces(tables, traces);
        write_lists(tables);
        return tables;
    }

    // Those that some block or row has: others were worked out on the way, and no packet has them (a failsafe list
    // that stands before them answers all that they would).
    void write_traces(PairTables& tables, const LocalNumbers& traces) const {
        tables.traces.reserve(traces.ids().size());
        for (const std::uint32_t id : traces.ids()) tables.traces.push_back(memory_.paths.trace(TraceId{id}));
    }

    void write_lists(PairTables& tables) const {
        tables.lists.reserve(lists_.size() * kChunk);
        for (std::uint32_t list = 0; list < lists_.size(); ++list)
            tables.lists.insert(tables.lists.end(), lists_[list].begin(), lists_[list].end());
    }

    // Rows with numbers of their own are shorter to read: they may take somewhat more, and whatever they like where
    // both are small.
    void write_row_tables(PairTables& tables, std::size_t as_blocks) {
        constexpr std::size_t kSmall = std::size_t{1} << 20;
        if (!addresses_.packable() || budget_.structure == Structure::kBlocks) return;
        const std::size_t otherwise = tables.rows.size() * sizeof(tables.rows[0]) + as_blocks;
        const std::size_t worth =
            budget_.structure == Structure::kRows ? budget_.block_bytes : std::max(otherwise + otherwise / 2, kSmall);
        const std::size_t most = std::min(worth, budget_.block_bytes);
        memory_.rows.clear();
        const auto answered = answer_rows({tables.rows, lists_, addresses_.source.size(), program_.services.count},
                                          most, memory_.forms, memory_.rows);
        if (answered) write_rows(tables, *answered, most);
    }

    // --- rows of which something changed ---

    Result<PairTables> compile_changes() {
        const bool comparable = memory_.sources == addresses_.source.size() &&
                                memory_.destinations == addresses_.destination.size() && same_lanes();
        if (!comparable) {
            return Error::of(ErrorKind::kRefused, "the program has other lanes or numbers than the last one",
                             "compile the program by itself");
        }
        const std::vector<bool> touched = touched_steps();
        AnsweredRows answered;
        origins_.resize(row_count());
        for_rows(
            [&](std::size_t row, std::uint32_t to, std::size_t lane) {
                origins_[row] = origin_of(lane, to);
                const std::uint32_t step = addresses_.destination.step[to];
                return origins_[row] != memory_.origins[row] || (step != kNone && touched[step]) ||
                       source_steps_.profile_of(lane) != memory_.profile_of[lane];
            },
            [&](std::size_t row) {
                answered.rows.push_back(static_cast<std::uint32_t>(row));
                answered.answers.resize(answered.answers.size() + blocks_at_.size());
                memory_.rows[row] = memory_.forms.add(blocks_at_, std::span(answered.answers).last(blocks_at_.size()));
            });
        if (!within_budget()) return refusal();
        PairTables tables;
        tables.block_count = memory_.blocks.size();
        write_rows(tables, answered, budget_.block_bytes);
        if (tables.row_tables.empty()) return blocks_too_large(as_blocks());
        remember();
        return tables;
    }

    [[nodiscard]] bool same_lanes() const {
        const auto same = [](const NormalLane& a, const NormalLane& b) {
            return a.ingress_port == b.ingress_port && a.egress_port == b.egress_port;
        };
        return std::ranges::equal(normal_.lanes, memory_.lanes, same);
    }

    // Steps whose walks ask something that holds for other sources than it did.
    [[nodiscard]] std::vector<bool> touched_steps() const {
        std::vector<bool> changed(normal_.source_matches.size(), false);
        bool any = false;
        for (std::uint32_t match = 0; match < changed.size(); ++match) {
            changed[match] = source_members_.differs(*memory_.source_members, match);
            any = any || changed[match];
        }
        std::vector<bool> touched(normal_.steps.size(), false);
        if (!any) return touched;
        for (std::size_t step = 0; step < touched.size(); ++step) {
            for (const std::uint32_t walk : {normal_.steps[step].enforced, normal_.steps[step].pending}) {
                touched[step] = touched[step] || std::ranges::any_of(normal_.walks[walk], [&](const Op& op) {
                                    return op.source != kNone && changed[op.source];
                                });
            }
        }
        return touched;
    }

    // --- a row ---

    // Of all rows those that `wanted(row, destination, lane)`, destinations that are judged alike together: each is
    // worked out into blocks_at_, and then handed to `done(row)`.
    template <typename Wanted, typename Done>
    void for_rows(Wanted&& wanted, Done&& done) {
        const std::size_t steps = normal_.steps.size();
        const std::vector<Classes> destinations_of = by_step(addresses_.destination, steps);
        for (std::uint32_t step = 0; step < destinations_of.size(); ++step) {
            Classes some;
            for (const std::uint32_t to : destinations_of[step]) {
                bool any = false;
                for (std::size_t lane = 0; lane < source_steps_.lanes(); ++lane) {
                    const std::size_t row = lane * addresses_.destination.size() + to;
                    wanted_[lane].resize(addresses_.destination.size());
                    wanted_[lane][to] = wanted(row, to, lane);
                    any = any || wanted_[lane][to];
                }
                if (any) some.push_back(to);
            }
            if (some.empty()) continue;
            if (step == steps) {
                answer_rows_of(some, {.functions = {kNoStep}, .others = {}}, done);
                continue;
            }
            const Grouping groups = judge_.group(normal_.steps[step], some);
            std::vector<Classes> members(groups.representative.size());
            for (std::size_t at = 0; at < some.size(); ++at) members[groups.group_of[at]].push_back(some[at]);
            for (const Classes& alike : members) {
                if (!within_budget()) return;
                answer_rows_of(alike, judge_.row(normal_.steps[step], alike.front()), done);
            }
        }
    }

    // Destinations whose own step answers alike.
    template <typename Done>
    void answer_rows_of(const Classes& destinations, const StepRow& ingress, Done& done) {
        for (const StepRow::Other& other : ingress.others) functions_at_[other.inner] = other.function;
        for (const std::uint32_t to : destinations) {
            for (std::size_t lane = 0; lane < source_steps_.lanes() && within_budget(); ++lane) {
                if (!wanted_[lane][to]) continue;
                answer_sources(lane, to, ingress);
                done(lane * addresses_.destination.size() + to);
            }
        }
        for (const StepRow::Other& other : ingress.others) functions_at_[other.inner] = 0;
    }

    // Fills blocks_at_: the block of each source. No block is made for what no source meets, so that there is no trace
    // which no packet has.
    void answer_sources(std::size_t lane, std::uint32_t to, const StepRow& ingress) {
        const std::vector<std::uint32_t>& fronts = source_steps_.fronts_at(lane, to);
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
        const std::vector<std::uint32_t>& profile_of = source_steps_.profile_of(lane);
        blocks_of_profiles_.assign(fronts.size(), kNone);  // of those whom the step mostly answers
        for (std::size_t source = 0; source < blocks_at_.size(); ++source) {
            const std::uint32_t profile = profile_of[source];
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
        return memory_.known_blocks.get(key, [&] {
            Front steps{};
            std::ranges::copy(memory_.known_fronts[front], steps.begin());
            return memory_.blocks.block_of(judgement(steps, ingress));
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
        return memory_.joined.get(key, [&] {
            return memory_.functions.combine(
                first, next, [this](std::uint64_t a, std::uint64_t b) { return memory_.paths.then(a, b); });
        });
    }

    // What was judged before the last step (kNone: nothing), the last step (kNone: there was no step at all), and the
    // failsafe list (kNoStep: there is none) in front of everything.
    FunctionId traces_of(FunctionId before, FunctionId last, FunctionId failsafe) {
        const std::array<std::uint32_t, 3> key{before, last, failsafe};
        return memory_.finished.get(key, [&] {
            const FunctionId judged = traces_of(before, last);
            if (failsafe == kNoStep) return judged;
            return memory_.functions.combine(failsafe, judged, [this](std::uint64_t safe, std::uint64_t trace) {
                return enforced_of(safe) == kNone ? trace : std::uint64_t{index(memory_.paths.trace(safe))};
            });
        });
    }

    FunctionId traces_of(FunctionId before, FunctionId last) {
        if (last == kNone) {
            return memory_.functions.constant(
                index(memory_.paths.unmatched(program_.program.unmatched, program_.program.unmatched_hit)));
        }
        if (before == kNone) {
            return memory_.functions.map(
                last, [this](std::uint64_t both) { return std::uint64_t{index(memory_.paths.trace(both))}; });
        }
        return memory_.functions.combine(before, last, [this](std::uint64_t a, std::uint64_t b) {
            return std::uint64_t{index(memory_.paths.trace(a, b))};
        });
    }

    // --- what is left behind ---

    RowOrigin origin_of(std::size_t lane, std::uint32_t to) {
        return {program_.destination_contents[to], memory_.known_front_lists.intern(source_steps_.fronts_at(lane, to))};
    }

    void write_rows(PairTables& tables, const AnsweredRows& answered, std::size_t most_bytes) {
        tables.rows_worked_out = answered.rows.size();
        LocalNumbers traces;
        traces.restart();
        tables.row_tables = classify::write_rows({.pool = memory_.forms,
                                                  .forms = memory_.rows,
                                                  .answered = answered,
                                                  .before = before_,
                                                  .traces = traces,
                                                  .source_classes = addresses_.source.size(),
                                                  .service_classes = program_.services.count,
                                                  .most_bytes = most_bytes});
        write_traces(tables, traces);
    }

    void remember() {
        if (!keep_) return;
        memory_.origins = std::move(origins_);
        memory_.source_members = std::move(source_members_);
        memory_.lanes = normal_.lanes;
        memory_.sources = addresses_.source.size();
        memory_.destinations = addresses_.destination.size();
        memory_.profile_of.clear();
        for (std::size_t lane = 0; lane < source_steps_.lanes(); ++lane)
            memory_.profile_of.push_back(source_steps_.profile_of(lane));
    }

    // --- what it costs ---

    [[nodiscard]] std::size_t source_chunks() const noexcept { return chunks_of(addresses_.source.size()); }
    [[nodiscard]] std::size_t row_count() const noexcept {
        return normal_.lanes.size() * addresses_.destination.size();
    }

    [[nodiscard]] std::size_t working_bytes() const noexcept {
        return memory_.working_bytes() + lists_.bytes() + source_members_.bytes() + destination_members_.bytes() +
               source_steps_.bytes();
    }

    [[nodiscard]] std::size_t as_blocks() const noexcept { return memory_.blocks.bytes() + lists_.table_bytes(); }
    // Rows with numbers of their own can take half of what they do as lists of blocks, which are cut to whole chunks.
    [[nodiscard]] std::size_t most_as_blocks() const noexcept {
        return 2 * budget_.block_bytes + row_count() * sizeof(Chunk);
    }

    [[nodiscard]] bool within_budget() const noexcept {
        return as_blocks() <= most_as_blocks() && memory_.blocks.addressable() &&
               memory_.paths.trace_count() <= budget_.traces && working_bytes() <= budget_.working_bytes;
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
        if (memory_.paths.trace_count() > budget_.traces) {
            return refuse("the combinations of hits", memory_.paths.trace_count(), budget_.traces, " traces");
        }
        if (working_bytes() > budget_.working_bytes) {
            return refuse("the compilation itself", working_bytes(), budget_.working_bytes, " bytes");
        }
        return blocks_too_large(as_blocks());
    }

    const PairProgram& program_;
    const NormalProgram& normal_;
    const AddressClasses& addresses_;
    PairBudget budget_;
    PairMemory& memory_;
    const AllRowTables* before_;
    bool keep_;
    MatchMembers source_members_;
    MatchMembers destination_members_;
    StepContext context_;
    StepJudge judge_;  // of destinations' own steps
    SourceSteps source_steps_;
    ChunkPool lists_;                 // of blocks
    std::vector<RowOrigin> origins_;  // by row
    // Of the rows at work.
    std::vector<std::vector<bool>> wanted_{
        std::vector<std::vector<bool>>(normal_.lanes.size())};  // by lane, by destination
    std::vector<std::uint32_t> functions_at_;  // by source: index into the functions of the destination's step
    std::vector<std::uint32_t> blocks_at_;     // by source
    std::vector<std::uint32_t> blocks_of_functions_;
    std::vector<std::uint32_t> blocks_of_profiles_;
};

}  // namespace

std::size_t PairMemory::bytes() const noexcept {
    std::size_t of_rows = origins.size() * sizeof(RowOrigin);
    for (const RowForm& row : rows) {
        of_rows += sizeof(RowForm) + row.columns.size() * sizeof(row.columns[0]) + row.traces.size() * sizeof(TraceId);
    }
    return working_bytes() + blocks.bytes() + forms.bytes() + of_rows + (source_members ? source_members->bytes() : 0) +
           sources * lanes.size() * sizeof(std::uint32_t);
}

Result<PairTables> compile_pairs(const PairProgram& program, const PairBudget& budget, PairMemory& memory,
                                 const AllRowTables* before, bool keep) {
    return Compiler(program, budget, memory, before, keep).run();
}

}  // namespace drywall::classify

#include "pair_compiler.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>
#include <string>

#include "row_builder.h"
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

// No step: the function that stands in a chunk for classes whose party has none.
constexpr FunctionId kNoStep = kUniform - 1;

// What each of the four steps, and the failsafe list, answers the sources of a chunk: ids of chunks of functions.
enum : std::uint8_t { kIngressPort, kEgress, kIngress, kEgressPort, kFailsafe, kParts };
using ChunkKey = std::array<std::uint32_t, kParts>;

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
          source_matches_(addresses.source),
          destination_matches_(addresses.destination),
          context_{normal,
                   addresses,
                   source_matches_,
                   destination_matches_,
                   evaluator_,
                   functions_,
                   [this] { return within_budget(); }},
          blocks_(functions_) {}

    Result<PairTables> run() {
        build_grids();
        PairTables tables;
        if (within_budget()) {
            tables.rows.resize(normal_.lanes.size() * addresses_.destination.size() * source_matches_.chunks());
            for (std::size_t chunk = 0; chunk < source_matches_.chunks() && within_budget(); ++chunk)
                compile_chunk(chunk, tables.rows);
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

    // All destinations, for the sources of one chunk.
    void compile_chunk(std::size_t chunk, std::vector<std::uint32_t>& rows) {
        const std::size_t destinations = addresses_.destination.size();
        const std::vector<std::uint32_t> none(destinations, ChunkPool::uniform(kNoStep));
        const std::vector<std::uint32_t> egress = across(egress_, chunk, true);
        const std::vector<std::uint32_t> failsafe = failsafe_ ? across(*failsafe_, chunk, false) : none;
        for (std::size_t lane = 0; lane < normal_.lanes.size() && within_budget(); ++lane) {
            const auto port = [&](std::uint32_t step) {
                return step == kNone ? none : across(*port_[step], chunk, false);
            };
            const std::vector<std::uint32_t> ingress_port = port(normal_.lanes[lane].ingress_port);
            const std::vector<std::uint32_t> egress_port = port(normal_.lanes[lane].egress_port);
            for (std::uint32_t to = 0; to < destinations; ++to) {
                const bool judged = addresses_.destination.step[to] != kNone;
                const ChunkKey key{ingress_port[to], egress[to], judged ? ingress_.chunk(to, chunk) : none[to],
                                   egress_port[to], failsafe[to]};
                rows[(lane * destinations + to) * source_matches_.chunks() + chunk] =
                    list_of_.get(key, [&] { return list(key); });
                if (!within_budget()) return;
            }
        }
    }

    // By destination: what a grid whose rows are sources answers those of one chunk.
    // `own`: it is the source's own step, which not all of them have.
    std::vector<std::uint32_t> across(const StepGrid& grid, std::size_t chunk, bool own) {
        std::array<std::uint32_t, kChunk> sources{};
        for (std::size_t place = 0; place < kChunk; ++place) {
            const std::size_t source = std::min(chunk * kChunk + place, addresses_.source.size() - 1);
            sources[place] = static_cast<std::uint32_t>(source);
        }
        const auto judges = [&](std::uint32_t source) { return !own || addresses_.source.step[source] != kNone; };
        std::vector<std::uint32_t> result;
        result.reserve(addresses_.destination.size());
        Chunk tile{};  // by source: a chunk of destinations
        for (std::size_t at = 0; at < destination_matches_.chunks(); ++at) {
            for (std::size_t place = 0; place < kChunk; ++place) {
                tile[place] = judges(sources[place]) ? grid.chunk(sources[place], at) : ChunkPool::uniform(kNoStep);
            }
            transpose(tile, std::min(addresses_.destination.size() - at * kChunk, kChunk), result);
        }
        return result;
    }

    // From one chunk of destinations per source to one chunk of sources per destination.
    void transpose(const Chunk& tile, std::size_t destinations, std::vector<std::uint32_t>& out) {
        const bool alike = std::ranges::all_of(tile, [&](std::uint32_t id) { return id == tile[0]; });
        const bool constant = std::ranges::all_of(tile, ChunkPool::is_uniform);
        Chunk functions{};
        for (std::size_t to = 0; to < destinations; ++to) {
            if (to != 0 && constant) {
                out.push_back(out.back());
            } else if (alike) {
                out.push_back(ChunkPool::uniform(context_.chunks.at(tile[0], to)));
            } else {
                for (std::size_t place = 0; place < kChunk; ++place)
                    functions[place] = context_.chunks.at(tile[place], to);
                out.push_back(context_.chunks.intern(functions));
            }
        }
    }

    // What a row says of a chunk of sources.
    std::uint32_t list(const ChunkKey& key) {
        if (std::ranges::all_of(key, ChunkPool::is_uniform)) return ChunkPool::uniform(block_at(key, 0));
        Chunk blocks{};
        std::array<FunctionId, kParts> last{};
        for (std::size_t place = 0; place < kChunk; ++place) {
            const std::array<FunctionId, kParts> parts = parts_at(key, place);
            // Neighbours are mostly answered alike: classes are numbered so.
            blocks[place] = place != 0 && parts == last ? blocks[place - 1] : blocks_.block_of(judgement(parts));
            last = parts;
        }
        return lists_.intern(blocks);
    }

    std::uint32_t block_at(const ChunkKey& key, std::size_t place) {
        return blocks_.block_of(judgement(parts_at(key, place)));
    }

    [[nodiscard]] std::array<FunctionId, kParts> parts_at(const ChunkKey& key, std::size_t place) const noexcept {
        std::array<FunctionId, kParts> parts{};
        for (std::size_t part = 0; part < kParts; ++part) parts[part] = context_.chunks.at(key[part], place);
        return parts;
    }

    // service class -> trace
    FunctionId judgement(const std::array<FunctionId, kParts>& parts) {
        FunctionId before = kNone;
        FunctionId last = kNone;
        for (const std::size_t step : {kIngressPort, kEgress, kIngress, kEgressPort}) {
            if (parts[step] == kNoStep) continue;
            if (last != kNone) before = before == kNone ? last : then(before, last);
            last = parts[step];
        }
        return traces_of(before, last, parts[kFailsafe] == kNoStep ? kNone : parts[kFailsafe]);
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
               joined_.bytes() + finished_.bytes() + list_of_.bytes() + context_.chunks.bytes() + grid_bytes_;
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
    ChunkedMatches source_matches_;
    ChunkedMatches destination_matches_;
    GridContext context_;
    BlockTable blocks_;
    ChunkPool lists_;       // of blocks
    Memo<kParts> list_of_;  // what the parts answer a chunk -> list, or block
    Memo<2> joined_;        // one step's function, the next one's -> the function of both, one after the other
    Memo<3> finished_;      // steps before, last step, failsafe -> function of traces
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

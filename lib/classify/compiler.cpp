#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "address_classes.h"
#include "chunk_pool.h"
#include "compile_memory.h"
#include "drywall/base/out_of_memory.h"
#include "drywall/classify/classifier.h"
#include "forest_builder.h"
#include "normal_program.h"
#include "pair_compiler.h"
#include "rule_list.h"
#include "service_classes.h"
#include "tables.h"

namespace drywall::classify {
namespace {

// What leads to the blocks lives only while compiling; it may take this many times what the tables may.
constexpr std::size_t kWorkingFactor = 4;

// What a compilation may leave to the next one: this much, or this many times what its tables take.
constexpr std::size_t kSmallMemory = std::size_t{64} << 20;
constexpr std::size_t kMemoryFactor = 2;
// Beyond this many times what it left at first it is worn: most of it is no longer used, and a new one is begun.
constexpr std::size_t kWorn = 2;

std::size_t pair_bytes(const Tables& tables) {
    return tables.row_tables.answer_bytes() + tables.rows.size() * sizeof(tables.rows[0]) +
           tables.lists.size() * sizeof(tables.lists[0]) + tables.sides.size() * sizeof(Sides) +
           tables.lanes.size() * sizeof(tables.lanes[0]);
}

std::size_t block_bytes(const Tables& tables) {
    return tables.row_tables.cell_bytes() + tables.blocks.size() * sizeof(Block) +
           tables.shapes.size() * sizeof(tables.shapes[0]) + tables.cells.size() * sizeof(TraceId);
}

Footprint measure(const Tables& tables, const AddressClasses& addresses, const ServiceClasses& services,
                  std::size_t blocks) {
    Footprint footprint;
    footprint.trie_bytes = tables.trie.bytes();
    footprint.pair_bytes = pair_bytes(tables);
    footprint.block_bytes = block_bytes(tables);
    footprint.service_bytes = tables.services.bytes();
    footprint.table_bytes =
        footprint.trie_bytes + footprint.pair_bytes + footprint.block_bytes + footprint.service_bytes;
    footprint.address_classes = addresses.sides.size();
    footprint.source_classes = addresses.source.known;
    footprint.destination_classes = addresses.destination.known;
    footprint.service_classes = services.count;
    footprint.blocks = blocks;
    footprint.traces = tables.traces.size();
    return footprint;
}

Error over_budget(const Footprint& footprint, const Budget& budget) {
    return Error::of(ErrorKind::kRefused,
                     "the tables take " + std::to_string(footprint.table_bytes) + " bytes (addresses " +
                         std::to_string(footprint.trie_bytes) + ", pairs " + std::to_string(footprint.pair_bytes) +
                         ", blocks " + std::to_string(footprint.block_bytes) + ", services " +
                         std::to_string(footprint.service_bytes) + "); the budget is " +
                         std::to_string(budget.table_bytes),
                     "raise the classifier's memory budget, or simplify the policies");
}

// Each stage is given what the stages before it left of the budget, and refuses before it allocates more.
class Stages {
public:
    // `keep`: the memory is to serve another program.
    Stages(const Program& program, const Budget& budget, CompileMemory& memory, bool keep)
        : program_(program),
          budget_(budget),
          left_(budget.table_bytes),
          memory_(memory),
          keep_(keep),
          normal_(memory.normalizer.normalize(program)) {}

    // By itself. REQUIRES: the memory is new
    Status run(Tables& tables) {
        const bool list = is_rule_list(program_, normal_);
        if (list && budget_.structure == Structure::kForest) return run_as_forests(tables);
        if (list && budget_.structure == Structure::kChosen && !fits_as_pairs(tables)) return run_as_forests(tables);
        if (tables.footprint.table_bytes != 0) return Done{};
        if (budget_.structure == Structure::kForest) {
            return Error::of(ErrorKind::kRefused, "the program is no list of rules, which a forest needs",
                             "let the classifier choose the structure");
        }
        return run_as_pairs(tables);
    }

    // Whether the program before was such that this one is a change of it. Services stay, because what was worked out
    // is known by services; what answers unmatched packets stays, because it is in it.
    [[nodiscard]] bool goes_on() const {
        return memory_.tables != nullptr && memory_.structure == budget_.structure &&
               memory_.services_known == normal_.services.size() && memory_.unmatched == program_.unmatched &&
               memory_.unmatched_hit == program_.unmatched_hit && !is_rule_list(program_, normal_);
    }
    // After the program before. REQUIRES: goes_on()
    Status run_after(Tables& tables) { return run_as_pairs(tables); }

private:
    // A list as pairs takes fewer steps than as trees, as long as its tables stay in the cache. So pairs are tried
    // within a small budget: the attempt ends, at the latest, when that is spent.
    static constexpr std::size_t kSmallPairs = std::size_t{4} << 20;
    static constexpr std::size_t kShortList = 2000;  // longer ones are not tried
    // A second step of 16 bits for that many networks at most, whose hosts stand close.
    static constexpr std::size_t kWideBytes = 16 * kWideFanout * sizeof(std::uint32_t);

    bool fits_as_pairs(Tables& tables) {
        const auto is_long = [](const NormalWalk& walk) { return walk.size() > kShortList; };
        if (std::ranges::any_of(normal_.walks, is_long)) return false;
        CompileMemory memory;
        Stages attempt(program_, {std::min(budget_.table_bytes, kSmallPairs), budget_.traces, Structure::kPairs},
                       memory, false);
        Tables small;
        if (!attempt.run_as_pairs(small)) return false;
        tables = std::move(small);
        return true;
    }

    Status run_as_forests(Tables& tables) {
        auto lists = rule_lists_of(program_, normal_, budget_.table_bytes / sizeof(ListEntry));
        if (!lists) return std::move(lists).error();
        if (lists->traces.size() > budget_.traces) {
            return Error::of(ErrorKind::kRefused,
                             "the rules make " + std::to_string(lists->traces.size()) + " traces; at most " +
                                 std::to_string(budget_.traces) + " may be",
                             "use fewer rules, or raise the classifier's budget");
        }
        for (const RuleList& list : lists->of_lane) {
            auto forest = build_forest(list, left_);
            if (!forest) return std::move(forest).error();
            spend(forest->bytes());
            tables.forests.push_back(*std::move(forest));
        }
        tables.lanes = normal_.lane_of_port;
        tables.traces = std::move(lists->traces);
        measure_forests(tables);
        return Done{};
    }

    static void measure_forests(Tables& tables) {
        Footprint& footprint = tables.footprint;
        for (const DecisionForest& forest : tables.forests) {
            footprint.trie_bytes += forest.sources.trie.bytes() + forest.destinations.trie.bytes();
            footprint.tree_bytes +=
                forest.roots.size() * sizeof(forest.roots[0]) + forest.cells.size() * sizeof(ForestCell);
            for (const Grove& grove : forest.groves) footprint.trees += grove.count;
        }
        footprint.pair_bytes = tables.lanes.size() * sizeof(tables.lanes[0]);
        footprint.table_bytes = footprint.trie_bytes + footprint.tree_bytes + footprint.pair_bytes;
        footprint.traces = tables.traces.size();
    }

    Status run_as_pairs(Tables& tables) {
        auto addresses = build_address_classes(program_, memory_.normalizer, left_, memory_.addresses, keep_);
        if (!addresses) return std::move(addresses).error();
        if (addresses->packable()) pack_sides(*addresses);
        if (Status status = find_trie(tables, *addresses); !status) return status;
        spend(tables.trie.bytes());
        if (Status status = find_services(); !status) return status;
        spend(memory_.services.table.bytes());
        if (memory_.pairs == nullptr) memory_.pairs = std::make_unique<PairMemory>(normal_, memory_.services);
        const PairBudget pair_budget{left_, budget_.table_bytes * kWorkingFactor, budget_.traces, budget_.structure};
        const AllRowTables* const before = memory_.tables == nullptr ? nullptr : &memory_.tables->row_tables;
        auto pairs = compile_pairs(
            {program_, normal_, *addresses, memory_.addresses.destinations.content_at(), memory_.services}, pair_budget,
            *memory_.pairs, before, keep_);
        if (!pairs) return std::move(pairs).error();
        assemble(tables, *addresses, *std::move(pairs));
        if (tables.footprint.table_bytes > budget_.table_bytes) return over_budget(tables.footprint, budget_);
        if (keep_) remember(*std::move(addresses));
        return Done{};
    }

    // That of the program before, where all addresses have the classes that they had.
    Status find_trie(Tables& tables, const AddressClasses& addresses) {
        const auto same = [](const ClassedPrefix& a, const ClassedPrefix& b) {
            return a.prefix == b.prefix && a.address_class == b.address_class;
        };
        if (memory_.tables != nullptr && memory_.none == addresses.none &&
            std::ranges::equal(memory_.prefixes, addresses.prefixes, same)) {
            tables.trie = memory_.tables->trie;
            return Done{};
        }
        auto trie = build_trie(addresses.prefixes, addresses.none, {.bytes = left_, .wide_bytes = kWideBytes});
        if (!trie) return std::move(trie).error();
        tables.trie = *std::move(trie);
        return Done{};
    }

    Status find_services() {
        if (memory_.services_known != 0 && memory_.services_known == normal_.services.size()) return Done{};
        auto services = build_service_classes(normal_.services, left_);
        if (!services) return std::move(services).error();
        memory_.services = *std::move(services);
        memory_.services_known = normal_.services.size();
        return Done{};
    }

    void remember(AddressClasses addresses) {
        memory_.prefixes = std::move(addresses.prefixes);
        memory_.none = addresses.none;
        memory_.structure = budget_.structure;
        memory_.unmatched = program_.unmatched;
        memory_.unmatched_hit = program_.unmatched_hit;
    }

    // The leaves of the trie say themselves what an address is on either side.
    static void pack_sides(AddressClasses& addresses) {
        for (ClassedPrefix& classed : addresses.prefixes)
            classed.address_class = addresses.sides[classed.address_class].packed();
        addresses.none = addresses.sides[addresses.none].packed();
    }

    void spend(std::size_t bytes) { left_ -= std::min(left_, bytes); }

    void assemble(Tables& tables, const AddressClasses& addresses, PairTables pairs) const {
        if (!addresses.packable()) tables.sides = addresses.sides;
        tables.lanes = normal_.lane_of_port;
        tables.source_chunks = chunks_of(addresses.source.size());
        tables.destination_classes = addresses.destination.size();
        const std::size_t blocks = pairs.block_count;
        tables.row_tables = std::move(pairs.row_tables);
        tables.rows = std::move(pairs.rows);
        tables.lists = std::move(pairs.lists);
        tables.blocks = std::move(pairs.blocks.blocks);
        tables.shapes = std::move(pairs.blocks.shapes);
        tables.cells = std::move(pairs.blocks.cells);
        tables.services = memory_.services.table;
        tables.traces = std::move(pairs.traces);
        tables.footprint = measure(tables, addresses, memory_.services, blocks);
        if (tables.row_tables.empty()) return;
        tables.footprint.rows = normal_.lanes.size() * tables.destination_classes;
        tables.footprint.rows_copied = tables.footprint.rows - pairs.rows_worked_out;
    }

    const Program& program_;
    Budget budget_;
    std::size_t left_;
    CompileMemory& memory_;
    bool keep_;
    const NormalProgram& normal_;
};

using Compiled = Result<std::shared_ptr<const Tables>>;

// By itself. What it leaves is kept in the cache, if there is one and the tables are such that it is of use.
Compiled compile_anew(const Program& program, const Budget& budget, std::unique_ptr<CompileMemory>* kept) {
    auto memory = std::make_unique<CompileMemory>();
    const auto made = std::make_shared<Tables>();
    if (Status status = Stages(program, budget, *memory, kept != nullptr).run(*made); !status) return status.error();
    std::shared_ptr<const Tables> tables = made;
    if (kept == nullptr || tables->row_tables.empty() || memory->pairs == nullptr) return tables;
    memory->bytes_at_first = memory->bytes();
    if (memory->bytes_at_first > std::max(kSmallMemory, kMemoryFactor * tables->footprint.table_bytes)) return tables;
    memory->tables = tables;
    *kept = std::move(memory);
    return tables;
}

// As a change of the program before. Nothing where that can't be: whatever it is that is refused, it is for the program
// by itself to be refused or not.
std::shared_ptr<const Tables> compile_change(const Program& program, const Budget& budget,
                                             std::unique_ptr<CompileMemory>* kept) {
    // Taken out of the cache: should anything throw, what is half changed is gone.
    std::unique_ptr<CompileMemory> memory = std::move(*kept);
    if (memory == nullptr || memory->bytes() > kWorn * memory->bytes_at_first) return nullptr;
    Stages stages(program, budget, *memory, true);
    auto tables = std::make_shared<Tables>();
    if (!stages.goes_on() || !stages.run_after(*tables)) return nullptr;
    memory->tables = tables;
    *kept = std::move(memory);
    return tables;
}

}  // namespace

CompileCache::CompileCache() noexcept = default;
CompileCache::CompileCache(CompileCache&&) noexcept = default;
CompileCache& CompileCache::operator=(CompileCache&&) noexcept = default;
CompileCache::~CompileCache() = default;

void CompileCache::clear() noexcept { memory_.reset(); }
std::size_t CompileCache::bytes() const noexcept { return memory_ == nullptr ? 0 : memory_->bytes(); }

Result<Classifier> Classifier::compile(const Program& program, const Budget& budget, CompileCache* cache) {
    return unless_out_of_memory("compile the rules", [&]() -> Result<Classifier> {
        if (Status status = validate(program); !status) return status.error();
        std::unique_ptr<CompileMemory>* const kept = cache == nullptr ? nullptr : &cache->memory_;
        if (kept != nullptr) {
            if (auto tables = compile_change(program, budget, kept)) return Classifier(std::move(tables));
        }
        Compiled tables = compile_anew(program, budget, kept);
        if (!tables) return std::move(tables).error();
        return Classifier(*std::move(tables));
    });
}

}  // namespace drywall::classify

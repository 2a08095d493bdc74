#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "address_classes.h"
#include "chunk_pool.h"
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
    footprint.source_classes = addresses.source.size();
    footprint.destination_classes = addresses.destination.size();
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
    Stages(const Program& program, const Budget& budget)
        : program_(program), budget_(budget), left_(budget.table_bytes), normal_(normalize(program)) {}

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
        Stages attempt(program_, {std::min(budget_.table_bytes, kSmallPairs), budget_.traces, Structure::kPairs});
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
        tables.lanes = std::move(normal_.lane_of_port);
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
        auto addresses = build_address_classes(program_, normal_, left_);
        if (!addresses) return std::move(addresses).error();
        if (addresses->packable()) pack_sides(*addresses);
        auto trie = build_trie(addresses->prefixes, addresses->none, {.bytes = left_, .wide_bytes = kWideBytes});
        if (!trie) return std::move(trie).error();
        tables.trie = *std::move(trie);
        spend(tables.trie.bytes());
        auto services = build_service_classes(normal_.services, left_);
        if (!services) return std::move(services).error();
        spend(services->table.bytes());
        const PairBudget pair_budget{left_, budget_.table_bytes * kWorkingFactor, budget_.traces, budget_.structure};
        auto pairs = compile_pairs(program_, normal_, *addresses, *services, pair_budget);
        if (!pairs) return std::move(pairs).error();
        assemble(tables, *addresses, *services, *std::move(pairs));
        if (tables.footprint.table_bytes > budget_.table_bytes) return over_budget(tables.footprint, budget_);
        return Done{};
    }

    // The leaves of the trie say themselves what an address is on either side.
    static void pack_sides(AddressClasses& addresses) {
        for (ClassedPrefix& classed : addresses.prefixes)
            classed.address_class = addresses.sides[classed.address_class].packed();
        addresses.none = addresses.sides[addresses.none].packed();
    }

    void spend(std::size_t bytes) { left_ -= std::min(left_, bytes); }

    void assemble(Tables& tables, AddressClasses& addresses, ServiceClasses& services, PairTables pairs) {
        if (!addresses.packable()) tables.sides = addresses.sides;
        tables.lanes = std::move(normal_.lane_of_port);
        tables.source_chunks = chunks_of(addresses.source.size());
        tables.destination_classes = addresses.destination.size();
        const std::size_t blocks = pairs.block_count;
        tables.row_tables = std::move(pairs.row_tables);
        tables.rows = std::move(pairs.rows);
        tables.lists = std::move(pairs.lists);
        tables.blocks = std::move(pairs.blocks.blocks);
        tables.shapes = std::move(pairs.blocks.shapes);
        tables.cells = std::move(pairs.blocks.cells);
        tables.services = std::move(services.table);
        tables.traces = std::move(pairs.traces);
        tables.footprint = measure(tables, addresses, services, blocks);
    }

    const Program& program_;
    Budget budget_;
    std::size_t left_;
    NormalProgram normal_;
};

}  // namespace

Result<Classifier> Classifier::compile(const Program& program, const Budget& budget) {
    return unless_out_of_memory("compile the rules", [&]() -> Result<Classifier> {
        if (Status status = validate(program); !status) return status.error();
        auto tables = std::make_unique<Tables>();
        if (Status status = Stages(program, budget).run(*tables); !status) return status.error();
        return Classifier(std::move(tables));
    });
}

}  // namespace drywall::classify

// Classifier: a Program compiled into tables. A multi-bit trie gives each address a class; lane, source class and
// destination class select a block; the service class (protocol, ports, ICMP) selects the block's cell; the cell is the
// trace, which answers both worlds (design, section 4).
//
// Threads: immutable after compile(); any number of readers, no locks.
// Lookup:  noexcept, no allocation; cost does not depend on the number of rules or of staged policies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "drywall/base/ids.h"
#include "drywall/base/result.h"
#include "drywall/classify/program.h"

namespace drywall::classify {

// What a program is compiled to: pairs of classes, or (only lists of rules) decision forests. kChosen: what is faster
// to look up, by the program's shape. Pairs are rows with numbers of their own where those are not much larger than
// rows of lists of blocks; either form can be asked for.
enum class Structure : std::uint8_t { kChosen, kPairs, kRows, kBlocks, kForest };

// What a compile may cost. Exceeding either refuses the program with the figure (ErrorKind::kRefused).
struct Budget {
    std::size_t table_bytes = std::size_t{1} << 30;
    std::size_t traces = std::size_t{1} << 24;
    Structure structure = Structure::kChosen;
};

// What a compile did cost: printed before a generation is published.
struct Footprint {
    std::size_t table_bytes = 0;
    std::size_t trie_bytes = 0;
    std::size_t pair_bytes = 0;
    std::size_t block_bytes = 0;
    std::size_t service_bytes = 0;
    std::size_t tree_bytes = 0;  // of decision forests; then there are no classes and blocks
    std::size_t trees = 0;
    std::size_t address_classes = 0;
    std::size_t source_classes = 0;
    std::size_t destination_classes = 0;
    std::size_t service_classes = 0;
    std::size_t blocks = 0;
    std::size_t traces = 0;
    std::size_t rows = 0;         // of pairs, where they have numbers of their own; those that are vacant among them
    std::size_t rows_copied = 0;  // of them, from the tables of the program before (CompileCache)
};

struct Tables;         // lib/classify/tables.h
struct CompileMemory;  // lib/classify/compile_memory.h

// What a compile leaves to the next one, so that a change of a program costs what it touches: what was worked out,
// known by content, and the last tables, of which rows that did not change are copied. It decides how long a compile
// takes, never what the tables answer. After an error, and when a compile can't use it, it is empty or begun anew.
//
// Threads: one compile at a time. No classifier refers to it, and lookups never read it.
// Memory:  at most twice what the tables take, or 64 MiB, when it is begun, and twice that later.
class CompileCache {
public:
    CompileCache() noexcept;
    CompileCache(CompileCache&&) noexcept;
    CompileCache& operator=(CompileCache&&) noexcept;
    ~CompileCache();

    void clear() noexcept;
    // Without the tables, which the last classifier has too.
    [[nodiscard]] std::size_t bytes() const noexcept;

private:
    friend class Classifier;
    std::unique_ptr<CompileMemory> memory_;
};

class Classifier {
public:
    // `cache`: of the programs before, and to be used for the next one.
    [[nodiscard]] static Result<Classifier> compile(const Program& program, const Budget& budget = {},
                                                    CompileCache* cache = nullptr);

    Classifier(Classifier&&) noexcept;
    Classifier& operator=(Classifier&&) noexcept;
    ~Classifier();

    // One packet, step after step: the plain kernel. REQUIRES: tuple.ingress_port < lanes of the program
    [[nodiscard]] TraceId lookup(const net::Tuple& tuple) const noexcept;

    // A burst, one step at a time over all packets. REQUIRES: traces.size() >= tuples.size(), tuples.size() <=
    // kMaxBurst
    void lookup(std::span<const net::Tuple> tuples, std::span<TraceId> traces) const noexcept;

    [[nodiscard]] std::span<const Trace> traces() const noexcept;
    [[nodiscard]] const Footprint& footprint() const noexcept;

private:
    explicit Classifier(std::shared_ptr<const Tables> tables) noexcept;
    std::shared_ptr<const Tables> tables_;
};

}  // namespace drywall::classify

// PatternDatabase: many patterns compiled into one automaton (Hyperscan, block mode), and scanned for at once.
//
// Threads: the database is immutable once compiled, any number of threads may scan with it. A Scratch belongs to one
//          worker.
// Memory:  compile() and Scratch::grow_for() allocate, scan() never does.
// Hyperscan's headers and error codes end in lib/inspect/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "drywall/base/fixed_vector.h"
#include "drywall/base/result.h"

struct hs_database;
struct hs_scratch;

namespace drywall::inspect {

enum class PatternId : std::uint32_t {};  // given by the caller; several patterns may share one

enum class Syntax : std::uint8_t {
    kLiteral,  // these bytes
    kRegex,    // PCRE, without what needs backtracking (Hyperscan's subset)
};

struct Pattern {
    PatternId id{};
    std::string text;  // not empty; matches nothing of length 0
    Syntax syntax = Syntax::kLiteral;
    bool ignore_case = false;
};

// The ids that were found, each once, in no particular order.
inline constexpr std::size_t kMaxMatches = 64;
using Matches = FixedVector<PatternId, kMaxMatches>;

class PatternDatabase;

// The working memory of one thread's scans. May serve several databases, one scan at a time.
class Scratch {
public:
    Scratch() noexcept = default;

    // Makes room for scans with `database`. Control side, before the first scan with it.
    [[nodiscard]] Status grow_for(const PatternDatabase& database);

private:
    friend class PatternDatabase;
    struct Deleter {
        void operator()(hs_scratch* scratch) const noexcept;
    };
    std::unique_ptr<hs_scratch, Deleter> handle_;
};

enum class ScanOutcome : std::uint8_t {
    kComplete,  // every pattern that occurs is in the matches
    kFull,      // more than kMaxMatches ids occur: the scan was ended early
    kFailed,    // scratch was not grown for this database: our own mistake; nothing may be concluded
};

class PatternDatabase {
public:
    // An error names the offending pattern by its index in `patterns`, with Hyperscan's own words.
    [[nodiscard]] static Result<PatternDatabase> compile(std::span<const Pattern> patterns);

    // Packet path. Clears `matches`, then fills in the ids that occur in `bytes`.
    // REQUIRES: scratch.grow_for(*this) succeeded
    [[nodiscard]] ScanOutcome scan(std::span<const std::uint8_t> bytes, Scratch& scratch,
                                   Matches& matches) const noexcept;

    [[nodiscard]] std::size_t memory_bytes() const noexcept;

private:
    friend class Scratch;
    struct Deleter {
        void operator()(hs_database* database) const noexcept;
    };
    using Handle = std::unique_ptr<hs_database, Deleter>;

    explicit PatternDatabase(Handle handle) noexcept : handle_(std::move(handle)) {}

    Handle handle_;
};

}  // namespace drywall::inspect

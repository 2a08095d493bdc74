// LiteralDatabase: many byte strings compiled into one automaton (Hyperscan, block mode), and searched for at once.
//
// Literals only, and where they must lie in a text is the caller's to check: 10,000 of them compile in 0.2 s, as
// anchored regular expressions in 7 s, and are found ten times as fast (docs/adr/0022).
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
#include <string_view>
#include <utility>

#include "drywall/base/result.h"

struct hs_database;
struct hs_scratch;

namespace drywall::inspect {

class LiteralDatabase;

// The working memory of one thread's scans. May serve several databases, one scan at a time.
class Scratch {
public:
    Scratch() noexcept = default;

    // Makes room for scans with `database`. Control side, before the first scan with it.
    [[nodiscard]] Status grow_for(const LiteralDatabase& database);

private:
    friend class LiteralDatabase;
    struct Deleter {
        void operator()(hs_scratch* scratch) const noexcept;
    };
    std::unique_ptr<hs_scratch, Deleter> handle_;
};

class LiteralDatabase {
public:
    // A literal is known by its index. It may hold any bytes, but not none. An error names the offending one by its
    // index.
    [[nodiscard]] static Result<LiteralDatabase> compile(std::span<const std::string> literals);

    // Packet path. Calls `found(index, end)` for every place where a literal occurs, by ascending `end`, the offset
    // behind its last byte. `found` is noexcept. False: scratch was not grown for this database, our own mistake;
    // nothing may be concluded.
    template <typename Callback>
    [[nodiscard]] bool scan(std::string_view text, Scratch& scratch, Callback& found) const noexcept {
        return scan_each(text, scratch, &call<Callback>, &found);
    }

    [[nodiscard]] std::size_t memory_bytes() const noexcept;

private:
    friend class Scratch;
    struct Deleter {
        void operator()(hs_database* database) const noexcept;
    };
    using Handle = std::unique_ptr<hs_database, Deleter>;
    using OnMatch = int (*)(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void* context);

    explicit LiteralDatabase(Handle handle) noexcept : handle_(std::move(handle)) {}

    template <typename Callback>
    static int call(unsigned id, unsigned long long /*from*/, unsigned long long to, unsigned /*flags*/,
                    void* context) {
        (*static_cast<Callback*>(context))(id, static_cast<std::size_t>(to));
        return 0;
    }
    [[nodiscard]] bool scan_each(std::string_view text, Scratch& scratch, OnMatch on_match,
                                 void* context) const noexcept;

    Handle handle_;
};

}  // namespace drywall::inspect

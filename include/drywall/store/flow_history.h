// FlowHistory: intervals of flow records in a file of bounded size, by time. What is in an interval it does not know.
//
// Threads: append(), older_than(), replace(), set_grain() and trim() are one thread's, the recorder's; read() and
//          oldest() may be called by any, and do not keep the recorder waiting.
// Failure: an interval that was appended may be lost with the power in the last second; the file is never damaged by
// it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "drywall/base/result.h"
#include "drywall/store/database.h"

namespace drywall::store {

struct StoredInterval {
    std::int64_t id = 0;      // the file's
    std::int64_t run = 0;     // of the daemon that wrote it
    std::int64_t number = 0;  // within that run; of a sum: of the last interval in it
    std::int64_t grain = 0;   // milliseconds
    std::int64_t begin = 0;   // milliseconds since 1970, likewise `end`
    std::int64_t end = 0;
    std::int64_t records = 0;
    std::string bytes;
};

class FlowHistory {
public:
    // Intervals written by `run` are told apart from those of earlier ones. `max_bytes` bounds the file; its journal
    // comes on top, some megabytes.
    [[nodiscard]] static Result<std::unique_ptr<FlowHistory>> open(const std::filesystem::path& file, std::int64_t run,
                                                                   std::uint64_t max_bytes);

    // All of them or none.
    [[nodiscard]] Status append(std::span<const StoredInterval> intervals);

    // Intervals that overlap [since, until), oldest first, except those of this run with a number of `first_number` or
    // more. False from `take` ends it.
    [[nodiscard]] Status read(std::int64_t since, std::int64_t until, std::int64_t first_number,
                              const std::function<bool(const StoredInterval&)>& take) const;
    [[nodiscard]] Result<std::optional<std::int64_t>> oldest() const;  // where the oldest interval begins

    // The oldest intervals of one grain that ended before `end`, at most `limit`; none of this run with a number of
    // `first_number` or more.
    [[nodiscard]] Result<std::vector<StoredInterval>> older_than(std::int64_t grain, std::int64_t end,
                                                                 std::int64_t first_number, std::size_t limit);
    // Their sum takes the place of `intervals`.
    [[nodiscard]] Status replace(std::span<const StoredInterval> intervals, const StoredInterval& sum);
    [[nodiscard]] Status set_grain(std::span<const StoredInterval> intervals, std::int64_t grain);

    // Deletes what ended before `end`, and the oldest beyond nine tenths of `max_bytes`, some at a time. True: there is
    // more to delete.
    [[nodiscard]] Result<bool> trim(std::int64_t end);

private:
    FlowHistory(Database writer, Database reader, std::int64_t run, std::uint64_t max_bytes);
    [[nodiscard]] Status create_schema();
    [[nodiscard]] Status insert(const StoredInterval& interval);
    [[nodiscard]] Status remove(std::int64_t id);
    [[nodiscard]] Result<std::uint64_t> bytes_used();
    [[nodiscard]] Result<bool> make_room();

    Database writer_;
    mutable std::mutex read_mutex_;  // guards reader_
    mutable Database reader_;
    std::int64_t run_;
    std::uint64_t max_bytes_;
};

}  // namespace drywall::store

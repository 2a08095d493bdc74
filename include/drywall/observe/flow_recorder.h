// FlowRecorder: a thread that takes the flow log's intervals as they are finished, and writes them to the history on
// disk and to a file of JSON lines. It is where spans of time older than memory are read from. What was asked for
// inside of connections is written to the file alone, a line for each.
//
// Threads: start() and the destructor are the owner's; the recorder's own thread writes; any thread reads.
// Failure: what can't be written is counted (FlowAnswer::unrecorded) and said (trouble()); nobody waits for it, and
//          the next interval is tried again.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "drywall/observe/flow_log.h"

namespace drywall::observe {

struct FlowHistorySettings {
    std::filesystem::path file;
    std::chrono::hours keep{48};
    std::uint64_t max_bytes = std::uint64_t{1024} << 20;
    std::chrono::milliseconds fine{std::chrono::hours(1)};  // to the second; then to the minute, for a day; then to 15
};

struct FlowFileSettings {
    std::filesystem::path file;
    std::uint64_t max_bytes = std::uint64_t{100} << 20;  // then it is renamed to FILE.1
    unsigned files = 5;                                  // as many with the current one
};

class FlowRecorder final : public FlowArchive {
public:
    // `log` is told to read from here until the recorder is gone, and outlives it.
    FlowRecorder(FlowLog& log, const std::optional<FlowHistorySettings>& history,
                 const std::optional<FlowFileSettings>& file, FlowLog::WallClock now = {});
    // Writes what is left.
    ~FlowRecorder() override;

    // As often as work() is called for, every quarter of a second.
    void start();
    // One round: takes intervals, writes them, sums up and forgets what is old. start()'s thread calls it; tests do.
    void work(bool last = false);

    void read(WallTime since, WallTime until, std::uint64_t first_in_memory,
              const std::function<bool(const FlowInterval&)>& take) const override;
    std::optional<WallTime> oldest() const override;
    std::string trouble() const override;

private:
    class State;
    std::unique_ptr<State> state_;
    FlowLog& log_;
};

}  // namespace drywall::observe

// EalLog: what DPDK prints goes to our log, level debug, and its last words are kept for a hint.
//
// Threads: any; DPDK logs from wherever it is. One mutex.
#pragma once

#include <string>

namespace drywall::io {

// From now on DPDK's log lines come here. Once per process, before rte_eal_init().
void capture_eal_log();

// The last line that DPDK logged since the last call, or nothing.
[[nodiscard]] std::string take_last_eal_line();

// While it lives, what the process writes to standard output and error is held back: rte_eal_init() prints its usage
// and its fatal errors there, past its own log. At the end DPDK's lines go to the log, everyone else's to where they
// were meant to go.
class HoldBackOutput {
public:
    HoldBackOutput();
    ~HoldBackOutput();
    HoldBackOutput(const HoldBackOutput&) = delete;
    HoldBackOutput& operator=(const HoldBackOutput&) = delete;

private:
    struct Stream {
        int number = -1;  // 1 or 2
        int saved = -1;   // where it went
        int held = -1;    // a memory file
    };
    static Stream divert(int number);
    static std::string restore(const Stream& stream);

    Stream output_;
    Stream error_;
};

}  // namespace drywall::io

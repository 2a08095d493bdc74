// EalLog: what DPDK prints goes to our log, level debug, and its first complaint is kept for a hint.
//
// Threads: any; DPDK logs from wherever it is. One mutex.
#pragma once

#include <string>
#include <string_view>

namespace drywall::io {

// argv[0] of rte_eal_init(): getopt starts its complaints on standard error with it.
inline constexpr std::string_view kEalProgramName = "dpdk-eal";

// From now on DPDK's log lines come here. Once per process, before rte_eal_init().
void capture_eal_log();

// DPDK's first complaint since the last call that says more than that something went wrong; or nothing.
std::string take_eal_complaint();

// While it lives, what the process writes to standard output and error is held back: rte_eal_init() prints its usage
// and its fatal errors there, past its own log, and so do the libraries under net_af_xdp. At the end their lines go to
// the log, everyone else's to where they were meant to go.
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

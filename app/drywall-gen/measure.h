// The measuring commands. Each takes its options as they were declared, and returns the program's exit code.
//
// Threads: the main thread's.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "invocation.h"
#include "session.h"

namespace drywall::gen {

struct SearchOptions {
    MeasureOptions measure;
    std::string least;  // empty: 1kpps, 10cps
    std::string most;   // empty: what the generator can do by itself
    std::string width = "0.5%";
    std::string short_trial = "200ms";
    unsigned trials = 3;
    std::string loss = "0.5%";  // of the PDR
};
void declare_ndr(CLI::App& command, SearchOptions& options);
[[nodiscard]] cli::Exit ndr(const cli::Invocation& invocation, const SearchOptions& options);

// Of connections instead of packets; one goal: none fails.
void declare_cps(CLI::App& command, SearchOptions& options);
[[nodiscard]] cli::Exit cps(const cli::Invocation& invocation, const SearchOptions& options);

struct LatencyOptions {
    SearchOptions search;  // where no rate is given
    std::vector<std::string> shares{"10%", "50%", "90%"};
};
void declare_latency(CLI::App& command, LatencyOptions& options);
[[nodiscard]] cli::Exit latency(const cli::Invocation& invocation, const LatencyOptions& options);

void declare_rate(CLI::App& command, MeasureOptions& options);
[[nodiscard]] cli::Exit rate(const cli::Invocation& invocation, const MeasureOptions& options);

struct SoakOptions {
    MeasureOptions measure;
    std::string interval = "10s";
};
void declare_soak(CLI::App& command, SoakOptions& options);
[[nodiscard]] cli::Exit soak(const cli::Invocation& invocation, const SoakOptions& options);

struct SwapOptions {
    MeasureOptions measure;
    std::vector<std::string> between;  // two files or folders
    double per_second = 10;
};
void declare_swap(CLI::App& command, SwapOptions& options);
[[nodiscard]] cli::Exit swap(const cli::Invocation& invocation, const SwapOptions& options);

struct CompareOptions {
    std::string before;
    std::string after;
};
void declare_compare(CLI::App& command, CompareOptions& options);
[[nodiscard]] cli::Exit compare(const cli::Invocation& invocation, const CompareOptions& options);

}  // namespace drywall::gen

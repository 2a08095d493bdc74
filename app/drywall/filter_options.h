// FilterOptions: a filter's flags on the command line. What `--not` stands in front of is only known by the order in
// which they were written.
//
// Threads: one.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "drywall/observe/flow_filter.h"

namespace drywall::cli {

struct FilterOptions {
    std::vector<observe::FlowTerm> terms;  // in the order in which they were written
    std::string mistake;                   // in how they were written: `--not` with nothing behind it

    // As the parser sees them.
    std::map<std::string, std::vector<std::string>> values;  // by flag
    int differing = 0;                                       // how often they were written
    int negations = 0;
};

// Declares the flags and `--not`.
void add_filter(CLI::App& command, FilterOptions& options, std::span<const observe::FlowFlag> flags);

// What stood on the command line, word by word; once it is parsed.
void read_filter(const CLI::App& command, FilterOptions& options);

}  // namespace drywall::cli

// What every look at what happens can be told: which of it is meant, and when it ends.
//
// Threads: one.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

#include "filter_options.h"
#include "watching.h"

namespace drywall::cli {

void add_ends(CLI::App& command, WatchArguments& arguments, const std::string& count_help,
              const std::string& timeout_help);

// What stood on the command line, once it is parsed. `Arguments` has the terms of a filter, and a mistake in them.
template <typename Arguments>
void take_filter(const CLI::App& command, FilterOptions& filter, Arguments& arguments) {
    read_filter(command, filter);
    arguments.terms = filter.terms;
    arguments.mistake = filter.mistake;
}

}  // namespace drywall::cli

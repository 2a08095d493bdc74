// The options of a search, as ndr, latency and cps share them.
//
// Threads: the main thread's.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

#include "drywall/generate/throughput_search.h"
#include "measure.h"
#include "session.h"

namespace drywall::gen {

// `unit`: "pps" or "cps".
void declare_search(CLI::App& command, SearchOptions& options, const std::string& unit);

// kInvalid, with the option. Rates are in the unit of the session's ceiling.
[[nodiscard]] Result<generate::SearchSettings> settings_of(const SearchOptions& options, const Session& session);

// An option that can't be read, and how it is written.
[[nodiscard]] Error wrong_option(const char* option, const std::string& text, const std::string& hint);

}  // namespace drywall::gen

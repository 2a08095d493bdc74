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

// What a report says of the searches that led to its figures.
[[nodiscard]] generate::Json details_of(const generate::SearchSettings& settings, bool stopped,
                                        generate::Json searches);

}  // namespace drywall::gen

// Watching: what drywalld tells as it happens, event by event, until a count, a time or Ctrl-C ends it; and then what
// was seen, and what was missed.
//
// Threads: one.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "client.h"
#include "drywall/observe/flow_filter.h"
#include "invocation.h"

namespace drywall::cli {

struct WatchArguments {
    std::vector<observe::FlowTerm> terms;  // in the order in which they were written
    std::string mistake;                   // in how they were written
    std::uint64_t count = 0;               // then it ends; 0: any number
    std::string timeout;                   // then too; empty: never
};

struct Watched {
    std::string path;    // of the API
    std::string event;   // by which each of them comes: "drop"
    std::string missed;  // why some were missed: "they came faster than they can be copied"
};

// The filter, the count and the time as parameters.
[[nodiscard]] Query watch_query(const WatchArguments& arguments);

// Gives `each` every event that is meant until the end; false from it ends it at once. `begin` gets what comes first.
Exit watch(const Invocation& invocation, const Watched& watched, const Query& query,
           const std::function<bool(const Json&)>& begin, const std::function<bool(const Json&)>& each);

// A mistake in the words of the command line.
Exit misread(const Invocation& invocation, const Error& error);

}  // namespace drywall::cli

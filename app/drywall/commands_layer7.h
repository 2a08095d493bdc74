// What is asked about what is read inside of connections: requests, shown and watched as they come, and the names that
// addresses are known by.
//
// Threads: one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "drywall/observe/flow_filter.h"
#include "invocation.h"
#include "render.h"
#include "watching.h"

namespace drywall::cli {

// Which of them are meant, beside the filter.
struct RequestChoice {
    bool denied = false;        // only those that were denied
    bool would_change = false;  // only those about which the worlds differ
    bool would_deny = false;    // of them, only those that would be denied
};

// What was asked for inside of connections, the newest.
struct RequestsArguments : RequestChoice {
    std::vector<observe::FlowTerm> terms;  // in the order in which they were written
    std::string mistake;                   // in how they were written
    std::string since;
    std::string limit;
};
Exit show_requests(const Invocation& invocation, const RequestsArguments& arguments);

// A line per request, until count, timeout or Ctrl-C, and what was missed.
Exit watch_requests(const Invocation& invocation, const WatchArguments& arguments, const RequestChoice& choice);

// By which names addresses are known.
struct NamesArguments {
    std::string name;  // only this one; empty: all
    std::string limit;
};
Exit show_names(const Invocation& invocation, const NamesArguments& arguments);

// render_layer7.cpp

[[nodiscard]] std::string render_requests(const Json& answer, const Style& style);
// One line of a watch; its header.
[[nodiscard]] std::string render_request(const Json& request, const Style& style);
[[nodiscard]] std::string render_request_header(const Style& style);
[[nodiscard]] std::string render_known_names(const Json& answer, const Style& style);

}  // namespace drywall::cli

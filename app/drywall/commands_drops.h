// What is asked about dropped packets: counted, watched while they die, written into a file.
//
// Threads: one.
#pragma once

#include <cstdint>
#include <string>

#include "client.h"
#include "invocation.h"
#include "render.h"
#include "watching.h"

namespace drywall::cli {

struct DropsArguments {
    std::string explain;  // a reason: what it means and what to check next; needs no drywalld
};
Exit drops(const Invocation& invocation, const DropsArguments& arguments);

// A line per packet, until count, timeout or Ctrl-C, and what was missed.
Exit watch_drops(const Invocation& invocation, const WatchArguments& arguments);

struct CaptureArguments : WatchArguments {
    bool dropped = false;  // the only kind that there is; it has to be said
    std::string file;      // "-": standard output
    std::uint32_t snaplen = 256;
};
// pcapng: an interface per port, and who dropped it as each packet's comment.
Exit capture(const Invocation& invocation, const CaptureArguments& arguments);

// render_drops.cpp

// By reason: counts of what passed because a setting only observes.
[[nodiscard]] std::string render_observed(const Json& observed, const Style& style);
[[nodiscard]] std::string render_drops(const Json& answer, const Style& style);
// One line of a watch; its header.
[[nodiscard]] std::string render_drop(const Json& drop, const Style& style);
[[nodiscard]] std::string render_drop_header(const Style& style);
// "policy_deny; rule default|gnp:database|deny|1; policy GlobalNetworkPolicy database; generation 7"
[[nodiscard]] std::string drop_comment(const Json& drop);

}  // namespace drywall::cli

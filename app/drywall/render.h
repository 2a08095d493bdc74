// Render: drywalld's answers as people read them. One function per answer; docs/api.md names the fields.
//
// Threads: pure functions.
#pragma once

#include <string>

#include "client.h"
#include "invocation.h"
#include "table.h"

namespace drywall::cli {

struct Style {
    bool color = false;
    bool wide = false;
};

[[nodiscard]] inline Style style_of(const Invocation& invocation) {
    return {invocation.color, invocation.format == Format::kWide};
}

// "globalnetworkpolicy/web-to-db created", one line per object.
[[nodiscard]] std::string render_changes(const Json& applied);
// "generation 41 -> 42; nothing enforced changed"
[[nodiscard]] std::string render_generation(const Json& applied);

// A List or one resource, as a table per kind.
[[nodiscard]] std::string render_resources(const Json& resources, const Style& style);
// "globalnetworkpolicy/web-to-db", one line per object.
[[nodiscard]] std::string render_names(const Json& resources);

// The first line of it: what state the appliance is in, and below it why.
[[nodiscard]] std::string render_state(const Json& status, const Style& style);
[[nodiscard]] std::string render_status(const Json& status, const Style& style);

struct StatsParts {
    bool rules = true;
    bool staged = true;
    bool drops = true;
    bool ports = true;
    bool former_rules = false;  // rules of earlier generations too
};
[[nodiscard]] std::string render_stats(const Json& stats, const StatsParts& parts, const Style& style);

[[nodiscard]] std::string render_flows(const Json& answer, bool with_header, const Style& style);
// "LOST 0", and what was forgotten to make room.
[[nodiscard]] std::string render_flow_losses(const Json& answer);

[[nodiscard]] std::string render_matrix(const Json& matrix, const Style& style);
// A header, and a line per pair (RFC 4180).
[[nodiscard]] std::string render_matrix_csv(const Json& matrix);

[[nodiscard]] std::string render_trace(const Json& trace, const Style& style);

// Generations, newest first; `*` marks the one in force.
[[nodiscard]] std::string render_history(const Json& answer, const Style& style);
[[nodiscard]] std::string render_audit(const Json& answer, const Style& style);
// As `diff -u` writes it.
[[nodiscard]] std::string render_diff(const Json& answer, const Style& style);
// Where the policies came from, and how the memory is; "" when all is as it should be.
[[nodiscard]] std::string render_store(const Json& status, const Style& style);

}  // namespace drywall::cli

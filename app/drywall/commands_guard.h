// Commands that keep operators from locking themselves out, and let them in again.
//
// Threads: one.
#pragma once

#include <string>
#include <vector>

#include "client.h"
#include "invocation.h"
#include "render.h"

namespace drywall::cli {

// What a change can be told about its way back.
struct GuardArguments {
    std::string confirm_within = {};
    bool no_confirm = false;
    std::string revert_if = {};
    bool force = false;
};
// Nothing was said, and a person sits at the terminal: a change that can deny more than before asks to be confirmed.
[[nodiscard]] Query guard_query(const GuardArguments& arguments, bool person_at_terminal);
// stdin and stdout are terminals.
[[nodiscard]] bool person_at_terminal() noexcept;

struct ConfirmArguments {
    std::string generation;  // empty: whichever waits
};
Exit confirm(const Invocation& invocation, const ConfirmArguments& arguments);

struct SafetyArguments {
    std::string verb = "status";  // open, close, status
    std::string how_long;
    std::string reason;
};
Exit safety(const Invocation& invocation, const SafetyArguments& arguments);

struct DrillArguments {
    std::vector<std::string> files;  // the candidate; empty, and no `promote`: the built-in one that denies everything
    std::string promote;
};
Exit drill(const Invocation& invocation, const DrillArguments& arguments);

// What a change that waits says below its changes; empty when none waits.
[[nodiscard]] std::string render_pending_change(const Json& pending, const Style& style);
// The lines of `drywall status` about confirmation and safety; empty when there is nothing to say.
[[nodiscard]] std::string render_guard_status(const Json& status, const Style& style);
[[nodiscard]] std::string render_safety(const Json& safety, const Style& style);
[[nodiscard]] std::string render_drill(const Json& drill, const Style& style);

}  // namespace drywall::cli

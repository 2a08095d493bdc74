// Commands that keep operators from locking themselves out.
#include "command_line.h"
#include "commands_guard.h"

namespace drywall::cli {

void add_guard_options(CLI::App& command, GuardArguments& guard) {
    auto* within = command.add_option("--confirm-within", guard.confirm_within,
                                      "Take it back unless it is confirmed in this time: 30s, 5m, 1h");
    command.add_flag("--no-confirm", guard.no_confirm, "It stays, also at a terminal")->excludes(within);
    command.add_option("--revert-if", guard.revert_if, "Take it back early: newly-denied>N, drops>N, worker-stalled");
    command.add_flag("--force", guard.force, "Also if it cuts off management paths or whole endpoints");
}

void add_guard(CommandLine& line) {
    auto [confirm_command, c] =
        line.add<ConfirmArguments>("confirm", "Keep the change that waits", {Format::kJson}, &confirm);
    confirm_command.add_option("--generation", c.generation, "Only if this is the one that waits");

    auto [safety_command, s] = line.add<SafetyArguments>(
        "safety", "Observe everything and enforce nothing, for a while", {Format::kJson}, &safety);
    safety_command.add_option("what", s.verb, "open, close or status")
        ->check(CLI::IsMember({"open", "close", "status"}));
    safety_command.add_option("--for", s.how_long, "How long it stays open: 15m, 1h");
    safety_command.add_option("--reason", s.reason, "Why; kept with the generation");

    auto [drill_command, d] = line.add<DrillArguments>(
        "drill", "Rehearse a lock-out on a copy: what it would cut, what would bring it back", {Format::kJson}, &drill);
    auto* files =
        drill_command.add_option("-f,--filename", d.files, "The change (default: a policy that denies everything)");
    drill_command.add_option("--promote", d.promote, "The promotion of this staged policy")->excludes(files);
}

}  // namespace drywall::cli

// Commands that show what there is, and what was counted.
#include "command_line.h"

namespace drywall::cli {

namespace {

// A section is shown when it was asked for, or when none was.
struct StatsArguments {
    bool rules = false;
    bool staged = false;
    bool drops = false;
    bool ports = false;
    bool former = false;
};

Exit stats_of(const Invocation& invocation, const StatsArguments& asked) {
    const bool all = !asked.rules && !asked.staged && !asked.drops && !asked.ports;
    StatsParts parts;
    parts.former_rules = asked.former;
    parts.rules = all || asked.rules;
    parts.staged = all || asked.staged;
    parts.drops = all || asked.drops;
    parts.ports = all || asked.ports;
    return stats(invocation, parts);
}

}  // namespace

void add_objects_and_numbers(CommandLine& line) {
    auto [get_command, g] =
        line.add<ObjectArguments>("get", "Show resources", {Format::kJson, Format::kYaml, Format::kName}, &get);
    get_command.add_option("kind", g.kind, "Kind or short name (gnp, sgnp, tier, gns, hep, wep), or KIND/NAME");
    get_command.add_option("name", g.name, "Name, or NAMESPACE/NAME");
    get_command.add_option("-n,--namespace", g.ns, "Namespace");

    line.add("status", "Show how the appliance is", {Format::kJson}, &status);

    auto [stats_command, s] =
        line.add<StatsArguments>("stats", "Show what was counted, per rule in both worlds", {Format::kJson}, &stats_of);
    stats_command.add_flag("--rules", s.rules, "Only the rules");
    stats_command.add_flag("--staged", s.staged, "Only the staged policies");
    stats_command.add_flag("--drops", s.drops, "Only the drop reasons");
    stats_command.add_flag("--ports", s.ports, "Only the ports");
    stats_command.add_flag("--former", s.former, "Also rules that are no longer in force");

    line.add("version", "Show versions", {Format::kJson}, &version);
}

}  // namespace drywall::cli

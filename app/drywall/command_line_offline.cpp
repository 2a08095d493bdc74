// Commands that need no daemon.
#include "command_line.h"

namespace drywall::cli {

void add_offline(CommandLine& line) {
    const std::string resources = "Resources: file, directory, or - for standard input";
    const std::string config = "The appliance's configuration; every key has a default";
    auto [validate_command, v] = line.add<ValidateArguments>(
        "validate", "Say everything that is wrong in files; needs no daemon", {Format::kJson}, &validate);
    validate_command.add_option("-f,--filename", v.files, resources)->required();
    validate_command.add_option("--config", v.config, config);

    // These two write JSON lines, whatever is asked for.
    auto [eval_command, e] =
        line.add<EvalArguments>("eval", "Answer questions about connections, JSON lines for JSON lines", {}, &eval);
    eval_command.add_option("-f,--filename", e.files, resources)->required();
    eval_command.add_option("--config", e.config, config);
    eval_command.add_option("--queries", e.queries, "File of queries, or - for standard input")->required();
    eval_command.add_option("--engine", e.engine, "compiled (as the packets), or reference (slow, to compare with)")
        ->check(CLI::IsMember({"compiled", "reference"}));

    auto [selector_command, s] =
        line.add<SelectorArguments>("selector", "Match selectors and labels, JSON lines for JSON lines", {}, &selector);
    selector_command.add_option("--queries", s.queries, "File of queries (default: standard input)");
}

}  // namespace drywall::cli

// The flow log on the command line. Its flags are those of observe::FlowFilter; what `--not` stands in front of is only
// known by the order in which they were written.
#include <map>
#include <utility>
#include <vector>

#include "command_line.h"
#include "commands.h"
#include "drywall/observe/flow_filter.h"

namespace drywall::cli {

namespace {

struct FlowsOptions : FlowsArguments {
    std::map<std::string, std::vector<std::string>> values;  // by flag
    int differing = 0;                                       // how often they were written
    int negations = 0;
};

// What stood on the command line, word by word.
void read_terms(const CLI::App& command, FlowsOptions& options) {
    std::map<const CLI::Option*, std::size_t> read;
    bool negated = false;
    for (const CLI::Option* option : command.parse_order()) {
        const std::string flag = option->get_name().substr(2);
        if (flag == "not") {
            if (negated) options.mistake = "--not stands in front of another --not";
            negated = true;
            continue;
        }
        const auto values = options.values.find(flag);
        if (values == options.values.end() && flag != "differing") {
            if (negated) options.mistake = "--not turns round a filter, and --" + flag + " is none";
            continue;
        }
        const std::string value = flag == "differing" ? "true" : values->second[read[option]++];
        options.terms.push_back({flag, value, std::exchange(negated, false)});
    }
    if (negated) options.mistake = "--not has no filter behind it";
}

Exit flows_of(const Invocation& invocation, const FlowsOptions& options) { return flows(invocation, options); }

}  // namespace

void add_flows(CommandLine& line) {
    auto declared = line.add<FlowsOptions>("flows", "Show connections, and what both worlds say about them",
                                           {Format::kJson, Format::kJsonLines}, &flows_of);
    CLI::App& command = declared.command;
    FlowsOptions& options = declared.arguments;
    for (const observe::FlowFlag& flag : observe::FlowFilter::flags()) {
        const std::string name = "--" + std::string(flag.name);
        if (flag.name == "differing") {
            command.add_flag(name, options.differing, std::string(flag.help));
            continue;
        }
        command.add_option(name, options.values[std::string(flag.name)], std::string(flag.help))
            ->allow_extra_args(false)
            ->type_name(std::string(flag.value));
    }
    command.add_flag("--not", options.negations, "Turn round the filter that follows");
    command.add_option("--since", options.since, "From then on: 10m, 1h30m, 2d or 2026-11-22T12:15:07Z");
    command.add_option("--until", options.until, "Before that moment");
    command.add_option("--limit,--last", options.limit, "At most so many, the last ones")->check(CLI::Range(1, 10000));
    command.add_flag("-f,--follow", options.follow, "Go on showing what changes");
    command.add_option("--input-file", options.input_file, "Read flows from this file (-: standard input) instead");
    command.callback([&command, &options] { read_terms(command, options); });
}

}  // namespace drywall::cli

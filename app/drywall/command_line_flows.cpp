// The flow log on the command line. Its flags are those of observe::FlowFilter.
#include "command_line.h"
#include "command_line_watch.h"
#include "commands.h"
#include "drywall/observe/flow_filter.h"

namespace drywall::cli {

namespace {

struct FlowsOptions : FlowsArguments {
    FilterOptions filter;
};

Exit flows_of(const Invocation& invocation, const FlowsOptions& options) { return flows(invocation, options); }

}  // namespace

void add_flows(CommandLine& line) {
    auto declared = line.add<FlowsOptions>("flows", "Show connections, and what both worlds say about them",
                                           {Format::kJson, Format::kJsonLines}, &flows_of);
    CLI::App& command = declared.command;
    FlowsOptions& options = declared.arguments;
    add_filter(command, options.filter, observe::FlowFilter::flags());
    command.add_option("--since", options.since, "From then on: 10m, 1h30m, 2d or 2026-11-22T12:15:07Z");
    command.add_option("--until", options.until, "Before that moment");
    command.add_option("--limit,--last", options.limit, "At most so many, the last ones")->check(CLI::Range(1, 10000));
    command.add_flag("-f,--follow", options.follow, "Go on showing what changes");
    command.add_option("--input-file", options.input_file, "Read flows from this file (-: standard input) instead");
    command.callback([&command, &options] { take_filter(command, options.filter, options); });
}

}  // namespace drywall::cli

// `watch drops` and `watch requests` on the command line, and `requests` and `names`.
#include "command_line_watch.h"

#include <algorithm>
#include <vector>

#include "command_line.h"
#include "commands_drops.h"
#include "commands_layer7.h"
#include "drywall/observe/drop.h"
#include "drywall/observe/request.h"

namespace drywall::cli {

namespace {

constexpr std::uint64_t kMostEvents = 1'000'000'000;

struct WatchOptions : WatchArguments {
    std::string what;
    RequestChoice choice;
    FilterOptions filter;
};

struct RequestsOptions : RequestsArguments {
    FilterOptions filter;
};

Exit watch_of(const Invocation& invocation, const WatchOptions& options) {
    if (options.what == "requests") return watch_requests(invocation, options, options.choice);
    if (options.choice.denied || options.choice.would_change || options.choice.would_deny)
        return misread(invocation,
                       Error::of(ErrorKind::kInvalid, "--denied, --would-change and --would-deny are about requests",
                                 "write drywall watch requests, or leave them out"));
    return watch_drops(invocation, options);
}

Exit requests_of(const Invocation& invocation, const RequestsOptions& options) {
    return show_requests(invocation, options);
}

// Each once. What one of them does not know it refuses when it is run.
std::vector<observe::FlowFlag> flags_of_both() {
    const auto drops = observe::DropFilter::flags();
    std::vector<observe::FlowFlag> flags(drops.begin(), drops.end());
    for (const observe::FlowFlag& flag : observe::RequestFilter::flags())
        if (std::ranges::find(drops, flag.name, &observe::FlowFlag::name) == drops.end()) flags.push_back(flag);
    return flags;
}

void add_choice(CLI::App& command, RequestChoice& choice) {
    command.add_flag("--denied", choice.denied, "Only requests that were denied");
    command.add_flag("--would-change", choice.would_change,
                     "Only requests that staged policies would decide otherwise");
    command.add_flag("--would-deny", choice.would_deny, "Of them, only those that would be denied");
}

}  // namespace

void add_ends(CLI::App& command, WatchArguments& arguments, const std::string& count_help,
              const std::string& timeout_help) {
    command.add_option("--count", arguments.count, count_help)->check(CLI::Range(std::uint64_t{1}, kMostEvents));
    command.add_option("--timeout", arguments.timeout, timeout_help);
}

void add_watch(CommandLine& line) {
    auto declared =
        line.add<WatchOptions>("watch", "Show packets as they die, or requests as they come, and who decided",
                               {Format::kJson, Format::kJsonLines}, &watch_of);
    CLI::App& command = declared.command;
    WatchOptions& options = declared.arguments;
    command.add_option("what", options.what, "drops or requests")
        ->required()
        ->check(CLI::IsMember({"drops", "requests"}));
    add_ends(command, options, "End after so many", "End after this time: 30s, 5m, 1h");
    add_choice(command, options.choice);
    add_filter(command, options.filter, flags_of_both());
    command.callback([&command, &options] { take_filter(command, options.filter, options); });
}

void add_layer7(CommandLine& line) {
    auto declared =
        line.add<RequestsOptions>("requests", "Show what was asked for inside of connections, and who decided it",
                                  {Format::kJson, Format::kJsonLines}, &requests_of);
    CLI::App& command = declared.command;
    RequestsOptions& options = declared.arguments;
    add_choice(command, options);
    command.add_option("--since", options.since, "From then on: 10m, 1h30m, 2d or 2026-11-22T12:15:07Z");
    command.add_option("--limit,--last", options.limit, "The newest so many (default: 100)");
    add_filter(command, options.filter, observe::RequestFilter::flags());
    command.callback([&command, &options] { take_filter(command, options.filter, options); });

    auto [names_command, n] =
        line.add<NamesArguments>("names", "Show by which names addresses are known", {Format::kJson}, &show_names);
    names_command.add_option("name", n.name, "Only this one");
    names_command.add_option("--limit", n.limit, "At most so many (default: 1000)");
}

}  // namespace drywall::cli

// drywall: the operator's command. Reads the command line, runs one command, returns its exit code.
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>
#include <CLI/CLI.hpp>

#include "client.h"
#include "command_line.h"
#include "drywall/base/out_of_memory.h"

namespace {

using namespace drywall::cli;  // NOLINT(google-build-using-namespace): a main() of one module

struct Options {
    std::string socket = "/run/drywall/api.sock";
    Format format = Format::kTable;
    bool no_color = false;
    bool quiet = false;
};

const std::map<std::string, Format> kFormats{
    {"table", Format::kTable},     {"wide", Format::kWide}, {"name", Format::kName}, {"json", Format::kJson},
    {"jsonl", Format::kJsonLines}, {"yaml", Format::kYaml}, {"csv", Format::kCsv}};

std::string_view name_of(Format format) {
    for (const auto& [name, known] : kFormats)
        if (known == format) return name;
    return {};
}

bool can_write(const CommandLine::Command& command, Format format) {
    return format == Format::kTable || format == Format::kWide || command.formats.contains(format);
}

void add_global(CLI::App& app, Options& o) {
    app.add_option("--socket", o.socket, "drywalld's control socket")->envname("DRYWALL_SOCKET")->capture_default_str();
    app.add_option("-o,--output", o.format, "table, wide, name, json, jsonl, yaml or csv")
        ->transform(CLI::Validator(
            [](std::string& text) {
                const auto format = kFormats.find(CLI::detail::to_lower(text));
                if (format == kFormats.end())
                    return "there is no format '" + text + "'; write table, wide, name, json, jsonl, yaml or csv";
                text = std::to_string(static_cast<int>(format->second));
                return std::string();
            },
            ""));
    app.add_flag("--no-color", o.no_color, "No colour (so does the variable NO_COLOR)");
    app.add_flag("-q,--quiet", o.quiet, "Say only what went wrong");
    app.require_subcommand(1);
    app.fallthrough();  // the options above may stand behind the command too
}

bool wants_color(const Options& options) {
    const char* no_color = std::getenv("NO_COLOR");
    return !options.no_color && (no_color == nullptr || *no_color == '\0') && ::isatty(STDOUT_FILENO) == 1;
}

}  // namespace

// Data that nobody got is no success, whatever was asked.
Exit delivered(const Invocation& invocation, Exit result) {
    invocation.out.flush();
    if (invocation.out) return result;
    invocation.err << "standard output can't be written to: " << std::strerror(errno) << '\n';
    return result == Exit::kOk ? Exit::kUnreachable : result;
}

int main(int argc, char** argv) {
    // A daemon that closes in the middle of a request is an error to report, and a reader that has gone ends --follow.
    (void)std::signal(SIGPIPE, SIG_IGN);
    std::ios::sync_with_stdio(false);
    CLI::App app("drywall: rehearse and enforce Calico policies on the wire", "drywall");
    Options options;
    CommandLine line(app);
    add_global(app, options);
    add_changes(line);
    add_staging(line);
    add_guard(line);
    add_objects_and_numbers(line);
    add_drops(line);
    add_watch(line);
    add_flows(line);
    add_layer7(line);
    add_questions(line);
    add_impact(line);
    add_offline(line);
    add_store(line);
    add_whatif(line);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        // CLI11 says only that a command is missing, also where a wrong one was written.
        const std::vector<std::string> rest = app.remaining();
        if (app.get_subcommands().empty() && !rest.empty() && error.get_exit_code() != 0) {
            std::cerr << "there is no command '" << rest.front() << "'; drywall --help lists the commands\n";
            return static_cast<int>(Exit::kUsage);
        }
        return app.exit(error) == 0 ? 0 : static_cast<int>(Exit::kUsage);
    }
    const Invocation invocation{std::cout,     std::cerr,     options.format, wants_color(options),
                                options.quiet, options.socket};
    const CommandLine::Command* chosen = line.chosen();
    if (chosen == nullptr) return static_cast<int>(Exit::kUsage);
    if (!can_write(*chosen, options.format)) {
        std::cerr << "drywall " << chosen->name << " does not write " << name_of(options.format) << '\n';
        return static_cast<int>(Exit::kUsage);
    }
    const std::optional<Exit> exit =
        drywall::what_memory_allows([&] { return delivered(invocation, chosen->run(invocation)); });
    if (!exit) {
        std::cerr << "not enough memory on this machine for drywall " << chosen->name
                  << ": free some, then try again\n";
        return static_cast<int>(Exit::kUnreachable);
    }
    for (const std::string& notice : take_notices()) invocation.err << "note: " << notice << '\n';
    return static_cast<int>(*exit);
}

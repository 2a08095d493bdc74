// drywall-gen: the traffic generator of the family. Reads the command line, runs one command, returns its exit code.
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string>

#include <unistd.h>
#include <CLI/CLI.hpp>

#include "drywall/base/logging.h"
#include "options.h"
#include "run.h"

namespace {

using drywall::cli::Exit;
using drywall::cli::Format;
using drywall::cli::Invocation;

bool wants_color(bool no_color) {
    const char* variable = std::getenv("NO_COLOR");
    return !no_color && (variable == nullptr || *variable == '\0') && ::isatty(STDOUT_FILENO) == 1;
}

}  // namespace

int main(int argc, char** argv) {
    (void)std::signal(SIGPIPE, SIG_IGN);
    CLI::App app("drywall-gen: traffic for a bump in the wire, and what became of each packet", "drywall-gen");
    app.set_version_flag("--version", "drywall-gen " DRYWALL_VERSION);
    drywall::gen::Options options;
    CLI::App* command = app.add_subcommand("run", "Send a profile's traffic and report");
    drywall::gen::declare_run(*command, options);
    std::string output = "table";
    app.add_option("-o,--output", output, "table or json")->check(CLI::IsMember({"table", "json"}));
    app.add_flag("--no-color", options.no_color, "No colour (so does the variable NO_COLOR)");
    app.add_flag("-q,--quiet", options.quiet, "No display while it runs");
    app.require_subcommand(1);
    app.fallthrough();
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : static_cast<int>(Exit::kUsage);
    }
    drywall::log::start(options.log_level);
    const Invocation invocation{std::cout,
                                std::cerr,
                                output == "json" ? Format::kJson : Format::kTable,
                                wants_color(options.no_color),
                                options.quiet,
                                options.appliance};
    const Exit exit = drywall::gen::run(invocation, options);
    std::cout.flush();
    drywall::log::stop();
    if (!std::cout && exit == Exit::kOk) {
        std::cerr << "standard output can't be written to\n";
        return static_cast<int>(Exit::kUnreachable);
    }
    return static_cast<int>(exit);
}

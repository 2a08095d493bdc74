// drywall-gen: the traffic generator of the family. Reads the command line, runs one command, returns its exit code.
#include <csignal>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <string>
#include <utility>

#include <unistd.h>
#include <CLI/CLI.hpp>

#include "drywall/base/logging.h"
#include "measure.h"
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

Format format_of(const std::string& output) {
    if (output == "json") return Format::kJson;
    if (output == "markdown") return Format::kMarkdown;
    return output == "csv" ? Format::kCsv : Format::kTable;
}

// The commands, and the options of each.
class Commands {
public:
    void declare(CLI::App& app) {
        using namespace drywall::gen;
        declare_run(*add(app, "run", "Send a profile's traffic and report",
                         [this](const Invocation& invocation) { return drywall::gen::run(invocation, run_); }),
                    run_);
        declare_ndr(*add(app, "ndr", "Search the greatest rate without loss (NDR), and with little (PDR)",
                         [this](const Invocation& invocation) { return ndr(invocation, ndr_); }),
                    ndr_);
        declare_cps(*add(app, "cps", "Search the greatest rate of new connections of which none fails",
                         [this](const Invocation& invocation) { return cps(invocation, cps_); }),
                    cps_);
        declare_rate(*add(app, "rate", "Repeat trials at one rate: loss and latency, with their spread",
                          [this](const Invocation& invocation) { return rate(invocation, rate_); }),
                     rate_);
        declare_latency(*add(app, "latency", "Latency at shares of a rate, or of the NDR",
                             [this](const Invocation& invocation) { return latency(invocation, latency_); }),
                        latency_);
        declare_soak(*add(app, "soak", "One long trial, told in intervals",
                          [this](const Invocation& invocation) { return soak(invocation, soak_); }),
                     soak_);
        declare_swap(*add(app, "swap", "What swapping an appliance's policies costs the traffic",
                          [this](const Invocation& invocation) { return drywall::gen::swap(invocation, swap_); }),
                     swap_);
        declare_compare(*add(app, "compare", "Two reports of one command: 1 if something got worse beyond the noise",
                             [this](const Invocation& invocation) { return compare(invocation, compare_); }),
                        compare_);
    }

    [[nodiscard]] std::string log_level() const {
        for (const auto& [command, options] :
             std::initializer_list<std::pair<const char*, const drywall::gen::Options*>>{
                 {"run", &run_},
                 {"ndr", &ndr_.measure.traffic},
                 {"cps", &cps_.measure.traffic},
                 {"rate", &rate_.traffic},
                 {"latency", &latency_.search.measure.traffic},
                 {"soak", &soak_.measure.traffic},
                 {"swap", &swap_.measure.traffic}})
            if (chosen_ != nullptr && chosen_->get_name() == command) return options->log_level;
        return "warn";
    }

    [[nodiscard]] Exit run(const Invocation& invocation) const { return action_(invocation); }

private:
    CLI::App* add(CLI::App& app, const char* name, const char* says, std::function<Exit(const Invocation&)> action) {
        CLI::App* command = app.add_subcommand(name, says);
        command->callback([this, command, action = std::move(action)] {
            chosen_ = command;
            action_ = action;
        });
        return command;
    }

    drywall::gen::Options run_;
    drywall::gen::SearchOptions ndr_;
    drywall::gen::SearchOptions cps_;
    drywall::gen::MeasureOptions rate_;
    drywall::gen::LatencyOptions latency_;
    drywall::gen::SoakOptions soak_;
    drywall::gen::SwapOptions swap_;
    drywall::gen::CompareOptions compare_;
    CLI::App* chosen_ = nullptr;
    std::function<Exit(const Invocation&)> action_;
};

}  // namespace

int main(int argc, char** argv) {
    (void)std::signal(SIGPIPE, SIG_IGN);
    CLI::App app("drywall-gen: traffic for a bump in the wire, and what became of each packet", "drywall-gen");
    app.set_version_flag("--version", "drywall-gen " DRYWALL_VERSION);
    Commands commands;
    commands.declare(app);
    std::string output = "table";
    app.add_option("-o,--output", output, "table or json; of measurements also markdown or csv")
        ->check(CLI::IsMember({"table", "json", "markdown", "csv"}));
    bool no_color = false;
    bool quiet = false;
    app.add_flag("--no-color", no_color, "No colour (so does the variable NO_COLOR)");
    app.add_flag("-q,--quiet", quiet, "No display while it runs");
    app.require_subcommand(1);
    app.fallthrough();
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : static_cast<int>(Exit::kUsage);
    }
    drywall::log::start(commands.log_level());
    const Invocation invocation{std::cout, std::cerr, format_of(output), wants_color(no_color), quiet, {}};
    const Exit exit = commands.run(invocation);
    std::cout.flush();
    drywall::log::stop();
    if (!std::cout && exit == Exit::kOk) {
        std::cerr << "standard output can't be written to\n";
        return static_cast<int>(Exit::kUnreachable);
    }
    return static_cast<int>(exit);
}

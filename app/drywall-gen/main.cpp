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
        add(app, "run", "Send a profile's traffic and report", declare_run, drywall::gen::run, run_, run_);
        add(app, "ndr", "Search the greatest rate without loss (NDR), and with little (PDR)", declare_ndr, ndr, ndr_,
            ndr_.measure.traffic);
        add(app, "rate", "Repeat trials at one rate: loss and latency, with their spread", declare_rate, rate, rate_,
            rate_.traffic);
        add(app, "latency", "Latency at shares of a rate, or of the NDR", declare_latency, latency, latency_,
            latency_.search.measure.traffic);
        add(app, "cps", "Search the greatest rate of new connections of which none fails", declare_cps, cps, cps_,
            cps_.measure.traffic);
        add(app, "soak", "One long trial, told in intervals", declare_soak, soak, soak_, soak_.measure.traffic);
        add(app, "swap", "What swapping an appliance's policies costs the traffic", declare_swap, drywall::gen::swap,
            swap_, swap_.measure.traffic);
        add(app, "compare", "Two reports of one command: 1 if something got worse beyond the noise", declare_compare,
            compare, compare_, nothing_sent_);
    }

    // REQUIRES: the command line was read; likewise below
    [[nodiscard]] const std::string& log_level() const { return traffic_->log_level; }
    [[nodiscard]] Exit run(const Invocation& invocation) const { return action_(invocation); }

private:
    template <typename Options>
    void add(CLI::App& app, const char* name, const char* says, void (*declare_options)(CLI::App&, Options&),
             Exit (*action)(const Invocation&, const Options&), Options& options,
             const drywall::gen::Options& traffic) {
        CLI::App* command = app.add_subcommand(name, says);
        declare_options(*command, options);
        command->callback([this, action, &options, &traffic] {
            traffic_ = &traffic;
            action_ = [action, &options](const Invocation& invocation) { return action(invocation, options); };
        });
    }

    drywall::gen::Options run_;
    drywall::gen::SearchOptions ndr_;
    drywall::gen::MeasureOptions rate_;
    drywall::gen::LatencyOptions latency_;
    drywall::gen::SearchOptions cps_;
    drywall::gen::SoakOptions soak_;
    drywall::gen::SwapOptions swap_;
    drywall::gen::CompareOptions compare_;
    const drywall::gen::Options nothing_sent_{};
    const drywall::gen::Options* traffic_ = nullptr;  // of the command that was given; likewise below
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

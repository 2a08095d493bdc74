// drywalld: the appliance. Reads its configuration, starts, forwards until SIGTERM or SIGINT, reports totals.
#include <csignal>
#include <cstdio>
#include <string>

#include <CLI/CLI.hpp>

#include "appliance.h"
#include "drywall/base/logging.h"
#include "drywall/base/out_of_memory.h"
#include "drywall/loader/settings.h"
#include "hardening.h"

namespace {

using namespace drywall;

enum Exit : int { kOk = 0, kUsage = 2, kInvalid = 3, kDevice = 4 };  // 5: hardening.h

struct Arguments {
    std::string config = "/etc/drywall/drywall.yaml";
    bool check = false;
};

int report(const Error& error, int code) {
    for (const Complaint& complaint : error.complaints)
        std::fprintf(stderr, "drywalld: %s\n", complaint.text().c_str());
    return code;
}

// Every thread inherits the mask: the two signals then wait for the main thread to ask for them.
sigset_t hold_back_signals() {
    std::signal(SIGPIPE, SIG_IGN);  // a client that went away is an error code, not an end
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    return signals;
}

void wait_for(const sigset_t& signals) {
    int received = 0;
    sigwait(&signals, &received);
    spdlog::info("{} received: stopping; a second one ends at once", received == SIGTERM ? "SIGTERM" : "SIGINT");
    pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

Result<loader::Settings> read_settings(const std::string& path) {
    auto sources = loader::read_sources(path);
    if (!sources) return sources.error();
    if (sources->size() != 1)
        return Error::invalid({path, 0, 0}, "the configuration is one file", "name it with --config FILE");
    return loader::load_settings(sources->front());
}

int run(const Arguments& arguments) {
    const sigset_t signals = hold_back_signals();
    auto settings = read_settings(arguments.config);
    if (!settings) return report(settings.error(), kInvalid);
    // Before the logger's thread, which keeps the rights that it begins with.
    if (!arguments.check)
        if (auto taken = daemon::take_on_identity(*settings); !taken) return report(taken.error(), kInvalid);
    log::start(settings->log_level);

    if (arguments.check) {
        if (auto sound = daemon::check_policies(*settings); !sound) return report(sound.error(), kInvalid);
        std::printf("%s: configuration and policies are valid\n", arguments.config.c_str());
        return kOk;
    }

    auto brain = daemon::load_policies(*settings);
    if (!brain) return report(brain.error(), kInvalid);
    auto appliance = daemon::Appliance::start(*settings, *std::move(brain));
    if (!appliance) return report(appliance.error(), kDevice);
    wait_for(signals);
    (*appliance)->stop();
    return kOk;
}

}  // namespace

int main(int argc, char** argv) {
    Arguments arguments;
    CLI::App program("The Drywall appliance: an inline firewall that rehearses policies before it enforces them.");
    program.add_option("-c,--config", arguments.config, "the appliance's configuration")->capture_default_str();
    program.add_flag("--check", arguments.check, "validate configuration and policies, then exit");
    program.set_version_flag("--version", "drywalld " DRYWALL_VERSION);
    try {
        program.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return program.exit(error) == 0 ? kOk : kUsage;
    }
    int code = kDevice;
    // What was started by then has stopped again, in order.
    if (!as_memory_allows([&] { code = run(arguments); }))
        std::fputs("drywalld: not enough memory to start: free memory on this machine, or raise its limit\n", stderr);
    log::stop();
    return code;
}

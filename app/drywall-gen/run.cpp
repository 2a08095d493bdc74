#include "run.h"

#include <array>
#include <csignal>
#include <ctime>
#include <fstream>
#include <optional>

#include <sched.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "appliance_counts.h"
#include "display.h"
#include "drywall/generate/report.h"
#include "drywall/generate/rule_streams.h"
#include "drywall/io/dpdk_settings.h"
#include "drywall/runtime/eal_launcher.h"

namespace drywall::gen {

using cli::Exit;
using cli::Invocation;

namespace {

volatile std::sig_atomic_t interrupts = 0;

// The first one ends the sending and lets the report be written, the second one ends the program.
void note_interrupt(int number) {
    if (interrupts != 0) ::_exit(128 + number);
    interrupts = 1;
}

void listen_for_interrupts() {
    struct sigaction action {};
    action.sa_handler = note_interrupt;
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
}

unsigned last_cpu() {
    cpu_set_t set;
    CPU_ZERO(&set);
    unsigned last = 0;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return last;
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu)
        if (CPU_ISSET(cpu, &set)) last = cpu;
    return last;
}

std::string processor() {
    std::ifstream file("/proc/cpuinfo");
    for (std::string line; std::getline(file, line);)
        if (line.starts_with("model name") && line.find(": ") != std::string::npos)
            return line.substr(line.find(": ") + 2);
    return "unknown";
}

std::string kernel() {
    utsname name{};
    return ::uname(&name) == 0 ? std::string(name.sysname) + " " + name.release : "unknown";
}

std::string utc_now() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    std::array<char, 32> text{};
    if (::gmtime_r(&now, &parts) == nullptr || std::strftime(text.data(), text.size(), "%FT%TZ", &parts) == 0)
        return {};
    return text.data();
}

generate::Fingerprint fingerprint_of(const loader::TrafficProfile& profile, const Options& options) {
    generate::Fingerprint out;
    out.version = DRYWALL_VERSION;
    out.dpdk = io::dpdk_version();
    out.kernel = kernel();
    out.processor = processor();
    out.cores = profile.machine.worker_cores;
    out.hugepages = profile.machine.memory == loader::Memory::kHugepages;
    for (const loader::PortSettings& port : profile.machine.ports) out.devices.emplace_back(port.name, port.device);
    out.seed = profile.seed;
    out.profile = options.profile.empty() ? "command line" : options.profile;
    out.profile_hash = generate::profile_hash(profile);
    return out;
}

// The devices and the generator on them; the last goes first.
struct Bench {
    std::unique_ptr<io::Dpdk> dpdk;
    std::unique_ptr<runtime::Launcher> launcher;
    std::unique_ptr<generate::Generator> generator;
};

Result<Bench> set_up(const loader::TrafficProfile& profile) {
    Bench bench;
    io::DpdkSettings settings = io::dpdk_settings(profile.machine);
    settings.stats_core = settings.worker_cores.front();
    settings.queues = 1;
    auto dpdk = io::Dpdk::start(settings);
    if (!dpdk) return dpdk.error();
    bench.dpdk = *std::move(dpdk);
    bench.launcher = runtime::make_eal_launcher();
    auto generator = generate::Generator::create(profile, {.ports = bench.dpdk->ports(),
                                                           .frames = &bench.dpdk->frames(),
                                                           .launcher = bench.launcher.get(),
                                                           .cores = profile.machine.worker_cores});
    if (!generator) return generator.error();
    bench.generator = *std::move(generator);
    return bench;
}

Status warm_up(generate::Generator& generator, const loader::TrafficProfile& profile) {
    if (profile.warm_up.count() == 0) return Done{};
    generate::TrialRequest request = generate::request_of(profile);
    request.duration = profile.warm_up;
    auto warm = generator.run(request, [](const generate::TrialView& /*view*/) { return interrupts == 0; });
    if (!warm) return warm.error();
    return Done{};
}

// What the appliance counts is looked at between the warm-up and the trial, and after it.
struct Measured {
    generate::TrialResult result;
    std::optional<generate::ApplianceReport> appliance;
};

Result<Measured> measure(generate::Generator& generator, const loader::TrafficProfile& profile,
                         const std::string& socket, LiveDisplay* display) {
    if (auto warm = warm_up(generator, profile); !warm) return warm.error();
    std::optional<ApplianceWatch> watch;
    if (!socket.empty()) {
        auto begun = ApplianceWatch::begin(socket);
        if (!begun) return begun.error();
        watch = *std::move(begun);
    }
    auto result = generator.run(generate::request_of(profile), [display](const generate::TrialView& view) {
        if (display != nullptr) display->look(view);
        return interrupts == 0;
    });
    if (!result) return result.error();
    Measured measured{*std::move(result), std::nullopt};
    if (!watch) return measured;
    auto counts = watch->end();
    if (!counts) return counts.error();
    measured.appliance = *std::move(counts);
    return measured;
}

Status write_report(const std::string& file, const generate::Json& report) {
    std::ofstream out(file);
    out << report.dump(2) << '\n';
    out.close();
    if (out) return Done{};
    return Error::of(ErrorKind::kUnavailable, "the report can't be written to " + file,
                     "check the folder, and its disk");
}

}  // namespace

Exit run(const Invocation& invocation, const Options& options) {
    auto profile = profile_of(options);
    if (!profile) {
        cli::report(invocation, profile.error());
        return Exit::kInvalid;
    }
    const auto without = generate::add_rule_streams(*profile);
    if (!without) return cli::report(invocation, without.error()), Exit::kInvalid;
    for (const generate::RuleWithoutTraffic& rule : *without)
        invocation.err << "no traffic for " << rule.rule << ": " << rule.why << '\n';
    if (profile->machine.worker_cores.empty()) profile->machine.worker_cores = {last_cpu()};
    auto bench = set_up(*profile);
    if (!bench) return cli::report(invocation, bench.error());
    listen_for_interrupts();
    LiveDisplay display(invocation.err, *profile, ::isatty(STDERR_FILENO) == 1);
    const std::string started = utc_now();
    const auto measured =
        measure(*bench->generator, *profile, options.appliance, invocation.quiet ? nullptr : &display);
    if (!measured) return cli::report(invocation, measured.error());
    const generate::Json report =
        generate::report_of(measured->result, generate::request_of(*profile), fingerprint_of(*profile, options),
                            measured->appliance, *without, started);
    if (!options.report.empty())
        if (auto written = write_report(options.report, report); !written)
            return cli::report(invocation, written.error());
    invocation.out << (invocation.format == cli::Format::kJson ? report.dump(2) + "\n"
                                                               : tables_of(report, invocation.color));
    return options.strict && !generate::outcome_of(measured->result).as_expected() ? Exit::kNegative : Exit::kOk;
}

}  // namespace drywall::gen

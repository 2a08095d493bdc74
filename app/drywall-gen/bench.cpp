#include "bench.h"

#include <array>
#include <csignal>
#include <ctime>
#include <fstream>

#include <sched.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "drywall/io/dpdk_settings.h"
#include "drywall/runtime/eal_launcher.h"

namespace drywall::gen {

namespace {

volatile std::sig_atomic_t interrupts = 0;

// The first one ends the sending and lets the report be written, the second one ends the program.
void note_interrupt(int number) {
    if (interrupts != 0) ::_exit(128 + number);
    interrupts = 1;
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

}  // namespace

bool interrupted() noexcept { return interrupts != 0; }

void listen_for_interrupts() {
    struct sigaction action {};
    action.sa_handler = note_interrupt;
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
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

Result<Prepared> prepare(const Options& options) {
    auto profile = profile_of(options);
    if (!profile) return profile.error();
    auto without = generate::add_rule_streams(*profile);
    if (!without) return without.error();
    if (profile->machine.worker_cores.empty()) profile->machine.worker_cores = {last_cpu()};
    return Prepared{*std::move(profile), *std::move(without)};
}

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

Status write_file(const std::string& file, const std::string& text) {
    std::ofstream out(file);
    out << text;
    out.close();
    if (out) return Done{};
    return Error::of(ErrorKind::kUnavailable, "the report can't be written to " + file,
                     "check the folder, and its disk");
}

}  // namespace drywall::gen

// Bench: devices, the generator on them, and what is told of them in a report; for all commands.
//
// Threads: the main thread's.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "drywall/base/result.h"
#include "drywall/generate/report.h"
#include "drywall/generate/trial.h"
#include "drywall/io/dpdk.h"
#include "drywall/loader/traffic_profile.h"
#include "drywall/runtime/launcher.h"
#include "options.h"

namespace drywall::gen {

// Ctrl-C: the first one ends the sending and lets the report be written, the second one ends the program.
void listen_for_interrupts();
[[nodiscard]] bool interrupted() noexcept;

// The last goes first.
struct Bench {
    std::unique_ptr<io::Dpdk> dpdk;
    std::unique_ptr<runtime::Launcher> launcher;
    std::unique_ptr<generate::Generator> generator;
};
// REQUIRES: the profile is prepare()'s
[[nodiscard]] Result<Bench> set_up(const loader::TrafficProfile& profile);

struct Prepared {
    loader::TrafficProfile profile;
    std::vector<generate::RuleWithoutTraffic> without;
};
// profile_of() with its policies turned into streams; on the last CPU that this process may use unless cores are given.
[[nodiscard]] Result<Prepared> prepare(const Options& options);

[[nodiscard]] generate::Fingerprint fingerprint_of(const loader::TrafficProfile& profile, const Options& options);
[[nodiscard]] std::string utc_now();
[[nodiscard]] Status write_file(const std::string& file, const std::string& text);

}  // namespace drywall::gen

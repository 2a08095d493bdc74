// Report: a trial and everything that it depended on, as JSON (docs/drywall-gen-report.schema.json) for programs.
// Tables for people are made from the same.
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "drywall/generate/figure.h"
#include "drywall/generate/rule_streams.h"
#include "drywall/generate/trial.h"

namespace drywall::generate {

// What a result is only comparable with: the machine, the versions, the traffic.
struct Fingerprint {
    std::string version;  // of drywall-gen
    std::string dpdk;
    std::string kernel;
    std::string processor;
    std::vector<unsigned> cores;
    bool hugepages = false;
    std::vector<std::pair<std::string, std::string>> devices;  // port, device
    std::uint64_t seed = 0;
    std::string profile;       // its file, or "command line"
    std::string profile_hash;  // XXH3 of what is sent, however it was written
};

[[nodiscard]] Json json_of(const Fingerprint& fingerprint);

// Of everything that decides which packets are sent and when, in hexadecimal.
[[nodiscard]] std::string profile_hash(const loader::TrafficProfile& profile);

// What the appliance in the middle counted meanwhile.
struct ApplianceCounts {
    PacketsBytes received;
    PacketsBytes transmitted;
    std::map<std::string, std::uint64_t> drops;  // packets, by reason
    std::uint64_t missed = 0;                    // by its devices, before it had them
};
struct ApplianceReport {
    std::string socket;
    std::string version;
    std::uint64_t generation = 0;
    ApplianceCounts counts;  // the trial's: after less before
};

// What became of the packets of all tracked streams, against what was expected of them.
struct Outcome {
    std::uint64_t received = 0;
    std::uint64_t lost = 0;                // of streams that expect allow: sent and not received
    std::uint64_t denied = 0;              // of streams that expect deny: sent and not received, as they should
    std::uint64_t missing = 0;             // of streams that expect nothing: sent and not received
    std::uint64_t leaked = 0;              // of streams that expect deny: received, duplicates and late ones too
    std::uint64_t connections_lost = 0;    // that expect allow: not established, or broken afterwards
    std::uint64_t connections_leaked = 0;  // that expect deny: established
    [[nodiscard]] bool as_expected() const noexcept {
        return lost == 0 && leaked == 0 && connections_lost == 0 && connections_leaked == 0;
    }
};
[[nodiscard]] Outcome outcome_of(const TrialResult& result) noexcept;

[[nodiscard]] Json report_of(const TrialResult& result, const TrialRequest& request, const Fingerprint& fingerprint,
                             const std::optional<ApplianceReport>& appliance,
                             const std::vector<RuleWithoutTraffic>& without, const std::string& started);

}  // namespace drywall::generate

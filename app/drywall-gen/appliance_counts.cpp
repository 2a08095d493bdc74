#include "appliance_counts.h"

#include <chrono>
#include <thread>

#include "client.h"

namespace drywall::gen {

namespace {

using generate::ApplianceCounts;
using generate::ApplianceReport;
using generate::PacketsBytes;

// Its stats core collects ten times a second.
constexpr auto kBetweenLooks = std::chrono::milliseconds(250);
constexpr int kMostLooks = 20;

PacketsBytes counted(const cli::Json& stats, const char* name) {
    const cli::Json& count = stats.at(name);
    return {count.at("packets").get<std::uint64_t>(), count.at("bytes").get<std::uint64_t>()};
}

PacketsBytes less(const PacketsBytes& one, const PacketsBytes& other) noexcept {
    return {one.packets - other.packets, one.bytes - other.bytes};
}

ApplianceCounts counts_of(const cli::Json& stats) {
    ApplianceCounts counts;
    counts.received = counted(stats, "received");
    counts.transmitted = counted(stats, "transmitted");
    for (const cli::Json& drop : stats.at("drops"))
        counts.drops[drop.at("reason").get<std::string>()] = drop.at("packets").get<std::uint64_t>();
    for (const cli::Json& port : stats.at("ports"))
        counts.missed += port.at("device").at("missed").get<std::uint64_t>();
    return counts;
}

Result<ApplianceReport> look(const std::string& socket) {
    const cli::Client client(socket);
    auto version = client.get("/v1/version");
    if (!version) return version.error();
    auto stats = client.get("/v1/stats");
    if (!stats) return stats.error();
    try {
        return ApplianceReport{socket, version->at("version").get<std::string>(),
                               stats->at("generation").get<std::uint64_t>(), counts_of(*stats)};
    } catch (const cli::Json::exception& error) {
        return odd_answer(socket, error.what());
    }
}

// What it has counted when two looks agree.
Result<ApplianceReport> settled(const std::string& socket) {
    auto now = look(socket);
    for (int i = 0; i < kMostLooks && now; ++i) {
        std::this_thread::sleep_for(kBetweenLooks);
        auto again = look(socket);
        if (!again) return again;
        const bool same = again->counts.received == now->counts.received &&
                          again->counts.transmitted == now->counts.transmitted &&
                          again->counts.drops == now->counts.drops;
        now = std::move(again);
        if (same) break;
    }
    return now;
}

}  // namespace

Error odd_answer(const std::string& socket, const std::string& why) {
    return Error::of(ErrorKind::kUnavailable, "drywalld at " + socket + " answers otherwise than expected: " + why,
                     "are both of one version?");
}

Result<ApplianceWatch> ApplianceWatch::begin(const std::string& socket) {
    auto before = settled(socket);
    if (!before) return before.error();
    ApplianceWatch watch;
    watch.before_ = *std::move(before);
    return watch;
}

Result<ApplianceReport> ApplianceWatch::end() const {
    auto now = settled(before_.socket);
    if (!now) return now;
    const ApplianceCounts& before = before_.counts;
    ApplianceReport report = *now;
    report.counts.received = less(now->counts.received, before.received);
    report.counts.transmitted = less(now->counts.transmitted, before.transmitted);
    report.counts.missed = now->counts.missed - before.missed;
    for (auto& [reason, packets] : report.counts.drops)
        if (const auto was = before.drops.find(reason); was != before.drops.end()) packets -= was->second;
    std::erase_if(report.counts.drops, [](const auto& drop) { return drop.second == 0; });
    return report;
}

}  // namespace drywall::gen

#include "scenario.h"

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <span>

#include "drywall/engine/engine.h"
#include "drywall/explain/site.h"
#include "drywall/loader/resources.h"
#include "drywall/loader/settings.h"
#include "drywall/policy/resources.h"
#include "drywall/ruleset/ruleset.h"
#include "drywall/whatif/engine_settings.h"

namespace drywall::test {

namespace {

using std::filesystem::path;

constexpr std::string_view kPlainAppliance = R"(
ports:
  - {name: inside, device: net_null0}
  - {name: outside, device: net_null1}
pairs: [[inside, outside]]
workers: {cores: [0]}
)";

struct Arrival {
    io::CapturedFrame frame;
    std::uint16_t port = 0;
};

Result<loader::Settings> settings_of(const path& folder) {
    if (!exists(folder / "drywall.yaml"))
        return loader::load_settings({"the plain appliance", std::string(kPlainAppliance)});
    auto sources = loader::read_sources(folder / "drywall.yaml");
    if (!sources) return std::move(sources).error();
    return loader::load_settings(sources->front());
}

Result<policy::Inventory> inventory_of(const path& folder, const std::vector<std::string>& own_ports) {
    policy::Inventory inventory = policy::initial_inventory();
    if (!exists(folder / "resources.yaml")) return inventory;
    auto sources = loader::read_sources(folder / "resources.yaml");
    if (!sources) return std::move(sources).error();
    auto resources = loader::load_resources(sources->front());
    if (!resources) return std::move(resources).error();
    for (policy::Resource& resource : *resources) {
        const policy::ResourceId id = policy::id_of(resource);
        inventory[id] = std::make_shared<const policy::Resource>(std::move(resource));
    }
    if (auto status = policy::check(inventory, own_ports); !status) return std::move(status).error();
    return inventory;
}

// A file that nothing reads is a mistyped expectation.
Status check_file_names(const path& folder, const std::vector<std::string>& ports) {
    std::set<std::string> known{"resources.yaml", "drywall.yaml", "counters.yaml"};
    for (const std::string& port : ports) {
        known.insert("in-" + port + ".pcap");
        known.insert("out-" + port + ".pcap");
    }
    for (const auto& entry : std::filesystem::directory_iterator(folder))
        if (!known.contains(entry.path().filename()))
            return Error::invalid(Place{entry.path().string()}, "is no part of a scenario with these ports");
    return Done{};
}

Result<std::vector<Arrival>> arrivals_of(const path& folder, const std::vector<std::string>& ports) {
    std::vector<Arrival> arrivals;
    for (std::uint16_t port = 0; port < ports.size(); ++port) {
        const path file = folder / ("in-" + ports[port] + ".pcap");
        if (!exists(file)) continue;
        auto frames = io::read_pcap(file);
        if (!frames) return std::move(frames).error();
        for (io::CapturedFrame& frame : *frames) arrivals.push_back({std::move(frame), port});
    }
    if (arrivals.empty()) return Error::invalid(Place{folder.string()}, "no packet comes in", "add an in-<port>.pcap");
    std::stable_sort(arrivals.begin(), arrivals.end(),
                     [](const Arrival& a, const Arrival& b) { return a.frame.time < b.frame.time; });
    return arrivals;
}

// The appliance without its devices: one worker's engine, fed by hand.
class Bench {
public:
    Bench(const loader::Settings& settings, std::shared_ptr<const ruleset::Ruleset> ruleset)
        : ruleset_(std::move(ruleset)),
          settings_(whatif::engine_settings(settings)),
          ports_(ruleset_->surroundings().port_names),
          counters_(ports_.size()),
          traces_(ruleset_->trace_count()),
          engine_(settings_, counters_) {}

    void deliver(std::span<const Arrival> arrivals) {
        for (std::size_t i = 0; i < arrivals.size();) {
            std::size_t end = i + 1;
            while (end < arrivals.size() && end - i < kMaxBurst && arrivals[end].frame.time == arrivals[i].frame.time)
                ++end;
            burst(arrivals.subspan(i, end - i));
            i = end;
        }
    }

    Outcome outcome() {
        count_packets();
        for (std::uint32_t id = 0; id < ruleset_->trace_count(); ++id) count_trace(TraceId{id});
        return {std::move(out_), std::move(counts_)};
    }

private:
    void burst(std::span<const Arrival> arrivals) {
        std::vector<net::FrameView> views;
        for (const Arrival& arrival : arrivals) {
            const auto contiguous = static_cast<std::uint32_t>(arrival.frame.bytes.size());
            views.push_back({arrival.frame.bytes.data(), contiguous, arrival.frame.length, arrival.port});
        }
        const Instant now{arrivals.front().frame.time};
        sweep(now);
        std::array<engine::Decision, kMaxBurst> decisions;
        events_.clear();
        engine_.process(views, *ruleset_, traces_, now, decisions, events_);
        for (std::size_t i = 0; i < arrivals.size(); ++i) {
            if (decisions[i].drop != DropReason::kNone) continue;
            const std::size_t egress = index(decisions[i].egress);
            counters_.transmitted[egress].add(views[i].length);
            out_[ports_[egress]].push_back(arrivals[i].frame);
        }
    }

    // Everything that timed out until now, as the worker's loop would have done it meanwhile.
    void sweep(Instant now) {
        const std::size_t entries = std::max(settings_.flow_capacity, settings_.fragment_capacity);
        for (std::size_t looked_at = 0; looked_at < entries; looked_at += engine::Engine::kSweepStep) {
            events_.clear();
            engine_.sweep(now, events_);
        }
    }

    void count(const std::string& section, std::string_view name, std::uint64_t packets) {
        if (packets > 0) counts_[section][std::string(name)] += packets;
    }

    void count_packets() {
        for (const auto& received : counters_.received) count("packets", "received", received.read().packets);
        for (const auto& sent : counters_.transmitted) count("packets", "transmitted", sent.read().packets);
        count("packets", "non_ip_passed", counters_.non_ip_passed.read().packets);
        count("packets", "neighbour_discovery_passed", counters_.neighbour_discovery_passed.read().packets);
        count("packets", "related_passed", counters_.related_passed.read().packets);
        count("packets", "flows_opened", counters_.flows_opened.read());
        count("packets", "flows_ended", counters_.flows_ended.read());
        for (const DropReasonText& text : kDropReasons)
            count("drops", text.name, counters_.dropped.read(text.reason).packets);
    }

    void count_trace(TraceId id) {
        const std::uint64_t packets = traces_.read(id).packets;
        const classify::Trace& trace = ruleset_->trace(id);
        for (const HitId hit : trace.enforced_hits) count("enforced", ruleset_->hit(hit).text(), packets);
        for (const HitId hit : trace.pending_hits) count("pending", ruleset_->hit(hit).text(), packets);
        if (trace.enforced == trace.pending) return;
        const char* section = trace.enforced == Verdict::kAllow ? "would_deny" : "would_allow";
        for (const ruleset::PolicyRef& policy : ruleset_->responsible(id)) count(section, policy.text(), packets);
    }

    std::shared_ptr<const ruleset::Ruleset> ruleset_;
    engine::EngineSettings settings_;
    std::vector<std::string> ports_;
    telemetry::WorkerCounters counters_;
    telemetry::TraceCounters traces_;
    engine::Engine engine_;
    telemetry::EventBatch events_;
    std::map<std::string, std::vector<io::CapturedFrame>> out_;
    Counts counts_;
};

}  // namespace

Result<Outcome> run_scenario(const path& folder) {
    auto settings = settings_of(folder);
    if (!settings) return std::move(settings).error();
    const ruleset::Surroundings surroundings = explain::surroundings_of(*settings);
    if (auto status = check_file_names(folder, surroundings.port_names); !status) return std::move(status).error();
    auto inventory = inventory_of(folder, surroundings.port_names);
    if (!inventory) return std::move(inventory).error();
    auto ruleset = ruleset::Ruleset::build(Generation{1}, *inventory, surroundings);
    if (!ruleset) return std::move(ruleset).error();
    auto arrivals = arrivals_of(folder, surroundings.port_names);
    if (!arrivals) return std::move(arrivals).error();

    Bench bench(*settings, *std::move(ruleset));
    bench.deliver(*arrivals);
    return bench.outcome();
}

Result<Outcome> expected_outcome(const path& folder) {
    Outcome expected;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        const std::string name = entry.path().stem();
        if (!name.starts_with("out-")) continue;
        auto frames = io::read_pcap(entry.path());
        if (!frames) return std::move(frames).error();
        expected.out[name.substr(4)] = std::move(*frames);
    }
    auto counts = read_counts(folder / "counters.yaml");
    if (!counts) return std::move(counts).error();
    expected.counts = std::move(*counts);
    return expected;
}

}  // namespace drywall::test

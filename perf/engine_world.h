// The world of the engine's benchmarks: clients behind one port, servers behind the other, enforced policies that never
// change, and any number of staged ones beside them.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "drywall/engine/engine.h"
#include "drywall/policy/resources.h"
#include "drywall/ruleset/ruleset.h"
#include "packets.h"

namespace drywall::perf {

inline constexpr std::size_t kBurst = 32;
inline constexpr int kEndpoints = 64;  // on each side
inline constexpr int kApps = 16;
inline constexpr std::uint16_t kAllowedPort = 53;
inline constexpr std::uint16_t kDeniedPort = 99;

inline std::string app(int i) { return "app-" + std::to_string(i % kApps); }

inline void add(policy::Inventory& inventory, policy::Resource resource) {
    const policy::ResourceId id = policy::id_of(resource);
    inventory[id] = std::make_shared<const policy::Resource>(std::move(resource));
}

inline policy::Resource workload(const std::string& name, const std::string& label,
                                 std::vector<net::Address> addresses) {
    policy::WorkloadEndpoint endpoint;
    endpoint.metadata.name = endpoint.workload = endpoint.pod = endpoint.endpoint = name;
    endpoint.metadata.ns = "default";
    endpoint.metadata.labels = {{"app", label}};
    endpoint.node = "node";
    endpoint.orchestrator = "k8s";
    endpoint.interface_name = "cali-" + name;
    endpoint.ip_networks = std::move(addresses);
    endpoint.profiles = {std::string(policy::kDefaultAllowProfile)};
    return endpoint;
}

inline policy::Policy port_policy(const std::string& name, const std::string& label, double order, Action action,
                                  std::uint16_t port) {
    policy::Rule rule;
    rule.action = action;
    rule.protocol = net::protocol::kUdp;
    rule.destination.ports = {{port, port}};
    policy::Policy policy;
    policy.metadata.name = name;
    policy.selector = "app == '" + label + "'";
    policy.order = order;
    policy.ingress = {rule};
    rule.protocol = net::protocol::kTcp;
    policy.ingress.push_back(rule);
    return policy;
}

inline net::Address client(int i) { return net::Address::v4(0x0a000000U + static_cast<std::uint32_t>(1 + i)); }
inline net::Address server(int i) { return net::Address::v4(0x0a010000U + static_cast<std::uint32_t>(1 + i)); }

// The same hosts' IPv6 addresses: 2001:db8:: and the IPv4 address in the last bytes.
inline net::Address with_ipv6(const net::Address& host) {
    net::Address address{net::Family::kIPv6, {0x20, 0x01, 0x0d, 0xb8}};
    std::copy_n(host.bytes.begin(), 4, address.bytes.begin() + 12);
    return address;
}

enum class Addresses { kIPv4, kBoth };

inline policy::Inventory inventory_with_staged(int staged, Addresses addresses = Addresses::kIPv4) {
    const auto of = [&](const net::Address& host) {
        std::vector<net::Address> all{host};
        if (addresses == Addresses::kBoth) all.push_back(with_ipv6(host));
        return all;
    };
    policy::Inventory inventory = policy::initial_inventory();
    for (int i = 0; i < kEndpoints; ++i) {
        add(inventory, workload("client-" + std::to_string(i), "client", of(client(i))));
        add(inventory, workload("server-" + std::to_string(i), app(i), of(server(i))));
    }
    for (int i = 0; i < kApps; ++i)
        add(inventory, port_policy("dns-to-" + app(i), app(i), 100 + i, Action::kAllow, kAllowedPort));
    for (int i = 0; i < staged; ++i) {
        const Action action = i % 2 == 0 ? Action::kDeny : Action::kAllow;
        const auto port = static_cast<std::uint16_t>(i % 7 == 0 ? kAllowedPort : 1000 + i);
        policy::Policy policy = port_policy("rehearsal-" + std::to_string(i), app(i), i, action, port);
        policy.staged_action = policy::StagedAction::kSet;
        add(inventory, policy);
    }
    return inventory;
}

// REQUIRES: the resources are sound: a benchmark has no use for an error
inline std::shared_ptr<const ruleset::Ruleset> world_of(const policy::Inventory& inventory) {
    ruleset::Surroundings surroundings;
    surroundings.port_names = {"lan", "wan"};
    surroundings.peer_of = {PortId{1}, PortId{0}};
    auto ruleset = ruleset::Ruleset::build(Generation{1}, inventory, surroundings);
    if (!ruleset) {
        std::fprintf(stderr, "the benchmark's world does not compile: %s\n", ruleset.error().text().c_str());
        std::abort();
    }
    return *ruleset;
}

inline std::shared_ptr<const ruleset::Ruleset> world_with_staged(int staged, Addresses addresses = Addresses::kIPv4) {
    return world_of(inventory_with_staged(staged, addresses));
}

// The same packet from the client of each of `flows` connections, 60 bytes each, in an order in which no two neighbours
// are alike.
inline test::Frames from_clients(const test::Packet& packet, std::size_t flows, std::uint16_t port) {
    test::Frames frames;
    for (std::size_t i = 0; i < flows; ++i) {
        const auto one = static_cast<int>(i);
        const auto source_port = static_cast<std::uint16_t>(1024 + i / kEndpoints);
        frames.add(
            packet.from(client(one % kEndpoints), source_port).to(server(one * 7 % kEndpoints), port).padded(60));
    }
    return frames;
}

inline test::Frames requests(std::size_t flows, std::uint16_t port) { return from_clients(test::udp(), flows, port); }

// The three steps of the handshakes of `flows` TCP connections, each for all of them.
inline test::Frames handshakes(std::size_t flows, std::uint16_t port) {
    test::Frames frames;
    for (int step = 0; step < 3; ++step)
        for (std::size_t i = 0; i < flows; ++i) {
            const auto one = static_cast<int>(i);
            const test::Packet syn =
                test::tcp()
                    .syn()
                    .from(client(one % kEndpoints), static_cast<std::uint16_t>(1024 + i / kEndpoints))
                    .to(server(one * 7 % kEndpoints), port);
            frames.add(step == 0   ? syn.padded(60)
                       : step == 1 ? syn.ack().reply().entering(1).padded(60)
                                   : syn.flags(net::tcp_flag::kAck).padded(60));
        }
    return frames;
}

// An engine under one ruleset, fed from memory.
class Appliance {
public:
    explicit Appliance(std::shared_ptr<const ruleset::Ruleset> ruleset,
                       const engine::EngineSettings& settings = default_settings())
        : ruleset_(std::move(ruleset)),
          counters_(2),
          traces_(ruleset_->trace_count(), ruleset_->inspects() ? Requests::kCounted : Requests::kNone),
          engine_(settings, counters_) {
        if (ruleset_->inspects() && !workspace_.grow_for(ruleset_->conditions())) std::abort();
    }

    static engine::EngineSettings default_settings() {
        engine::EngineSettings settings;
        settings.peer_of = {PortId{1}, PortId{0}};
        settings.hash_seed = 42;
        return settings;
    }

    void process(std::span<const net::FrameView> frames) noexcept {
        events_.clear();
        engine_.process(frames, *ruleset_, traces_, now_, decisions_, events_, {},
                        ruleset_->inspects() ? &workspace_ : nullptr);
    }

    // Every frame once, in bursts. Frames behind the last whole burst go in a shorter one.
    void process_all(std::span<const net::FrameView> frames) noexcept {
        for (std::size_t first = 0; first < frames.size(); first += kBurst)
            process(frames.subspan(first, std::min(kBurst, frames.size() - first)));
    }

    [[nodiscard]] const engine::Decision& decision(std::size_t i) const { return decisions_[i]; }
    [[nodiscard]] engine::Engine& engine() noexcept { return engine_; }
    [[nodiscard]] const telemetry::WorkerCounters& counters() const noexcept { return counters_; }
    [[nodiscard]] Instant now() const noexcept { return now_; }

private:
    using Requests = telemetry::TraceCounters::Requests;

    std::shared_ptr<const ruleset::Ruleset> ruleset_;
    telemetry::WorkerCounters counters_;
    telemetry::TraceCounters traces_;
    inspect::ConditionWorkspace workspace_;
    engine::Engine engine_;
    telemetry::EventBatch events_;
    std::array<engine::Decision, kMaxBurst> decisions_;
    Instant now_{std::chrono::seconds(1)};
};

// `views` so often that at least one burst is full: one flow is 32 packets of that flow.
inline std::vector<net::FrameView> whole_bursts(std::span<const net::FrameView> views) {
    std::vector<net::FrameView> result;
    while (result.size() < kBurst || result.size() % kBurst != 0)
        for (const net::FrameView& view : views) {
            result.push_back(view);
            if (result.size() >= views.size() && result.size() % kBurst == 0) break;
        }
    return result;
}

}  // namespace drywall::perf

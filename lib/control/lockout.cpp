#include "drywall/control/lockout.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "drywall/explain/protocols.h"
#include "drywall/explain/semantic_diff.h"

namespace drywall::control {

namespace {

constexpr std::size_t kNamed = 20;  // in a refusal, of each kind

bool is_management(const observe::FlowGroup& group, std::span<const ManagementService> management) {
    return std::any_of(management.begin(), management.end(), [&group](const ManagementService& service) {
        if (service.protocol != group.protocol || service.port != group.destination_port) return false;
        return service.to.empty() || std::any_of(service.to.begin(), service.to.end(), [&group](const net::Prefix& to) {
                   return to.contains(group.destination);
               });
    });
}

// What becomes of a group: not allowed now, still allowed, or newly denied (then by which hit), perhaps only where it
// asks for something else than what rules let pass.
struct Fate {
    bool allowed_now = false;
    std::optional<std::string> denied_by{};
    bool passes_by_what_it_asks = false;
};

bool entered_by(const observe::FlowGroup& group, const ruleset::Ruleset& ruleset, std::size_t port) {
    return group.ingress_port.empty() || group.ingress_port == ruleset.surroundings().port_names[port];
}

Fate fate_of(const observe::FlowGroup& group, const ruleset::Ruleset& current, const ruleset::Ruleset& candidate) {
    Fate fate;
    const auto& peers = current.surroundings().peer_of;
    for (std::size_t port = 0; port < peers.size(); ++port) {
        if (!peers[port] || !entered_by(group, current, port)) continue;
        const net::Tuple tuple = observe::first_packet(group, PortId(port));
        if (current.trace(current.classify(tuple)).enforced != Verdict::kAllow) continue;
        fate.allowed_now = true;
        // Nobody knows what it will say: what lets less of it pass than now is not what lets people in.
        const explain::Regime then{&candidate};
        if (explain::passes_no_less({&current}, then, tuple)) continue;
        fate.denied_by = then.decider(tuple);
        fate.passes_by_what_it_asks = then.outcome(tuple) == explain::Outcome::kDepends;
        if (fate.passes_by_what_it_asks) {
            fate.denied_by = "what its rules would ask for";
            for (const std::string& asked : then.asked_words(tuple)) *fate.denied_by += " (" + asked + ')';
        }
        return fate;
    }
    return fate;
}

// What an endpoint had, and what of it would stay.
struct EndpointTally {
    std::uint64_t connections = 0;
    bool keeps_some = false;
};

std::string endpoint_name(const ruleset::Ruleset& ruleset, const net::Address& address) {
    const ruleset::EndpointInfo* endpoint = ruleset.endpoint_of(address);
    return endpoint != nullptr ? endpoint->id.text() : std::string();
}

std::string or_address(std::string name, const net::Address& address) {
    return name.empty() ? address.text() : std::move(name);
}

std::uint64_t connections_of(const observe::FlowGroup& group) noexcept {
    return std::max({group.connections_started, group.connections_live, std::uint64_t{1}});
}

// Groups that only earlier generations told apart are one to whoever reads about them.
class LostFlows {
public:
    void add(const LostFlow& flow) {
        const std::uint64_t connections = flow.connections;
        const auto [known, fresh] =
            flows_.try_emplace({flow.source, flow.destination, flow.service, flow.denied_by}, flow);
        if (!fresh) known->second.connections += connections;
    }
    [[nodiscard]] std::vector<LostFlow> take() {
        std::vector<LostFlow> out;
        out.reserve(flows_.size());
        for (auto& [key, flow] : flows_) out.push_back(std::move(flow));
        return out;
    }

private:
    std::map<std::array<std::string, 4>, LostFlow> flows_;
};

}  // namespace

std::string service_text(const observe::FlowGroup& group) {
    const std::string protocol = explain::protocol_name(group.protocol);
    if (net::is_icmp(group.protocol)) return protocol + '/' + std::to_string(group.destination_port >> 8U);
    return net::has_ports(group.protocol) ? protocol + '/' + std::to_string(group.destination_port) : protocol;
}

std::vector<ManagementService> default_management() {
    std::vector<ManagementService> services;
    for (const std::uint16_t port : {22, 179, 6443}) services.push_back({net::protocol::kTcp, port, {}});
    return services;
}

std::string LostFlow::text() const {
    return source + " -> " + destination + ' ' + service + " (" + std::to_string(connections) + " connections)" +
           (denied_by.empty() ? std::string() : ", denied by " + denied_by);
}

std::string LostEndpoint::text() const { return name + " (" + std::to_string(connections) + " connections)"; }

Lockouts find_lockouts(const ruleset::Ruleset& current, const ruleset::Ruleset& candidate,
                       std::span<const observe::FlowGroup> seen, std::span<const ManagementService> management) {
    Lockouts out;
    std::map<std::string, EndpointTally> endpoints;
    LostFlows managed;
    LostFlows others;
    for (const observe::FlowGroup& group : seen) {
        Fate fate = fate_of(group, current, candidate);
        if (!fate.allowed_now) continue;
        ++out.groups_seen;
        const bool manages = is_management(group, management);
        if (manages) ++out.management_seen;
        const std::string source = endpoint_name(current, group.source);
        const std::string destination = endpoint_name(current, group.destination);
        for (const std::string& name : {source, destination}) {
            if (name.empty()) continue;
            EndpointTally& tally = endpoints[name];
            tally.connections += connections_of(group);
            tally.keeps_some |= !fate.denied_by || fate.passes_by_what_it_asks;
        }
        if (!fate.denied_by) continue;
        (manages ? managed : others)
            .add({or_address(source, group.source), or_address(destination, group.destination), service_text(group),
                  *std::move(fate.denied_by), connections_of(group)});
    }
    out.management = managed.take();
    out.others = others.take();
    for (const auto& [name, tally] : endpoints)
        if (!tally.keeps_some) out.endpoints.push_back({name, tally.connections});
    return out;
}

Error refusal(const Lockouts& lockouts) {
    Error error{ErrorKind::kRefused, {}};
    const auto add = [&error](const std::string& what, const auto& lost, const std::string& hint) {
        for (std::size_t i = 0; i < lost.size() && i < kNamed; ++i)
            error.complaints.push_back(
                {{}, what + lost[i].text(), i + 1 == lost.size() || i + 1 == kNamed ? hint : ""});
        if (lost.size() > kNamed)
            error.complaints.push_back({{}, "and " + std::to_string(lost.size() - kNamed) + " more like these"});
    };
    add("a management path of the last hour would be cut: ", lockouts.management,
        "allow it before the rule that denies it, or say --force if that is what you want");
    add("an endpoint would lose every connection that it had in the last hour: ", lockouts.endpoints,
        "look at them with `drywall flows`; say --force if that is what you want");
    return error;
}

}  // namespace drywall::control

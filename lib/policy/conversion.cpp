#include "conversion.h"

#include <algorithm>
#include <map>
#include <utility>

namespace drywall::policy::conversion {
namespace {

constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;
constexpr std::uint8_t kSctp = 132;

// A label's value has no quotes: Kubernetes allows letters, digits, '-', '_' and '.'.
std::string quoted(const std::string& value) { return "'" + value + "'"; }

std::string set_text(const std::vector<std::string>& values) {
    std::string out = "{";
    for (const std::string& value : values) out += (out.size() > 1 ? ", " : "") + quoted(value);
    return out + "}";
}

std::string term(const LabelRequirement& requirement) {
    switch (requirement.op) {
        case LabelRequirement::Operator::kIn: return requirement.key + " in " + set_text(requirement.values);
        case LabelRequirement::Operator::kNotIn: return requirement.key + " not in " + set_text(requirement.values);
        case LabelRequirement::Operator::kExists: return "has(" + requirement.key + ")";
        case LabelRequirement::Operator::kDoesNotExist: break;
    }
    return "!has(" + requirement.key + ")";
}

void append_terms(const LabelSelector& selector, std::string& out) {
    const auto add = [&](const std::string& text) { out += (out.empty() ? "" : " && ") + text; };
    for (const auto& [key, value] : selector.match_labels) add(key + " == " + quoted(value));
    for (const LabelRequirement& requirement : selector.match_expressions) add(term(requirement));
}

// Sorts like the names "", SCTP, TCP, UDP.
int rank(const std::optional<std::uint8_t>& protocol) {
    if (!protocol) return 0;
    switch (*protocol) {
        case kSctp: return 1;
        case kTcp: return 2;
        case kUdp: return 3;
        default: return 4 + *protocol;
    }
}

void simplify(PortGroup& group) {
    std::sort(group.ranges.begin(), group.ranges.end());
    std::vector<PortRange> merged;
    for (const PortRange& range : group.ranges) {
        if (!merged.empty() && range.first <= merged.back().last + 1) {
            merged.back().last = std::max(merged.back().last, range.last);
        } else {
            merged.push_back(range);
        }
    }
    group.ranges = std::move(merged);
    std::sort(group.names.begin(), group.names.end());
    group.names.erase(std::unique(group.names.begin(), group.names.end()), group.names.end());
}

// Collects entries; an entry without a port opens the whole protocol, whatever else names it.
class Groups {
public:
    void add(std::optional<std::uint8_t> protocol, std::optional<PortRange> range, const std::string& name) {
        Collected& collected = groups_[rank(protocol)];
        collected.group.protocol = protocol;
        if (range) collected.group.ranges.push_back(*range);
        if (!name.empty()) collected.group.names.push_back(name);
        if (!range && name.empty()) collected.all = true;
    }

    std::vector<PortGroup> take() {
        std::vector<PortGroup> out;
        for (auto& [order, collected] : groups_) {
            if (collected.all) collected.group = {collected.group.protocol, {}, {}};
            simplify(collected.group);
            out.push_back(std::move(collected.group));
        }
        return out;
    }

private:
    struct Collected {
        PortGroup group;
        bool all = false;
    };
    std::map<int, Collected> groups_;
};

}  // namespace

std::string pod_selector(const LabelSelector& selector) {
    std::string out = "projectcalico.org/orchestrator == " + quoted(std::string(kOrchestrator));
    append_terms(selector, out);
    return out;
}

std::string namespace_selector(const LabelSelector& selector) {
    std::string out;
    append_terms(selector, out);
    return out.empty() ? "all()" : out;
}

std::vector<PortGroup> grouped(std::span<const KubernetesPort> ports) {
    if (ports.empty()) return {PortGroup{}};
    Groups groups;
    for (const KubernetesPort& port : ports) {
        std::optional<PortRange> range;
        if (port.port) range = PortRange{*port.port, port.end_port.value_or(*port.port)};
        groups.add(port.protocol, range, port.named_port);
    }
    return groups.take();
}

std::vector<PortGroup> grouped(std::span<const AdminPort> ports) {
    if (ports.empty()) return {PortGroup{}};
    if (std::any_of(ports.begin(), ports.end(), [](const AdminPort& port) { return port.any; })) return {PortGroup{}};
    Groups groups;
    for (const AdminPort& port : ports) {
        if (port.protocol || !port.named_port.empty()) {
            groups.add(port.protocol, port.range, port.named_port);
        } else {
            for (const std::uint8_t protocol : {kTcp, kUdp, kSctp}) groups.add(protocol, port.range, {});
        }
    }
    return groups.take();
}

Rule rule_of(Action action, const PortGroup& ports, EntityRule peer, Direction direction, Spot spot) {
    Rule rule;
    rule.action = action;
    rule.protocol = ports.protocol;
    (direction == Direction::kIngress ? rule.source : rule.destination) = std::move(peer);
    rule.destination.ports = ports.ranges;
    rule.destination.named_ports = ports.names;
    rule.spot = spot;
    return rule;
}

std::string namespace_profile(std::string_view ns) { return "kns." + std::string(ns); }

std::string account_profile(std::string_view ns, std::string_view account) {
    return "ksa." + std::string(ns) + "." + std::string(account);
}

}  // namespace drywall::policy::conversion

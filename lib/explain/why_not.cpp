#include "why_not.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "drywall/explain/protocols.h"

namespace drywall::explain {

namespace {

using policy::EntityRule;
using policy::PortRange;
using policy::Rule;

constexpr std::size_t kListed = 4;  // of a list that may be long

template <typename T, typename Text>
std::string listed(const std::vector<T>& items, Text text) {
    std::string out;
    for (std::size_t i = 0; i < std::min(items.size(), kListed); ++i) out += (i == 0 ? "" : ", ") + text(items[i]);
    if (items.size() > kListed) out += ", and " + std::to_string(items.size() - kListed) + " more";
    return out;
}

std::string text_of(const PortRange& range) {
    return std::to_string(range.first) + (range.first == range.last ? "" : ':' + std::to_string(range.last));
}
std::string text_of(const net::Prefix& prefix) { return prefix.text(); }
std::string text_of(const policy::Icmp& icmp) {
    return "type " + std::to_string(icmp.type) + (icmp.code ? " code " + std::to_string(*icmp.code) : "");
}
std::string text_of(const policy::NamedPort& port) {
    return protocol_name(port.protocol) + '/' + std::to_string(port.port);
}
std::string family_name(net::Family family) { return family == net::Family::kIPv4 ? "IPv4" : "IPv6"; }

bool is_icmp_like(const policy::Icmp& icmp, const net::Tuple& tuple) {
    return net::is_icmp(tuple.protocol) && icmp.type == tuple.destination_port >> 8 &&
           (!icmp.code || *icmp.code == (tuple.destination_port & 0xff));
}

// The labels that a selector asks for: the words outside of its strings, without the language's own.
std::set<std::string, std::less<>> labels_in(std::string_view selector) {
    static const std::set<std::string, std::less<>> keywords{
        "in", "not", "notin", "contains", "starts", "ends", "has", "with", "startswith", "endswith", "all", "global"};
    std::set<std::string, std::less<>> labels;
    std::string word;
    char quote = 0;
    const auto end_word = [&] {
        if (!word.empty() && !keywords.contains(word)) labels.insert(word);
        word.clear();
    };
    for (const char c : selector) {
        if (quote != 0) {
            if (c == quote) quote = 0;
            continue;
        }
        const bool in_label = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                              c == '.' || c == '/' || c == '-';
        if (in_label) {
            word += c;
            continue;
        }
        end_word();
        if (c == '\'' || c == '"') quote = c;
    }
    end_word();
    return labels;
}

// "the source has app=y, no tier". `prefix`: what Calico puts before the labels of namespaces and service accounts.
std::string seen(const End::Owner& owner, std::string_view selector, const std::string& prefix) {
    std::string out;
    for (const std::string& label : labels_in(selector)) {
        const auto found = owner.labels.find(prefix + label);
        out += (out.empty() ? "" : ", ") +
               (found == owner.labels.end() ? "no " + label : label + '=' + std::string(found->second));
    }
    const std::string whose = prefix.empty()      ? std::string()
                              : prefix == "pcns." ? "'s namespace"
                                                  : "'s service account";
    return owner.name + whose + " has " + (out.empty() ? "no such label" : out);
}

bool selects(const std::string& selector, const policy::Labels& labels) {
    const auto parsed = policy::Selector::parse(selector);
    return parsed && parsed->matches(labels);
}

// One part of an entity's scope, as it is written and as it is evaluated.
struct Part {
    std::string field;
    std::string written;
    std::string effective;
    std::string prefix;
};

class Entity {
public:
    Entity(const EntityRule& rule, const policy::Policy& policy, const Packet& packet, const End& end,
           const policy::CalicoView& view)
        : rule_(rule), policy_(policy), packet_(packet), end_(end), view_(view) {}

    [[nodiscard]] std::string complaint() const {
        for (const auto check :
             {&Entity::nets, &Entity::selectors, &Entity::service, &Entity::ports, &Entity::not_ports})
            if (std::string why = (this->*check)(); !why.empty()) return end_.word + '.' + why;
        return {};
    }

private:
    [[nodiscard]] std::string nets() const {
        const std::string address = end_.address.text();
        const auto holds = [&](const net::Prefix& prefix) { return prefix.contains(end_.address); };
        const auto of_family = [&](const net::Prefix& p) { return p.address.family == end_.address.family; };
        if (!rule_.nets.empty() && std::none_of(rule_.nets.begin(), rule_.nets.end(), holds))
            return "nets: " + address + " is not in " + listed(rule_.nets, [](const auto& p) { return text_of(p); });
        const auto& no = rule_.not_nets;
        if (no.empty()) return {};
        if (std::none_of(no.begin(), no.end(), of_family))
            return "notNets: it binds the rule to the other family, " + address + " is " +
                   family_name(end_.address.family);
        if (const auto hit = std::find_if(no.begin(), no.end(), holds); hit != no.end())
            return "notNets: " + address + " is in " + text_of(*hit);
        return {};
    }

    [[nodiscard]] std::vector<Part> parts() const {
        std::vector<Part> out;
        const auto effective = [&](const EntityRule& alone) {
            return policy::effective_scope(alone, policy_).in.value_or("");
        };
        if (rule_.namespace_selector) {
            EntityRule alone;
            alone.namespace_selector = rule_.namespace_selector;
            out.push_back({"namespaceSelector", *rule_.namespace_selector, effective(alone), "pcns."});
        } else if (policy::is_namespaced(policy_.kind())) {
            const std::string own = "projectcalico.org/namespace == '" + policy_.metadata.ns + "'";
            out.push_back({"selector", own + " (the policy's own namespace)", own, ""});
        }
        if (rule_.service_accounts) {
            const auto& [names, selector] = *rule_.service_accounts;
            const auto alone = [](policy::ServiceAccountMatch match) {
                EntityRule entity;
                entity.service_accounts = std::move(match);
                return entity;
            };
            if (!names.empty())
                out.push_back(
                    {"serviceAccounts.names",
                     "projectcalico.org/serviceaccount in {" + listed(names, [](const auto& n) { return n; }) + '}',
                     effective(alone({names, {}})), ""});
            if (selector)
                out.push_back({"serviceAccounts.selector", *selector, effective(alone({{}, selector})), "pcsa."});
        }
        if (rule_.selector) out.push_back({"selector", *rule_.selector, *rule_.selector, ""});
        return out;
    }

    [[nodiscard]] std::string selectors() const {
        const policy::EntityScope whole = policy::effective_scope(rule_, policy_);
        if (whole.not_in) {
            for (const End::Owner& owner : end_.owners)
                if (selects(*whole.not_in, owner.labels)) return excluded(owner);
            return {};
        }
        if (!whole.in) return {};
        const auto fits = [&](const End::Owner& owner) { return selects(*whole.in, owner.labels); };
        if (std::any_of(end_.owners.begin(), end_.owners.end(), fits)) return {};
        const std::vector<Part> asked = parts();
        if (end_.owners.empty()) {
            const Part& last = asked.empty() ? Part{"selector", *whole.in, {}, {}} : asked.back();
            return last.field + ": " + last.written + "; " + end_.address.text() +
                   " belongs to no endpoint and no network set";
        }
        return first_failing(asked, end_.owners.front(), *whole.in);
    }

    [[nodiscard]] std::string first_failing(const std::vector<Part>& asked, const End::Owner& owner,
                                            const std::string& whole) const {
        for (const Part& part : asked)
            if (!selects(part.effective, owner.labels))
                return part.field + ": " + part.written + "; " + seen(owner, bare(part), part.prefix);
        if (rule_.not_selector && selects(*rule_.not_selector, owner.labels)) return excluded(owner);
        return "selector: " + whole + "; " + seen(owner, whole, "");
    }

    // What is evaluated, in the author's words where labels are shown without Calico's prefix.
    static std::string bare(const Part& part) { return part.prefix.empty() ? part.effective : part.written; }

    [[nodiscard]] std::string excluded(const End::Owner& owner) const {
        const std::string& selector = rule_.not_selector ? *rule_.not_selector : std::string();
        return "notSelector: " + selector + " excludes it; " + seen(owner, selector, "");
    }

    [[nodiscard]] std::string service() const {
        if (!rule_.services) return {};
        const std::string ns = rule_.services->ns.empty() ? policy_.metadata.ns : rule_.services->ns;
        const std::string name = ns + '/' + rule_.services->name;
        const auto found = view_.services.find({ns, rule_.services->name});
        if (found == view_.services.end()) return "services: no EndpointSlice of " + name + " is known";
        const bool destination = end_.word == "destination";
        for (const auto& backend : found->second) {
            if (backend.address != end_.address) continue;
            if (!destination) return {};
            const bool every = backend.port == 0 && backend.protocol == packet_.tuple.protocol;
            if (every || (backend.protocol == packet_.tuple.protocol && backend.port == end_.port)) return {};
        }
        return "services: " + where(destination) + " is no backend of " + name;
    }

    [[nodiscard]] std::string where(bool with_port) const {
        return end_.address.text() + (with_port ? " port " + std::to_string(end_.port) : std::string());
    }

    // The ports of that name that the owners declare for this packet's protocol.
    [[nodiscard]] std::vector<policy::NamedPort> declared(const std::string& name) const {
        std::vector<policy::NamedPort> out;
        for (const End::Owner& owner : end_.owners) {
            if (owner.ports == nullptr) continue;
            for (const policy::NamedPort& port : *owner.ports)
                if (port.name == name) out.push_back(port);
        }
        return out;
    }

    [[nodiscard]] bool is_named(const std::string& name) const {
        for (const policy::NamedPort& port : declared(name))
            if (port.protocol == packet_.tuple.protocol && port.port == end_.port) return true;
        return false;
    }

    [[nodiscard]] std::string named_text(const std::string& name) const {
        const std::vector<policy::NamedPort> ports = declared(name);
        if (ports.empty()) return "'" + name + "' (" + end_.address.text() + " declares no such port)";
        return "'" + name + "' (" + listed(ports, [](const auto& p) { return text_of(p); }) + ')';
    }

    [[nodiscard]] std::string ports() const {
        if (rule_.ports.empty() && rule_.named_ports.empty()) return {};
        if (!net::has_ports(packet_.tuple.protocol))
            return "ports: " + protocol_name(packet_.tuple.protocol) + " has no ports";
        for (const PortRange& range : rule_.ports)
            if (range.first <= end_.port && end_.port <= range.last) return {};
        for (const std::string& name : rule_.named_ports)
            if (is_named(name)) return {};
        std::string out = listed(rule_.ports, [](const auto& range) { return text_of(range); });
        if (!rule_.named_ports.empty())
            out += (out.empty() ? "" : ", ") + listed(rule_.named_ports, [&](const auto& n) { return named_text(n); });
        return "ports: " + std::to_string(end_.port) + " is not in " + out;
    }

    [[nodiscard]] std::string not_ports() const {
        if (!net::has_ports(packet_.tuple.protocol)) return {};
        for (const PortRange& range : rule_.not_ports)
            if (range.first <= end_.port && end_.port <= range.last)
                return "notPorts: " + std::to_string(end_.port) + " is in " + text_of(range);
        for (const std::string& name : rule_.not_named_ports)
            if (is_named(name)) return "notPorts: " + std::to_string(end_.port) + " is " + named_text(name);
        return {};
    }

    const EntityRule& rule_;
    const policy::Policy& policy_;
    const Packet& packet_;
    const End& end_;
    const policy::CalicoView& view_;
};

std::string packet_kind(const Rule& rule, const net::Tuple& tuple) {
    const std::string protocol = protocol_name(tuple.protocol);
    if (rule.ip_version && *rule.ip_version != tuple.family)
        return "ipVersion: this is " + family_name(tuple.family) + ", not " + family_name(*rule.ip_version);
    if (rule.protocol && *rule.protocol != tuple.protocol)
        return "protocol: " + protocol + " is not " + protocol_name(*rule.protocol);
    if (rule.protocol == net::protocol::kIcmp && tuple.family != net::Family::kIPv4)
        return "protocol: icmp is for IPv4 only";
    if (rule.protocol == net::protocol::kIcmpv6 && tuple.family != net::Family::kIPv6)
        return "protocol: icmpv6 is for IPv6 only";
    if (rule.not_protocol && *rule.not_protocol == tuple.protocol) return "notProtocol: this is " + protocol;
    const policy::Icmp is{static_cast<std::uint8_t>(tuple.destination_port >> 8),
                          static_cast<std::uint8_t>(tuple.destination_port & 0xff)};
    if (rule.icmp && !is_icmp_like(*rule.icmp, tuple))
        return "icmp: " + (net::is_icmp(tuple.protocol) ? text_of(is) : protocol) + " is not " + text_of(*rule.icmp);
    if (rule.not_icmp && is_icmp_like(*rule.not_icmp, tuple)) return "notICMP: this is " + text_of(is);
    return {};
}

template <typename Item>
void own(End& end, const Item& item, policy::Labels labels, bool is_endpoint) {
    End::Owner owner{is_endpoint && end.owners.empty() ? "the " + end.word : item.id.text(), std::move(labels), {}};
    if constexpr (requires { item.value->ports; }) owner.ports = &item.value->ports;
    end.owners.push_back(std::move(owner));
}

End end_of(const policy::CalicoView& view, std::string word, const net::Address& address, std::uint16_t port) {
    End end{std::move(word), address, port, {}};
    const auto has = [&](const std::vector<net::Address>& list) {
        return std::find(list.begin(), list.end(), address) != list.end();
    };
    for (const auto& item : view.workloads)
        if (has(item.value->ip_networks)) own(end, item, view.labels_of(*item.value), true);
    for (const auto& item : view.hosts)
        if (has(item.value->expected_ips)) own(end, item, view.labels_of(*item.value), true);
    for (const auto& item : view.sets)
        if (std::any_of(item.value->nets.begin(), item.value->nets.end(),
                        [&](const net::Prefix& prefix) { return prefix.contains(address); }))
            own(end, item, view.labels_of(*item.value), false);
    return end;
}

}  // namespace

Packet packet_of(const policy::CalicoView& view, const net::Tuple& tuple) {
    return {tuple, end_of(view, "source", {tuple.family, tuple.source}, tuple.source_port),
            end_of(view, "destination", {tuple.family, tuple.destination}, tuple.destination_port)};
}

std::string why_not(const Rule& rule, const policy::Policy& policy, const Packet& packet,
                    const policy::CalicoView& view) {
    if (std::string why = packet_kind(rule, packet.tuple); !why.empty()) return why;
    if (std::string why = Entity(rule.source, policy, packet, packet.source, view).complaint(); !why.empty())
        return why;
    return Entity(rule.destination, policy, packet, packet.destination, view).complaint();
}

}  // namespace drywall::explain

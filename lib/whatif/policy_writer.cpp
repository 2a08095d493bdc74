#include "policy_writer.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <variant>

#include "drywall/explain/protocols.h"
#include "drywall/policy/safety_net.h"
#include "prefix_cover.h"
#include "selector_cover.h"

namespace drywall::whatif {

namespace {

constexpr double kUsualOrder = 10'000;  // behind what people write, before a safety net
constexpr std::size_t kLongestName = 60;

std::string slug(const std::string& text) {
    std::string out;
    for (const char c : text) {
        const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        const bool plain = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9');
        if (plain)
            out += lower;
        else if (!out.empty() && out.back() != '-')
            out += '-';
    }
    if (out.size() > kLongestName) out.resize(kLongestName);
    while (!out.empty() && out.back() == '-') out.pop_back();
    return out;
}

// "web" of "app == 'web'" and of "app in {'api', 'web'}": "api-web"; what the conditions name, in their order.
std::string name_from(const std::string& selector) {
    std::string out;
    for (std::size_t at = selector.find('\''); at != std::string::npos; at = selector.find('\'', at)) {
        const std::size_t end = selector.find('\'', at + 1);
        if (end == std::string::npos) break;
        out += (out.empty() ? "" : "-") + selector.substr(at + 1, end - at - 1);
        at = end + 1;
    }
    return slug(out);
}

std::vector<policy::PortRange> ranges(const std::vector<std::uint16_t>& ports) {
    std::vector<policy::PortRange> out;
    for (const std::uint16_t port : ports) {
        if (!out.empty() && out.back().last + 1 == port)
            out.back().last = port;
        else
            out.push_back({port, port});
    }
    return out;
}

policy::Labels without_namespace(policy::Labels labels) {
    labels.erase(std::string(kNamespaceLabel));
    return labels;
}

std::string shown(const Party& party) {
    return party.id.ns.empty() ? party.id.name : party.id.ns + '/' + party.id.name;
}

std::string shown(const SeenService& service) {
    const std::string protocol = explain::protocol_name(service.protocol);
    if (net::is_icmp(service.protocol))
        return protocol + '/' + std::to_string(service.port >> 8U) + '/' + std::to_string(service.port & 0xffU);
    return net::has_ports(service.protocol) ? protocol + '/' + std::to_string(service.port) : protocol;
}

}  // namespace

std::vector<RecommendedPolicy> PolicyWriter::write() {
    struct Doing {
        std::string ns;
        std::string tier;
        std::array<std::vector<SeenPair>, 2> pairs;
        auto operator<=>(const Doing&) const = default;
    };
    std::map<Doing, Group> groups;
    for (const auto& [key, seen] : seen_.by_kin_and_tier) {
        Doing doing{kinship_.of(key.first).ns, key.second, {}};
        for (std::size_t i = 0; i < doing.pairs.size(); ++i)
            for (const auto& [pair, evidence] : seen.by_direction[i]) doing.pairs[i].push_back(pair);
        groups[std::move(doing)].push_back(key.first);
    }
    std::vector<RecommendedPolicy> out;
    for (const auto& [doing, group] : groups) out.push_back(policy_of(group, doing.tier));
    std::sort(out.begin(), out.end(), [](const RecommendedPolicy& a, const RecommendedPolicy& b) {
        return std::pair(a.policy.metadata.ns, a.policy.metadata.name) <
               std::pair(b.policy.metadata.ns, b.policy.metadata.name);
    });
    return out;
}

RecommendedPolicy PolicyWriter::policy_of(const Group& group, const std::string& tier) {
    RecommendedPolicy out;
    policy::Policy& policy = out.policy;
    policy.metadata.ns = kinship_.of(group.front()).ns;
    policy.enforced_kind =
        policy.metadata.ns.empty() ? policy::Kind::kGlobalNetworkPolicy : policy::Kind::kNetworkPolicy;
    policy.staged_action = policy::StagedAction::kLearn;
    policy.tier = tier;
    policy.order = order_in(tier);
    policy.selector = subject_selector(group, policy.metadata.ns);
    for (const KinId kin : group)
        for (const std::size_t party : kinship_.of(kin).parties) {
            if (kinship_.parties()[party].addresses.empty()) continue;
            out.endpoints.push_back(kinship_.parties()[party].id.text());
            if (!seen_.subjects.contains(party)) out.silent.push_back(out.endpoints.back());
        }
    std::string wanted = name_from(policy.selector);
    if (wanted.empty()) wanted = slug(kinship_.parties()[kinship_.of(group.front()).parties.front()].id.name);
    policy.metadata.name = free_name("learned-" + wanted, policy.metadata.ns, !policy.metadata.ns.empty());
    write_rules(out, group, tier, Direction::kIngress);
    write_rules(out, group, tier, Direction::kEgress);
    policy.ingress_type = !policy.ingress.empty();
    policy.egress_type = !policy.egress.empty();
    tell_unseen(out, group, tier, Direction::kIngress);
    tell_unseen(out, group, tier, Direction::kEgress);
    return out;
}

SeenOneWay PolicyWriter::merged(const Group& group, const std::string& tier, Direction direction) const {
    SeenOneWay out;
    for (const KinId kin : group)
        for (const auto& [pair, evidence] : seen_.by_kin_and_tier.at({kin, tier}).in(direction))
            out[pair].add(evidence);
    return out;
}

void PolicyWriter::write_rules(RecommendedPolicy& out, const Group& group, const std::string& tier,
                               Direction direction) {
    const SeenOneWay seen = merged(group, tier, direction);
    // Services of protocols without ports can't stand together in one rule.
    using Together = std::tuple<std::uint8_t, std::uint16_t, Place>;
    std::map<Together, std::pair<std::vector<Counterpart>, SeenServices>> parts;
    for (const auto& [pair, evidence] : seen) {
        const auto& [counterpart, service] = pair;
        const std::uint16_t apart = net::has_ports(service.protocol) ? std::uint16_t{0} : service.port;
        auto& [counterparts, services] =
            parts[{service.protocol, apart, place_of(counterpart, out.policy.metadata.ns)}];
        if (counterparts.empty() || counterparts.back() != counterpart) counterparts.push_back(counterpart);
        services[static_cast<std::uint32_t>(counterparts.size() - 1)].insert(service.port);
    }
    for (const auto& [together, part] : parts)
        for (const ServiceRule& rule : service_rules(part.second))
            add_rule(out, direction, std::get<0>(together), std::get<2>(together), part.first, rule, seen);
}

void PolicyWriter::add_rule(RecommendedPolicy& out, Direction direction, std::uint8_t protocol, const Place& place,
                            const std::vector<Counterpart>& counterparts, const ServiceRule& rule,
                            const SeenOneWay& seen) {
    std::vector<Counterpart> named;
    Evidence evidence;
    for (const std::uint32_t peer : rule.peers) {
        named.push_back(counterparts[peer]);
        for (const std::uint16_t service : rule.services)
            evidence.add(seen.at({counterparts[peer], {protocol, service}}));
    }
    policy::Rule written;
    written.action = Action::kAllow;
    written.protocol = protocol;
    if (net::is_icmp(protocol))
        written.icmp = policy::Icmp{static_cast<std::uint8_t>(rule.services.front() >> 8U),
                                    static_cast<std::uint8_t>(rule.services.front() & 0xffU)};
    (direction == Direction::kIngress ? written.source : written.destination) = entity_of(place, named);
    if (net::has_ports(protocol)) written.destination.ports = ranges(rule.services);
    (direction == Direction::kIngress ? out.policy.ingress : out.policy.egress).push_back(std::move(written));
    (direction == Direction::kIngress ? out.ingress : out.egress).push_back(evidence);
}

PolicyWriter::Place PolicyWriter::place_of(const Counterpart& counterpart, const std::string& ns) const {
    if (!counterpart.declared)
        return {counterpart.address.family == net::Family::kIPv4 ? PlaceKind::kNetsV4 : PlaceKind::kNetsV6, {}};
    const std::string& theirs = kinship_.of(counterpart.kin).ns;
    if (ns.empty()) return {PlaceKind::kAnywhere, {}};
    if (theirs == ns) return {PlaceKind::kOwnNamespace, ns};
    return theirs.empty() ? Place{PlaceKind::kHosts, {}} : Place{PlaceKind::kNamespace, theirs};
}

policy::EntityRule PolicyWriter::entity_of(const Place& place, const std::vector<Counterpart>& counterparts) const {
    policy::EntityRule entity;
    if (place.kind == PlaceKind::kNetsV4 || place.kind == PlaceKind::kNetsV6) {
        std::vector<net::Address> addresses;
        for (const Counterpart& counterpart : counterparts) addresses.push_back(counterpart.address);
        entity.nets = prefixes_of(std::move(addresses));
        return entity;
    }
    // Rules name network sets as well as endpoints.
    std::vector<policy::Labels> labels;
    std::vector<std::size_t> wanted;
    for (KinId kin = 0; kin < kinship_.kin().size(); ++kin) {
        const Kin& one = kinship_.of(kin);
        if (place.kind != PlaceKind::kAnywhere && one.ns != place.ns) continue;
        if (std::any_of(counterparts.begin(), counterparts.end(), [kin](const Counterpart& c) { return c.kin == kin; }))
            wanted.push_back(labels.size());
        labels.push_back(place.kind == PlaceKind::kAnywhere ? one.labels : without_namespace(one.labels));
    }
    std::vector<const policy::Labels*> universe;
    for (const policy::Labels& one : labels) universe.push_back(&one);
    const std::string selector = selector_for(universe, wanted);
    entity.selector = selector;
    if (place.kind == PlaceKind::kHosts) entity.namespace_selector = "global()";
    if (place.kind == PlaceKind::kNamespace) {
        entity.namespace_selector = "all()";
        const std::string there = std::string(kNamespaceLabel) + " == '" + place.ns + '\'';
        const bool either = selector.find(" || ") != std::string::npos;
        entity.selector = selector == "all()" ? there : there + " && " + (either ? '(' + selector + ')' : selector);
    }
    return entity;
}

std::string PolicyWriter::subject_selector(const Group& group, const std::string& ns) const {
    std::vector<policy::Labels> labels;
    std::vector<std::size_t> wanted;
    for (KinId kin = 0; kin < kinship_.kin().size(); ++kin) {
        const Kin& one = kinship_.of(kin);
        if (!one.has_endpoint || (!ns.empty() && one.ns != ns)) continue;
        if (std::find(group.begin(), group.end(), kin) != group.end()) wanted.push_back(labels.size());
        labels.push_back(ns.empty() ? one.labels : without_namespace(one.labels));
    }
    std::vector<const policy::Labels*> universe;
    for (const policy::Labels& one : labels) universe.push_back(&one);
    return selector_for(universe, wanted);
}

// What those who have the labels of those that were seen get with them.
void PolicyWriter::tell_unseen(RecommendedPolicy& out, const Group& group, const std::string& tier,
                               Direction direction) const {
    for (const KinId kin : group) {
        for (const auto& [pair, evidence] : seen_.by_kin_and_tier.at({kin, tier}).in(direction)) {
            const auto& [counterpart, service] = pair;
            for (const std::size_t subject : kinship_.of(kin).parties) {
                if (kinship_.parties()[subject].addresses.empty()) continue;
                if (!counterpart.declared) {
                    tell(out, {subject, direction, Seen::kNoEndpoint, counterpart.address, service});
                    continue;
                }
                for (const std::size_t other : kinship_.of(counterpart.kin).parties)
                    tell(out, {subject, direction, other, {}, service});
            }
        }
    }
}

void PolicyWriter::tell(RecommendedPolicy& out, const Seen::Exact& unseen) const {
    if (seen_.exact.contains(unseen)) return;
    const std::vector<Party>& parties = kinship_.parties();
    std::size_t endpoint = unseen.endpoint;
    if (endpoint == Seen::kNoEndpoint) endpoint = kinship_.party_of(unseen.address).value_or(Seen::kNoEndpoint);
    if (endpoint == unseen.subject || (endpoint != Seen::kNoEndpoint && parties[endpoint].addresses.empty())) return;
    ++out.admitted_unseen_count;
    if (out.admitted_unseen.size() >= kMostTold) return;
    const std::string own = shown(parties[unseen.subject]);
    const std::string other = endpoint == Seen::kNoEndpoint ? unseen.address.text() : shown(parties[endpoint]);
    const bool in = unseen.direction == Direction::kIngress;
    out.admitted_unseen.push_back((in ? other : own) + " -> " + (in ? own : other) + ' ' + shown(unseen.service));
}

// Neither a resource that is there nor its twin in the other world: a policy of that name would replace it.
std::string PolicyWriter::free_name(const std::string& wanted, const std::string& ns, bool namespaced) {
    const auto taken = [&](const std::string& name) {
        const policy::Kind enforced = namespaced ? policy::Kind::kNetworkPolicy : policy::Kind::kGlobalNetworkPolicy;
        const policy::Kind staged =
            namespaced ? policy::Kind::kStagedNetworkPolicy : policy::Kind::kStagedGlobalNetworkPolicy;
        return names_.contains({ns, name}) || inventory_.contains({enforced, ns, name}) ||
               inventory_.contains({staged, ns, name});
    };
    std::string name = wanted;
    for (int number = 2; taken(name); ++number) name = wanted + '-' + std::to_string(number);
    names_.insert({ns, name});
    return name;
}

// Behind every policy of the tier that has an order, and before a safety net.
double PolicyWriter::order_in(const std::string& tier) const {
    double last = 0;
    std::optional<double> net;
    for (const auto& [id, resource] : inventory_) {
        const auto* policy = std::get_if<policy::Policy>(resource.get());
        if (policy == nullptr || policy->tier != tier || !policy->order) continue;
        const auto catches_all = [policy](const policy::Rule& rule) {
            return policy::lets_everything_pass(*policy, rule);
        };
        const bool is_net = std::any_of(policy->ingress.begin(), policy->ingress.end(), catches_all) ||
                            std::any_of(policy->egress.begin(), policy->egress.end(), catches_all);
        if (is_net)
            net = std::min(net.value_or(*policy->order), *policy->order);
        else
            last = std::max(last, *policy->order);
    }
    const double behind = std::max(kUsualOrder, std::floor(last) + 1);
    if (!net || behind < *net) return behind;
    return last < *net ? (last + *net) / 2 : *net - 1;
}

}  // namespace drywall::whatif

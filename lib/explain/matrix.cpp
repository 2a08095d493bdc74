#include "drywall/explain/matrix.h"

#include <algorithm>
#include <map>
#include <utility>

#include "drywall/explain/trace.h"

namespace drywall::explain {

namespace {

using ruleset::EndpointInfo;
using ruleset::Ruleset;

// What was seen when one service was asked for from every port and address.
struct Seen {
    bool enforced_allow = false;
    bool enforced_deny = false;
    bool pending_allow = false;
    bool pending_deny = false;
    bool differs = false;

    void note(Verdict enforced, Verdict pending) noexcept {
        (enforced == Verdict::kAllow ? enforced_allow : enforced_deny) = true;
        (pending == Verdict::kAllow ? pending_allow : pending_deny) = true;
        differs = differs || enforced != pending;
    }
    Seen& operator|=(const Seen& other) noexcept {
        enforced_allow |= other.enforced_allow;
        enforced_deny |= other.enforced_deny;
        pending_allow |= other.pending_allow;
        pending_deny |= other.pending_deny;
        differs |= other.differs;
        return *this;
    }
};

Reach reach_of(bool allow, bool deny) noexcept {
    if (allow && deny) return Reach::kMixed;
    return allow ? Reach::kAllow : deny ? Reach::kDeny : Reach::kNone;
}

// The port of entry matters only where a port has policies of its own.
std::size_t lanes_to_ask(const classify::Program& program) {
    const bool port_policies = std::any_of(program.lanes.begin(), program.lanes.end(), [](const auto& lane) {
        return lane.ingress_port.has_value() || lane.egress_port.has_value();
    });
    return port_policies ? program.lanes.size() : 1;
}

bool fits(const Service& service, net::Family family) noexcept {
    if (service.protocol == net::protocol::kIcmp) return family == net::Family::kIPv4;
    if (service.protocol == net::protocol::kIcmpv6) return family == net::Family::kIPv6;
    return true;
}

std::span<const net::Address> some_of(const EndpointInfo& endpoint) {
    return std::span(endpoint.addresses).first(std::min(endpoint.addresses.size(), kMaxAddresses));
}

using Members = std::vector<const EndpointInfo*>;

class Surveyor {
public:
    explicit Surveyor(const Ruleset& ruleset) : ruleset_(ruleset), lanes_(lanes_to_ask(ruleset.program())) {}

    // Every service, from each of the sources to each of the destinations but itself.
    [[nodiscard]] Cell cell(const Members& sources, const Members& destinations,
                            const std::vector<Service>& services) const {
        Cell cell;
        Seen all;
        std::vector<Seen> each;
        for (const Service& service : services) {
            Seen& seen = each.emplace_back();
            for (const EndpointInfo* source : sources)
                for (const EndpointInfo* destination : destinations)
                    if (source != destination) seen |= ask(*source, *destination, service);
            all |= seen;
        }
        cell.enforced = reach_of(all.enforced_allow, all.enforced_deny);
        cell.pending = reach_of(all.pending_allow, all.pending_deny);
        cell.differs = all.differs;
        if (cell.enforced != Reach::kMixed && cell.pending != Reach::kMixed && !cell.differs) return cell;
        for (std::size_t i = 0; i < services.size(); ++i) {
            if (each[i].enforced_allow) cell.enforced_allowed.push_back(services[i].text());
            if (each[i].pending_allow) cell.pending_allowed.push_back(services[i].text());
        }
        return cell;
    }

private:
    [[nodiscard]] Seen ask(const EndpointInfo& source, const EndpointInfo& destination, const Service& service) const {
        Seen seen;
        for (const net::Address& from : some_of(source))
            for (const net::Address& to : some_of(destination))
                if (from.family == to.family && fits(service, from.family)) ask_every_lane(seen, from, to, service);
        return seen;
    }

    void ask_every_lane(Seen& seen, const net::Address& from, const net::Address& to, const Service& service) const {
        net::Tuple tuple;
        tuple.source = from.bytes;
        tuple.destination = to.bytes;
        tuple.family = from.family;
        tuple.protocol = service.protocol;
        tuple.source_port = net::has_ports(service.protocol) ? kEphemeralPort : std::uint16_t{0};
        tuple.destination_port = service.first;
        for (std::size_t lane = 0; lane < lanes_; ++lane) {
            tuple.ingress_port = static_cast<std::uint16_t>(lane);
            const ruleset::TraceVerdict& verdict = ruleset_.verdict(ruleset_.classify(tuple));
            seen.note(verdict.enforced, verdict.pending);
        }
    }

    const Ruleset& ruleset_;
    std::size_t lanes_;
};

struct Group {
    std::string name;
    Members members;
};

std::vector<Group> grouped(const Members& endpoints, const std::string& label) {
    std::vector<Group> groups;
    if (label.empty()) {
        for (const EndpointInfo* endpoint : endpoints) groups.push_back({endpoint->id.text(), {endpoint}});
        return groups;
    }
    std::map<std::string, Members> by_value;
    Members without;
    for (const EndpointInfo* endpoint : endpoints) {
        const auto found = endpoint->labels.find(label);
        (found == endpoint->labels.end() ? without : by_value[found->second]).push_back(endpoint);
    }
    for (auto& [value, members] : by_value) groups.push_back({value, std::move(members)});
    if (!without.empty()) groups.push_back({"(none)", std::move(without)});
    return groups;
}

// `wanted` as it is asked for; "the other ports of TCP" means a port that no rule names.
std::vector<Service> chosen(std::vector<Service> all, const std::optional<Service>& wanted) {
    if (!wanted) return all;
    if (!wanted->other) return {*wanted};
    std::erase_if(all, [&](const Service& service) { return !service.other || service.protocol != wanted->protocol; });
    return all.empty() ? std::vector{*wanted} : all;
}

}  // namespace

std::string_view name(Reach reach) noexcept {
    switch (reach) {
        case Reach::kNone: return "none";
        case Reach::kDeny: return "deny";
        case Reach::kAllow: return "allow";
        case Reach::kMixed: return "mixed";
    }
    return "none";
}

Matrix connectivity(const Ruleset& ruleset, const MatrixQuery& query) {
    std::vector<Service> services = chosen(services_of(ruleset.program()), query.service);
    Matrix matrix;
    matrix.generation = ruleset.generation();
    if (services.size() > kMaxServices) {
        matrix.services_left_out = services.size() - kMaxServices;
        // What no rule names is asked about in any case: it is most of the traffic.
        std::stable_partition(services.begin(), services.end(), [](const Service& service) { return service.other; });
        services.resize(kMaxServices);
    }
    for (const Service& service : services) matrix.services.push_back(service.text());

    std::vector<const EndpointInfo*> shown;
    for (const EndpointInfo& endpoint : ruleset.endpoints()) {
        if (endpoint.addresses.empty()) continue;  // a port of the appliance
        if (shown.size() < query.max_endpoints)
            shown.push_back(&endpoint);
        else
            ++matrix.endpoints_left_out;
    }
    matrix.group_by = query.group_by;
    const std::vector<Group> groups = grouped(shown, query.group_by);
    const Surveyor surveyor(ruleset);
    for (const Group& source : groups) {
        matrix.endpoints.push_back(source.name);
        std::vector<Cell>& row = matrix.cells.emplace_back();
        for (const Group& destination : groups)
            row.push_back(surveyor.cell(source.members, destination.members, services));
    }
    return matrix;
}

}  // namespace drywall::explain

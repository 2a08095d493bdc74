#include "drywall/explain/matrix.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "drywall/explain/trace.h"
#include "requirement.h"

namespace drywall::explain {

namespace {

using ruleset::EndpointInfo;
using ruleset::Ruleset;

// What was seen in one world when one service was asked for from every port and address.
struct SeenWorld {
    bool allow = false;
    bool deny = false;
    std::optional<std::uint32_t> depends;  // the first requirement that was met

    void note(Outcome outcome, std::uint32_t requirement) {
        if (outcome == Outcome::kAllow) allow = true;
        if (outcome == Outcome::kDeny) deny = true;
        if (outcome == Outcome::kDepends && !depends) depends = requirement;
    }
    SeenWorld& operator|=(const SeenWorld& other) {
        allow |= other.allow;
        deny |= other.deny;
        if (!depends) depends = other.depends;
        return *this;
    }
    [[nodiscard]] Reach reach() const noexcept {
        const int kinds = (allow ? 1 : 0) + (deny ? 1 : 0) + (depends ? 1 : 0);
        if (kinds > 1) return Reach::kMixed;
        return allow ? Reach::kAllow : deny ? Reach::kDeny : depends ? Reach::kDepends : Reach::kNone;
    }
};

struct Seen {
    SeenWorld enforced;
    SeenWorld pending;
    bool differs = false;

    Seen& operator|=(const Seen& other) {
        enforced |= other.enforced;
        pending |= other.pending;
        differs |= other.differs;
        return *this;
    }
};

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
    explicit Surveyor(const Ruleset& ruleset)
        : ruleset_(ruleset),
          lanes_(lanes_to_ask(ruleset.program())),
          enforced_({&ruleset, World::kEnforced}, requirements_),
          pending_({&ruleset, World::kPending}, requirements_) {}

    // Every service, from each of the sources to each of the destinations but itself.
    [[nodiscard]] Cell cell(const Members& sources, const Members& destinations, const std::vector<Service>& services) {
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
        cell.enforced = all.enforced.reach();
        cell.pending = all.pending.reach();
        cell.differs = all.differs;
        for (std::size_t i = 0; i < services.size(); ++i) {
            add_asked(cell.enforced_depends, services[i], each[i].enforced);
            add_asked(cell.pending_depends, services[i], each[i].pending);
        }
        if (cell.enforced != Reach::kMixed && cell.pending != Reach::kMixed && !cell.differs) return cell;
        for (std::size_t i = 0; i < services.size(); ++i) {
            if (each[i].enforced.allow) cell.enforced_allowed.push_back(services[i].text());
            if (each[i].pending.allow) cell.pending_allowed.push_back(services[i].text());
        }
        return cell;
    }

private:
    void add_asked(std::vector<AskedService>& asked, const Service& service, const SeenWorld& seen) const {
        if (seen.depends) asked.push_back({service.text(), requirements_[*seen.depends].words()});
    }

    [[nodiscard]] Seen ask(const EndpointInfo& source, const EndpointInfo& destination, const Service& service) {
        Seen seen;
        for (const net::Address& from : some_of(source))
            for (const net::Address& to : some_of(destination))
                if (from.family == to.family && fits(service, from.family)) ask_every_lane(seen, from, to, service);
        return seen;
    }

    void ask_every_lane(Seen& seen, const net::Address& from, const net::Address& to, const Service& service) {
        net::Tuple tuple;
        tuple.source = from.bytes;
        tuple.destination = to.bytes;
        tuple.family = from.family;
        tuple.protocol = service.protocol;
        tuple.source_port = net::has_ports(service.protocol) ? kEphemeralPort : std::uint16_t{0};
        tuple.destination_port = service.first;
        for (std::size_t lane = 0; lane < lanes_; ++lane) {
            tuple.ingress_port = static_cast<std::uint16_t>(lane);
            note(seen, ruleset_.classify(tuple));
        }
    }

    void note(Seen& seen, TraceId trace) {
        const std::uint32_t now = enforced_.number(trace);
        const std::uint32_t then = pending_.number(trace);
        const Outcome pending = requirements_[then].outcome();
        seen.pending.note(pending, then);
        if (ruleset_.enforcement() == ruleset::Enforcement::kObserve) {  // everything passes
            seen.enforced.note(Outcome::kAllow, now);
            seen.differs |= pending != Outcome::kAllow;
            return;
        }
        seen.enforced.note(requirements_[now].outcome(), now);
        seen.differs |= !requirements_.implies(now, then) || !requirements_.implies(then, now);
    }

    const Ruleset& ruleset_;
    std::size_t lanes_;
    Requirements requirements_;
    RegimeRequirements enforced_;
    RegimeRequirements pending_;
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
        case Reach::kDepends: return "depends";
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
    Surveyor surveyor(ruleset);
    for (const Group& source : groups) {
        matrix.endpoints.push_back(source.name);
        std::vector<Cell>& row = matrix.cells.emplace_back();
        for (const Group& destination : groups)
            row.push_back(surveyor.cell(source.members, destination.members, services));
    }
    return matrix;
}

}  // namespace drywall::explain

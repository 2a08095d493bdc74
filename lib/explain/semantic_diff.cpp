#include "drywall/explain/semantic_diff.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "diff_space.h"
#include "drywall/explain/protocols.h"
#include "requirement.h"

namespace drywall::explain {

namespace {

using ClassNumbers = std::vector<std::uint32_t>;

// Packets that change in one direction alike: through which ports they enter, and which services they are.
struct Changed {
    bool newly_denied = false;
    std::uint32_t before = 0;  // of Requirements
    std::uint32_t after = 0;
    net::Family family{};
    std::vector<std::size_t> lanes;  // classes
    ClassNumbers services;
    auto operator<=>(const Changed&) const = default;
};

std::vector<bool> marks(const ClassNumbers& numbers, std::size_t size) {
    std::vector<bool> marked(size);
    for (const std::uint32_t number : numbers) marked[number] = true;
    return marked;
}

class Comparison {
public:
    Comparison(const Regime& before, const Regime& after, DiffSpace space)
        : before_(before),
          after_(after),
          space_(std::move(space)),
          was_(before, requirements_),
          is_(after, requirements_) {}

    [[nodiscard]] std::size_t questions() const {
        std::size_t count = 0;
        for_each_pair([&](std::uint32_t source, std::uint32_t destination) {
            const std::size_t services = services_of(source).examples.size();
            for (const LaneClass& lane : space_.lanes)
                if (may_differ(source, destination, lane)) count += services;
        });
        return count;
    }

    SemanticDiff run(std::size_t most) {
        for_each_pair([&](std::uint32_t source, std::uint32_t destination) { ask(source, destination); });
        SemanticDiff diff;
        for (const auto& [changed, destinations_of] : changes_) add_regions(diff, changed, destinations_of, most);
        diff.left_out = regions_ - diff.differences.size();
        return diff;
    }

private:
    [[nodiscard]] const ClassedServices& services_of(std::uint32_t source) const {
        return space_.services[space_.addresses.sources[source].family == net::Family::kIPv4 ? 0 : 1];
    }

    // Classes without an address of their own are met by no packet.
    template <typename Visit>
    void for_each_pair(Visit visit) const {
        const ClassedAddresses& addresses = space_.addresses;
        for (std::uint32_t source = 0; source < addresses.sources.size(); ++source) {
            if (addresses.sources[source].examples.empty()) continue;
            for (std::uint32_t destination = 0; destination < addresses.destinations.size(); ++destination)
                if (addresses.destinations[destination].family == addresses.sources[source].family &&
                    !addresses.destinations[destination].examples.empty())
                    visit(source, destination);
        }
    }

    [[nodiscard]] bool may_differ(std::uint32_t source, std::uint32_t destination, const LaneClass& lane) const {
        return space_.everything_differs || lane.differs || space_.addresses.sources[source].steps.differ() ||
               space_.addresses.destinations[destination].steps.differ();
    }

    [[nodiscard]] net::Tuple packet(std::uint32_t source, std::uint32_t destination, std::uint32_t service,
                                    std::uint16_t lane) const {
        net::Tuple tuple = services_of(source).examples[service];
        const net::Address& from = space_.addresses.sources[source].examples.front();
        const auto& candidates = space_.addresses.destinations[destination].examples;
        tuple.source = from.bytes;
        tuple.destination = (candidates.front() == from ? candidates.back() : candidates.front()).bytes;
        tuple.ingress_port = lane;
        return tuple;
    }

    void ask(std::uint32_t source, std::uint32_t destination) {
        using Change = std::pair<std::uint32_t, std::uint32_t>;  // requirements before and after
        std::map<std::pair<Change, ClassNumbers>, std::vector<std::size_t>> lanes_of;
        for (std::size_t lane = 0; lane < space_.lanes.size(); ++lane) {
            if (!may_differ(source, destination, space_.lanes[lane])) continue;
            std::map<Change, ClassNumbers> changed;
            for (std::uint32_t service = 0; service < services_of(source).examples.size(); ++service) {
                const net::Tuple tuple = packet(source, destination, service, space_.lanes[lane].lanes.front());
                const Change change{was_.number(tuple), is_.number(tuple)};
                if (denies_more(change) || allows_more(change)) changed[change].push_back(service);
            }
            for (auto& [change, services] : changed) lanes_of[{change, std::move(services)}].push_back(lane);
        }
        for (auto& [what, lanes] : lanes_of) {
            const Change& change = what.first;
            changes_[{denies_more(change), change.first, change.second, space_.addresses.sources[source].family,
                      std::move(lanes), what.second}][source]
                .push_back(destination);
        }
    }

    [[nodiscard]] bool denies_more(const std::pair<std::uint32_t, std::uint32_t>& change) {
        return !requirements_.implies(change.first, change.second);
    }
    [[nodiscard]] bool allows_more(const std::pair<std::uint32_t, std::uint32_t>& change) {
        return !requirements_.implies(change.second, change.first);
    }

    // Sources that lose or gain the same destinations are one region.
    void add_regions(SemanticDiff& diff, const Changed& changed,
                     const std::map<std::uint32_t, ClassNumbers>& destinations_of, std::size_t most) {
        std::map<ClassNumbers, ClassNumbers> rectangles;
        for (const auto& [source, destinations] : destinations_of) rectangles[destinations].push_back(source);
        regions_ += rectangles.size();
        if (changed.newly_denied) diff.newly_denied += rectangles.size();
        if (allows_more({changed.before, changed.after})) diff.newly_allowed += rectangles.size();
        for (const auto& [destinations, sources] : rectangles)
            if (diff.differences.size() < most) diff.differences.push_back(region(changed, sources, destinations));
    }

    [[nodiscard]] Difference region(const Changed& changed, const ClassNumbers& sources,
                                    const ClassNumbers& destinations) {
        using Entry = ClassedAddresses::Entry;
        const ClassedAddresses& addresses = space_.addresses;
        const ClassedServices& services = services_of(sources.front());
        Difference out;
        const Requirement& was = requirements_[changed.before];
        const Requirement& is = requirements_[changed.after];
        out.before = was.outcome();
        out.after = is.outcome();
        out.before_asks = was.words();
        out.after_asks = is.words();
        out.newly_denied = changed.newly_denied;
        out.newly_allowed = allows_more({changed.before, changed.after});
        out.sources = addresses.region(&Entry::source, marks(sources, addresses.sources.size()));
        out.destinations = addresses.region(&Entry::destination, marks(destinations, addresses.destinations.size()));
        out.services = services.regions(marks(changed.services, services.examples.size()));
        for (const std::size_t lane : changed.lanes)
            out.lanes.insert(out.lanes.end(), space_.lanes[lane].lanes.begin(), space_.lanes[lane].lanes.end());
        std::ranges::sort(out.lanes);
        out.example = packet(sources.front(), destinations.front(), changed.services.front(),
                             space_.lanes[changed.lanes.front()].lanes.front());
        if (out.before == Outcome::kDepends || out.after == Outcome::kDepends)
            out.shown = shown_differences(before_, after_, out.example);
        out.before_by = out.shown.empty() ? before_.decider(out.example) : out.shown.front().before_by;
        out.after_by = out.shown.empty() ? after_.decider(out.example) : out.shown.front().after_by;
        return out;
    }

    const Regime& before_;
    const Regime& after_;
    DiffSpace space_;
    Requirements requirements_;
    RegimeRequirements was_;
    RegimeRequirements is_;
    std::size_t regions_ = 0;
    // By what changes: the sources, and for each of them the destinations.
    std::map<Changed, std::map<std::uint32_t, ClassNumbers>, std::greater<>> changes_;  // what is newly denied first
};

}  // namespace

Verdict Regime::verdict(const net::Tuple& tuple) const {
    const classify::Trace& trace = ruleset->trace(ruleset->classify(tuple));
    return world == World::kEnforced ? trace.enforced : trace.pending;
}

Outcome Regime::outcome(const net::Tuple& tuple) const {
    return requirement_of(*this, ruleset->classify(tuple)).outcome();
}

std::vector<std::string> Regime::asked_words(const net::Tuple& tuple) const {
    return requirement_of(*this, ruleset->classify(tuple)).words();
}

bool passes_no_less(const Regime& before, const Regime& after, const net::Tuple& tuple) {
    return implies(requirement_of(before, before.ruleset->classify(tuple)),
                   requirement_of(after, after.ruleset->classify(tuple)));
}

std::vector<std::string> Regime::asks(const net::Tuple& tuple) const {
    std::vector<std::string> asked;
    const TraceId id = ruleset->classify(tuple);
    if (ruleset->verdict(id).inspection == ruleset::Inspection::kNone) return asked;
    const classify::Trace& trace = ruleset->undecided_trace(id);
    const auto& hits = world == World::kEnforced ? trace.enforced_hits : trace.pending_hits;
    if (std::ranges::none_of(hits, classify::is_conditional)) return asked;
    for (const HitId id_of_hit : hits) {
        const ruleset::HitDescriptor& hit = ruleset->hit(id_of_hit);
        if (classify::is_conditional(id_of_hit))
            asked.push_back("if " + (world == World::kEnforced ? hit.identity : hit.enforced_twin));
        else if (hit.action == Action::kAllow || hit.action == Action::kDeny)
            asked.emplace_back(name(hit.action));
    }
    return asked;
}

std::string Regime::decider(const net::Tuple& tuple) const {
    const classify::Trace& trace = ruleset->trace(ruleset->classify(tuple));
    const auto& hits = world == World::kEnforced ? trace.enforced_hits : trace.pending_hits;
    return hits.empty() ? std::string() : ruleset->hit(hits.back()).text();
}

bool Difference::contains(const net::Tuple& tuple) const {
    return std::ranges::find(lanes, tuple.ingress_port) != lanes.end() &&
           sources.contains({tuple.family, tuple.source}) && destinations.contains({tuple.family, tuple.destination}) &&
           std::ranges::any_of(services, [&](const ServiceRegion& region) { return region.contains(tuple); });
}

Result<SemanticDiff> semantic_diff(const Regime& before, const Regime& after, const DiffLimits& limits) {
    Result<DiffSpace> space = diff_space(before, after, limits);
    if (!space) return std::move(space).error();
    Comparison comparison(before, after, *std::move(space));
    if (const std::size_t questions = comparison.questions(); questions > limits.questions)
        return Error::of(ErrorKind::kRefused,
                         "the comparison takes " + std::to_string(questions) + " questions; at most " +
                             std::to_string(limits.questions) + " are asked",
                         "compare generations that are closer to each other, or ask with `drywall matrix --diff`");
    return comparison.run(limits.regions);
}

std::string packet_text(const net::Tuple& tuple) {
    const auto with_port = [&](const net::AddressBytes& bytes, std::uint16_t port) {
        std::string address = net::Address{tuple.family, bytes}.text();
        if (!net::has_ports(tuple.protocol)) return address;
        return (tuple.family == net::Family::kIPv6 ? '[' + address + ']' : address) + ':' + std::to_string(port);
    };
    std::string out = protocol_name(tuple.protocol) + ' ' + with_port(tuple.source, tuple.source_port) + " -> " +
                      with_port(tuple.destination, tuple.destination_port);
    if (net::is_icmp(tuple.protocol))
        out += " type " + std::to_string(tuple.destination_port >> 8) + " code " +
               std::to_string(tuple.destination_port & 0xff);
    return out;
}

}  // namespace drywall::explain

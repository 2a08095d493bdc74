#include "drywall/whatif/recommend.h"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "drywall/policy/convert.h"
#include "kin.h"
#include "policy_writer.h"
#include "seen.h"
#include "undecided.h"

namespace drywall::whatif {

namespace {

using ruleset::Ruleset;

Error no_such_scope(const std::string& scope) {
    return Error::of(ErrorKind::kNotFound, "'" + scope + "' is no endpoint, label or namespace of an endpoint",
                     "write NAMESPACE/NAME, LABEL=VALUE or a namespace");
}

bool is_called(const policy::ResourceId& id, const std::string& name) {
    return id.text() == name || id.ns + '/' + id.name == name || id.name == name;
}

// The kin whose policies are asked for.
Result<std::set<KinId>> kin_in_scope(const Kinship& kinship, const std::string& scope) {
    std::set<KinId> named;
    std::set<KinId> labelled;
    std::set<KinId> in_namespace;
    const std::size_t equals = scope.find('=');
    for (const Party& party : kinship.parties()) {
        if (party.addresses.empty()) continue;  // sets have no policies
        const Kin& kin = kinship.of(party.kin);
        if (is_called(party.id, scope)) named.insert(party.kin);
        if (!kin.ns.empty() && kin.ns == scope) in_namespace.insert(party.kin);
        if (equals == std::string::npos) continue;
        const auto label = kin.labels.find(scope.substr(0, equals));
        if (label != kin.labels.end() && label->second == scope.substr(equals + 1)) labelled.insert(party.kin);
    }
    if (!named.empty() && !in_namespace.empty())
        return Error::of(ErrorKind::kInvalid, "'" + scope + "' is an endpoint and a namespace",
                         "write NAMESPACE/NAME for the endpoint, or projectcalico.org/namespace=" + scope);
    for (std::set<KinId>* found : {&named, &labelled, &in_namespace})
        if (!found->empty()) return std::move(*found);
    return no_such_scope(scope);
}

// One side of a flow: whose policies would decide, and who is at the other end.
struct SideOfFlow {
    Direction direction{};
    net::Address own;
    net::Address other;
};

class Recommender {
public:
    Recommender(const policy::Inventory& inventory, const Ruleset& ruleset, const RecommendOptions& options)
        : inventory_(inventory),
          ruleset_(ruleset),
          options_(options),
          view_(policy::calico_view(inventory)),
          kinship_(view_),
          undecided_(inventory, ruleset) {}

    Result<Recommendation> run(std::span<const RecordedFlow> flows) {
        if (!options_.scope.empty()) {
            Result<std::set<KinId>> scope = kin_in_scope(kinship_, options_.scope);
            if (!scope) return std::move(scope).error();
            scope_ = *std::move(scope);
        }
        for (const RecordedFlow& flow : flows) sort(flow);
        out_.policies = PolicyWriter(inventory_, kinship_, seen_).write();
        if (Status checked = check(flows); !checked) return std::move(checked).error();
        return std::move(out_);
    }

private:
    // Into what becomes rules, or the reason why it does not.
    void sort(const RecordedFlow& flow) {
        if (options_.since && flow.last && *flow.last < *options_.since) {
            out_.outside += flow.amount();
            return;
        }
        const auto source = kinship_.party_of(flow.source);
        const auto destination = kinship_.party_of(flow.destination);
        if (!source && !destination) return leave(flow, "no endpoint is declared on either side: declare one of them");
        if (source == destination) return leave(flow, "source and destination are the same endpoint");
        const TraceId trace = ruleset_.classify(first_packet(flow, PortId{0}));
        const auto from = source ? undecided_.tier(trace, Direction::kEgress) : std::nullopt;
        const auto to = destination ? undecided_.tier(trace, Direction::kIngress) : std::nullopt;
        if (!from && !to) {
            out_.decided += flow.amount();
            return;
        }
        if (flow.action == Verdict::kDeny && !options_.denied) {
            out_.denied += flow.amount();
            return;
        }
        const bool egress = from && note(flow, *source, *from, {Direction::kEgress, flow.source, flow.destination});
        const bool ingress = to && note(flow, *destination, *to, {Direction::kIngress, flow.destination, flow.source});
        (egress || ingress ? out_.covered : out_.outside) += flow.amount();
    }

    // False when this endpoint was not asked about.
    bool note(const RecordedFlow& flow, std::size_t subject, const std::string& tier, const SideOfFlow& side) {
        const KinId kin = kinship_.parties()[subject].kin;
        if (scope_ && !scope_->contains(kin)) return false;
        const SeenService service{flow.protocol, flow.destination_port};
        Counterpart counterpart{false, 0, side.other};
        Seen::Exact exact{subject, side.direction, Seen::kNoEndpoint, side.other, service};
        if (const auto other = kinship_.party_of(side.other)) {
            const KinId theirs = kinship_.parties()[*other].kin;
            // A selector would admit the addresses of a network set with the same labels too.
            if (!kinship_.of(theirs).has_set) {
                counterpart = {true, theirs, {}};
                exact = {subject, side.direction, *other, {}, service};
            }
        }
        seen_.exact.insert(exact);
        seen_.subjects.insert(subject);
        seen_.by_kin_and_tier[{kin, tier}].in(side.direction)[{counterpart, service}].add(flow);
        return true;
    }

    void leave(const RecordedFlow& flow, std::string why) {
        out_.not_covered_amount += flow.amount();
        if (out_.not_covered.size() < kMostTold) out_.not_covered.push_back({flow, std::move(why)});
    }

    // With the policies staged beside what is there: every flow that passes now, and every one that they are for,
    // passes in the pending world.
    Status check(std::span<const RecordedFlow> flows) {
        if (out_.policies.empty()) return Done{};
        policy::Inventory with = inventory_;
        for (const RecommendedPolicy& one : out_.policies) {
            auto resource = std::make_shared<const policy::Resource>(one.policy);
            with[policy::id_of(*resource)] = std::move(resource);
        }
        const auto staged = Ruleset::build(ruleset_.generation(), with, ruleset_.surroundings());
        if (!staged) return staged.error();
        for (const RecordedFlow& flow : flows) {
            const net::Tuple tuple = first_packet(flow, PortId{0});
            const TraceId before = ruleset_.classify(tuple);
            const TraceId after = (*staged)->classify(tuple);
            if ((*staged)->verdict(after).pending == Verdict::kAllow) continue;
            const bool passes = ruleset_.verdict(before).pending == Verdict::kAllow;
            if (!passes && !was_for(flow, before)) continue;
            const std::vector<HitId>& hits = (*staged)->trace(after).pending_hits;
            leave(flow, "would still be denied by " +
                            (hits.empty() ? std::string("nothing") : (*staged)->hit(hits.back()).text()));
        }
        return Done{};
    }

    // A rule was written for each side of it that needs one.
    [[nodiscard]] bool was_for(const RecordedFlow& flow, TraceId trace) const {
        if (flow.action == Verdict::kDeny && !options_.denied) return false;
        if (options_.since && flow.last && *flow.last < *options_.since) return false;
        const auto asked = [&](const net::Address& own, Direction direction) {
            const auto party = kinship_.party_of(own);
            return party && undecided_.tier(trace, direction) &&
                   (!scope_ || scope_->contains(kinship_.parties()[*party].kin));
        };
        return asked(flow.source, Direction::kEgress) || asked(flow.destination, Direction::kIngress);
    }

    const policy::Inventory& inventory_;
    const Ruleset& ruleset_;
    const RecommendOptions& options_;
    policy::CalicoView view_;
    Kinship kinship_;
    Undecided undecided_;
    std::optional<std::set<KinId>> scope_;
    Seen seen_;
    Recommendation out_;
};

}  // namespace

void Evidence::add(const RecordedFlow& flow) { add(Evidence{flow.amount(), flow.first, flow.last}); }

void Evidence::add(const Evidence& other) {
    amount += other.amount;
    if (other.first) first = std::min(first.value_or(*other.first), *other.first);
    if (other.last) last = std::max(last.value_or(*other.last), *other.last);
}

Result<Recommendation> recommend(const policy::Inventory& inventory, const Ruleset& ruleset,
                                 std::span<const RecordedFlow> flows, const RecommendOptions& options) {
    return Recommender(inventory, ruleset, options).run(flows);
}

}  // namespace drywall::whatif

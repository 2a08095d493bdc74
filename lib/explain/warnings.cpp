#include "drywall/explain/warnings.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "example_packet.h"
#include "layer7_warnings.h"
#include "rule_reach.h"

namespace drywall::explain {

namespace {

using ruleset::HitDescriptor;

struct Managed {
    ServiceKey service;
    std::string_view name;
};
constexpr auto kManagement = std::to_array<Managed>({{{net::protocol::kTcp, 22}, "SSH (tcp/22)"},
                                                     {{net::protocol::kTcp, 3389}, "RDP (tcp/3389)"},
                                                     {{net::protocol::kTcp, 6443}, "the Kubernetes API (tcp/6443)"},
                                                     {{net::protocol::kTcp, 179}, "BGP (tcp/179)"},
                                                     {{net::protocol::kUdp, 53}, "DNS (udp/53)"},
                                                     {{net::protocol::kUdp, 123}, "NTP (udp/123)"}});

std::string count_of(std::size_t number, const std::string& noun) {
    return std::to_string(number) + " " + noun + (number == 1 ? "" : "s");
}

std::string service_text(const net::Tuple& tuple) {
    if (tuple.protocol == net::protocol::kTcp) return "tcp";
    if (tuple.protocol == net::protocol::kUdp) return "udp";
    if (tuple.protocol == net::protocol::kSctp) return "sctp";
    if (tuple.protocol == net::protocol::kIcmp) return "icmp";
    if (tuple.protocol == net::protocol::kIcmpv6) return "icmpv6";
    return "protocol " + std::to_string(tuple.protocol);
}

// "tcp 10.0.0.1 -> 10.0.0.2:80", "icmp 10.0.0.1 -> 10.0.0.2 type 8 code 0"
std::string text_of(const net::Tuple& tuple) {
    const net::Address source{tuple.family, tuple.source};
    const net::Address destination{tuple.family, tuple.destination};
    std::string to = destination.text();
    if (net::has_ports(tuple.protocol)) {
        if (tuple.family == net::Family::kIPv6) to = "[" + to + "]";
        to += ":" + std::to_string(tuple.destination_port);
    } else if (net::is_icmp(tuple.protocol)) {
        to += " type " + std::to_string(tuple.destination_port >> 8) + " code " +
              std::to_string(tuple.destination_port & 0xff);
    }
    return service_text(tuple) + " " + source.text() + " -> " + to;
}

class Examiner {
public:
    Examiner(const ruleset::Ruleset& ruleset, const policy::CalicoView& view)
        : ruleset_(ruleset), program_(ruleset.program()), view_(view), reach_(ruleset, view) {}

    std::vector<Complaint> run() {
        missing_profiles();
        host_endpoints();
        policies_without_endpoints();
        dead_rules();
        default_denies();
        denied_management();
        asked_in_vain();
        std::stable_sort(found_.begin(), found_.end(), [](const Complaint& a, const Complaint& b) {
            return std::tie(a.place.file, a.place.line, a.place.column) <
                   std::tie(b.place.file, b.place.line, b.place.column);
        });
        if (found_.size() > kMaxWarnings) {
            const std::size_t more = found_.size() - kMaxWarnings;
            found_.resize(kMaxWarnings);
            found_.push_back({{}, "and " + count_of(more, "more warning")});
        }
        return std::move(found_);
    }

private:
    void warn(const policy::Policy& policy, std::optional<policy::Spot> spot, std::string message, std::string hint) {
        Place place = spot.value_or(policy::Spot{}).in(policy.metadata.place);
        const policy::Kind kind = policy.kind();
        found_.push_back({std::move(place),
                          std::move(message),
                          std::move(hint),
                          {std::string(policy::document_kind(kind)), policy.metadata.ns, policy.metadata.name}});
    }

    static std::string text_of(const policy::Policy& policy) {
        return policy::ResourceId{policy.kind(), policy.metadata.ns, policy.metadata.name}.text();
    }

    // "rule 2 of ingress of globalnetworkpolicy/web"
    static std::string text_of(const policy::Policy& policy, const HitDescriptor& hit) {
        return text_of(policy) + ": " + std::string(name(hit.direction)) + " rule " + std::to_string(hit.rule_index);
    }

    static std::optional<policy::Spot> spot_of(const policy::Policy& policy, const HitDescriptor& hit) {
        const auto& rules = hit.direction == Direction::kIngress ? policy.ingress : policy.egress;
        if (hit.rule_index < 0 || static_cast<std::size_t>(hit.rule_index) >= rules.size()) return std::nullopt;
        return rules[static_cast<std::size_t>(hit.rule_index)].spot;
    }

    void missing_profiles() {
        std::map<std::string, std::pair<std::string, std::size_t>> users;  // first endpoint, how many
        std::map<std::string, const policy::Metadata*> where;
        const auto look = [&](const auto& items) {
            for (const auto& item : items)
                for (const std::string& profile : item.value->profiles) {
                    if (view_.profiles.contains(profile)) continue;
                    auto& [first, count] = users[profile];
                    if (count++ > 0) continue;
                    first = item.id.text();
                    where[profile] = &item.value->metadata;
                }
        };
        look(view_.workloads);
        look(view_.hosts);
        for (const auto& [profile, use] : users)
            found_.push_back({where[profile]->place,
                              use.first + ": profile '" + profile + "' does not exist; it denies both ways, for " +
                                  count_of(use.second, "endpoint"),
                              "declare the Profile, or the Namespace or ServiceAccount that it stands for"});
    }

    void warn(const policy::ResourceId& id, const policy::Metadata& metadata, std::string message, std::string hint) {
        found_.push_back({metadata.place,
                          std::move(message),
                          std::move(hint),
                          {std::string(policy::document_kind(id.kind)), id.ns, id.name}});
    }

    // Of several HostEndpoints on one port or address the one with the lowest name governs; the others do nothing
    // there.
    void host_endpoints() {
        std::map<std::string, const policy::ResourceId*> governors;
        const auto claim = [&](const auto& item, const std::string& what) {
            const auto [governor, fresh] = governors.try_emplace(what, &item.id);
            if (!fresh)
                warn(item.id, item.value->metadata,
                     item.id.text() + " does nothing at " + what + ": " + governor->second->text() + " governs it",
                     "of several HostEndpoints the one with the lowest name counts; keep one");
        };
        const auto& ports = ruleset_.surroundings().port_names;
        for (const auto& item : view_.hosts) {
            const std::string& interface = item.value->interface_name;
            if (std::find(ports.begin(), ports.end(), interface) != ports.end()) claim(item, "port " + interface);
            if (interface == "*" && item.value->expected_ips.empty()) {
                claim(item, "interface '*'");
                untracked_at_every_interface(item.id, *item.value);
            }
            for (const net::Address& address : item.value->expected_ips) claim(item, "address " + address.text());
        }
    }

    void untracked_at_every_interface(const policy::ResourceId& id, const policy::HostEndpoint& endpoint) {
        const policy::Labels labels = view_.labels_of(endpoint);
        for (const auto& item : view_.policies) {
            if (!item.value->do_not_track) continue;
            const auto selector = policy::Selector::parse(policy::effective_selector(*item.value));
            if (!selector || !selector->matches(labels)) continue;
            warn(*item.value, std::nullopt,
                 text_of(*item.value) + ": doNotTrack has no effect at " + id.text() + ", whose interfaceName is '*'",
                 "declare one HostEndpoint for each port where it shall apply");
        }
    }

    void policies_without_endpoints() {
        for (const policy::Policy* policy : reach_.policies_without_endpoints())
            warn(*policy, std::nullopt, text_of(*policy) + " selects no endpoint",
                 "it has no effect until an endpoint has the labels that it asks for");
    }

    void dead_rules() {
        for (const DeadRule& dead : reach_.dead_rules()) {
            const HitDescriptor& about = ruleset_.hit(dead.hit);
            const std::string rule = text_of(*dead.policy, about);
            const auto spot = spot_of(*dead.policy, about);
            switch (dead.reason) {
                case DeadBecause::kNamesNothing:
                    warn(*dead.policy, spot, rule + " names no address",
                         "nothing has the labels, services or named ports that it asks for; it matches nothing as yet");
                    break;
                case DeadBecause::kShadowed:
                    warn(*dead.policy, spot,
                         rule + " can never match: " + dead.by + " comes before it and takes its packets",
                         "example: " + explain::text_of(*dead.example));
                    break;
                case DeadBecause::kExcluded:
                    warn(*dead.policy, spot, rule + " can never match",
                         "its conditions exclude each other, or the endpoints that it is judged at");
                    break;
            }
        }
    }

    // A tier that one policy alone arms ends in deny for endpoints that would be allowed without it.
    void default_denies() {
        struct Flip {
            std::set<const classify::Party*> parties;
            std::size_t endpoints = 0;
            std::string example;
        };
        std::map<std::pair<PolicyKey, Direction>, Flip> flips;
        const auto look = [&](const classify::Party& party, const classify::Walks& walks, Direction direction) {
            for (const classify::WalkId id : {walks.enforced, walks.pending}) {
                const classify::Walk& walk = program_.walks[index(id)];
                if (walk.otherwise != Verdict::kAllow) continue;
                const auto closed = std::find_if(walk.tiers.begin(), walk.tiers.end(),
                                                 [](const classify::Tier& tier) { return tier.end == Action::kDeny; });
                if (closed == walk.tiers.end() || !reach_.reached(closed->end_hit)) continue;
                const auto& armed = ruleset_.hit(closed->end_hit).armed_by;
                if (armed.size() != 1 || armed.front().staged != (id != walks.enforced)) continue;
                Flip& flip = flips[{key_of(armed.front()), direction}];
                if (!flip.parties.insert(&party).second) continue;
                flip.endpoints += party.addresses.size();
                if (flip.example.empty() && !party.addresses.empty())
                    flip.example = party.addresses.front().address.text();
            }
        };
        for (const classify::Party& party : program_.parties) {
            look(party, party.egress, Direction::kEgress);
            look(party, party.ingress, Direction::kIngress);
        }
        for (const auto& [who, flip] : flips) {
            const policy::Policy* found = reach_.policy_of(who.first);
            if (found == nullptr) continue;
            const policy::Policy& policy = *found;
            warn(policy, std::nullopt,
                 text_of(policy) + " turns " + std::string(name(who.second)) + " of " +
                     (flip.endpoints == 1 ? std::string("1 address") : std::to_string(flip.endpoints) + " addresses") +
                     " to default deny (" + flip.example + ", ...)",
                 policy.staged()
                     ? "once it is promoted, what no rule allows is denied there; without it their profiles allow it"
                     : "what no rule allows is denied there from now on; without this policy their profiles allow it");
        }
    }

    // What rules ask of connections and can't learn.
    void asked_in_vain() {
        const std::optional<RuleWarning> no_names = warning_of_names(ruleset_.surroundings().domains);
        for (const auto& item : view_.policies) {
            const policy::Policy& policy = *item.value;
            const auto say = [&](const policy::Rule& rule, const std::string& which, const RuleWarning& what) {
                warn(policy, rule.spot, text_of(policy) + ": " + which + ' ' + what.about, what.hint);
            };
            for (std::size_t i = 0; i < policy.ingress.size(); ++i)
                for (const RuleWarning& what : warnings_of_http(policy.ingress[i]))
                    say(policy.ingress[i], "ingress rule " + std::to_string(i), what);
            for (std::size_t i = 0; no_names && i < policy.egress.size(); ++i)
                if (!policy.egress[i].destination.domains.empty())
                    say(policy.egress[i], "egress rule " + std::to_string(i), *no_names);
        }
        if (!no_names) return;
        for (const auto& item : view_.sets)
            if (!item.value->allowed_egress_domains.empty())
                warn(item.id, item.value->metadata, item.id.text() + ": allowedEgressDomains " + no_names->about,
                     no_names->hint);
    }

    void denied_management() {
        for (const auto& [hit, sites] : reach_.sites()) {
            const HitDescriptor& about = ruleset_.hit(hit);
            if (about.action != Action::kDeny || !reach_.reached(hit)) continue;
            const policy::Policy* policy = reach_.policy_of(about);
            if (policy == nullptr) continue;
            std::string names;
            std::optional<net::Tuple> example;
            for (const Managed& managed : kManagement) {
                const auto packet = denied_by(hit, sites, managed.service, about.policy->staged);
                if (!packet) continue;
                names += (names.empty() ? "" : ", ") + std::string(managed.name);
                if (!example) example = packet;
            }
            if (!example) continue;
            warn(*policy, spot_of(*policy, about), text_of(*policy, about) + " denies " + names,
                 "no earlier rule allows it; example: " + explain::text_of(*example));
        }
    }

    std::optional<net::Tuple> denied_by(HitId hit, const std::vector<RuleSite>& sites, const ServiceKey& service,
                                        bool staged) const {
        constexpr std::size_t kSitesToTry = 4;
        for (std::size_t i = 0; i < std::min(sites.size(), kSitesToTry); ++i) {
            const auto packet = example_packet(program_, sites[i], service);
            if (!packet) continue;
            const classify::Trace& trace = ruleset_.trace(ruleset_.classify(*packet));
            const auto& hits = staged ? trace.pending_hits : trace.enforced_hits;
            if (!hits.empty() && hits.back() == hit) return packet;
        }
        return std::nullopt;
    }

    const ruleset::Ruleset& ruleset_;
    const classify::Program& program_;
    const policy::CalicoView& view_;
    RuleReach reach_;
    std::vector<Complaint> found_;
};

}  // namespace

std::vector<Complaint> warnings(const ruleset::Ruleset& ruleset, const policy::CalicoView& view) {
    return Examiner(ruleset, view).run();
}

}  // namespace drywall::explain

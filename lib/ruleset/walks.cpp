#include "walks.h"

#include <algorithm>
#include <span>
#include <tuple>

#include "drywall/net/packet_meta.h"

namespace drywall::ruleset {

namespace {

struct OpenPort {
    std::uint8_t protocol;
    std::uint16_t port;
};

// Calico's defaults: SSH, DHCP, BGP, etcd, Typha, the Kubernetes API and etcd's former ports.
constexpr auto kInboundFailsafe = std::to_array<OpenPort>({{net::protocol::kTcp, 22},
                                                           {net::protocol::kUdp, 68},
                                                           {net::protocol::kTcp, 179},
                                                           {net::protocol::kTcp, 2379},
                                                           {net::protocol::kTcp, 2380},
                                                           {net::protocol::kTcp, 5473},
                                                           {net::protocol::kTcp, 6443},
                                                           {net::protocol::kTcp, 6666},
                                                           {net::protocol::kTcp, 6667}});
constexpr auto kOutboundFailsafe = std::to_array<OpenPort>({{net::protocol::kUdp, 53},
                                                            {net::protocol::kUdp, 67},
                                                            {net::protocol::kTcp, 179},
                                                            {net::protocol::kTcp, 2379},
                                                            {net::protocol::kTcp, 2380},
                                                            {net::protocol::kTcp, 5473},
                                                            {net::protocol::kTcp, 6443},
                                                            {net::protocol::kTcp, 6666},
                                                            {net::protocol::kTcp, 6667}});

constexpr std::array kDirections{Direction::kIngress, Direction::kEgress};

std::span<const OpenPort> open_ports(Direction direction) {
    return direction == Direction::kIngress ? std::span<const OpenPort>(kInboundFailsafe)
                                            : std::span<const OpenPort>(kOutboundFailsafe);
}

Verdict verdict_of(const HitDescriptor& otherwise) {
    return otherwise.action == Action::kAllow ? Verdict::kAllow : Verdict::kDeny;
}

}  // namespace

std::vector<classify::RuleIndex>& WalkBuilder::lowered(std::uint32_t participant, Direction direction, bool forward) {
    return lowered_[participant][static_cast<std::size_t>(direction) * 2 + (forward ? 1 : 0)];
}

void WalkBuilder::build(const Population& population, const SelectorBook& selectors, const Surroundings& surroundings) {
    for (const Subject& subject : population.subjects) applying_.push_back(applying_to(subject, selectors));
    lower_all(population);
    add_parties(population);
    add_lanes(population, surroundings);
}

WalkBuilder::Applying WalkBuilder::applying_to(const Subject& subject, const SelectorBook& selectors) const {
    Applying applying;
    for (std::uint32_t i = 0; i < worlds_.participants.size(); ++i) {
        const policy::Policy& policy = *worlds_.participants[i].policy;
        if (subject.role == Role::kPort && !policy.apply_on_forward) continue;
        if (selectors.matching(policy.selector)[index(subject.labels)] != 0) applying.push_back(i);
    }
    return applying;
}

WalkBuilder::Applying WalkBuilder::part_of(const Applying& applying, Direction direction, World world) const {
    Applying part;
    for (const std::uint32_t i : applying) {
        const Participant& participant = worlds_.participants[i];
        if (participant.in(world) && participant.governs(direction)) part.push_back(i);
    }
    return part;
}

void WalkBuilder::lower_all(const Population& population) {
    struct Use {
        bool endpoint = false;
        bool forward = false;
    };
    std::vector<Use> uses(worlds_.participants.size());
    for (std::size_t s = 0; s < population.subjects.size(); ++s) {
        const bool port = population.subjects[s].role == Role::kPort;
        for (const std::uint32_t i : applying_[s]) (port ? uses[i].forward : uses[i].endpoint) = true;
    }

    lowered_.resize(worlds_.participants.size());
    for (std::uint32_t i = 0; i < worlds_.participants.size(); ++i) {
        const Participant& participant = worlds_.participants[i];
        for (const Direction direction : kDirections) {
            if (!participant.governs(direction)) continue;  // inert, whatever it says
            if (uses[i].endpoint) lowered(i, direction, false) = lowering_.rules(participant, direction, false);
            if (uses[i].forward) lowered(i, direction, true) = lowering_.rules(participant, direction, true);
            if (!uses[i].endpoint && !uses[i].forward) lowering_.describe(participant, direction, false);
        }
    }
}

HitId WalkBuilder::otherwise_hit(const Subject& subject, Direction direction) {
    if (subject.role == Role::kPort) return hits_.forward_default(direction);
    // The first profile decides: the default one allows, one that is not known denies.
    if (!subject.profiles.empty() && subject.profiles.front() == policy::kDefaultAllowProfile)
        return hits_.profile(subject.profiles.front(), direction);
    return hits_.no_profile(direction);
}

const std::vector<classify::RuleIndex>& WalkBuilder::host_failsafe(Direction direction) {
    std::vector<classify::RuleIndex>& rules = host_failsafe_[static_cast<std::size_t>(direction)];
    if (!rules.empty()) return rules;
    int entry = 0;
    for (const OpenPort& open : open_ports(direction)) {
        const HitId hit = hits_.host_failsafe(direction, entry++, service_text(open.protocol, open.port));
        rules.push_back(lowering_.always_open(open.protocol, open.port, {}, {}, hit));
    }
    return rules;
}

classify::Tier WalkBuilder::make_tier(const Key& key, std::size_t begin, std::size_t end) {
    const WorldTier& tier = worlds_.tiers[worlds_.participants[key.participants[begin]].tier];
    const bool forward = key.role == Role::kPort;
    classify::Tier made{.rules = {}, .end = tier.end, .end_hit = {}};
    EndOfTierHit hit{.tier = tier.name,
                     .direction = key.direction,
                     .forward = forward,
                     .action = tier.end,
                     .armed_by = {},
                     .names_first = key.names_first && end - begin > 1};
    for (std::size_t i = begin; i < end; ++i) {
        const auto& rules = lowered(key.participants[i], key.direction, forward);
        made.rules.insert(made.rules.end(), rules.begin(), rules.end());
        hit.armed_by.push_back(worlds_.participants[key.participants[i]].ref);
    }
    made.end_hit = hits_.end_of_tier(hit);
    return made;
}

// A failsafe port is a rule in front of all others of the first tier, so that it is a hit only where it matches. Where
// no policy applies there is no tier: then one is made whose last rule matches everything with the walk's own answer.
void WalkBuilder::open_failsafe_ports(const Key& key, classify::Walk& walk) {
    const std::vector<classify::RuleIndex>& open = host_failsafe(key.direction);
    if (walk.tiers.empty()) {
        const Action answer = walk.otherwise == Verdict::kAllow ? Action::kAllow : Action::kDeny;
        walk.tiers.push_back({.rules = {lowering_.every(answer, walk.otherwise_hit)},
                              .end = Action::kDeny,
                              .end_hit = walk.otherwise_hit});
    }
    auto& rules = walk.tiers.front().rules;
    rules.insert(rules.begin(), open.begin(), open.end());
}

classify::Walk WalkBuilder::make(const Key& key) {
    classify::Walk walk{.tiers = {}, .otherwise = verdict_of(hits_[key.otherwise]), .otherwise_hit = key.otherwise};
    const auto tier_of = [&](std::size_t i) { return worlds_.participants[key.participants[i]].tier; };
    for (std::size_t begin = 0, end = 0; begin < key.participants.size(); begin = end) {
        while (end < key.participants.size() && tier_of(end) == tier_of(begin)) ++end;
        walk.tiers.push_back(make_tier(key, begin, end));
    }
    if (key.role == Role::kHost) open_failsafe_ports(key, walk);
    return walk;
}

classify::WalkId WalkBuilder::walk(Key key) {
    if (const auto known = known_.find(key); known != known_.end()) return known->second;
    const classify::WalkId next{static_cast<std::uint32_t>(program_.walks.size())};
    program_.walks.push_back(make(key));
    known_.emplace(std::move(key), next);
    return next;
}

classify::Walks WalkBuilder::walks_of(std::size_t subject, const Population& population, Direction direction) {
    const Subject& who = population.subjects[subject];
    Key enforced{.participants = part_of(applying_[subject], direction, World::kEnforced),
                 .direction = direction,
                 .role = who.role,
                 .otherwise = otherwise_hit(who, direction),
                 .names_first = false};
    Key pending = enforced;
    pending.participants = part_of(applying_[subject], direction, World::kPending);
    pending.names_first = pending_names_first_;
    const classify::WalkId first = walk(std::move(enforced));
    return {.enforced = first, .pending = walk(std::move(pending))};
}

void WalkBuilder::add_parties(const Population& population) {
    using PartyKey = std::tuple<classify::WalkId, classify::WalkId, classify::WalkId, classify::WalkId>;
    std::map<PartyKey, std::size_t> known;
    for (std::size_t s = 0; s < population.subjects.size(); ++s) {
        const Subject& subject = population.subjects[s];
        if (subject.role == Role::kPort) continue;
        const classify::Walks egress = walks_of(s, population, Direction::kEgress);
        const classify::Walks ingress = walks_of(s, population, Direction::kIngress);
        const auto [entry, fresh] = known.try_emplace(
            PartyKey{egress.enforced, egress.pending, ingress.enforced, ingress.pending}, program_.parties.size());
        if (fresh) program_.parties.push_back({.addresses = {}, .egress = egress, .ingress = ingress});
        for (const net::Address& address : subject.info.addresses)
            program_.parties[entry->second].addresses.push_back(net::Prefix::host(address));
    }
    for (classify::Party& party : program_.parties) {
        std::sort(party.addresses.begin(), party.addresses.end());
        party.addresses.erase(std::unique(party.addresses.begin(), party.addresses.end()), party.addresses.end());
    }
}

void WalkBuilder::add_lanes(const Population& population, const Surroundings& surroundings) {
    std::map<PortId, std::size_t> governor;  // subject by port
    for (std::size_t s = 0; s < population.subjects.size(); ++s)
        if (population.subjects[s].port) governor.emplace(*population.subjects[s].port, s);

    program_.lanes.resize(surroundings.port_names.size());
    for (std::size_t p = 0; p < program_.lanes.size(); ++p) {
        if (const auto in = governor.find(PortId{static_cast<std::uint16_t>(p)}); in != governor.end())
            program_.lanes[p].ingress_port = walks_of(in->second, population, Direction::kIngress);
        if (p >= surroundings.peer_of.size() || !surroundings.peer_of[p]) continue;
        if (const auto out = governor.find(*surroundings.peer_of[p]); out != governor.end())
            program_.lanes[p].egress_port = walks_of(out->second, population, Direction::kEgress);
    }
}

}  // namespace drywall::ruleset

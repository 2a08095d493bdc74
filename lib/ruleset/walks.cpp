#include "walks.h"

#include <algorithm>

#include "drywall/net/packet_meta.h"

namespace drywall::ruleset {

namespace {

constexpr std::array kDirections{Direction::kIngress, Direction::kEgress};

const std::vector<policy::FailsafePort>& ports_of(const Failsafes& failsafes, Direction direction) {
    return direction == Direction::kIngress ? failsafes.inbound : failsafes.outbound;
}

Direction opposite(Direction direction) {
    return direction == Direction::kIngress ? Direction::kEgress : Direction::kIngress;
}

}  // namespace

std::vector<classify::RuleIndex>& WalkBuilder::lowered(std::uint32_t participant, Direction direction, bool forward) {
    return lowered_[participant][static_cast<std::size_t>(direction) * 2 + (forward ? 1 : 0)];
}

void WalkBuilder::build(SelectorBook& selectors, const Surroundings& surroundings) {
    select(selectors);
    lower_failsafes();
    lower_all();
    add_parties();
    add_lanes(surroundings);
}

void WalkBuilder::select(SelectorBook& selectors) {
    std::vector<Applying> by_labels(population_.labels.size());
    for (std::uint32_t i = 0; i < worlds_.participants.size(); ++i)
        for (const LabelsId labels : selectors[policy::effective_selector(*worlds_.participants[i].policy)].labels)
            by_labels[index(labels)].push_back(i);

    std::map<Applying, std::size_t> known;
    applying_of_.reserve(by_labels.size());
    for (Applying& applying : by_labels) {
        const auto [entry, fresh] = known.try_emplace(std::move(applying), applying_.size());
        if (fresh) applying_.push_back(entry->first);
        applying_of_.push_back(entry->second);
    }
}

// Workloads know no chains but the tiers. What crosses a port is no traffic of the host itself: outwards only its
// forward policies judge it, inwards the chains that stand before routing do as well.
bool WalkBuilder::applies(const Participant& participant, const Group& group, Direction direction) const {
    if (!participant.governs(direction)) return false;
    const Chain chain = participant.chain();
    if (chain == Chain::kUntracked && !group.untracked) return false;
    if (chain == Chain::kPreDnat && direction == Direction::kEgress) return false;
    switch (group.role) {
        case Role::kWorkload: return chain == Chain::kTiers;
        case Role::kHost: return true;
        case Role::kPort: break;
    }
    return chain == Chain::kTiers ? participant.policy->apply_on_forward : direction == Direction::kIngress;
}

WalkBuilder::Applying WalkBuilder::part_of(const Group& group, Direction direction, World world) const {
    Applying part;
    for (const std::uint32_t i : applying_[applying_of_[index(group.labels)]]) {
        const Participant& participant = worlds_.participants[i];
        if (participant.in(world) && applies(participant, group, direction)) part.push_back(i);
    }
    return part;
}

// In the order of evaluation, so that rules and hits of a generation lie as they are read.
void WalkBuilder::lower_all() {
    struct Use {
        bool endpoint = false;
        bool forward = false;
    };
    std::vector<std::array<Use, 2>> uses(worlds_.participants.size());
    std::map<std::tuple<std::size_t, Role, bool>, bool> seen;
    for (const Group& group : population_.groups) {
        const std::size_t applying = applying_of_[index(group.labels)];
        if (!seen.try_emplace({applying, group.role, group.untracked}, true).second) continue;
        for (const std::uint32_t i : applying_[applying])
            for (const Direction direction : kDirections) {
                if (!applies(worlds_.participants[i], group, direction)) continue;
                Use& use = uses[i][static_cast<std::size_t>(direction)];
                (group.role == Role::kPort ? use.forward : use.endpoint) = true;
            }
    }

    lowered_.resize(worlds_.participants.size());
    for (std::uint32_t i = 0; i < worlds_.participants.size(); ++i) {
        const Participant& participant = worlds_.participants[i];
        for (const Direction direction : kDirections) {
            if (!participant.governs(direction)) continue;  // inert, whatever it says
            const Use& use = uses[i][static_cast<std::size_t>(direction)];
            if (use.endpoint) lowered(i, direction, false) = lowering_.rules(participant, direction, false);
            if (use.forward) lowered(i, direction, true) = lowering_.rules(participant, direction, true);
            if (!use.endpoint && !use.forward) lowering_.describe(participant, direction, false);
        }
    }
}

// Before any policy, so that their hits do not depend on policies.
void WalkBuilder::lower_failsafes() {
    for (const Group& group : population_.groups) {
        if (group.role != Role::kHost) continue;
        for (const Direction direction : kDirections) {
            const auto [entry, fresh] = open_.try_emplace({group.failsafes, direction});
            if (!fresh) continue;
            int number = 0;
            for (const policy::FailsafePort& port :
                 ports_of(population_.failsafes[index(group.failsafes)], direction)) {
                const HitId hit = hits_.host_failsafe(direction, number++, service_text(port.protocol, port.port),
                                                      port.net ? port.net->text() : std::string("any"));
                entry->second.push_back(lowering_.open_failsafe(port, direction, hit));
            }
        }
    }
}

// Failsafe ports in a chain that stands before connection tracking or routing: the packet goes on to the next one. An
// untracked chain sees their answers too.
const std::vector<classify::RuleIndex>& WalkBuilder::skipped(const Key& key, Chain chain) {
    const auto [entry, fresh] = skipped_.try_emplace({key.failsafes, key.direction, chain});
    if (!fresh) return entry->second;
    const Failsafes& failsafes = population_.failsafes[index(key.failsafes)];
    for (const policy::FailsafePort& port : ports_of(failsafes, key.direction))
        entry->second.push_back(lowering_.skip_failsafe(port, key.direction));
    if (chain == Chain::kUntracked)
        for (const policy::FailsafePort& port : ports_of(failsafes, opposite(key.direction)))
            entry->second.push_back(lowering_.skip_failsafe_reply(port, key.direction));
    return entry->second;
}

const LoweredProfiles& WalkBuilder::profiles(std::size_t list, Direction direction) {
    const auto [entry, fresh] = profiles_.try_emplace({list, direction});
    if (fresh) entry->second = lowering_.profiles(population_.profile_lists[list], direction);
    return entry->second;
}

classify::Tier WalkBuilder::make_tier(const Key& key, const Applying& policies) {
    const Participant& first = worlds_.participants[policies.front()];
    const WorldTier& tier = worlds_.tiers[first.tier];
    const bool forward = key.role == Role::kPort;
    classify::Tier made{.rules = {}, .end = Action::kPass, .end_hit = classify::kNoHit};
    EndOfTierHit hit{.tier = tier.name,
                     .direction = key.direction,
                     .forward = forward,
                     .action = tier.end,
                     .armed_by = {},
                     .names_first = key.names_first && policies.size() > 1};
    if (first.chain() != Chain::kTiers) made.rules = skipped(key, first.chain());
    for (const std::uint32_t i : policies) {
        const auto& rules = lowered(i, key.direction, forward);
        made.rules.insert(made.rules.end(), rules.begin(), rules.end());
        hit.armed_by.push_back(worlds_.participants[i].ref);
    }
    if (first.chain() != Chain::kTiers) return made;
    made.end = tier.end;
    made.end_hit = hits_.end_of_tier(hit);
    return made;
}

void WalkBuilder::add_tiers(const Key& key, Chain chain, classify::Walk& walk) {
    Applying policies;  // of one tier
    for (const std::uint32_t i : key.participants) {
        const Participant& participant = worlds_.participants[i];
        if (participant.chain() != chain) continue;
        if (!policies.empty() && worlds_.participants[policies.front()].tier != participant.tier) {
            walk.tiers.push_back(make_tier(key, policies));
            policies.clear();
        }
        policies.push_back(i);
    }
    if (!policies.empty()) walk.tiers.push_back(make_tier(key, policies));
}

classify::Walk WalkBuilder::make(const Key& key) {
    classify::Walk walk;
    if (key.role == Role::kHost)
        if (const auto& open = open_.at({key.failsafes, key.direction}); !open.empty())
            walk.tiers.push_back({.rules = open, .end = Action::kPass, .end_hit = classify::kNoHit});
    for (const Chain chain : {Chain::kUntracked, Chain::kPreDnat, Chain::kTiers}) add_tiers(key, chain, walk);
    if (key.role == Role::kPort) {
        walk.otherwise = Verdict::kAllow;
        walk.otherwise_hit = hits_.forward_default(key.direction);
        return walk;
    }
    const LoweredProfiles& last = profiles(key.profiles, key.direction);
    if (!last.rules.empty())
        walk.tiers.push_back({.rules = last.rules, .end = Action::kPass, .end_hit = classify::kNoHit});
    walk.otherwise = last.otherwise;
    walk.otherwise_hit = last.otherwise_hit;
    return walk;
}

classify::WalkId WalkBuilder::walk(Key key) {
    if (const auto known = known_.find(key); known != known_.end()) return known->second;
    const classify::WalkId next{static_cast<std::uint32_t>(program_.walks.size())};
    program_.walks.push_back(make(key));
    known_.emplace(std::move(key), next);
    return next;
}

classify::Walks WalkBuilder::walks_of(const Group& group, Direction direction) {
    Key enforced{.participants = part_of(group, direction, World::kEnforced),
                 .direction = direction,
                 .role = group.role,
                 .profiles = group.profiles,
                 .failsafes = group.failsafes,
                 .names_first = false};
    Key pending = enforced;
    pending.participants = part_of(group, direction, World::kPending);
    pending.names_first = pending_names_first_;
    const classify::WalkId first = walk(std::move(enforced));
    return {.enforced = first, .pending = walk(std::move(pending))};
}

const WalkBuilder::BothDirections& WalkBuilder::walks_of(std::size_t group_number) {
    const Group& group = population_.groups[group_number];
    const auto [entry, fresh] = judged_.try_emplace(
        {applying_of_[index(group.labels)], group.role, group.untracked, group.profiles, group.failsafes});
    if (fresh)
        entry->second = {.egress = walks_of(group, Direction::kEgress),
                         .ingress = walks_of(group, Direction::kIngress)};
    return entry->second;
}

void WalkBuilder::add_parties() {
    using PartyKey = std::tuple<classify::WalkId, classify::WalkId, classify::WalkId, classify::WalkId>;
    std::map<PartyKey, std::size_t> known;
    for (const Subject& subject : population_.subjects) {
        const auto& [egress, ingress] = walks_of(subject.group);
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

void WalkBuilder::add_lanes(const Surroundings& surroundings) {
    const auto governor = [this](PortId port) -> const BothDirections* {
        const auto group = population_.port_groups.find(port);
        return group == population_.port_groups.end() ? nullptr : &walks_of(group->second);
    };
    program_.lanes.resize(surroundings.port_names.size());
    for (std::size_t p = 0; p < program_.lanes.size(); ++p) {
        if (const BothDirections* in = governor(PortId{static_cast<std::uint16_t>(p)}))
            program_.lanes[p].ingress_port = in->ingress;
        if (p >= surroundings.peer_of.size() || !surroundings.peer_of[p]) continue;
        if (const BothDirections* out = governor(*surroundings.peer_of[p])) program_.lanes[p].egress_port = out->egress;
    }
}

}  // namespace drywall::ruleset

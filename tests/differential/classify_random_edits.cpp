// The edits of RandomProgram.
#include <algorithm>
#include <utility>

#include "classify_random_program.h"

namespace drywall::classify {

Program RandomProgram::edited(Program program) {
    switch (below(16)) {
        case 0: break;
        case 1: insert_set(program); break;
        case 2: shift_hits(program); break;
        case 3: edit_lane(program); break;
        case 4: program.unmatched_hit = one_in(2) ? hit() : program.unmatched_hit; break;
        case 5:
        case 6:
        case 7: edit_rule(program); break;
        case 8:
        case 9: edit_set(program); break;
        case 10:
        case 11:
        case 12: edit_party(program); break;
        default: edit_walk(program); break;
    }
    return program;
}

// Mostly to what other rules ask: services that nobody named are rare.
void RandomProgram::edit_rule(Program& program) {
    if (program.rules.empty()) return;
    Rule& rule = program.rules[below(program.rules.size())];
    switch (below(5)) {
        case 0: rule.service = one_in(4) ? service() : any(program.rules).service; break;
        case 1: rule.source = one_in(2) ? address_match(program.sets.size()) : any(program.rules).source; break;
        case 2:
            rule.destination = one_in(2) ? address_match(program.sets.size()) : any(program.rules).destination;
            break;
        case 3: rule.hit = hit(); break;
        default:
            rule.action = action();
            if (rule.hit == kNoHit) rule.hit = hit();
            break;
    }
}

void RandomProgram::edit_walk(Program& program) {
    if (program.walks.empty()) return;
    Walk& walk = program.walks[below(program.walks.size())];
    if (walk.tiers.empty() || one_in(8)) {
        walk.otherwise = walk.otherwise == Verdict::kAllow ? Verdict::kDeny : Verdict::kAllow;
        return;
    }
    Tier& tier = walk.tiers[below(walk.tiers.size())];
    std::vector<RuleIndex>& rules = tier.rules;
    const auto place = [&] { return rules.begin() + static_cast<std::ptrdiff_t>(below(rules.size())); };
    switch (below(4)) {
        case 0: {
            const RuleIndex rule = add_rule(program);
            if (one_in(2)) program.rules[index(rule)].service = any(program.rules).service;
            rules.insert(rules.empty() ? rules.begin() : place(), rule);
            break;
        }
        case 1:
            if (!rules.empty()) rules.erase(place());
            break;
        case 2:
            if (!rules.empty()) std::iter_swap(place(), place());
            break;
        default:
            tier.end = Action::kDeny;
            tier.end_hit = hit();
            break;
    }
}

void RandomProgram::edit_set(Program& program) {
    std::vector<net::Prefix>& prefixes = program.sets[below(program.sets.size())].prefixes;
    if (!prefixes.empty() && one_in(2)) {
        prefixes.erase(prefixes.begin() + static_cast<std::ptrdiff_t>(below(prefixes.size())));
        return;
    }
    const bool known = !program.parties.empty() && !one_in(3);
    const std::vector<net::Prefix> from = known ? any(program.parties).addresses : std::vector{prefix()};
    if (!from.empty()) prefixes.push_back(any(from));
}

// An endpoint comes, goes, moves to another address, or is judged as another one.
void RandomProgram::edit_party(Program& program) {
    if (program.parties.empty()) return;
    Party& party = program.parties[below(program.parties.size())];
    const net::Prefix fresh = net::Prefix::host(net::Address::v4(0xac200000 + next_endpoint_++));
    switch (below(6)) {
        case 0: party.addresses.push_back(fresh); break;
        case 1:
            if (!party.addresses.empty()) party.addresses.pop_back();
            break;
        case 2:
            if (!party.addresses.empty()) party.addresses.back() = fresh;
            break;
        case 3: party.ingress = any(program.parties).ingress; break;
        case 4: party.egress = any(program.parties).egress; break;
        default: {
            Party added = any(program.parties);
            added.addresses = one_in(4) ? added.addresses : std::vector{fresh};  // or both claim them
            if (one_in(3)) {
                program.parties.insert(program.parties.begin(), std::move(added));
            } else {
                program.parties.erase(program.parties.begin());
            }
            break;
        }
    }
}

void RandomProgram::edit_lane(Program& program) {
    Lane& lane = program.lanes[below(program.lanes.size())];
    if (program.parties.empty() || one_in(2)) {
        std::swap(lane.ingress_port, lane.egress_port);
    } else {
        lane.ingress_port = any(program.parties).ingress;
    }
}

// All sets behind it have other numbers then.
void RandomProgram::insert_set(Program& program) {
    program.sets.insert(program.sets.begin(), AddressSet{{prefix()}});
    for (Rule& rule : program.rules) {
        for (AddressMatch* match : {&rule.source, &rule.destination}) {
            for (std::vector<SetId>* ids : {&match->in, &match->not_in}) {
                for (SetId& id : *ids) id = SetId{static_cast<std::uint32_t>(index(id)) + 1};
            }
        }
    }
}

// As when a rule came before all others.
void RandomProgram::shift_hits(Program& program) {
    const auto shift = [](HitId& hit) {
        if (hit != kNoHit) hit = HitId{static_cast<std::uint32_t>(index(hit)) + 1};
    };
    for (Rule& rule : program.rules) shift(rule.hit);
    for (Walk& walk : program.walks) {
        for (Tier& tier : walk.tiers) shift(tier.end_hit);
        shift(walk.otherwise_hit);
    }
    shift(program.unmatched_hit);
    ++next_hit_;
}

}  // namespace drywall::classify

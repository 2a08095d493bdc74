#include "normal_program.h"

#include <algorithm>
#include <array>
#include <string>

#include "service_classes.h"

namespace drywall::classify {
namespace {

Error broken(const std::string& what) {
    return Error::of(ErrorKind::kInvalid, "the program is not well formed: " + what,
                     "this is a mistake of the program's author, not of a policy; please report it");
}

bool in_range(const Program& program, const AddressMatch& match) {
    const auto known = [&](SetId id) { return index(id) < program.sets.size(); };
    return std::ranges::all_of(match.in, known) && std::ranges::all_of(match.not_in, known);
}

bool in_range(const Program& program, const std::vector<RuleIndex>& rules) {
    return std::ranges::all_of(rules, [&](RuleIndex rule) { return index(rule) < program.rules.size(); });
}

bool in_range(const Program& program, const Walks& walks) {
    return index(walks.enforced) < program.walks.size() && index(walks.pending) < program.walks.size();
}

Status validate_prefixes(const std::vector<net::Prefix>& prefixes) {
    for (const net::Prefix& prefix : prefixes) {
        const bool well_formed = prefix.length <= prefix.address.bits() &&
                                 net::Prefix::around(prefix.address, prefix.length).address == prefix.address;
        if (!well_formed) return broken("prefix " + prefix.text() + " has bits past its length");
    }
    return Done{};
}

Status validate_walks(const Program& program) {
    for (std::size_t at = 0; at < program.walks.size(); ++at) {
        for (const Tier& tier : program.walks[at].tiers) {
            if (!in_range(program, tier.rules)) {
                return broken("walk " + std::to_string(at) + " names a rule that is not there");
            }
            if (tier.end != Action::kDeny && tier.end != Action::kPass) {
                return broken("a tier of walk " + std::to_string(at) + " ends with '" + std::string(name(tier.end)) +
                              "'; a tier ends with deny or pass");
            }
            if (tier.end != Action::kPass && tier.end_hit == kNoHit) {
                return broken("a tier of walk " + std::to_string(at) + " denies without a hit");
            }
        }
    }
    return Done{};
}

}  // namespace

Status validate(const Program& program) {
    if (program.lanes.empty()) return broken("it has no lane");
    for (const AddressSet& set : program.sets) {
        if (Status status = validate_prefixes(set.prefixes); !status) return status;
    }
    for (const Rule& rule : program.rules) {
        if (!in_range(program, rule.source) || !in_range(program, rule.destination)) {
            return broken("a rule names a set that is not there");
        }
        if (rule.action != Action::kPass && rule.hit == kNoHit) return broken("a rule answers without a hit");
        if (rule.action != Action::kLog && is_conditional(rule.hit)) return broken("a conditional rule decides");
    }
    if (Status status = validate_walks(program); !status) return status;
    for (const Party& party : program.parties) {
        if (!in_range(program, party.egress) || !in_range(program, party.ingress)) {
            return broken("a party names a walk that is not there");
        }
        if (Status status = validate_prefixes(party.addresses); !status) return status;
    }
    for (const Lane& lane : program.lanes) {
        const bool known = (!lane.ingress_port || in_range(program, *lane.ingress_port)) &&
                           (!lane.egress_port || in_range(program, *lane.egress_port));
        if (!known) return broken("a lane names a walk that is not there");
    }
    if (!in_range(program, program.failsafe)) return broken("the failsafe list names a rule that is not there");
    return Done{};
}

const NormalProgram& Normalizer::normalize(const Program& program) {
    program_ = &program;
    walk_of_id_.assign(program.walks.size(), kNone);
    op_of_rule_.assign(program.rules.size(), {kNone, kNone, kNone});
    lanes_ = {};
    normal_.parties.clear();
    normal_.lanes.clear();
    normal_.lane_of_port.clear();
    normal_.failsafe = kNone;
    normal_.set_numbers = sets_.number(program.sets);
    for (const Party& party : program.parties) {
        const std::uint32_t egress = step(party.egress);
        normal_.parties.push_back({egress, step(party.ingress)});
    }
    for (const Lane& lane : program.lanes) normal_.lane_of_port.push_back(this->lane(lane));
    if (!program.failsafe.empty()) normal_.failsafe = failsafe();
    mark_asked();
    return normal_;
}

void Normalizer::mark_asked() {
    normal_.source_asked.assign(normal_.source_matches.size(), false);
    normal_.destination_asked.assign(normal_.destination_matches.size(), false);
    std::vector<bool> done(normal_.walks.size(), false);
    for (const NormalParty& party : normal_.parties) {
        mark_asked(party.egress, done);
        mark_asked(party.ingress, done);
    }
    for (const NormalLane& lane : normal_.lanes) {
        mark_asked(lane.ingress_port, done);
        mark_asked(lane.egress_port, done);
    }
    mark_asked(normal_.failsafe, done);
}

void Normalizer::mark_asked(std::uint32_t step, std::vector<bool>& done) {
    if (step == kNone) return;
    for (const std::uint32_t walk : {normal_.steps[step].enforced, normal_.steps[step].pending}) {
        if (done[walk]) continue;
        done[walk] = true;
        for (const Op& op : normal_.walks[walk]) {
            if (op.source != kNone) normal_.source_asked[op.source] = true;
            if (op.destination != kNone) normal_.destination_asked[op.destination] = true;
        }
    }
}

std::uint32_t Normalizer::lane(const Lane& lane) {
    NormalLane normal;
    if (lane.ingress_port) normal.ingress_port = step(*lane.ingress_port);
    if (lane.egress_port) normal.egress_port = step(*lane.egress_port);
    const std::array<std::uint32_t, 2> key{normal.ingress_port, normal.egress_port};
    const std::uint32_t id = lanes_.intern(key);
    if (id == normal_.lanes.size()) normal_.lanes.push_back(normal);
    return id;
}

std::uint32_t Normalizer::step(const Walks& walks) {
    const std::uint32_t enforced = walk(walks.enforced);
    return step(enforced, walk(walks.pending));
}

std::uint32_t Normalizer::step(std::uint32_t enforced, std::uint32_t pending) {
    const std::array<std::uint32_t, 2> key{enforced, pending};
    const std::uint32_t id = steps_.intern(key);
    if (id == normal_.steps.size()) normal_.steps.push_back({enforced, pending});
    return id;
}

std::uint32_t Normalizer::walk(WalkId id) {
    std::uint32_t& known = walk_of_id_[index(id)];
    if (known != kNone) return known;
    const Walk& walk = program_->walks[index(id)];
    NormalWalk ops;
    for (const Tier& tier : walk.tiers) {
        for (const RuleIndex rule : tier.rules) ops.push_back(op(rule));
        ops.push_back({kNone, kNone, leaf({Leaf::Kind::kTierEnd, tier.end, 0, tier.end_hit})});
    }
    const Action otherwise = walk.otherwise == Verdict::kAllow ? Action::kAllow : Action::kDeny;
    ops.push_back({kNone, kNone, leaf({Leaf::Kind::kOtherwise, otherwise, 0, walk.otherwise_hit})});
    return known = add(std::move(ops));
}

// The failsafe list as a walk: whatever its rules say, a match allows.
std::uint32_t Normalizer::failsafe() {
    NormalWalk ops;
    for (const RuleIndex rule : program_->failsafe) {
        Op allow = op(rule);
        Leaf always = normal_.leaves[allow.leaf];
        always.action = Action::kAllow;
        allow.leaf = leaf(always);
        ops.push_back(allow);
    }
    ops.push_back({kNone, kNone, leaf({Leaf::Kind::kOtherwise, Action::kPass, 0, HitId{}})});
    const std::uint32_t walk = add(std::move(ops));
    return step(walk, walk);
}

std::uint32_t Normalizer::add(NormalWalk ops) {
    std::vector<std::uint32_t> content;
    content.reserve(3 * ops.size());
    for (const Op& op : ops) content.insert(content.end(), {op.source, op.destination, op.leaf});
    const std::uint32_t id = walks_.intern(content);
    if (id == normal_.walks.size()) normal_.walks.push_back(std::move(ops));
    return id;
}

const Op& Normalizer::op(RuleIndex id) {
    Op& known = op_of_rule_[index(id)];
    if (known.leaf != kNone) return known;
    const Rule& rule = program_->rules[index(id)];
    known.source = match(rule.source, sources_, normal_.source_matches);
    known.destination = match(rule.destination, destinations_, normal_.destination_matches);
    const std::uint32_t service = services_.intern(fingerprint(rule.service));
    if (service == normal_.services.size()) normal_.services.push_back(rule.service);
    known.leaf = leaf({Leaf::Kind::kRule, rule.action, service, rule.hit});
    return known;
}

std::uint32_t Normalizer::leaf(const Leaf& leaf) {
    const std::array<std::uint32_t, 4> key{static_cast<std::uint32_t>(leaf.kind),
                                           static_cast<std::uint32_t>(leaf.action), leaf.service,
                                           static_cast<std::uint32_t>(leaf.hit)};
    const std::uint32_t id = leaves_.intern(key);
    if (id == normal_.leaves.size()) normal_.leaves.push_back(leaf);
    return id;
}

std::uint32_t Normalizer::match(AddressMatch match, Interner<std::uint32_t>& known,
                                std::vector<AddressMatch>& matches) {
    if (match.in.empty() && match.not_in.empty()) return kNone;
    std::vector<std::uint32_t> key;
    for (std::vector<SetId>* ids : {&match.in, &match.not_in}) {
        for (SetId& id : *ids) id = SetId{normal_.set_numbers[index(id)]};
        std::ranges::sort(*ids);
        ids->erase(std::unique(ids->begin(), ids->end()), ids->end());
        key.push_back(static_cast<std::uint32_t>(ids->size()));
        for (const SetId id : *ids) key.push_back(static_cast<std::uint32_t>(id));
    }
    const std::uint32_t id = known.intern(key);
    if (id == matches.size()) matches.push_back(std::move(match));
    return id;
}

std::size_t Normalizer::bytes() const noexcept {
    std::size_t ops = 0;
    for (const NormalWalk& walk : normal_.walks) ops += walk.size();
    return sets_.bytes() + sources_.bytes() + destinations_.bytes() + services_.bytes() + leaves_.bytes() +
           walks_.bytes() + steps_.bytes() + ops * sizeof(Op) + normal_.services.size() * sizeof(ServiceMatch) +
           (normal_.source_matches.size() + normal_.destination_matches.size()) * sizeof(AddressMatch);
}

NormalProgram normalize(const Program& program) { return Normalizer().normalize(program); }

}  // namespace drywall::classify

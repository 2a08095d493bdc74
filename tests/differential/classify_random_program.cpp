#include "classify_random_program.h"

#include <algorithm>

namespace drywall::classify {
namespace {

// A few bits that vary, spread over the address, so that prefixes meet each other often.
constexpr std::uint8_t kBytes[] = {0x00, 0x01, 0x0a, 0x7f, 0x80, 0xfe, 0xff};

net::Address last_of(const net::Prefix& prefix) {
    net::Address last = prefix.address;
    for (unsigned bit = prefix.length; bit < last.bits(); ++bit) {
        last.bytes[bit / 8] = static_cast<std::uint8_t>(last.bytes[bit / 8] | 0x80 >> bit % 8);
    }
    return last;
}

// The address one further up or down, around the end.
net::Address beside(net::Address address, bool up) {
    for (unsigned at = address.bits() / 8; at-- > 0;) {
        const std::uint8_t before = address.bytes[at];
        address.bytes[at] = static_cast<std::uint8_t>(up ? before + 1 : before - 1);
        if (before != (up ? 0xff : 0x00)) break;
    }
    return address;
}

}  // namespace

net::Address RandomProgram::address() {
    net::Address address;
    address.family = one_in(3) ? net::Family::kIPv6 : net::Family::kIPv4;
    for (unsigned at = 0; at < address.bits() / 8; ++at) {
        address.bytes[at] = one_in(8) ? static_cast<std::uint8_t>(below(256)) : kBytes[below(std::size(kBytes))];
    }
    return address;
}

net::Prefix RandomProgram::prefix() {
    const net::Address around = address();
    const unsigned edges[] = {0, 1, 8, 15, 16, 17, 23, 24, 25, 31, 32, 48, 64, 65, 127, 128};
    const auto length = one_in(2) ? edges[below(std::size(edges))] : below(around.bits() + 1);
    return net::Prefix::around(around, static_cast<std::uint8_t>(std::min<std::uint64_t>(length, around.bits())));
}

std::uint16_t RandomProgram::port() {
    constexpr std::uint16_t kPorts[] = {0, 1, 22, 53, 80, 443, 1023, 1024, 8080, 32767, 32768, 65534, 65535};
    return one_in(3) ? static_cast<std::uint16_t>(below(65536)) : kPorts[below(std::size(kPorts))];
}

std::uint8_t RandomProgram::protocol() {
    constexpr std::uint8_t kProtocols[] = {6, 6, 6, 17, 17, 132, 1, 58, 47, 0, 255};
    return one_in(10) ? static_cast<std::uint8_t>(below(256)) : kProtocols[below(std::size(kProtocols))];
}

std::vector<PortRange> RandomProgram::ranges() {
    std::vector<PortRange> ranges;
    for (std::uint64_t left = below(3) + 1; left > 0; --left) {
        const std::uint16_t first = port();
        const std::uint16_t last = one_in(2) ? first : port();
        ranges.push_back({std::min(first, last), std::max(first, last)});
    }
    return ranges;
}

IcmpMatch RandomProgram::icmp() {
    constexpr std::uint8_t kTypes[] = {0, 3, 8, 128, 255};
    IcmpMatch match;
    match.type = kTypes[below(std::size(kTypes))];
    if (one_in(2)) match.code = kTypes[below(std::size(kTypes))];
    return match;
}

ServiceMatch RandomProgram::service() {
    ServiceMatch match;
    if (one_in(4)) return match;
    if (one_in(4)) match.family = one_in(2) ? net::Family::kIPv4 : net::Family::kIPv6;
    if (one_in(2)) match.protocol = protocol();
    if (one_in(6)) match.not_protocol = protocol();
    if (one_in(8)) match.icmp = icmp();
    if (one_in(8)) match.not_icmp = icmp();
    if (one_in(6)) match.source_ports = ranges();
    if (one_in(3)) match.destination_ports = ranges();
    if (one_in(8)) match.not_source_ports = ranges();
    if (one_in(8)) match.not_destination_ports = ranges();
    return match;
}

AddressMatch RandomProgram::address_match(std::size_t sets) {
    AddressMatch match;
    if (one_in(2)) return match;
    const auto draw = [&] { return SetId{static_cast<std::uint32_t>(below(sets))}; };
    for (std::uint64_t left = below(3); left > 0; --left) match.in.push_back(draw());
    if (one_in(3)) match.not_in.push_back(draw());
    return match;
}

Action RandomProgram::action() {
    constexpr Action kActions[] = {Action::kAllow, Action::kAllow, Action::kAllow, Action::kDeny,
                                   Action::kDeny,  Action::kPass,  Action::kLog};
    return kActions[below(std::size(kActions))];
}

RuleIndex RandomProgram::add_rule(Program& program) {
    Rule rule;
    rule.source = address_match(program.sets.size());
    rule.destination = address_match(program.sets.size());
    rule.service = service();
    rule.action = action();
    // Now and then a second rule with the hit of the one before it: a rule that was lowered to many.
    const bool lowered = !program.rules.empty() && one_in(6);
    rule.hit = lowered ? program.rules.back().hit : hit();
    if (lowered) rule.action = program.rules.back().action;
    if (!lowered && rule.action == Action::kPass && one_in(3)) rule.hit = kNoHit;
    if (!lowered && rule.action == Action::kLog && one_in(2)) rule.hit = conditional(rule.hit);
    program.rules.push_back(rule);
    return RuleIndex{static_cast<std::uint32_t>(program.rules.size() - 1)};
}

Tier RandomProgram::tier(Program& program) {
    Tier tier;
    for (std::uint64_t left = below(7); left > 0; --left) tier.rules.push_back(add_rule(program));
    tier.end = one_in(3) ? Action::kPass : Action::kDeny;
    tier.end_hit = tier.end == Action::kPass && one_in(3) ? kNoHit : hit();
    return tier;
}

WalkId RandomProgram::add_walk(Program& program) {
    Walk walk;
    for (std::uint64_t left = below(4); left > 0; --left) walk.tiers.push_back(tier(program));
    walk.otherwise = one_in(2) ? Verdict::kAllow : Verdict::kDeny;
    walk.otherwise_hit = hit();
    program.walks.push_back(walk);
    return WalkId{static_cast<std::uint32_t>(program.walks.size() - 1)};
}

// Two worlds that are the same, or that have nothing in common.
Walks RandomProgram::walks(Program& program) {
    Walks walks;
    walks.enforced = add_walk(program);
    walks.pending = walks.enforced;
    if (one_in(2)) {
        walks.pending = add_walk(program);
        return walks;
    }
    program.walks.push_back(program.walks[index(walks.enforced)]);  // an equal walk under another id
    walks.pending = WalkId{static_cast<std::uint32_t>(program.walks.size() - 1)};
    return walks;
}

void RandomProgram::add_parties(Program& program) {
    std::vector<net::Prefix> taken;
    const std::uint64_t parties = below(9);
    for (std::uint64_t at = 0; at < parties; ++at) {
        Party party;
        for (std::uint64_t left = below(4) + 1; left > 0; --left) {
            const net::Prefix drawn = prefix();
            const bool wide = drawn.length < 8 && !one_in(8);  // one endpoint that is everything leaves no other
            const bool free = std::ranges::none_of(
                taken, [&](const net::Prefix& other) { return other.contains(drawn) || drawn.contains(other); });
            if (wide || !free) continue;
            party.addresses.push_back(drawn);
            taken.push_back(drawn);
        }
        if (!program.parties.empty() && one_in(4)) {  // endpoints that policies do not tell apart, told twice
            party.egress = program.parties.back().egress;
            party.ingress = program.parties.back().ingress;
        } else {
            party.egress = walks(program);
            party.ingress = walks(program);
        }
        program.parties.push_back(party);
    }
}

void RandomProgram::add_lanes(Program& program) {
    for (std::uint64_t left = below(3) + 1; left > 0; --left) {
        Lane lane;
        if (one_in(3)) lane.ingress_port = walks(program);
        if (one_in(3)) lane.egress_port = walks(program);
        program.lanes.push_back(lane);
    }
}

// Sets that endpoints are in with a likelihood of their own, and a few walks that many endpoints share.
Program RandomProgram::crowd() {
    next_hit_ = 0;
    Program program;
    std::vector<net::Prefix> endpoints;
    for (std::uint32_t left = static_cast<std::uint32_t>(below(250)) + 60; left > 0; --left) {
        net::Address address = net::Address::v4(0xac100000 + left);
        if (one_in(4)) {
            address.family = net::Family::kIPv6;
            address.bytes[15] = static_cast<std::uint8_t>(left);
        }
        endpoints.push_back(net::Prefix::host(address));
    }
    for (std::uint64_t left = below(14) + 4; left > 0; --left) {
        AddressSet set;
        const std::uint64_t rarity = std::uint64_t{1} << below(7);
        for (const net::Prefix& endpoint : endpoints) {
            if (one_in(rarity)) set.prefixes.push_back(endpoint);
        }
        if (one_in(4)) set.prefixes.push_back(prefix());
        program.sets.push_back(set);
    }
    std::vector<Walks> shared;
    for (std::uint64_t left = below(9) + 2; left > 0; --left) shared.push_back(walks(program));
    for (const net::Prefix& endpoint : endpoints) {
        if (!one_in(8)) program.parties.push_back({{endpoint}, any(shared), any(shared)});
    }
    add_lanes(program);
    if (one_in(3)) program.failsafe.push_back(add_rule(program));
    program.unmatched_hit = hit();
    return program;
}

Program RandomProgram::program() {
    next_hit_ = 0;
    Program program;
    for (std::uint64_t left = below(10) + 1; left > 0; --left) {
        AddressSet set;
        for (std::uint64_t members = below(6); members > 0; --members) set.prefixes.push_back(prefix());
        program.sets.push_back(set);
    }
    add_parties(program);
    add_lanes(program);
    if (one_in(3)) {
        for (std::uint64_t left = below(3) + 1; left > 0; --left) program.failsafe.push_back(add_rule(program));
    }
    program.unmatched = one_in(2) ? Verdict::kAllow : Verdict::kDeny;
    program.unmatched_hit = hit();
    return program;
}

Program RandomProgram::rule_list() {
    next_hit_ = 0;
    Program program;
    for (std::uint64_t left = below(20) + 1; left > 0; --left) {
        AddressSet set;
        for (std::uint64_t members = below(3) + 1; members > 0; --members) set.prefixes.push_back(prefix());
        program.sets.push_back(set);
    }
    const std::uint64_t rules = one_in(4) ? below(300) : below(30);
    for (std::uint64_t left = below(3) + 1; left > 0; --left) {
        Lane lane;
        const WalkId walk = add_list(program, rules);
        if (one_in(4))
            lane.egress_port = Walks{walk, walk};
        else if (!one_in(4))
            lane.ingress_port = Walks{walk, walk};
        program.lanes.push_back(lane);
    }
    if (one_in(3)) {
        program.failsafe.push_back(add_rule(program));
        if (program.rules.back().hit == kNoHit) program.rules.back().hit = hit();
    }
    program.unmatched = one_in(2) ? Verdict::kAllow : Verdict::kDeny;
    program.unmatched_hit = hit();
    return program;
}

WalkId RandomProgram::add_list(Program& program, std::uint64_t rules) {
    Walk walk;
    const bool few_addresses = one_in(2);  // then lists between the same addresses are long
    for (std::uint64_t tiers = below(2) + 1; tiers > 0; --tiers) {
        Tier tier;
        for (std::uint64_t left = rules; left > 0; --left) {
            tier.rules.push_back(add_rule(program));
            Rule& rule = program.rules.back();
            rule.action = one_in(2) ? Action::kAllow : Action::kDeny;
            if (is_conditional(rule.hit)) rule.hit = without_condition(rule.hit);
            if (rule.hit == kNoHit) rule.hit = hit();  // only a Pass may go without
            if (few_addresses && !one_in(8)) rule.source = rule.destination = {};
        }
        tier.end = one_in(2) ? Action::kPass : Action::kDeny;
        tier.end_hit = tier.end == Action::kPass && one_in(3) ? kNoHit : hit();
        walk.tiers.push_back(std::move(tier));
    }
    walk.otherwise = one_in(2) ? Verdict::kAllow : Verdict::kDeny;
    walk.otherwise_hit = hit();
    program.walks.push_back(std::move(walk));
    return WalkId{static_cast<std::uint32_t>(program.walks.size() - 1)};
}

Program RandomProgram::with_staged_rules(const Program& program) {
    Program staged = program;
    const auto stage = [&](Walks& walks) {
        Walk walk = staged.walks[index(walks.pending)];
        for (Tier& tier : walk.tiers) {
            if (one_in(2))
                tier.rules.insert(tier.rules.begin() + static_cast<std::ptrdiff_t>(below(tier.rules.size() + 1)),
                                  add_rule(staged));
        }
        if (one_in(2)) walk.tiers.insert(walk.tiers.begin(), tier(staged));
        staged.walks.push_back(walk);
        walks.pending = WalkId{static_cast<std::uint32_t>(staged.walks.size() - 1)};
    };
    for (Party& party : staged.parties) {
        stage(party.egress);
        stage(party.ingress);
    }
    for (Lane& lane : staged.lanes) {
        if (lane.ingress_port) stage(*lane.ingress_port);
        if (lane.egress_port) stage(*lane.egress_port);
    }
    return staged;
}

net::Address RandomProgram::address_near(const Program& program, net::Family family) {
    std::vector<const net::Prefix*> known;
    for (const AddressSet& set : program.sets) {
        for (const net::Prefix& prefix : set.prefixes) known.push_back(&prefix);
    }
    // Parties weigh more: without them nothing is judged.
    for (const Party& party : program.parties) {
        for (const net::Prefix& prefix : party.addresses) known.insert(known.end(), 4, &prefix);
    }
    std::erase_if(known, [&](const net::Prefix* prefix) { return prefix->address.family != family; });
    if (known.empty() || one_in(8)) {
        net::Address drawn = address();
        while (drawn.family != family) drawn = address();
        return drawn;
    }
    const net::Prefix& prefix = *any(known);
    switch (below(5)) {
        case 0: return prefix.address;
        case 1: return last_of(prefix);
        case 2: return beside(prefix.address, false);
        case 3: return beside(last_of(prefix), true);
        default: break;
    }
    net::Address inside = prefix.address;
    for (unsigned bit = prefix.length; bit < inside.bits(); ++bit) {
        if (one_in(2)) inside.bytes[bit / 8] = static_cast<std::uint8_t>(inside.bytes[bit / 8] | 0x80 >> bit % 8);
    }
    return inside;
}

net::Tuple RandomProgram::packet(const Program& program) {
    net::Tuple tuple;
    tuple.family = one_in(3) ? net::Family::kIPv6 : net::Family::kIPv4;
    tuple.source = address_near(program, tuple.family).bytes;
    tuple.destination = address_near(program, tuple.family).bytes;
    tuple.ingress_port = static_cast<std::uint16_t>(below(program.lanes.size()));
    tuple.protocol = protocol();
    if (net::has_ports(tuple.protocol)) {
        std::vector<std::uint16_t> edges{port()};
        if (!program.rules.empty()) {
            const ServiceMatch& match = any(program.rules).service;
            for (const auto* ranges : {&match.source_ports, &match.destination_ports, &match.not_source_ports,
                                       &match.not_destination_ports}) {
                for (const PortRange range : *ranges) {
                    for (const int edge : {range.first - 1, range.first + 0, range.last + 0, range.last + 1}) {
                        edges.push_back(static_cast<std::uint16_t>(edge));
                    }
                }
            }
        }
        tuple.source_port = any(edges);
        tuple.destination_port = any(edges);
    } else if (net::is_icmp(tuple.protocol)) {
        const IcmpMatch match = icmp();
        tuple.destination_port = static_cast<std::uint16_t>(match.type << 8 | match.code.value_or(1));
    }
    return tuple;
}

}  // namespace drywall::classify

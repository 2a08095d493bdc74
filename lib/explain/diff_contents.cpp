#include "diff_contents.h"

#include <algorithm>
#include <utility>

#include "conditions.h"

namespace drywall::explain {

namespace {

constexpr std::uint32_t kUnset = 0x10000;
constexpr std::uint32_t kEndOfList = 0xffffffff;

// The number of a value, counted from `first`, new or known.
template <typename Numbers, typename Value>
std::uint32_t numbered(Numbers& numbers, const Value& value, std::uint32_t first = 0) {
    return numbers.try_emplace(value, static_cast<std::uint32_t>(numbers.size()) + first).first->second;
}

void append_icmp(std::vector<std::uint32_t>& key, const std::optional<classify::IcmpMatch>& icmp) {
    key.push_back(icmp ? icmp->type : kUnset);
    key.push_back(icmp && icmp->code ? *icmp->code : kUnset);
}

void append_ports(std::vector<std::uint32_t>& key, std::vector<classify::PortRange> ranges) {
    std::ranges::sort(ranges, {}, [](classify::PortRange range) { return std::pair(range.first, range.last); });
    key.push_back(static_cast<std::uint32_t>(ranges.size()));
    for (const classify::PortRange range : ranges) key.push_back(std::uint32_t{range.first} << 16 | range.last);
}

}  // namespace

std::uint32_t DiffContents::set(const classify::Program& program, classify::SetId id) {
    const auto [known, fresh] = known_sets_.try_emplace({&program, id}, 0);
    if (!fresh) return known->second;
    std::vector<net::Prefix> prefixes = program.sets[index(id)].prefixes;
    std::ranges::sort(prefixes);
    prefixes.erase(std::unique(prefixes.begin(), prefixes.end()), prefixes.end());
    const std::uint32_t number = numbered(set_numbers_, prefixes);
    if (number == sets_.size()) sets_.push_back(std::move(prefixes));
    return known->second = number;
}

DiffContents::Match DiffContents::match(const classify::Program& program, const classify::AddressMatch& match) {
    Match out;
    for (const classify::SetId id : match.in) out.in.push_back(set(program, id));
    for (const classify::SetId id : match.not_in) out.not_in.push_back(set(program, id));
    std::ranges::sort(out.in);
    std::ranges::sort(out.not_in);
    return out;
}

std::uint32_t DiffContents::service(const classify::ServiceMatch& match) {
    Key key{match.family ? static_cast<std::uint32_t>(*match.family) : kUnset,
            match.protocol ? std::uint32_t{*match.protocol} : kUnset,
            match.not_protocol ? std::uint32_t{*match.not_protocol} : kUnset};
    append_icmp(key, match.icmp);
    append_icmp(key, match.not_icmp);
    for (const auto* ranges :
         {&match.source_ports, &match.destination_ports, &match.not_source_ports, &match.not_destination_ports})
        append_ports(key, *ranges);
    const std::uint32_t number = numbered(service_numbers_, key);
    if (number == services_.size()) services_.push_back(match);
    return number;
}

std::uint32_t DiffContents::rule(const ruleset::Ruleset& ruleset, classify::RuleIndex at) {
    const classify::Program& program = ruleset.program();
    const classify::Rule& rule = program.rules[index(at)];
    const Match from = match(program, rule.source);
    const Match to = match(program, rule.destination);
    const std::uint32_t source = numbered(source_numbers_, from);
    if (source == sources_.size()) sources_.push_back(from);
    const std::uint32_t destination = numbered(destination_numbers_, to);
    if (destination == destinations_.size()) destinations_.push_back(to);
    Key key{source, destination, service(rule.service), static_cast<std::uint32_t>(rule.action)};
    if (classify::is_conditional(rule.hit))
        key.push_back(numbered(condition_numbers_, condition_key(ruleset, *ruleset.hit(rule.hit).condition)));
    return numbered(rule_numbers_, key);
}

// A rule that only notes the packet decides nothing. One with a condition is a Log rule, too, and may decide.
void DiffContents::append_rules(const ruleset::Ruleset& ruleset, const std::vector<classify::RuleIndex>& list,
                                Key& key) {
    for (const classify::RuleIndex at : list) {
        const classify::Rule& each = ruleset.program().rules[index(at)];
        if (each.action != Action::kLog || classify::is_conditional(each.hit)) key.push_back(rule(ruleset, at));
    }
}

std::uint32_t DiffContents::rules(const ruleset::Ruleset& ruleset, const std::vector<classify::RuleIndex>& list) {
    Key key;
    append_rules(ruleset, list, key);
    key.push_back(kEndOfList);
    return numbered(walk_numbers_, key, kNoWalk + 1);
}

std::uint32_t DiffContents::walk(const ruleset::Ruleset& ruleset, classify::WalkId id) {
    const auto [known, fresh] = known_walks_.try_emplace({&ruleset.program(), id}, 0);
    if (!fresh) return known->second;
    const classify::Walk& walk = ruleset.program().walks[index(id)];
    Key key;
    for (const classify::Tier& tier : walk.tiers) {
        const std::size_t before = key.size();
        append_rules(ruleset, tier.rules, key);
        if (key.size() == before && tier.end == Action::kPass) continue;  // a tier that says nothing
        key.push_back(kEndOfList);
        key.push_back(static_cast<std::uint32_t>(tier.end));
    }
    key.push_back(kEndOfList);
    key.push_back(kEndOfList);
    key.push_back(static_cast<std::uint32_t>(walk.otherwise));
    return known->second = numbered(walk_numbers_, key, kNoWalk + 1);
}

}  // namespace drywall::explain

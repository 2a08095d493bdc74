#include "program_changes.h"

#include <algorithm>
#include <cstdint>
#include <unordered_set>
#include <utility>

namespace drywall::ruleset {

namespace {

class Digest {
public:
    Digest& add(std::uint64_t value) noexcept {
        hash_ = (hash_ ^ value) * 0x9e3779b97f4a7c15u;
        hash_ ^= hash_ >> 32;
        return *this;
    }
    template <typename T>
    Digest& add(const std::optional<T>& value) noexcept {
        return value ? add(1).add(static_cast<std::uint64_t>(*value)) : add(0);
    }
    Digest& add(const std::vector<classify::PortRange>& ranges) noexcept {
        add(ranges.size());
        for (const classify::PortRange range : ranges) add(std::uint64_t{range.first} << 16 | range.last);
        return *this;
    }
    Digest& add(const std::optional<classify::IcmpMatch>& icmp) noexcept {
        return icmp ? add(1).add(icmp->type).add(icmp->code) : add(0);
    }
    Digest& add(const net::Prefix& prefix) noexcept {
        std::uint64_t word = 0;
        for (std::size_t at = 0; at < prefix.address.bytes.size(); ++at) {
            word = word << 8 | prefix.address.bytes[at];
            if (at % 8 == 7) add(std::exchange(word, 0));
        }
        return add(std::uint64_t{prefix.length} << 8 | static_cast<std::uint64_t>(prefix.address.family));
    }
    [[nodiscard]] std::uint64_t value() const noexcept { return hash_; }

private:
    std::uint64_t hash_ = 0;
};

// The contents of a program's parts, as numbers.
struct Contents {
    std::vector<std::uint64_t> rules;  // by RuleIndex
    std::vector<std::uint64_t> walks;  // by WalkId
    // What judges an address, with the address; sorted.
    std::vector<std::pair<net::Prefix, std::uint64_t>> addresses;
};

std::uint64_t digest(const classify::AddressMatch& match, const std::vector<std::uint64_t>& sets) {
    Digest digest;
    for (const auto* ids : {&match.in, &match.not_in}) {
        digest.add(ids->size());
        for (const classify::SetId id : *ids) digest.add(sets[index(id)]);
    }
    return digest.value();
}

std::uint64_t digest(const classify::ServiceMatch& service) {
    return Digest()
        .add(service.family)
        .add(service.protocol)
        .add(service.not_protocol)
        .add(service.icmp)
        .add(service.not_icmp)
        .add(service.source_ports)
        .add(service.destination_ports)
        .add(service.not_source_ports)
        .add(service.not_destination_ports)
        .value();
}

std::uint64_t digest(const classify::Walk& walk, const std::vector<std::uint64_t>& rules) {
    Digest digest;
    for (const classify::Tier& tier : walk.tiers) {
        digest.add(tier.rules.size()).add(static_cast<std::uint64_t>(tier.end));
        for (const classify::RuleIndex rule : tier.rules) digest.add(rules[index(rule)]);
    }
    return digest.add(static_cast<std::uint64_t>(walk.otherwise)).value();
}

Contents contents_of(const classify::Program& program) {
    std::vector<std::uint64_t> sets;
    sets.reserve(program.sets.size());
    for (const classify::AddressSet& set : program.sets) {
        Digest digest;
        for (const net::Prefix& prefix : set.prefixes) digest.add(prefix);
        sets.push_back(digest.value());
    }
    Contents contents;
    contents.rules.reserve(program.rules.size());
    for (const classify::Rule& rule : program.rules) {
        contents.rules.push_back(Digest()
                                     .add(digest(rule.source, sets))
                                     .add(digest(rule.destination, sets))
                                     .add(digest(rule.service))
                                     .add(static_cast<std::uint64_t>(rule.action))
                                     .value());
    }
    contents.walks.reserve(program.walks.size());
    for (const classify::Walk& walk : program.walks) contents.walks.push_back(digest(walk, contents.rules));
    for (const classify::Party& party : program.parties) {
        Digest judges;
        for (const classify::Walks* walks : {&party.egress, &party.ingress})
            judges.add(contents.walks[index(walks->enforced)]).add(contents.walks[index(walks->pending)]);
        for (const net::Prefix& prefix : party.addresses) contents.addresses.emplace_back(prefix, judges.value());
    }
    std::ranges::sort(contents.addresses);
    return contents;
}

using Known = std::unordered_set<std::uint64_t>;

std::vector<bool> unknown(const std::vector<std::uint64_t>& contents, const Known& known) {
    std::vector<bool> unknown;
    unknown.reserve(contents.size());
    for (const std::uint64_t content : contents) unknown.push_back(!known.contains(content));
    return unknown;
}

}  // namespace

ProgramChanges changes_since(const classify::Program& before, const classify::Program& program) {
    const Contents then = contents_of(before);
    const Contents now = contents_of(program);
    const Known rules_then(then.rules.begin(), then.rules.end());
    const Known rules_now(now.rules.begin(), now.rules.end());
    ProgramChanges changes;
    changes.fresh_rules = unknown(now.rules, rules_then);
    changes.changed_walks = unknown(now.walks, Known(then.walks.begin(), then.walks.end()));
    for (std::uint32_t rule = 0; rule < then.rules.size(); ++rule)
        if (!rules_now.contains(then.rules[rule])) changes.gone.push_back(classify::RuleIndex{rule});
    std::vector<std::pair<net::Prefix, std::uint64_t>> moved;
    std::ranges::set_symmetric_difference(then.addresses, now.addresses, std::back_inserter(moved));
    for (const auto& [prefix, judges] : moved)
        if (changes.moved_addresses.empty() || changes.moved_addresses.back() != prefix)
            changes.moved_addresses.push_back(prefix);
    return changes;
}

}  // namespace drywall::ruleset

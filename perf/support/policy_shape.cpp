#include "policy_shape.h"

#include <algorithm>
#include <array>
#include <bit>

namespace drywall::perf {
namespace {

constexpr std::uint32_t kNowhere = 0xffffffff;
constexpr std::size_t kGroupsOfLabelset = 3;
constexpr std::array<std::uint16_t, 16> kPorts{80,   443,  8080, 8443, 5432, 3306, 6379, 9092,
                                               9200, 2379, 4222, 5672, 53,   389,  636,  8500};

std::size_t hash(std::uint32_t address) { return std::size_t{address} * 0x9e3779b97f4a7c15u >> 20; }

// Calico gives nodes blocks of 64 addresses; here every second one is used.
std::uint32_t address_at(std::uint32_t number) { return 0x0a000000 + (number / 64) * 128 + number % 64; }

}  // namespace

PolicyShape::PolicyShape(const PolicySize& size) : size_(size), words_((size.groups + 63) / 64) {
    bits_.resize(size.labelsets * words_);
    for (std::size_t labelset = 0; labelset < size.labelsets; ++labelset) {
        std::vector<std::uint32_t> groups;
        for (std::size_t at = 0; at < kGroupsOfLabelset; ++at) {
            groups.push_back(below(size.groups));
            bits_[labelset * words_ + groups.back() / 64] |= std::uint64_t{1} << groups.back() % 64;
        }
        std::ranges::sort(groups);
        groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
        groups_of_.push_back(std::move(groups));
    }
    for (std::size_t endpoint = 0; endpoint < size.endpoints; ++endpoint) {
        labelset_of_.push_back(endpoint < size.labelsets ? static_cast<std::uint32_t>(endpoint)
                                                         : below(size.labelsets));
        address_of_.push_back(address_at(next_address_++));
    }
    std::ranges::shuffle(labelset_of_, random_);  // a workload's endpoints are scattered over the nodes
    for (std::size_t at = 0; at < size.policies; ++at) policies_.push_back(random_policy());
    for (std::size_t at = 0; at < size.staged; ++at) staged_.push_back(random_policy());
    index();
}

GroupPolicy PolicyShape::random_policy() {
    GroupPolicy policy{below(size_.groups), {}};
    for (std::uint32_t left = 1 + below(5); left > 0; --left) {
        policy.rules.push_back({below(size_.groups), kPorts[below(kPorts.size())], HitId{next_hit_++}});
    }
    return policy;
}

void PolicyShape::index() {
    slots_.assign(std::bit_ceil(2 * address_of_.size() + 1), {});
    for (std::size_t endpoint = 0; endpoint < address_of_.size(); ++endpoint) {
        std::size_t at = hash(address_of_[endpoint]) & (slots_.size() - 1);
        while (slots_[at].labelset != kNowhere) at = (at + 1) & (slots_.size() - 1);
        slots_[at] = {address_of_[endpoint], labelset_of_[endpoint]};
    }
    first_rule_.clear();
    rules_.clear();
    selected_.clear();
    for (std::size_t labelset = 0; labelset < size_.labelsets; ++labelset) {
        first_rule_.push_back(static_cast<std::uint32_t>(rules_.size()));
        const auto policies = selecting(labelset, policies_);
        selected_.push_back(!policies.empty());
        for (const GroupPolicy* policy : policies)
            rules_.insert(rules_.end(), policy->rules.begin(), policy->rules.end());
    }
    first_rule_.push_back(static_cast<std::uint32_t>(rules_.size()));
}

std::vector<const GroupPolicy*> PolicyShape::selecting(std::size_t labelset,
                                                       const std::vector<GroupPolicy>& policies) const {
    std::vector<const GroupPolicy*> found;
    for (const GroupPolicy& policy : policies) {
        if (in(labelset, policy.selects)) found.push_back(&policy);
    }
    return found;
}

std::uint32_t PolicyShape::labelset_at(std::uint32_t address) const noexcept {
    std::size_t at = hash(address) & (slots_.size() - 1);
    while (slots_[at].labelset != kNowhere && slots_[at].address != address) at = (at + 1) & (slots_.size() - 1);
    return slots_[at].labelset;
}

HitId PolicyShape::walk(const FiveTupleHeader& header) const noexcept {
    const std::uint32_t to = labelset_at(header.destination);
    if (to == kNowhere || !selected_[to]) return kUnselected;
    const std::uint32_t from = labelset_at(header.source);
    if (from == kNowhere || header.protocol != net::protocol::kTcp) return kEndOfTier;
    for (std::uint32_t at = first_rule_[to]; at < first_rule_[to + 1]; ++at) {
        if (rules_[at].port == header.destination_port && in(from, rules_[at].group)) return rules_[at].hit;
    }
    return kEndOfTier;
}

classify::Program PolicyShape::program() const {
    using namespace classify;
    Program program;
    program.lanes.resize(1);
    program.sets.resize(size_.groups);
    std::vector<Party> parties(size_.labelsets);
    for (std::size_t endpoint = 0; endpoint < address_of_.size(); ++endpoint) {
        const net::Prefix host = prefix_of({address_of_[endpoint], 32}, size_.family);
        parties[labelset_of_[endpoint]].addresses.push_back(host);
        for (const std::uint32_t group : groups_of_[labelset_of_[endpoint]])
            program.sets[group].prefixes.push_back(host);
    }
    const auto lower = [&](const std::vector<GroupPolicy>& policies, std::vector<std::vector<RuleIndex>>& indices) {
        for (const GroupPolicy& policy : policies) {
            indices.emplace_back();
            for (const GroupRule& rule : policy.rules) {
                indices.back().push_back(RuleIndex{static_cast<std::uint32_t>(program.rules.size())});
                program.rules.push_back(
                    {.source = {.in = {SetId{rule.group}}, .not_in = {}},
                     .service = {.protocol = net::protocol::kTcp, .destination_ports = {{rule.port, rule.port}}},
                     .action = Action::kAllow,
                     .hit = rule.hit});
            }
        }
    };
    std::vector<std::vector<RuleIndex>> now;
    std::vector<std::vector<RuleIndex>> then;
    lower(policies_, now);
    lower(staged_, then);
    program.walks.push_back({.tiers = {}, .otherwise = Verdict::kAllow, .otherwise_hit = kUnselected});
    for (std::size_t labelset = 0; labelset < size_.labelsets; ++labelset) {
        Tier tier{.rules = {}, .end = Action::kDeny, .end_hit = kEndOfTier};
        const auto walk_with = [&](const std::vector<GroupPolicy>& policies,
                                   const std::vector<std::vector<RuleIndex>>& indices) {
            bool any = false;
            for (std::size_t at = 0; at < policies.size(); ++at) {
                if (!in(labelset, policies[at].selects)) continue;
                any = true;
                tier.rules.insert(tier.rules.end(), indices[at].begin(), indices[at].end());
            }
            return any;
        };
        const auto add = [&] {
            program.walks.push_back({.tiers = {tier}, .otherwise = Verdict::kAllow, .otherwise_hit = kUnselected});
            return WalkId{static_cast<std::uint32_t>(program.walks.size() - 1)};
        };
        const bool enforced = walk_with(policies_, now);
        parties[labelset].ingress.enforced = enforced ? add() : WalkId{0};
        const bool pending = walk_with(staged_, then);
        parties[labelset].ingress.pending = pending ? add() : parties[labelset].ingress.enforced;
    }
    for (Party& party : parties) {
        if (!party.addresses.empty()) program.parties.push_back(std::move(party));
    }
    return program;
}

std::optional<std::vector<FiveTupleRule>> PolicyShape::expanded(std::size_t most) const {
    std::vector<std::vector<std::uint32_t>> members(size_.groups);  // addresses
    for (std::size_t endpoint = 0; endpoint < address_of_.size(); ++endpoint) {
        for (const std::uint32_t group : groups_of_[labelset_of_[endpoint]])
            members[group].push_back(address_of_[endpoint]);
    }
    std::vector<FiveTupleRule> rules;
    expanded_hits_.clear();
    const auto add = [&](FiveTuplePrefix from, FiveTuplePrefix to, classify::PortRange ports, std::uint8_t protocol,
                         std::uint8_t mask, HitId hit) {
        rules.push_back({from, to, {0, 65535}, ports, protocol, mask});
        expanded_hits_.push_back(hit);
    };
    for (std::size_t endpoint = 0; endpoint < address_of_.size(); ++endpoint) {
        const std::uint32_t to = labelset_of_[endpoint];
        for (std::uint32_t at = first_rule_[to]; at < first_rule_[to + 1]; ++at) {
            const GroupRule& rule = rules_[at];
            for (const std::uint32_t from : members[rule.group]) {
                add({from, 32}, {address_of_[endpoint], 32}, {rule.port, rule.port}, net::protocol::kTcp, 255,
                    rule.hit);
            }
            if (rules.size() > most) return std::nullopt;
        }
        if (selected_[to]) add({}, {address_of_[endpoint], 32}, {0, 65535}, 0, 0, kEndOfTier);
    }
    add({}, {}, {0, 65535}, 0, 0, kUnselected);
    return rules;
}

std::vector<FiveTupleHeader> PolicyShape::packets(std::size_t count) const {
    std::mt19937_64 random(11);
    const auto draw = [&](std::size_t bound) {
        return static_cast<std::uint32_t>(std::uniform_int_distribution<std::size_t>(0, bound - 1)(random));
    };
    std::vector<std::vector<std::uint32_t>> members(size_.groups);  // addresses
    for (std::size_t endpoint = 0; endpoint < address_of_.size(); ++endpoint) {
        for (const std::uint32_t group : groups_of_[labelset_of_[endpoint]])
            members[group].push_back(address_of_[endpoint]);
    }
    std::vector<FiveTupleHeader> packets(count);
    for (FiveTupleHeader& packet : packets) {
        const std::uint32_t to = draw(address_of_.size());
        const std::uint32_t kind = draw(10);
        packet.destination = address_of_[to];
        packet.source = kind < 8 ? address_of_[draw(address_of_.size())] : 0xc0000000 + draw(1 << 24);
        packet.source_port = static_cast<std::uint16_t>(32768 + draw(28232));
        packet.destination_port = kPorts[draw(kPorts.size())];
        packet.protocol = net::protocol::kTcp;
        const std::uint32_t labelset = labelset_of_[to];
        const std::uint32_t rules = first_rule_[labelset + 1] - first_rule_[labelset];
        if (kind >= 5 || rules == 0) continue;
        const GroupRule& rule = rules_[first_rule_[labelset] + draw(rules)];
        if (members[rule.group].empty()) continue;
        packet.source = members[rule.group][draw(members[rule.group].size())];
        packet.destination_port = rule.port;
    }
    return packets;
}

void PolicyShape::move_endpoint(std::size_t endpoint) {
    address_of_[endpoint % address_of_.size()] = address_at(next_address_++);
    index();
}

void PolicyShape::change_rule(std::size_t policy) {
    GroupRule& rule = policies_[policy % policies_.size()].rules.front();
    rule.port = kPorts[below(kPorts.size())];
    index();
}

void PolicyShape::change_policy(std::size_t policy) {
    policies_[policy % policies_.size()] = random_policy();
    index();
}

}  // namespace drywall::perf

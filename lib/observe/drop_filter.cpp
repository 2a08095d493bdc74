#include <algorithm>
#include <array>

#include "drywall/base/nearest.h"
#include "drywall/observe/drop.h"

namespace drywall::observe {

namespace {

enum class Needs : std::uint8_t { kNothing, kAddresses, kProtocol, kPorts };

struct DropFlag {
    FlowFlag flag;
    Needs needs;  // of the packet, to be about it at all
};

constexpr std::string_view kReason = "reason";

constexpr auto kDropFlags = std::to_array<DropFlag>({
    {{"reason", "REASON", "Why it died, by its name in docs/drop-reasons.md: policy_deny"}, Needs::kNothing},
    {{"from-ip", "IP", "Source address or network"}, Needs::kAddresses},
    {{"to-ip", "IP", "Destination address or network"}, Needs::kAddresses},
    {{"ip", "IP", "Address or network of either side"}, Needs::kAddresses},
    {{"from-name", "NAME", "Name of the source's endpoint: NAME, NAMESPACE/NAME, web-*"}, Needs::kAddresses},
    {{"to-name", "NAME", "Name of the destination's endpoint"}, Needs::kAddresses},
    {{"name", "NAME", "Name of either side's endpoint"}, Needs::kAddresses},
    {{"from-port", "PORT", "Source port, or a range"}, Needs::kPorts},
    {{"to-port", "PORT", "Destination port, or a range: 8000-8999"}, Needs::kPorts},
    {{"port", "PORT", "Port of either side"}, Needs::kPorts},
    {{"protocol", "NAME", "tcp, udp, sctp, icmp, icmpv6 or a number"}, Needs::kProtocol},
    {{"in", "PORT", "The appliance's port by which it came in"}, Needs::kNothing},
    {{"policy", "POLICY", "Took part in either world: NAME, KIND:NAME or TIER|KIND:NAME|ACTION|RULE"}, Needs::kNothing},
    {{"generation", "N", "Dropped while this generation was in force"}, Needs::kNothing},
});

constexpr auto kDropFlagNames = [] {
    std::array<FlowFlag, kDropFlags.size()> flags{};
    std::transform(kDropFlags.begin(), kDropFlags.end(), flags.begin(), [](const DropFlag& one) { return one.flag; });
    return flags;
}();

const DropFlag* drop_flag(std::string_view name) noexcept {
    const auto found =
        std::find_if(kDropFlags.begin(), kDropFlags.end(), [&](const DropFlag& one) { return one.flag.name == name; });
    return found == kDropFlags.end() ? nullptr : &*found;
}

Error unknown_drop_flag(const std::string& flag) {
    std::vector<std::string_view> known;
    for (const DropFlag& one : kDropFlags) known.push_back(one.flag.name);
    return Error::of(ErrorKind::kInvalid, "drops can't be filtered by '" + flag + "'", did_you_mean(flag, known));
}

Error unknown_reason(const std::string& text) {
    std::vector<std::string_view> known;
    for (const DropReasonText& one : kDropReasons) known.push_back(one.name);
    const std::string near = did_you_mean(text, known);
    return Error::of(ErrorKind::kInvalid, "reason: '" + text + "' is no drop reason",
                     near.empty() ? "`drywall drops -o wide` lists them" : near);
}

Result<std::vector<DropReason>> reasons_in(const std::string& value) {
    std::vector<DropReason> out;
    for (std::size_t at = 0; at <= value.size();) {
        const std::size_t comma = std::min(value.find(',', at), value.size());
        const std::string text = value.substr(at, comma - at);
        out.push_back(drop_reason_named(text));
        if (out.back() == DropReason::kNone) return unknown_reason(text);
        at = comma + 1;
    }
    return out;
}

bool answers(const Drop& drop, Needs needs) noexcept {
    switch (needs) {
        case Needs::kNothing: return true;
        case Needs::kAddresses: return drop.has_addresses;
        case Needs::kProtocol: return drop.has_service;
        case Needs::kPorts: return drop.has_service && drop.fragment != net::FragmentKind::kLater;
    }
    return false;
}

}  // namespace

DropReason drop_reason_named(std::string_view name) noexcept {
    for (const DropReasonText& text : kDropReasons)
        if (text.name == name) return text.reason;
    return DropReason::kNone;
}

std::span<const FlowFlag> DropFilter::flags() noexcept { return kDropFlagNames; }

Result<DropFilter> DropFilter::of(std::span<const FlowTerm> terms) {
    DropFilter out;
    for (const FlowTerm& term : terms) {
        if (drop_flag(term.flag) == nullptr) return unknown_drop_flag(term.flag);
        auto condition = std::find_if(out.conditions_.begin(), out.conditions_.end(), [&](const Condition& one) {
            return one.flag == term.flag && one.negated == term.negated;
        });
        if (condition == out.conditions_.end())
            condition = out.conditions_.insert(condition, {.flag = term.flag, .negated = term.negated});
        if (term.flag == kReason) {
            auto reasons = reasons_in(term.value);
            if (!reasons) return reasons.error();
            condition->reasons.insert(condition->reasons.end(), reasons->begin(), reasons->end());
            continue;
        }
        condition->terms.push_back({term.flag, term.value, false});
        auto filter = FlowFilter::of(condition->terms);
        if (!filter) return filter.error();
        condition->filter = *std::move(filter);
    }
    return out;
}

bool DropFilter::matches(const Drop& drop) const {
    return std::all_of(conditions_.begin(), conditions_.end(), [&](const Condition& condition) {
        const bool hit =
            condition.flag == kReason
                ? std::find(condition.reasons.begin(), condition.reasons.end(), drop.reason) != condition.reasons.end()
                : answers(drop, drop_flag(condition.flag)->needs) && condition.filter.matches(drop.packet);
        return hit != condition.negated;
    });
}

}  // namespace drywall::observe

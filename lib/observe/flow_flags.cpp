#include "flow_flags.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "drywall/explain/protocols.h"
#include "drywall/net/packet_meta.h"
#include "drywall/policy/selector.h"

namespace drywall::observe {

namespace {

enum class End : std::uint8_t { kSource, kDestination, kEither };

const net::Address& address_at(const FlowRecord& flow, End end) {
    return end == End::kSource ? flow.source : flow.destination;
}
const Party& party_at(const FlowRecord& flow, End end) {
    return end == End::kSource ? *flow.source_party : *flow.destination_party;
}

// `test` of the end that is meant, or of one of the two.
template <typename Test>
FlowTest at_end(End end, Test test) {
    if (end != End::kEither) return [=](const FlowRecord& flow) { return test(flow, end); };
    return [=](const FlowRecord& flow) { return test(flow, End::kSource) || test(flow, End::kDestination); };
}

Error not_a(const std::string& flag, const std::string& value, const std::string& what, const std::string& hint) {
    return Error::of(ErrorKind::kInvalid, flag + ": '" + value + "' is not " + what, hint);
}

template <End kEnd>
Result<FlowTest> read_net(const std::string& flag, const std::string& value) {
    const auto prefix = net::Prefix::parse_loose(value);
    if (!prefix)
        return not_a(flag, value, "an address or a network", "write it as 10.0.0.1, 10.0.0.0/8 or 2001:db8::/32");
    return at_end(kEnd,
                  [net = *prefix](const FlowRecord& flow, End end) { return net.contains(address_at(flow, end)); });
}

// NAME, or NAMESPACE/NAME.
template <End kEnd>
Result<FlowTest> read_name(const std::string& flag, const std::string& value) {
    if (value.empty()) return not_a(flag, value, "a name", "write NAME, NAMESPACE/NAME or, for several, web-*");
    const std::size_t slash = value.find('/');
    const std::string ns = slash == std::string::npos ? "*" : value.substr(0, slash);
    const std::string name = slash == std::string::npos ? value : value.substr(slash + 1);
    return at_end(kEnd, [=](const FlowRecord& flow, End end) {
        const Party& party = party_at(flow, end);
        return party.type != PartyType::kNetwork && fits_pattern(name, party.name) && fits_pattern(ns, party.ns);
    });
}

template <End kEnd>
Result<FlowTest> read_namespace(const std::string& /*flag*/, const std::string& value) {
    return at_end(kEnd, [=](const FlowRecord& flow, End end) {
        const Party& party = party_at(flow, end);
        return !party.ns.empty() && fits_pattern(value, party.ns);
    });
}

template <End kEnd>
Result<FlowTest> read_label(const std::string& flag, const std::string& value) {
    auto selector = policy::Selector::parse(value);
    if (!selector)
        return not_a(flag, value, "a selector: " + selector.error().text(), "write it as in policies: app == 'web'");
    return at_end(kEnd, [selector = *selector](const FlowRecord& flow, End end) {
        const Party& party = party_at(flow, end);
        return party.type != PartyType::kNetwork && selector.matches(party.labels);
    });
}

std::optional<std::uint16_t> port_number(std::string_view text) {
    std::uint16_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

template <End kEnd>
Result<FlowTest> read_port(const std::string& flag, const std::string& value) {
    const std::size_t dash = value.find('-');
    const auto least = port_number(std::string_view(value).substr(0, dash));
    const auto most = dash == std::string::npos ? least : port_number(std::string_view(value).substr(dash + 1));
    if (!least || !most || *least > *most) return not_a(flag, value, "a port", "write it as 443 or 8000-8999");
    return at_end(kEnd, [from = *least, to = *most](const FlowRecord& flow, End end) {
        const std::uint16_t port = end == End::kSource ? flow.source_port : flow.destination_port;
        return net::has_ports(flow.protocol) && from <= port && port <= to;
    });
}

Result<FlowTest> read_protocol(const std::string& flag, const std::string& value) {
    const auto number = explain::protocol_number(value);
    if (!number)
        return not_a(flag, value, "a protocol", "write tcp, udp, sctp, icmp, icmpv6 or a number from 1 to 255");
    return FlowTest([wanted = *number](const FlowRecord& flow) { return flow.protocol == wanted; });
}

std::optional<Verdict> verdict_by_name(std::string_view text) {
    if (text == "allow" || text == "allowed") return Verdict::kAllow;
    if (text == "deny" || text == "denied") return Verdict::kDeny;
    return std::nullopt;
}

template <World kWorld>
Result<FlowTest> read_verdict(const std::string& flag, const std::string& value) {
    const auto verdict = verdict_by_name(value);
    if (!verdict) return not_a(flag, value, "a verdict", "write allow or deny");
    return FlowTest([wanted = *verdict](const FlowRecord& flow) {
        return (kWorld == World::kEnforced ? flow.decision->enforced : flow.decision->pending) == wanted;
    });
}

Result<FlowTest> read_differing(const std::string& flag, const std::string& value) {
    if (value != "true" && value != "false") return not_a(flag, value, "true or false", "");
    return FlowTest([wanted = value == "true"](const FlowRecord& flow) {
        return (flow.decision->enforced != flow.decision->pending) == wanted;
    });
}

Result<FlowTest> read_generation(const std::string& flag, const std::string& value) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc{} || end != value.data() + value.size())
        return not_a(flag, value, "a generation", "write its number; `drywall status` shows the one in force");
    return FlowTest([number](const FlowRecord& flow) { return index(flow.generation) == number; });
}

Result<FlowTest> read_ingress(const std::string& /*flag*/, const std::string& value) {
    return FlowTest([value](const FlowRecord& flow) { return fits_pattern(value, flow.ingress_port); });
}

Result<FlowTest> read_id(const std::string& flag, const std::string& value) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc{} || end != value.data() + value.size())
        return not_a(flag, value, "a flow's id", "`drywall flows -o json` shows them");
    return FlowTest([number](const FlowRecord& flow) { return flow_id(flow) == number; });
}

// A hit's string without its position: the fields that the flag names. Missing ones at the end may be anything.
struct HitPattern {
    std::string tier = "*";
    std::string kind = "*";
    std::string ns = "*";
    std::string name = "*";
    std::string action = "*";
    std::string rule = "*";
};

void read_subject(std::string_view subject, HitPattern& pattern) {
    if (const std::size_t colon = subject.find(':'); colon != std::string_view::npos) {
        pattern.kind = subject.substr(0, colon);
        subject.remove_prefix(colon + 1);
    }
    if (const std::size_t slash = subject.find('/'); slash != std::string_view::npos) {
        pattern.ns = subject.substr(0, slash);
        subject.remove_prefix(slash + 1);
    }
    pattern.name = subject;
}

HitPattern hit_pattern(std::string_view text) {
    HitPattern pattern;
    std::vector<std::string_view> fields(1, text);
    while (fields.back().find('|') != std::string_view::npos) {
        const std::string_view rest = fields.back();
        const std::size_t bar = rest.find('|');
        fields.back() = rest.substr(0, bar);
        fields.push_back(rest.substr(bar + 1));
    }
    if (fields.size() == 1) {
        read_subject(text, pattern);
        return pattern;
    }
    pattern.tier = fields[0];
    read_subject(fields[1], pattern);
    if (fields.size() > 2) pattern.action = fields[2];
    if (fields.size() > 3) pattern.rule = fields[3];
    return pattern;
}

// The policy's short kind as the string has it: "0|default|gnp:web|allow|0".
std::string_view short_kind(const Hit& hit) {
    std::string_view text = hit.text;
    for (int bars = 0; bars < 2; ++bars) text.remove_prefix(std::min(text.size(), text.find('|') + 1));
    return text.substr(0, text.find_first_of(":|"));
}

bool fits(const HitPattern& pattern, const Hit& hit) {
    const HitPolicy& policy = hit.trigger ? *hit.trigger : hit.policy;
    return fits_pattern(pattern.name, policy.name) && fits_pattern(pattern.ns, policy.ns) &&
           fits_pattern(pattern.tier, policy.tier) && fits_pattern(pattern.action, hit.action) &&
           fits_pattern(pattern.rule, std::to_string(hit.rule_index)) &&
           (fits_pattern(pattern.kind, short_kind(hit)) || fits_pattern(pattern.kind, policy.kind) ||
            fits_pattern(pattern.kind, hit.policy.kind));
}

Result<FlowTest> read_policy(const std::string& flag, const std::string& value) {
    if (value.empty() || std::count(value.begin(), value.end(), '|') > 3)
        return not_a(flag, value, "a policy",
                     "write NAME, KIND:NAME, or TIER|KIND:NAME|ACTION|RULE with * for anything");
    return FlowTest([pattern = hit_pattern(value)](const FlowRecord& flow) {
        const auto one = [&](const Hit& hit) { return fits(pattern, hit); };
        return std::any_of(flow.decision->enforced_hits.begin(), flow.decision->enforced_hits.end(), one) ||
               std::any_of(flow.decision->pending_hits.begin(), flow.decision->pending_hits.end(), one);
    });
}

constexpr auto kReaders = std::to_array<FlagReader>({
    {{"from-ip", "IP", "Source address or network"}, "from-ip", read_net<End::kSource>},
    {{"to-ip", "IP", "Destination address or network"}, "to-ip", read_net<End::kDestination>},
    {{"ip", "IP", "Address or network of either side"}, "ip", read_net<End::kEither>},
    {{"from-cidr", "CIDR", "The same as --from-ip"}, "from-ip", read_net<End::kSource>},
    {{"to-cidr", "CIDR", "The same as --to-ip"}, "to-ip", read_net<End::kDestination>},
    {{"from-name", "NAME", "Source endpoint: NAME or NAMESPACE/NAME; * stands for anything"},
     "from-name",
     read_name<End::kSource>},
    {{"to-name", "NAME", "Destination endpoint"}, "to-name", read_name<End::kDestination>},
    {{"name", "NAME", "Endpoint of either side"}, "name", read_name<End::kEither>},
    {{"from-pod", "NAME", "The same as --from-name"}, "from-name", read_name<End::kSource>},
    {{"to-pod", "NAME", "The same as --to-name"}, "to-name", read_name<End::kDestination>},
    {{"from-namespace", "NAME", "Source's namespace"}, "from-namespace", read_namespace<End::kSource>},
    {{"to-namespace", "NAME", "Destination's namespace"}, "to-namespace", read_namespace<End::kDestination>},
    {{"namespace", "NAME", "Namespace of either side"}, "namespace", read_namespace<End::kEither>},
    {{"from-label", "SELECTOR", "Source's labels: app == 'web'"}, "from-label", read_label<End::kSource>},
    {{"to-label", "SELECTOR", "Destination's labels"}, "to-label", read_label<End::kDestination>},
    {{"label", "SELECTOR", "Labels of either side"}, "label", read_label<End::kEither>},
    {{"from-port", "PORT", "Source port of the group's last connection, or a range"},
     "from-port",
     read_port<End::kSource>},
    {{"to-port", "PORT", "Destination port, or a range: 8000-8999"}, "to-port", read_port<End::kDestination>},
    {{"port", "PORT", "Port of either side"}, "port", read_port<End::kEither>},
    {{"protocol", "NAME", "tcp, udp, sctp, icmp, icmpv6 or a number"}, "protocol", read_protocol},
    {{"in", "PORT", "The appliance's port by which the last connection entered"}, "in", read_ingress},
    {{"verdict", "VERDICT", "What happens: allow or deny"}, "verdict", read_verdict<World::kEnforced>},
    {{"enforced", "VERDICT", "The same as --verdict"}, "verdict", read_verdict<World::kEnforced>},
    {{"pending", "VERDICT", "What would happen after promotion: allow or deny"},
     "pending",
     read_verdict<World::kPending>},
    {{"policy", "POLICY", "Took part in either world: NAME, KIND:NAME or TIER|KIND:NAME|ACTION|RULE"},
     "policy",
     read_policy},
    {{"differing", "BOOL", "The worlds disagree"}, "differing", read_differing},
    {{"generation", "N", "Judged last by this generation"}, "generation", read_generation},
    {{"id", "N", "The group with this id"}, "id", read_id},
});

constexpr auto kFlags = [] {
    std::array<FlowFlag, kReaders.size()> flags{};
    std::transform(kReaders.begin(), kReaders.end(), flags.begin(), [](const FlagReader& one) { return one.flag; });
    return flags;
}();

}  // namespace

std::span<const FlowFlag> FlowFilter::flags() noexcept { return kFlags; }

const FlagReader* flag_reader(std::string_view name) noexcept {
    const auto found =
        std::find_if(kReaders.begin(), kReaders.end(), [&](const FlagReader& one) { return one.flag.name == name; });
    return found == kReaders.end() ? nullptr : &*found;
}

}  // namespace drywall::observe

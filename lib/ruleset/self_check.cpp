#include "self_check.h"

#include <algorithm>
#include <array>
#include <random>
#include <span>

#include "drywall/base/cache_line.h"
#include "drywall/classify/oracle.h"

namespace drywall::ruleset {

namespace {

constexpr std::size_t kMinKeysPerRule = 4;
constexpr std::size_t kMinKeys = 64;
// What the oracle may compare during one check: about a second on the slowest machine that we care for.
constexpr std::size_t kMaxComparisons = 100'000'000;

// A rule where it is judged: in the walk of a party, at a port, or in front of everything.
struct Site {
    const classify::Rule* rule = nullptr;
    const classify::Party* source = nullptr;
    const classify::Party* destination = nullptr;
};

class KeyMaker {
public:
    explicit KeyMaker(const classify::Program& program) : program_(program) {}

    std::vector<net::Tuple> make(std::size_t limit) {
        const std::size_t sites = std::max<std::size_t>(1, count_sites());
        keys_per_rule_ = std::max(kMinKeysPerRule, limit / sites);
        const std::size_t affordable = std::max<std::size_t>(1, limit / keys_per_rule_);
        stride_ = (sites + affordable - 1) / affordable;
        for (const classify::Party& party : program_.parties) {
            visit(party.egress, &party, nullptr);
            visit(party.ingress, nullptr, &party);
        }
        for (const classify::Lane& lane : program_.lanes)
            for (const auto& step : {lane.ingress_port, lane.egress_port})
                if (step) visit(*step, nullptr, nullptr);
        for (const classify::RuleIndex rule : program_.failsafe) add({.rule = &program_.rules[index(rule)]});
        // Endpoints that no rule names, and no endpoint at all.
        for (std::size_t i = 0; i < kMinKeys; ++i) add_key({.rule = &any_});
        if (keys_.size() > limit + kMinKeys) keys_.resize(limit + kMinKeys);
        return std::move(keys_);
    }

private:
    std::size_t count_sites() {
        std::size_t count = program_.failsafe.size();
        for (const classify::Walk& walk : program_.walks) {
            std::size_t& rules = rules_in_walk_.emplace_back();
            for (const classify::Tier& tier : walk.tiers) rules += tier.rules.size();
        }
        const auto add_walk = [&](classify::WalkId id) { count += rules_in_walk_[index(id)]; };
        for (const classify::Party& party : program_.parties)
            for (const classify::Walks* walks : {&party.egress, &party.ingress}) {
                add_walk(walks->enforced);
                add_walk(walks->pending);
            }
        for (const classify::Lane& lane : program_.lanes)
            for (const auto& step : {lane.ingress_port, lane.egress_port}) {
                if (!step) continue;
                add_walk(step->enforced);
                add_walk(step->pending);
            }
        return count;
    }

    void visit(const classify::Walks& walks, const classify::Party* source, const classify::Party* destination) {
        for (const classify::WalkId id : {walks.enforced, walks.pending}) {
            const std::size_t end = seen_ + rules_in_walk_[index(id)];
            for (std::size_t at = (seen_ + stride_ - 1) / stride_ * stride_; at < end; at += stride_)
                add({.rule = &rule_at(program_.walks[index(id)], at - seen_),
                     .source = source,
                     .destination = destination});
            seen_ = end;
        }
    }

    const classify::Rule& rule_at(const classify::Walk& walk, std::size_t position) const {
        for (const classify::Tier& tier : walk.tiers) {
            if (position < tier.rules.size()) return program_.rules[index(tier.rules[position])];
            position -= tier.rules.size();
        }
        return any_;
    }

    void add(const Site& site) {
        for (std::size_t i = 0; i < keys_per_rule_; ++i) add_key(site);
    }

    void add_key(const Site& site) {
        net::Tuple key;
        key.family = family_of(site);
        key.source = address(site.rule->source, site.source, key.family);
        key.destination = address(site.rule->destination, site.destination, key.family);
        fill_service(site.rule->service, key);
        key.ingress_port = static_cast<std::uint16_t>(lane_++ % program_.lanes.size());
        keys_.push_back(key);
    }

    std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_() % bound); }

    template <typename T>
    const T& one_of(const std::vector<T>& values) {
        return values[below(values.size())];
    }

    net::Family family_of(const Site& site) {
        if (site.rule->service.family) return *site.rule->service.family;
        const classify::Party* party = site.source != nullptr ? site.source : site.destination;
        if (party != nullptr && !party->addresses.empty()) return one_of(party->addresses).address.family;
        return below(3) == 0 ? net::Family::kIPv6 : net::Family::kIPv4;
    }

    // A prefix that the match names, or the party's own, or anyone's.
    const net::Prefix* pick(const classify::AddressMatch& match, const classify::Party* party) {
        if (party != nullptr && !party->addresses.empty()) return &one_of(party->addresses);
        const auto from = [this](const std::vector<classify::SetId>& sets) -> const net::Prefix* {
            if (sets.empty()) return nullptr;
            const auto& prefixes = program_.sets[index(one_of(sets))].prefixes;
            return prefixes.empty() ? nullptr : &one_of(prefixes);
        };
        if (const net::Prefix* named = from(below(4) == 0 ? match.not_in : match.in)) return named;
        if (const net::Prefix* named = from(match.not_in)) return named;
        if (program_.parties.empty() || below(4) == 0) return nullptr;
        const classify::Party& other = one_of(program_.parties);
        return other.addresses.empty() ? nullptr : &one_of(other.addresses);
    }

    net::AddressBytes address(const classify::AddressMatch& match, const classify::Party* party, net::Family family) {
        constexpr int kTries = 4;  // sets mix families
        for (int i = 0; i < kTries; ++i) {
            const net::Prefix* prefix = pick(match, party);
            if (prefix != nullptr && prefix->address.family == family) return edge(*prefix, party != nullptr);
        }
        return unknown(family);
    }

    // An address inside of the prefix or, unless `inside`, one that is just outside.
    net::AddressBytes edge(const net::Prefix& prefix, bool inside) {
        net::AddressBytes first = prefix.address.bytes;
        net::AddressBytes last = first;
        for (unsigned bit = prefix.length; bit < prefix.address.bits(); ++bit)
            last[bit / 8] = static_cast<std::uint8_t>(last[bit / 8] | (0x80u >> (bit % 8)));
        const std::size_t width = prefix.address.bits() / 8;
        switch (below(inside ? 2 : 4)) {
            case 0: return first;
            case 1: return last;
            case 2: return step(first, width, -1);
            default: return step(last, width, 1);
        }
    }

    static net::AddressBytes step(net::AddressBytes bytes, std::size_t width, int by) {
        for (std::size_t i = width; i-- > 0;) {
            bytes[i] = static_cast<std::uint8_t>(bytes[i] + by);
            const bool carried = by > 0 ? bytes[i] == 0 : bytes[i] == 0xff;
            if (!carried) break;
        }
        return bytes;
    }

    net::AddressBytes unknown(net::Family family) {
        net::AddressBytes bytes{};
        for (std::size_t i = 0; i < (family == net::Family::kIPv4 ? 4u : 16u); ++i)
            bytes[i] = static_cast<std::uint8_t>(random_());
        return bytes;
    }

    void fill_service(const classify::ServiceMatch& service, net::Tuple& key) {
        static constexpr std::array<std::uint8_t, 6> kProtocols{net::protocol::kTcp,    net::protocol::kUdp,
                                                                net::protocol::kIcmp,   net::protocol::kSctp,
                                                                net::protocol::kIcmpv6, 47 /* GRE: no ports */};
        key.protocol = kProtocols[below(kProtocols.size())];
        if (service.not_protocol && below(2) == 0) key.protocol = *service.not_protocol;
        if (service.protocol && below(8) != 0) key.protocol = *service.protocol;
        if (net::is_icmp(key.protocol)) {
            key.destination_port = icmp_edge(service);
        } else if (net::has_ports(key.protocol)) {
            key.source_port = port_edge(service.source_ports, service.not_source_ports);
            key.destination_port = port_edge(service.destination_ports, service.not_destination_ports);
        }
    }

    std::uint16_t port_edge(const std::vector<classify::PortRange>& in, const std::vector<classify::PortRange>& out) {
        const auto& ranges = in.empty() ? out : in;
        if (ranges.empty()) return static_cast<std::uint16_t>(random_());
        const classify::PortRange& range = one_of(ranges);
        switch (below(4)) {
            case 0: return range.first;
            case 1: return range.last;
            case 2: return static_cast<std::uint16_t>(range.first - 1);
            default: return static_cast<std::uint16_t>(range.last + 1);
        }
    }

    std::uint16_t icmp_edge(const classify::ServiceMatch& service) {
        const std::optional<classify::IcmpMatch>& match = service.icmp ? service.icmp : service.not_icmp;
        if (!match) return static_cast<std::uint16_t>(below(20) << 8);
        const auto type = static_cast<std::uint8_t>(match->type + (below(3) == 0 ? 1 : 0));
        const auto code = static_cast<std::uint8_t>(match->code.value_or(0) + below(2));
        return static_cast<std::uint16_t>(type << 8 | code);
    }

    const classify::Program& program_;
    const classify::Rule any_{};
    std::vector<net::Tuple> keys_;
    std::vector<std::size_t> rules_in_walk_;
    std::mt19937_64 random_{1};  // a constant seed: the same program gets the same keys
    std::size_t keys_per_rule_ = kMinKeysPerRule;
    std::size_t stride_ = 1;
    std::size_t seen_ = 0;
    std::size_t lane_ = 0;
};

// An upper bound of what the oracle compares for one key.
std::size_t comparisons_per_key(const classify::Program& program) {
    const auto side = [&](const classify::AddressMatch& match) {
        std::size_t count = 1;
        for (const auto* sets : {&match.in, &match.not_in})
            for (const classify::SetId id : *sets) count += program.sets[index(id)].prefixes.size();
        return count;
    };
    std::vector<std::size_t> cost;  // by rule
    cost.reserve(program.rules.size());
    for (const classify::Rule& rule : program.rules) cost.push_back(side(rule.source) + side(rule.destination));
    std::size_t longest = 0;
    for (const classify::Walk& walk : program.walks) {
        std::size_t count = 0;
        for (const classify::Tier& tier : walk.tiers)
            for (const classify::RuleIndex rule : tier.rules) count += cost[index(rule)];
        longest = std::max(longest, count);
    }
    std::size_t addresses = 0;
    for (const classify::Party& party : program.parties) addresses += party.addresses.size();
    constexpr std::size_t kWalksPerKey = 4;  // egress and ingress, in both worlds
    return 1 + kWalksPerKey * longest + 2 * addresses;
}

std::string answer(const classify::Trace& trace) {
    return std::string("enforced ") + std::string(name(trace.enforced)) + ", pending " +
           std::string(name(trace.pending));
}

Error disagreement(const net::Tuple& key, std::string_view kernel, const classify::Trace& fast,
                   const classify::Trace& slow) {
    return Error::of(ErrorKind::kInternal,
                     "the compiled table (" + std::string(kernel) + ") and the rules disagree on " + text(key) +
                         ": table says " + answer(fast) + ", rules say " + answer(slow),
                     "nothing was changed; please report this together with the policies");
}

Status check_burst(const classify::Program& program, const classify::Classifier& classifier,
                   std::span<const net::Tuple> keys) {
    std::array<TraceId, kMaxBurst> traces{};
    classifier.lookup(keys, traces);
    for (std::size_t i = 0; i < keys.size(); ++i) {
        const classify::Trace slow = classify::judge(program, keys[i]);
        const classify::Trace& one = classifier.traces()[index(classifier.lookup(keys[i]))];
        if (!(one == slow)) return disagreement(keys[i], "single lookup", one, slow);
        const classify::Trace& burst = classifier.traces()[index(traces[i])];
        if (!(burst == slow)) return disagreement(keys[i], "burst lookup", burst, slow);
    }
    return Done{};
}

}  // namespace

std::vector<net::Tuple> boundary_keys(const classify::Program& program, std::size_t limit) {
    return KeyMaker(program).make(limit);
}

Status self_check(const classify::Program& program, const classify::Classifier& classifier, std::size_t limit) {
    const std::size_t affordable = std::max(kMinKeys, kMaxComparisons / comparisons_per_key(program));
    const std::vector<net::Tuple> keys = boundary_keys(program, std::min(limit, affordable));
    for (std::size_t i = 0; i < keys.size(); i += kMaxBurst) {
        const auto burst = std::span(keys).subspan(i, std::min(kMaxBurst, keys.size() - i));
        if (Status status = check_burst(program, classifier, burst); !status) return status;
    }
    return Done{};
}

std::string text(const net::Tuple& tuple) {
    const auto end = [&](const net::AddressBytes& bytes, std::uint16_t port) {
        std::string address = net::Address{tuple.family, bytes}.text();
        if (!net::has_ports(tuple.protocol)) return address;
        return (tuple.family == net::Family::kIPv6 ? "[" + address + "]" : address) + ":" + std::to_string(port);
    };
    std::string protocol = std::to_string(tuple.protocol);
    if (tuple.protocol == net::protocol::kTcp) protocol = "tcp";
    if (tuple.protocol == net::protocol::kUdp) protocol = "udp";
    std::string text = "protocol " + protocol + " " + end(tuple.source, tuple.source_port) + " -> " +
                       end(tuple.destination, tuple.destination_port);
    if (net::is_icmp(tuple.protocol))
        text += " type " + std::to_string(tuple.destination_port >> 8) + " code " +
                std::to_string(tuple.destination_port & 0xff);
    return text + ", entering by port " + std::to_string(tuple.ingress_port);
}

}  // namespace drywall::ruleset

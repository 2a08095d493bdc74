#include "self_check.h"

#include <algorithm>
#include <array>
#include <random>
#include <span>

#include "drywall/base/cache_line.h"
#include "drywall/classify/oracle.h"
#include "program_changes.h"

namespace drywall::ruleset {

namespace {

constexpr std::size_t kMinKeysPerRule = 4;
constexpr std::size_t kMaxKeysPerRule = 32;  // of what changed; a single rule has no more edges to look at
constexpr std::size_t kMinKeys = 64;
// What the oracle may compare during one check: about a second on the slowest machine that we care for.
constexpr std::size_t kMaxComparisons = 100'000'000;

// A rule where it is judged: in the walk of a party, at a port, or in front of everything.
struct Site {
    const classify::Rule* rule = nullptr;
    const classify::Party* source = nullptr;
    const classify::Party* destination = nullptr;
    const net::Prefix* source_at = nullptr;  // instead of any address of a party's, this one
    const net::Prefix* destination_at = nullptr;
};

class KeyMaker {
public:
    // `turn`: the same one gives the same keys of the same program, another one others.
    KeyMaker(const classify::Program& program, std::size_t lanes, std::uint64_t turn)
        : program_(program), lanes_(lanes), rules_in_walk_(rules_of_walks(program)), turn_(turn), random_(turn) {}

    // Rules of walks: of each walk, those at some positions.
    using Positions = std::vector<std::vector<std::uint32_t>>;  // by WalkId

    // `limit` keys or fewer at the boundaries of all rules, spread over them, and of packets that no rule names.
    void visit_all(std::size_t limit) {
        const std::size_t most = keys_.size() + limit;
        const std::size_t per_rule = spread_over(rules_in_walk_, program_.failsafe.size(), limit, limit,
                                                 [](std::size_t, std::size_t at) { return at; });
        for (const classify::RuleIndex rule : program_.failsafe) add({.rule = &program_.rules[index(rule)]}, per_rule);
        // Endpoints that no rule names, and no endpoint at all.
        for (std::size_t i = 0; i < kMinKeys; ++i) add_key({.rule = &any_});
        if (keys_.size() > most + kMinKeys) keys_.resize(most + kMinKeys);
    }

    // `limit` keys or fewer at the boundaries of the rules at these positions.
    void visit(const Positions& positions, std::size_t limit) {
        const std::size_t most = keys_.size() + limit;
        std::vector<std::size_t> counts;
        for (const auto& of_walk : positions) counts.push_back(of_walk.size());
        spread_over(counts, 0, limit, kMaxKeysPerRule,
                    [&](std::size_t walk, std::size_t at) -> std::size_t { return positions[walk][at]; });
        if (keys_.size() > most) keys_.resize(most);
    }

    // About `limit` keys from and to these addresses, which belong to no party or to some.
    void visit_addresses(const std::vector<net::Prefix>& addresses, std::size_t limit) {
        if (addresses.empty()) return;
        const std::size_t stride = 2 * kMinKeysPerRule * addresses.size() / std::max<std::size_t>(1, limit) + 1;
        for (std::size_t at = 0; at < addresses.size(); at += stride) {
            for (std::size_t i = 0; i < kMinKeysPerRule; ++i) {
                const classify::Rule& rule = program_.rules.empty() ? any_ : one_of(program_.rules);
                add_key({.rule = &rule, .source_at = &addresses[at]});
                add_key({.rule = &rule, .destination_at = &addresses[at]});
            }
        }
    }

    // `limit` keys or fewer at the boundaries of rules, wherever they are judged.
    void visit_rules(const std::vector<classify::RuleIndex>& rules, std::size_t limit) {
        const std::size_t per_rule =
            std::clamp(limit / std::max<std::size_t>(1, rules.size()), kMinKeysPerRule, kMaxKeysPerRule);
        const std::size_t stride = rules.size() * per_rule / std::max<std::size_t>(1, limit) + 1;
        for (std::size_t at = 0; at < rules.size(); at += stride)
            for (std::size_t i = 0; i < per_rule; ++i) add_key({.rule = &program_.rules[index(rules[at])]});
    }

    [[nodiscard]] std::vector<net::Tuple> take() { return std::move(keys_); }

private:
    static std::vector<std::size_t> rules_of_walks(const classify::Program& program) {
        std::vector<std::size_t> rules;
        for (const classify::Walk& walk : program.walks) {
            std::size_t& count = rules.emplace_back();
            for (const classify::Tier& tier : walk.tiers) count += tier.rules.size();
        }
        return rules;
    }

    template <typename Visit>
    void for_each_step(Visit&& visit) const {
        for (const classify::Party& party : program_.parties) {
            visit(party.egress, &party, nullptr);
            visit(party.ingress, nullptr, &party);
        }
        for (const classify::Lane& lane : program_.lanes)
            for (const auto& step : {lane.ingress_port, lane.egress_port})
                if (step) visit(*step, nullptr, nullptr);
    }

    // So many rules of each walk; `position` says which ones they are. Returns how many keys each is given when
    // `others` are to have as many.
    template <typename Position>
    std::size_t spread_over(const std::vector<std::size_t>& counts, std::size_t others, std::size_t limit,
                            std::size_t most_per_rule, Position&& position) {
        std::size_t sites = others;
        for_each_step([&](const classify::Walks& walks, const classify::Party*, const classify::Party*) {
            sites += counts[index(walks.enforced)] + counts[index(walks.pending)];
        });
        if (sites == 0) return 0;
        const std::size_t per_rule = std::max(kMinKeysPerRule, std::min(limit / sites, most_per_rule));
        const std::size_t affordable = std::max<std::size_t>(1, limit / per_rule);
        const std::size_t stride = (sites + affordable - 1) / affordable;
        std::size_t next = turn_ % stride;
        std::size_t seen = 0;
        for_each_step(
            [&](const classify::Walks& walks, const classify::Party* source, const classify::Party* destination) {
                for (const classify::WalkId id : {walks.enforced, walks.pending}) {
                    const std::size_t end = seen + counts[index(id)];
                    for (; next < end; next += stride)
                        add({.rule = &rule_at(program_.walks[index(id)], position(index(id), next - seen)),
                             .source = source,
                             .destination = destination},
                            per_rule);
                    seen = end;
                }
            });
        return per_rule;
    }

    const classify::Rule& rule_at(const classify::Walk& walk, std::size_t position) const {
        for (const classify::Tier& tier : walk.tiers) {
            if (position < tier.rules.size()) return program_.rules[index(tier.rules[position])];
            position -= tier.rules.size();
        }
        return any_;
    }

    void add(const Site& site, std::size_t keys) {
        for (std::size_t i = 0; i < keys; ++i) add_key(site);
    }

    void add_key(const Site& site) {
        net::Tuple key;
        key.family = family_of(site);
        key.source = site.source_at != nullptr ? edge(*site.source_at, true)
                                               : address(site.rule->source, site.source, key.family);
        key.destination = site.destination_at != nullptr
                              ? edge(*site.destination_at, true)
                              : address(site.rule->destination, site.destination, key.family);
        fill_service(site.rule->service, key);
        key.ingress_port = static_cast<std::uint16_t>(lane_++ % lanes_);
        keys_.push_back(key);
    }

    std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_() % bound); }

    template <typename T>
    const T& one_of(const std::vector<T>& values) {
        return values[below(values.size())];
    }

    net::Family family_of(const Site& site) {
        for (const net::Prefix* prefix : {site.source_at, site.destination_at})
            if (prefix != nullptr) return prefix->address.family;
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
    std::size_t lanes_;
    std::vector<std::size_t> rules_in_walk_;
    const classify::Rule any_{};
    std::vector<net::Tuple> keys_;
    std::uint64_t turn_;
    std::mt19937_64 random_;
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

std::vector<net::Tuple> boundary_keys(const classify::Program& program, std::size_t limit,
                                      const classify::Program* before, std::uint64_t turn) {
    KeyMaker maker(program, program.lanes.size(), turn);
    if (before == nullptr) {
        maker.visit_all(limit);
        return maker.take();
    }
    const ProgramChanges changes = changes_since(*before, program);
    KeyMaker::Positions fresh(program.walks.size());
    KeyMaker::Positions changed(program.walks.size());
    for (std::size_t walk = 0; walk < program.walks.size(); ++walk) {
        if (!changes.changed_walks[walk]) continue;
        std::uint32_t position = 0;
        for (const classify::Tier& tier : program.walks[walk].tiers)
            for (const classify::RuleIndex rule : tier.rules) {
                if (changes.fresh_rules[index(rule)]) fresh[walk].push_back(position);
                changed[walk].push_back(position++);
            }
    }
    maker.visit(fresh, limit / 2);
    maker.visit_addresses(changes.moved_addresses, limit / 8);
    maker.visit(changed, limit / 16);
    maker.visit_all(limit / 16);
    std::vector<net::Tuple> keys = maker.take();
    KeyMaker of_gone(*before, program.lanes.size(), turn);
    of_gone.visit_rules(changes.gone, limit / 4);
    const std::vector<net::Tuple> gone = of_gone.take();
    keys.insert(keys.end(), gone.begin(), gone.end());
    return keys;
}

Status self_check(const classify::Program& program, const classify::Classifier& classifier,
                  const classify::Program* before, std::uint64_t turn) {
    const std::size_t affordable = std::max(kMinKeys, kMaxComparisons / comparisons_per_key(program));
    const std::vector<net::Tuple> keys = boundary_keys(program, std::min(kSelfCheckKeys, affordable), before, turn);
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

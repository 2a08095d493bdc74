#include "rule_list.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "decision_forest.h"

namespace drywall::classify {
namespace {

using Ranges = std::vector<PortRange>;
constexpr PortRange kAll{0, 65535};

// Sorted, without overlaps or neighbours.
Ranges joined(Ranges ranges) {
    std::erase_if(ranges, [](PortRange range) { return range.first > range.last; });
    std::ranges::sort(ranges, {}, &PortRange::first);
    Ranges out;
    for (const PortRange range : ranges) {
        if (!out.empty() && range.first <= std::uint32_t{out.back().last} + 1) {
            out.back().last = std::max(out.back().last, range.last);
        } else {
            out.push_back(range);
        }
    }
    return out;
}

Ranges without(const Ranges& ranges, const Ranges& taken) {
    Ranges out;
    for (PortRange range : joined(ranges)) {
        bool left = true;
        for (const PortRange hole : joined(taken)) {
            if (hole.last < range.first || hole.first > range.last) continue;
            if (hole.first > range.first) {
                out.push_back({range.first, static_cast<std::uint16_t>(hole.first - 1)});
            }
            left = hole.last < range.last;
            if (!left) break;
            range.first = static_cast<std::uint16_t>(hole.last + 1);
        }
        if (left) out.push_back(range);
    }
    return out;
}

// Type and code of ICMP lie where others have the destination port.
PortRange icmp_range(const IcmpMatch& match) {
    const auto first = static_cast<std::uint16_t>(match.type << 8 | match.code.value_or(0));
    return {first, static_cast<std::uint16_t>(match.code ? first : first | 0xff)};
}

// Both 16-bit fields for one kind of protocols.
struct Fields {
    Ranges source;
    Ranges destination;
    bool operator==(const Fields&) const = default;
};

Fields fields_of_ports(const ServiceMatch& match) {
    if (match.icmp) return {};
    const auto in = [](const Ranges& ranges) { return ranges.empty() ? Ranges{kAll} : joined(ranges); };
    return {without(in(match.source_ports), match.not_source_ports),
            without(in(match.destination_ports), match.not_destination_ports)};
}

Fields fields_of_icmp(const ServiceMatch& match) {
    if (!match.source_ports.empty() || !match.destination_ports.empty()) return {};
    Fields fields{{kAll}, {match.icmp ? icmp_range(*match.icmp) : kAll}};
    if (match.not_icmp) fields.destination = without(fields.destination, {icmp_range(*match.not_icmp)});
    return fields;
}

Fields fields_of_others(const ServiceMatch& match) {
    if (match.icmp || !match.source_ports.empty() || !match.destination_ports.empty()) return {};
    return {{kAll}, {kAll}};
}

using Ranks = std::array<bool, 256>;

void add_boxes(const Ranks& ranks, const Fields& fields, std::vector<ServiceBox>& boxes) {
    for (std::size_t first = 0; first < ranks.size(); ++first) {
        if (!ranks[first]) continue;
        std::size_t last = first;
        while (last + 1 < ranks.size() && ranks[last + 1]) ++last;
        for (const PortRange source : fields.source) {
            for (const PortRange destination : fields.destination) {
                boxes.push_back(
                    {source, destination, static_cast<std::uint8_t>(first), static_cast<std::uint8_t>(last)});
            }
        }
        first = last;
    }
}

// A union of prefixes of one family as disjoint ones, sorted.
std::vector<net::Prefix> members(const AddressSet& set, net::Family family) {
    std::vector<net::Prefix> all;
    for (const net::Prefix& prefix : set.prefixes) {
        if (prefix.address.family == family) all.push_back(prefix);
    }
    std::ranges::sort(all);
    std::vector<net::Prefix> out;
    for (const net::Prefix& prefix : all) {
        if (out.empty() || !out.back().contains(prefix)) out.push_back(prefix);
    }
    return out;
}

// Both lists sorted and disjoint: so is the result.
std::vector<net::Prefix> common(const std::vector<net::Prefix>& left, const std::vector<net::Prefix>& right) {
    std::vector<net::Prefix> out;
    for (std::size_t a = 0, b = 0; a < left.size() && b < right.size();) {
        if (left[a].contains(right[b])) {
            out.push_back(right[b++]);
        } else if (right[b].contains(left[a])) {
            out.push_back(left[a++]);
        } else {
            left[a] < right[b] ? ++a : ++b;
        }
    }
    return out;
}

net::Prefix half(const net::Prefix& prefix, bool upper) {
    net::Prefix out = prefix;
    if (upper) {
        std::uint8_t& byte = out.address.bytes[prefix.length / 8U];
        byte = static_cast<std::uint8_t>(byte | 0x80U >> prefix.length % 8U);
    }
    ++out.length;
    return out;
}

// What is left of `prefix` without the holes (sorted, disjoint).
void subtract(const net::Prefix& prefix, std::span<const net::Prefix> holes, std::vector<net::Prefix>& out) {
    const bool gone = std::ranges::any_of(holes, [&](const net::Prefix& hole) { return hole.contains(prefix); });
    if (gone) return;
    const bool touched = std::ranges::any_of(holes, [&](const net::Prefix& hole) { return prefix.contains(hole); });
    if (!touched) {
        out.push_back(prefix);
        return;
    }
    for (const bool upper : {false, true}) subtract(half(prefix, upper), holes, out);
}

std::vector<net::Prefix> prefixes_of(const Program& program, const AddressMatch& match, net::Family family) {
    std::vector<net::Prefix> prefixes{{{family, {}}, 0}};
    for (const SetId id : match.in) prefixes = common(prefixes, members(program.sets[index(id)], family));
    for (const SetId id : match.not_in) {
        std::vector<net::Prefix> left;
        for (const net::Prefix& prefix : prefixes) {
            subtract(prefix, members(program.sets[index(id)], family), left);
        }
        prefixes = std::move(left);
    }
    return prefixes;
}

class Lister {
public:
    Lister(const Program& program, const NormalProgram& normal, std::size_t most_entries)
        : program_(program), normal_(normal), most_entries_(most_entries) {}

    Result<RuleLists> run() {
        std::vector<bool> done(normal_.lanes.size(), false);
        lists_.of_lane.resize(normal_.lanes.size());
        for (std::size_t port = 0; port < program_.lanes.size(); ++port) {
            const std::uint32_t lane = normal_.lane_of_port[port];
            if (done[lane]) continue;
            done[lane] = true;
            write(program_.lanes[port], lists_.of_lane[lane]);
            if (entries_ > most_entries_) {
                return Error::of(ErrorKind::kRefused,
                                 "the rules are more than " + std::to_string(most_entries_) +
                                     " when each of their combinations of prefixes and ports is counted",
                                 "name fewer prefixes and port ranges on both sides of one rule, or raise the "
                                 "classifier's memory budget");
            }
        }
        return std::move(lists_);
    }

private:
    void write(const Lane& lane, RuleList& list) {
        for (const RuleIndex rule : program_.failsafe) {
            add(list, rule, trace(Verdict::kAllow, {program_.rules[index(rule)].hit}));
        }
        if (!lane.ingress_port && !lane.egress_port) {
            const std::vector<HitId> hits{program_.unmatched_hit};
            list.otherwise = static_cast<std::uint32_t>(lists_.traces.size());
            lists_.traces.push_back({program_.unmatched, program_.unmatched, true, hits, hits});
            return;
        }
        const Walks& walks = lane.ingress_port ? *lane.ingress_port : *lane.egress_port;
        write(program_.walks[index(walks.enforced)], list);
    }

    void write(const Walk& walk, RuleList& list) {
        std::vector<HitId> before;  // the ends of tiers that were passed
        const auto with = [&](HitId hit) {
            std::vector<HitId> hits = before;
            hits.push_back(hit);
            return hits;
        };
        for (const Tier& tier : walk.tiers) {
            for (const RuleIndex id : tier.rules) {
                const Rule& rule = program_.rules[index(id)];
                const Verdict verdict = rule.action == Action::kAllow ? Verdict::kAllow : Verdict::kDeny;
                add(list, id, trace(verdict, with(rule.hit)));
            }
            if (tier.end == Action::kDeny) {
                list.otherwise = trace(Verdict::kDeny, with(tier.end_hit));
                return;
            }
            if (tier.end_hit != kNoHit) before.push_back(tier.end_hit);
        }
        list.otherwise = trace(walk.otherwise, with(walk.otherwise_hit));
    }

    // Neighbours in the list that answer alike share the number; so it stays ordered.
    std::uint32_t trace(Verdict verdict, std::vector<HitId> hits) {
        Trace made{verdict, verdict, false, hits, std::move(hits)};
        if (lists_.traces.empty() || !(lists_.traces.back() == made)) lists_.traces.push_back(std::move(made));
        return static_cast<std::uint32_t>(lists_.traces.size() - 1);
    }

    void add(RuleList& list, RuleIndex id, std::uint32_t answer) {
        const Rule& rule = program_.rules[index(id)];
        for (const net::Family family : {net::Family::kIPv4, net::Family::kIPv6}) {
            const std::vector<ServiceBox> boxes = boxes_of(rule.service, family);
            if (boxes.empty()) continue;
            const std::vector<net::Prefix> sources = prefixes_of(program_, rule.source, family);
            const std::vector<net::Prefix> destinations = prefixes_of(program_, rule.destination, family);
            entries_ += boxes.size() * sources.size() * destinations.size();
            if (entries_ > most_entries_) return;
            for (const net::Prefix& source : sources) {
                for (const net::Prefix& destination : destinations) {
                    for (const ServiceBox& box : boxes) list.entries.push_back({source, destination, box, answer});
                }
            }
        }
    }

    const Program& program_;
    const NormalProgram& normal_;
    std::size_t most_entries_;
    std::size_t entries_ = 0;
    RuleLists lists_;
};

}  // namespace

bool is_rule_list(const Program& program, const NormalProgram& normal) {
    if (!program.parties.empty()) return false;
    for (const NormalLane& lane : normal.lanes) {
        if (lane.ingress_port != kNone && lane.egress_port != kNone) return false;
        const std::uint32_t step = lane.ingress_port != kNone ? lane.ingress_port : lane.egress_port;
        if (step == kNone) continue;
        if (normal.steps[step].enforced != normal.steps[step].pending) return false;
        for (const Op& op : normal.walks[normal.steps[step].enforced]) {
            const Leaf& leaf = normal.leaves[op.leaf];
            const bool decides = leaf.action == Action::kAllow || leaf.action == Action::kDeny;
            if (leaf.kind == Leaf::Kind::kRule && !decides) return false;
        }
    }
    return true;
}

Result<RuleLists> rule_lists_of(const Program& program, const NormalProgram& normal, std::size_t most_entries) {
    return Lister(program, normal, most_entries).run();
}

std::vector<ServiceBox> boxes_of(const ServiceMatch& match, net::Family family) {
    if (match.family && *match.family != family) return {};
    Ranks allowed{};
    for (std::size_t protocol = 0; protocol < allowed.size(); ++protocol) {
        const bool named = !match.protocol || *match.protocol == protocol;
        allowed[kProtocolRanks[protocol]] = named && !(match.not_protocol && *match.not_protocol == protocol);
    }
    const std::array<Fields, 3> fields{fields_of_ports(match), fields_of_icmp(match), fields_of_others(match)};
    const auto kind_of_rank = [](std::size_t rank) {
        return rank < kFirstIcmpRank ? 0 : rank < kFirstOtherRank ? 1 : 2;
    };
    std::vector<ServiceBox> boxes;
    std::array<bool, 3> written{};
    for (std::size_t kind = 0; kind < fields.size(); ++kind) {
        if (written[kind]) continue;
        Ranks ranks{};
        for (std::size_t rank = 0; rank < ranks.size(); ++rank) {
            const auto other = static_cast<std::size_t>(kind_of_rank(rank));
            ranks[rank] = allowed[rank] && fields[other] == fields[kind];
            written[other] = written[other] || fields[other] == fields[kind];
        }
        add_boxes(ranks, fields[kind], boxes);
    }
    return boxes;
}

}  // namespace drywall::classify

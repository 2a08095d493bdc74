// Services cut into classes: protocols, ports, ICMP types and codes that no rule of two regimes tells apart.

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "diff_space_parts.h"
#include "drywall/classify/oracle.h"
#include "drywall/explain/protocols.h"

namespace drywall::explain {

namespace {

using classify::PortRange;
using classify::ServiceMatch;

constexpr std::uint16_t kLastPort = 0xffff;
// What stands for all ports that no rule names, if it is one of them: a client's, and the service that answers nobody.
constexpr std::array<std::uint16_t, 4> kUsualPorts16{49152, 9, 8 << 8, 128 << 8};

bool is_about(const ServiceMatch& match, std::uint8_t protocol, net::Family family) {
    return (!match.family || *match.family == family) && (!match.protocol || *match.protocol == protocol) &&
           (!match.not_protocol || *match.not_protocol != protocol);
}

void cut_at(std::set<std::uint32_t>& cuts, const std::vector<PortRange>& ranges) {
    for (const PortRange range : ranges) cuts.insert({range.first, std::uint32_t{range.last} + 1});
}

void cut_at(std::set<std::uint32_t>& cuts, const std::optional<classify::IcmpMatch>& icmp) {
    if (!icmp) return;
    const std::uint32_t type = std::uint32_t{icmp->type} << 8;
    if (icmp->code)
        cuts.insert({type | *icmp->code, (type | *icmp->code) + 1});
    else
        cuts.insert({type, type + 0x100});
}

std::vector<PortRange> ranges_between(std::set<std::uint32_t> cuts) {
    cuts.insert(0);
    cuts.insert(std::uint32_t{kLastPort} + 1);
    std::vector<PortRange> ranges;
    for (auto cut = cuts.begin(); std::next(cut) != cuts.end(); ++cut)
        ranges.push_back({static_cast<std::uint16_t>(*cut), static_cast<std::uint16_t>(*std::next(cut) - 1)});
    return ranges;
}

std::uint16_t one_of(PortRange range) {
    for (const std::uint16_t usual : kUsualPorts16)
        if (range.first <= usual && usual <= range.last) return usual;
    return range.first == 0 && range.last > 0 ? std::uint16_t{1} : range.first;
}

class ServiceCutter {
public:
    ServiceCutter(const std::vector<ServiceMatch>& matches, net::Family family) : matches_(matches), family_(family) {}

    Result<ClassedServices> cut(std::size_t most_cells) {
        for (const std::vector<ProtocolRange>& protocols : protocol_classes()) {
            ClassedServices::Slab slab = slab_of(protocols);
            const std::size_t cells = slab.sources.size() * slab.destinations.size();
            if (cells > most_cells)
                return Error::of(ErrorKind::kRefused,
                                 "the rules cut the ports of " + protocol_name(protocols.front().first) + " into " +
                                     std::to_string(cells) + " combinations; at most " + std::to_string(most_cells) +
                                     " are compared",
                                 "ask about single connections with `drywall trace`");
            most_cells -= cells;
            fill(slab);
            result_.slabs.push_back(std::move(slab));
        }
        return std::move(result_);
    }

private:
    // Each protocol that a rule names, those that have ports or ICMP's types, and all others as one.
    [[nodiscard]] std::vector<std::vector<ProtocolRange>> protocol_classes() const {
        std::set<std::uint8_t> own{net::protocol::kTcp, net::protocol::kUdp, net::protocol::kSctp, net::protocol::kIcmp,
                                   net::protocol::kIcmpv6};
        for (const ServiceMatch& match : matches_) {
            if (match.protocol) own.insert(*match.protocol);
            if (match.not_protocol) own.insert(*match.not_protocol);
        }
        std::vector<std::vector<ProtocolRange>> classes;
        for (const std::uint8_t protocol : own) classes.push_back({{protocol, protocol}});
        std::vector<ProtocolRange> others;
        for (unsigned number = 0; number < 256; ++number) {
            const auto protocol = static_cast<std::uint8_t>(number);
            if (own.contains(protocol)) continue;
            if (!others.empty() && others.back().last + 1U == number)
                others.back().last = protocol;
            else
                others.push_back({protocol, protocol});
        }
        if (!others.empty()) classes.push_back(std::move(others));
        return classes;
    }

    [[nodiscard]] ClassedServices::Slab slab_of(const std::vector<ProtocolRange>& protocols) const {
        const std::uint8_t protocol = protocols.back().last;
        std::set<std::uint32_t> sources;
        std::set<std::uint32_t> destinations;
        for (const ServiceMatch& match : matches_) {
            if (!is_about(match, protocol, family_)) continue;
            if (net::has_ports(protocol)) {
                cut_at(sources, match.source_ports);
                cut_at(sources, match.not_source_ports);
                cut_at(destinations, match.destination_ports);
                cut_at(destinations, match.not_destination_ports);
            } else if (net::is_icmp(protocol)) {
                cut_at(destinations, match.icmp);
                cut_at(destinations, match.not_icmp);
            }
        }
        return {protocols, ranges_between(std::move(sources)), ranges_between(std::move(destinations)), {}};
    }

    void fill(ClassedServices::Slab& slab) {
        net::Tuple tuple;
        tuple.family = family_;
        tuple.protocol = slab.protocols.back().last;
        for (const PortRange source : slab.sources) {
            if (net::has_ports(tuple.protocol)) tuple.source_port = one_of(source);
            for (const PortRange destination : slab.destinations) {
                if (net::has_ports(tuple.protocol) || net::is_icmp(tuple.protocol))
                    tuple.destination_port = one_of(destination);
                slab.classes.push_back(class_of(tuple));
            }
        }
    }

    std::uint32_t class_of(const net::Tuple& tuple) {
        std::vector<bool> held(matches_.size());
        for (std::size_t at = 0; at < matches_.size(); ++at) held[at] = classify::matches(matches_[at], tuple);
        const auto [known, fresh] =
            numbers_.try_emplace(std::move(held), static_cast<std::uint32_t>(result_.examples.size()));
        if (fresh) result_.examples.push_back(tuple);
        return known->second;
    }

    const std::vector<ServiceMatch>& matches_;
    net::Family family_;
    ClassedServices result_;
    std::map<std::vector<bool>, std::uint32_t> numbers_;
};

// Which of `parts` are marked, adjoining ones as one; empty when all are.
std::vector<PortRange> joined_ranges(const std::vector<PortRange>& parts, const std::vector<bool>& marked) {
    std::vector<PortRange> out;
    for (std::size_t at = 0; at < parts.size(); ++at) {
        if (!marked[at]) continue;
        if (!out.empty() && out.back().last + 1 == parts[at].first)
            out.back().last = parts[at].last;
        else
            out.push_back(parts[at]);
    }
    const bool whole = out.size() == 1 && out[0].first == 0 && out[0].last == kLastPort;
    return whole ? std::vector<PortRange>{} : out;
}

// Rows of source ports with the same destination ports are one region.
void append_regions(std::vector<ServiceRegion>& out, const ClassedServices::Slab& slab,
                    const std::vector<bool>& marked) {
    std::map<std::vector<bool>, std::vector<bool>> rows;  // destinations, sources
    for (std::size_t source = 0; source < slab.sources.size(); ++source) {
        std::vector<bool> row(slab.destinations.size());
        for (std::size_t at = 0; at < row.size(); ++at) row[at] = marked[slab.classes[source * row.size() + at]];
        if (std::ranges::find(row, true) == row.end()) continue;
        std::vector<bool>& sources = rows[row];
        sources.resize(slab.sources.size());
        sources[source] = true;
    }
    for (const auto& [destinations, sources] : rows) {
        ServiceRegion region{slab.protocols, joined_ranges(slab.sources, sources),
                             joined_ranges(slab.destinations, destinations)};
        // What means the same for several protocols is said once.
        const auto same = std::ranges::find_if(out, [&](const ServiceRegion& other) {
            const bool all = region.source_ports.empty() && region.destination_ports.empty();
            return other.source_ports == region.source_ports && other.destination_ports == region.destination_ports &&
                   (all || net::has_ports(other.protocols[0].first) == net::has_ports(region.protocols[0].first));
        });
        if (same == out.end())
            out.push_back(std::move(region));
        else
            same->protocols.insert(same->protocols.end(), region.protocols.begin(), region.protocols.end());
    }
}

void join_protocols(std::vector<ProtocolRange>& protocols) {
    std::ranges::sort(protocols, {}, &ProtocolRange::first);
    std::vector<ProtocolRange> out;
    for (const ProtocolRange range : protocols)
        if (!out.empty() && out.back().last + 1U == range.first)
            out.back().last = range.last;
        else
            out.push_back(range);
    protocols = std::move(out);
}

std::string icmp_code_text(std::uint16_t value) {
    return std::to_string(value >> 8) + '/' + std::to_string(value & 0xff);
}

std::string range_text(PortRange range, bool icmp) {
    if (!icmp) return std::to_string(range.first) + (range.first == range.last ? "" : '-' + std::to_string(range.last));
    if (range.first == range.last) return icmp_code_text(range.first);
    const bool whole_types = (range.first & 0xff) == 0 && (range.last & 0xff) == 0xff;
    if (!whole_types) return icmp_code_text(range.first) + '-' + icmp_code_text(range.last);
    const std::string first = std::to_string(range.first >> 8);
    const std::string last = std::to_string(range.last >> 8);
    return first == last ? first : first + '-' + last;
}

std::string ranges_text(const std::vector<PortRange>& ranges, bool icmp) {
    std::string out;
    for (const PortRange range : ranges) out += (out.empty() ? "" : ",") + range_text(range, icmp);
    return out;
}

std::string protocols_text(const std::vector<ProtocolRange>& protocols) {
    if (protocols.size() == 1 && protocols[0].first == 0 && protocols[0].last == 255) return "any";
    std::string out;
    for (const ProtocolRange range : protocols) {
        if (!out.empty()) out += ',';
        out += protocol_name(range.first);
        if (range.first != range.last) out += '-' + protocol_name(range.last);
    }
    return out;
}

bool any_range_holds(const std::vector<PortRange>& ranges, std::uint16_t port) {
    return ranges.empty() ||
           std::ranges::any_of(ranges, [port](PortRange range) { return range.first <= port && port <= range.last; });
}

}  // namespace

Result<ClassedServices> cut_services(const std::vector<ServiceMatch>& matches, net::Family family,
                                     std::size_t most_cells) {
    return ServiceCutter(matches, family).cut(most_cells);
}

std::vector<ServiceRegion> ClassedServices::regions(const std::vector<bool>& marked) const {
    std::vector<ServiceRegion> out;
    for (const Slab& slab : slabs) append_regions(out, slab, marked);
    for (ServiceRegion& region : out) join_protocols(region.protocols);
    return out;
}

bool ServiceRegion::contains(const net::Tuple& tuple) const {
    const bool ours = std::ranges::any_of(
        protocols, [&](ProtocolRange range) { return range.first <= tuple.protocol && tuple.protocol <= range.last; });
    return ours && any_range_holds(source_ports, tuple.source_port) &&
           any_range_holds(destination_ports, tuple.destination_port);
}

std::string ServiceRegion::text() const {
    std::string out = protocols_text(protocols);
    const bool icmp = net::is_icmp(protocols.front().first);
    if (!destination_ports.empty()) out += '/' + ranges_text(destination_ports, icmp);
    if (!source_ports.empty()) out += " from " + ranges_text(source_ports, false);
    return out;
}

}  // namespace drywall::explain

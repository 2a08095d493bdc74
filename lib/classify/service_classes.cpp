#include "service_classes.h"

#include <algorithm>
#include <array>
#include <compare>
#include <string>

#include "drywall/classify/oracle.h"
#include "interner.h"

namespace drywall::classify {
namespace {

constexpr std::size_t kPortValues = 65536;

// What a protocol's two 16-bit fields mean. A match treats all protocols of one kind alike, but for its conditions on
// the protocol itself.
enum class Kind : std::size_t { kPorts, kIcmp, kOther };
constexpr std::size_t kKinds = 3;
constexpr std::array<std::uint8_t, kKinds> kProtocolOfKind{net::protocol::kTcp, net::protocol::kIcmp, 255};

Kind kind_of(std::uint8_t protocol) noexcept {
    if (net::has_ports(protocol)) return Kind::kPorts;
    return net::is_icmp(protocol) ? Kind::kIcmp : Kind::kOther;
}

// A match holds when all three of its facets do; each facet looks at one dimension only.
ServiceMatch protocol_facet(const ServiceMatch& match) {
    return {.family = match.family, .protocol = match.protocol, .not_protocol = match.not_protocol};
}
ServiceMatch source_facet(const ServiceMatch& match) {
    return {.source_ports = match.source_ports, .not_source_ports = match.not_source_ports};
}
ServiceMatch destination_facet(const ServiceMatch& match) {
    return {.icmp = match.icmp,
            .not_icmp = match.not_icmp,
            .destination_ports = match.destination_ports,
            .not_destination_ports = match.not_destination_ports};
}

// The distinct facets of all matches in one dimension.
struct Facets {
    std::vector<ServiceMatch> distinct;
    std::vector<std::uint32_t> of_match;
};

template <typename Facet>
Facets facets_of(std::span<const ServiceMatch> matches, Facet facet) {
    Facets facets;
    Interner<std::uint32_t> known;
    for (const ServiceMatch& match : matches) {
        ServiceMatch part = facet(match);
        const std::uint32_t id = known.intern(fingerprint(part));
        if (id == facets.distinct.size()) facets.distinct.push_back(std::move(part));
        facets.of_match.push_back(id);
    }
    return facets;
}

// A value from which on a facet may answer differently than just below it.
struct Cut {
    std::size_t value = 0;
    std::uint32_t facet = 0;
    auto operator<=>(const Cut&) const = default;
};

void cut_ports(std::vector<Cut>& cuts, const std::vector<PortRange>& ranges, std::uint32_t facet) {
    for (const PortRange range : ranges) {
        cuts.push_back({range.first, facet});
        cuts.push_back({std::size_t{range.last} + 1, facet});
    }
}

void cut_icmp(std::vector<Cut>& cuts, const std::optional<IcmpMatch>& match, std::uint32_t facet) {
    if (!match) return;
    const std::size_t first = std::size_t{match->type} << 8 | match->code.value_or(0);
    cuts.push_back({first, facet});
    cuts.push_back({first + (match->code ? 1 : 256), facet});
}

// Sorted.
std::vector<Cut> cuts_of(const Facets& facets, Kind kind) {
    std::vector<Cut> cuts;
    for (std::uint32_t facet = 0; facet < facets.distinct.size(); ++facet) {
        const ServiceMatch& match = facets.distinct[facet];
        if (kind == Kind::kPorts) {
            for (const auto* ranges : {&match.source_ports, &match.not_source_ports, &match.destination_ports,
                                       &match.not_destination_ports}) {
                cut_ports(cuts, *ranges, facet);
            }
        } else if (kind == Kind::kIcmp) {
            cut_icmp(cuts, match.icmp, facet);
            cut_icmp(cuts, match.not_icmp, facet);
        }
    }
    std::ranges::sort(cuts);
    return cuts;
}

// One 16-bit field cut into classes. Classes are numbered over the distinct facets that hold.
struct ServiceDimension {
    std::vector<std::uint16_t> class_of;  // by value
    Interner<std::uint64_t> classes;      // bits over the distinct facets
    const Facets* facets = nullptr;

    // Bits over all matches.
    [[nodiscard]] BitMatrix rows() const {
        BitMatrix rows(classes.size(), facets->of_match.size());
        for (std::uint32_t id = 0; id < classes.size(); ++id) {
            const auto bits = classes[id];
            for (std::size_t match = 0; match < facets->of_match.size(); ++match) {
                const std::uint32_t facet = facets->of_match[match];
                if ((bits[facet / 64] >> (facet % 64) & 1) != 0) rows.set(id, match);
            }
        }
        return rows;
    }
};

void set_to(std::vector<std::uint64_t>& bits, std::size_t at, bool holds) {
    const std::uint64_t bit = std::uint64_t{1} << (at % 64);
    bits[at / 64] = holds ? bits[at / 64] | bit : bits[at / 64] & ~bit;
}

// Which of `facets` hold for this packet.
std::vector<std::uint64_t> signature(const Facets& facets, const net::Tuple& tuple) {
    std::vector<std::uint64_t> bits((facets.distinct.size() + 63) / 64, 0);
    for (std::size_t at = 0; at < facets.distinct.size(); ++at) {
        set_to(bits, at, matches(facets.distinct[at], tuple));
    }
    return bits;
}

// Goes through the values in order and asks anew, at each, those facets that are cut there.
ServiceDimension cut(const Facets& facets, Kind kind, std::uint16_t net::Tuple::*field) {
    ServiceDimension dimension;
    dimension.facets = &facets;
    net::Tuple representative;
    representative.protocol = kProtocolOfKind[static_cast<std::size_t>(kind)];
    std::vector<std::uint64_t> bits = signature(facets, representative);
    const std::vector<Cut> cuts = cuts_of(facets, kind);
    auto next = cuts.begin();
    std::size_t value = 0;
    while (value < kPortValues) {
        representative.*field = static_cast<std::uint16_t>(value);
        for (; next != cuts.end() && next->value == value; ++next) {
            set_to(bits, next->facet, matches(facets.distinct[next->facet], representative));
        }
        const std::uint32_t id = dimension.classes.intern(bits);
        value = next == cuts.end() ? kPortValues : std::min(next->value, kPortValues);
        dimension.class_of.resize(value, static_cast<std::uint16_t>(id));
    }
    return dimension;
}

// Families and protocols that no match tells apart.
struct ProtocolClass {
    Kind kind = Kind::kOther;
    std::vector<std::uint64_t> bits;  // over the distinct facets
};

struct Protocols {
    std::array<std::uint32_t, 512> class_of{};  // family << 8 | protocol
    std::vector<ProtocolClass> classes;
};

Protocols cut_protocols(const Facets& facets) {
    Protocols protocols;
    Interner<std::uint64_t> known;
    for (std::size_t at = 0; at < protocols.class_of.size(); ++at) {
        net::Tuple representative;
        representative.family = at < 256 ? net::Family::kIPv4 : net::Family::kIPv6;
        representative.protocol = static_cast<std::uint8_t>(at % 256);
        const Kind kind = kind_of(representative.protocol);
        std::vector<std::uint64_t> bits = signature(facets, representative);
        std::vector<std::uint64_t> key = bits;
        key.push_back(static_cast<std::uint64_t>(kind));
        const std::uint32_t id = known.intern(key);
        if (id == protocols.classes.size()) protocols.classes.push_back({kind, std::move(bits)});
        protocols.class_of[at] = id;
    }
    return protocols;
}

class ClassesBuilder {
public:
    ClassesBuilder(std::span<const ServiceMatch> matches, std::size_t budget_bytes)
        : matches_(matches),
          budget_bytes_(budget_bytes),
          protocol_facets_(facets_of(matches, protocol_facet)),
          source_facets_(facets_of(matches, source_facet)),
          destination_facets_(facets_of(matches, destination_facet)),
          protocols_(cut_protocols(protocol_facets_)) {
        for (std::size_t kind = 0; kind < kKinds; ++kind) {
            sources_[kind] = cut(source_facets_, Kind{kind}, &net::Tuple::source_port);
            destinations_[kind] = cut(destination_facets_, Kind{kind}, &net::Tuple::destination_port);
        }
    }

    Result<ServiceClasses> build() {
        const std::size_t cells = cube_cells();
        const std::size_t by_value = (looks_at_source_ports() ? 3 : 2) * kPortValues;
        const std::size_t bytes = (cells + by_value) * sizeof(std::uint16_t);
        if (cells > kMaxServiceCells || bytes > budget_bytes_) {
            return Error::of(ErrorKind::kRefused,
                             "the services of the rules cut ports into " + std::to_string(ports(sources_)) +
                                 " source and " + std::to_string(ports(destinations_)) +
                                 " destination classes: " + std::to_string(cells) + " cells, " + std::to_string(bytes) +
                                 " bytes; at most " + std::to_string(kMaxServiceCells) + " cells, " +
                                 std::to_string(budget_bytes_) + " bytes",
                             "use fewer distinct port ranges, above all on the source side");
        }
        ServiceClasses result;
        fill(result.table, cells);
        if (signatures_.size() > kMaxServiceClasses) {
            return Error::of(ErrorKind::kRefused,
                             "the rules tell more than " + std::to_string(kMaxServiceClasses) + " services apart",
                             "use fewer distinct combinations of protocol and ports");
        }
        result.count = signatures_.size();
        result.holds = BitMatrix(matches_.size(), result.count);
        for (std::uint32_t id = 0; id < signatures_.size(); ++id) {
            const auto bits = signatures_[id];
            for (std::size_t match = 0; match < matches_.size(); ++match) {
                if ((bits[match / 64] >> (match % 64) & 1) != 0) result.holds.set(match, id);
            }
        }
        return result;
    }

private:
    using Dimensions = std::array<ServiceDimension, kKinds>;

    static std::size_t ports(const Dimensions& dimensions) { return dimensions[0].classes.size(); }

    [[nodiscard]] bool looks_at_source_ports() const { return ports(sources_) > 1; }

    [[nodiscard]] std::size_t cube_cells() const {
        std::size_t cells = 0;
        for (const ProtocolClass& protocol : protocols_.classes) {
            const auto kind = static_cast<std::size_t>(protocol.kind);
            cells += sources_[kind].classes.size() * destinations_[kind].classes.size();
        }
        return cells;
    }

    void fill(ServiceTable& table, std::size_t cells) {
        if (looks_at_source_ports()) table.source_classes = sources_[0].class_of;
        table.destination_classes = destinations_[0].class_of;
        const auto& icmp = destinations_[static_cast<std::size_t>(Kind::kIcmp)].class_of;
        table.destination_classes.insert(table.destination_classes.end(), icmp.begin(), icmp.end());
        std::array<BitMatrix, kKinds> source_rows;
        std::array<BitMatrix, kKinds> destination_rows;
        for (std::size_t kind = 0; kind < kKinds; ++kind) {
            source_rows[kind] = sources_[kind].rows();
            destination_rows[kind] = destinations_[kind].rows();
        }
        table.cube.reserve(cells);
        std::vector<ProtocolRow> rows;
        for (const ProtocolClass& protocol : protocols_.classes) {
            const auto kind = static_cast<std::size_t>(protocol.kind);
            const auto width = static_cast<std::uint32_t>(destinations_[kind].classes.size());
            rows.push_back({.base = static_cast<std::uint32_t>(table.cube.size()),
                            .source_stride = protocol.kind == Kind::kPorts ? width : 0,
                            .destination_stride = protocol.kind == Kind::kOther ? 0U : 1U,
                            .destination_table = protocol.kind == Kind::kIcmp ? std::uint32_t{kPortValues} : 0});
            fill_slab(table.cube, protocol, source_rows[kind], sources_[kind].classes.size(), destination_rows[kind],
                      width);
        }
        for (std::size_t at = 0; at < protocols_.class_of.size(); ++at) {
            const net::Family family = at < 256 ? net::Family::kIPv4 : net::Family::kIPv6;
            table.protocols[protocol_row(family, static_cast<std::uint8_t>(at))] = rows[protocols_.class_of[at]];
        }
    }

    // One protocol class: all combinations of source and destination classes.
    void fill_slab(std::vector<std::uint16_t>& cube, const ProtocolClass& protocol, const BitMatrix& sources,
                   std::size_t source_count, const BitMatrix& destinations, std::size_t destination_count) {
        const std::vector<std::uint64_t> holds = over_matches(protocol);
        std::vector<std::uint64_t> cell(holds.size());
        for (std::size_t source = 0; source < source_count; ++source) {
            for (std::size_t destination = 0; destination < destination_count; ++destination) {
                for (std::size_t word = 0; word < cell.size(); ++word) {
                    cell[word] = holds[word] & sources.row(source)[word] & destinations.row(destination)[word];
                }
                cube.push_back(static_cast<std::uint16_t>(signatures_.intern(cell)));
            }
        }
    }

    [[nodiscard]] std::vector<std::uint64_t> over_matches(const ProtocolClass& protocol) const {
        std::vector<std::uint64_t> bits((matches_.size() + 63) / 64, 0);
        for (std::size_t match = 0; match < matches_.size(); ++match) {
            const std::uint32_t facet = protocol_facets_.of_match[match];
            if ((protocol.bits[facet / 64] >> (facet % 64) & 1) != 0)
                bits[match / 64] |= std::uint64_t{1} << (match % 64);
        }
        return bits;
    }

    std::span<const ServiceMatch> matches_;
    std::size_t budget_bytes_;
    Facets protocol_facets_;
    Facets source_facets_;
    Facets destination_facets_;
    Protocols protocols_;
    Dimensions sources_;
    Dimensions destinations_;
    Interner<std::uint64_t> signatures_;  // a service class: the matches that hold
};

}  // namespace

std::vector<std::uint32_t> fingerprint(const ServiceMatch& match) {
    constexpr std::uint32_t kUnset = 0x10000;
    std::vector<std::uint32_t> numbers;
    numbers.push_back(match.family ? static_cast<std::uint32_t>(*match.family) : kUnset);
    numbers.push_back(match.protocol ? *match.protocol : kUnset);
    numbers.push_back(match.not_protocol ? *match.not_protocol : kUnset);
    for (const auto* icmp : {&match.icmp, &match.not_icmp}) {
        numbers.push_back(*icmp ? (*icmp)->type : kUnset);
        numbers.push_back(*icmp && (*icmp)->code ? *(*icmp)->code : kUnset);
    }
    for (const auto* ranges :
         {&match.source_ports, &match.destination_ports, &match.not_source_ports, &match.not_destination_ports}) {
        numbers.push_back(static_cast<std::uint32_t>(ranges->size()));
        for (const PortRange range : *ranges) numbers.push_back(std::uint32_t{range.first} << 16 | range.last);
    }
    return numbers;
}

Result<ServiceClasses> build_service_classes(std::span<const ServiceMatch> matches, std::size_t budget_bytes) {
    return ClassesBuilder(matches, budget_bytes).build();
}

}  // namespace drywall::classify

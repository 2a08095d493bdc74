// NaiveAddresses: which addresses can't be, by a list of prefixes of which the longest that fits says it, and the sum
// of an IPv4 header, two bytes at a time. Shares nothing with net/address_check.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "drywall/net/address_check.h"
#include "drywall/net/packet_meta.h"

namespace drywall::engine {

// Sources that may enter by a port: any if `only` is empty, but none of `none`.
struct NaiveSources {
    std::vector<net::Prefix> only;
    std::vector<net::Prefix> none;
};

class NaiveAddresses {
public:
    static bool are_possible(const net::PacketMeta& meta, net::AddressCheck check) {
        if (check == net::AddressCheck::kAny) return true;
        const Kind source = kind_of(source_of(meta));
        const Kind destination = kind_of(destination_of(meta));
        if (meta.tuple.source == meta.tuple.destination) return false;
        if (source == kImpossible || source == kMulticast || source == kEveryone) return false;
        if (source == kUnspecified && !asks_for_an_address(meta)) return false;
        if (destination == kImpossible || destination == kUnspecified) return false;
        const bool only_near =
            source == kLinkLocal || source == kUnassigned || destination == kLinkLocal || destination == kUnassigned;
        return check != net::AddressCheck::kStrict || !only_near || stays_on_the_link(meta) || is_dhcpv6(meta);
    }

    static bool may_enter(const net::PacketMeta& meta, const NaiveSources& sources) {
        const Kind source = kind_of(source_of(meta));
        if (source == kUnspecified && asks_for_an_address(meta)) return true;
        if (source == kLinkLocal && (stays_on_the_link(meta) || is_dhcpv6(meta))) return true;
        const auto among = [&meta](const std::vector<net::Prefix>& prefixes) {
            for (const net::Prefix& prefix : prefixes)
                if (prefix.contains(source_of(meta))) return true;
            return false;
        };
        return (sources.only.empty() || among(sources.only)) && !among(sources.none);
    }

    // What neighbours on one link tell each other.
    static bool stays_on_the_link(const net::PacketMeta& meta) {
        const int hop_limit = hop_limit_of_neighbours(meta);
        return meta.fragment == net::FragmentKind::kWhole && hop_limit != 0 && hop_limit == meta.hop_limit;
    }

    // It says that it is such a message, and none of them sent it.
    static bool is_no_neighbours(const net::FrameView& frame, const net::PacketMeta& meta) {
        if (meta.fragment == net::FragmentKind::kLater || hop_limit_of_neighbours(meta) == 0) return false;
        return hop_limit_of_neighbours(meta) != meta.hop_limit || has_fragment_header(frame, meta);
    }

    // RFC 1071: all words of a header that says the truth add up to ones.
    static bool has_right_sum(const net::FrameView& frame, const net::PacketMeta& meta) {
        if (meta.tuple.family != net::Family::kIPv4) return true;
        const std::uint8_t* header = frame.data + meta.l3_offset;
        std::uint32_t sum = 0;
        for (int word = 0; word < (header[0] & 0x0f) * 2; ++word) sum += header[2 * word] * 256U + header[2 * word + 1];
        while (sum > 0xffff) sum = (sum >> 16) + (sum & 0xffff);
        return sum == 0xffff;
    }

private:
    // 0: it is no such message.
    static int hop_limit_of_neighbours(const net::PacketMeta& meta) {
        if (meta.tuple.family != net::Family::kIPv6 || meta.tuple.protocol != net::protocol::kIcmpv6) return 0;
        const int type = meta.tuple.destination_port >> 8;
        if (type >= 133 && type <= 137) return 255;
        return type == 130 || type == 131 || type == 132 || type == 143 ? 1 : 0;
    }

    static bool has_fragment_header(const net::FrameView& frame, const net::PacketMeta& meta) {
        const std::uint8_t* data = frame.data;
        int next = data[meta.l3_offset + 6];
        for (unsigned at = meta.l3_offset + 40U; at < meta.l4_offset;) {
            if (next == 44) return true;
            const unsigned bytes = next == 51 ? (data[at + 1] + 2U) * 4 : (data[at + 1] + 1U) * 8;
            next = data[at];
            at += bytes;
        }
        return false;
    }

    // Between a host on the link and the servers and relays there.
    static bool is_dhcpv6(const net::PacketMeta& meta) {
        const net::Tuple& tuple = meta.tuple;
        if (tuple.family != net::Family::kIPv6 || tuple.protocol != net::protocol::kUdp) return false;
        if (kind_of(source_of(meta)) != kLinkLocal) return false;
        if (tuple.source_port == 546 && tuple.destination_port == 547)
            return destination_of(meta) == net::Address::parse("ff02::1:2");
        return tuple.source_port == 547 && tuple.destination_port == 546 && kind_of(destination_of(meta)) == kLinkLocal;
    }

    enum Kind : std::uint8_t {
        kUnicast,
        kLinkLocal,
        kUnspecified,
        kMulticast,
        kEveryone,
        kImpossible,
        kUnassigned,
    };
    struct Row {
        net::Prefix prefix;
        Kind kind;
    };

    static net::Address source_of(const net::PacketMeta& meta) { return {meta.tuple.family, meta.tuple.source}; }
    static net::Address destination_of(const net::PacketMeta& meta) {
        return {meta.tuple.family, meta.tuple.destination};
    }

    // Source: RFC 6890 and IANA's registries of special addresses; RFC 4291.
    static const std::vector<Row>& rows() {
        static const std::vector<Row> all = [] {
            const std::vector<std::pair<std::string_view, Kind>> texts = {
                {"0.0.0.0/0", kUnicast},
                {"0.0.0.0/8", kUnspecified},
                {"127.0.0.0/8", kImpossible},
                {"169.254.0.0/16", kLinkLocal},
                {"224.0.0.0/4", kMulticast},
                {"240.0.0.0/4", kImpossible},
                {"255.255.255.255/32", kEveryone},
                {"::/0", kUnassigned},
                {"2000::/3", kUnicast},
                {"fc00::/7", kUnicast},
                {"fe80::/10", kLinkLocal},
                {"ff00::/8", kMulticast},
                {"::/96", kImpossible},
                {"::ffff:0:0/96", kImpossible},
                {"::/128", kUnspecified},
                {"::1/128", kImpossible},
            };
            std::vector<Row> result;
            for (const auto& [text, kind] : texts) result.push_back({*net::Prefix::parse_strict(text), kind});
            for (unsigned flags = 0; flags < 16; ++flags) {  // scope 0 of multicast is reserved
                net::Address address{net::Family::kIPv6, {0xff, static_cast<std::uint8_t>(flags << 4)}};
                result.push_back({net::Prefix::around(address, 16), kImpossible});
            }
            return result;
        }();
        return all;
    }
    static Kind kind_of(const net::Address& address) {
        const Row* best = nullptr;
        for (const Row& row : rows())
            if (row.prefix.contains(address) && (best == nullptr || row.prefix.length > best->prefix.length))
                best = &row;
        return best->kind;
    }

    // By DHCP, from 0.0.0.0 and to everyone; or as a neighbour.
    static bool asks_for_an_address(const net::PacketMeta& meta) {
        const net::Tuple& tuple = meta.tuple;
        if (tuple.family == net::Family::kIPv6) return stays_on_the_link(meta);
        return tuple.protocol == net::protocol::kUdp && tuple.source_port == 68 && tuple.destination_port == 67 &&
               source_of(meta) == net::Address::v4(0) && destination_of(meta) == net::Address::v4(0xffff'ffff);
    }
};

}  // namespace drywall::engine

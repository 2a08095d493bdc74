#include "naive_headers.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

namespace drywall::test {

namespace {

using net::FragmentKind;

constexpr std::size_t kHopByHop = 0;
constexpr std::size_t kRouting = 43;
constexpr std::size_t kFragmentHeader = 44;
constexpr std::size_t kAuthentication = 51;
constexpr std::size_t kNothing = 59;
constexpr std::size_t kDestination = 60;

// An extension header, which may be cut off behind its first bytes.
struct Extension {
    std::size_t type = 0;
    std::size_t begin = 0;
    std::size_t bytes = 0;
};

class Reader {
public:
    explicit Reader(const net::FrameView& frame) : frame_(frame) { out_.meta.tuple.ingress_port = frame.ingress_port; }

    NaiveHeaders read() {
        std::size_t at = 12;
        if (!there(at, 2)) return broken(DropReason::kTruncated);
        for (int tag = 0; tag < 2 && (word(at) == 0x8100 || word(at) == 0x88a8); ++tag, at += 4)
            if (!there(at + 4, 2)) return broken(DropReason::kTruncated);
        meta().ether_type = word(at);
        begin_ = at + 2;
        meta().l3_offset = static_cast<std::uint16_t>(begin_);
        meta().is_ip = meta().ether_type == 0x0800 || meta().ether_type == 0x86dd;
        if (meta().ether_type == 0x0800) read_ipv4();
        if (meta().ether_type == 0x86dd) read_ipv6();
        return out_;
    }

private:
    net::PacketMeta& meta() { return out_.meta; }
    NaiveHeaders broken(DropReason reason) { return out_.faults.insert(reason), out_; }
    void fault_if(bool wrong, DropReason reason) {
        if (wrong) out_.faults.insert(reason);
    }

    [[nodiscard]] bool there(std::size_t at, std::size_t bytes) const { return at + bytes <= frame_.contiguous; }
    [[nodiscard]] std::size_t byte(std::size_t at) const { return frame_.data[at]; }
    [[nodiscard]] std::uint16_t word(std::size_t at) const {
        return static_cast<std::uint16_t>(byte(at) * 256 + byte(at + 1));
    }
    // Within the packet, and there.
    [[nodiscard]] bool in_packet(std::size_t at, std::size_t bytes) const {
        return at + bytes <= end_ && there(at, bytes);
    }
    // What the packet does not hold, or nobody can see: of a first fragment that can be seen whole, it is its fault.
    [[nodiscard]] DropReason missing(DropReason of_first_fragment) {
        return meta().fragment == FragmentKind::kFirst && there(end_, 0) ? of_first_fragment : DropReason::kTruncated;
    }

    void read_ipv4() {
        if (!there(begin_, 20)) return (void)broken(DropReason::kTruncated);
        const std::size_t header = byte(begin_) % 16 * 4;
        const std::size_t total = word(begin_ + 2);
        if (byte(begin_) / 16 != 4 || header < 20 || total < header) return (void)broken(DropReason::kBadHeader);
        end_ = begin_ + total;
        if (end_ > frame_.length || !there(begin_, header)) return (void)broken(DropReason::kTruncated);
        std::memcpy(meta().tuple.source.data(), frame_.data + begin_ + 12, 4);
        std::memcpy(meta().tuple.destination.data(), frame_.data + begin_ + 16, 4);
        meta().tuple.family = net::Family::kIPv4;
        meta().tuple.protocol = static_cast<std::uint8_t>(byte(begin_ + 9));
        meta().hop_limit = static_cast<std::uint8_t>(byte(begin_ + 8));
        meta().fragment_id = word(begin_ + 4);
        check_options(begin_ + 20, begin_ + header);
        const std::size_t field = word(begin_ + 6);
        check_fragment(field % 0x2000 * 8, (field & 0x2000) != 0, begin_ + header);
        read_upper_layer(begin_ + header, DropReason::kFragmentTiny);
    }

    void check_options(std::size_t at, std::size_t end) {
        while (at < end && byte(at) != 0) {
            const std::size_t type = byte(at);
            std::size_t bytes = 1;
            if (type != 1) {
                if (at + 2 > end) return (void)broken(DropReason::kBadHeader);
                bytes = byte(at + 1);
                if (bytes < 2 || at + bytes > end) return (void)broken(DropReason::kBadHeader);
                fault_if(type == 7 || type == 131 || type == 137, DropReason::kIpOption);
            }
            at += bytes;
        }
    }

    void read_ipv6() {
        if (!there(begin_, 40)) return (void)broken(DropReason::kTruncated);
        if (byte(begin_) / 16 != 6) return (void)broken(DropReason::kBadHeader);
        end_ = begin_ + 40 + word(begin_ + 4);
        if (end_ > frame_.length) return (void)broken(DropReason::kTruncated);
        std::memcpy(meta().tuple.source.data(), frame_.data + begin_ + 8, 16);
        std::memcpy(meta().tuple.destination.data(), frame_.data + begin_ + 24, 16);
        meta().tuple.family = net::Family::kIPv6;
        meta().hop_limit = static_cast<std::uint8_t>(byte(begin_ + 7));

        std::size_t next = byte(begin_ + 6);
        std::size_t at = begin_ + 40;
        const std::vector<Extension> chain = lay_out(next, at);
        check_chain(chain);
        for (const Extension& header : chain) {
            if (!in_packet(header.begin, 8)) break;
            fault_if(header.type == kRouting && byte(header.begin + 2) == 0, DropReason::kIpOption);
            if (header.type == kFragmentHeader) read_fragment_header(header.begin);
        }
        if (!chain.empty() && !in_packet(chain.back().begin, chain.back().bytes))
            return (void)broken(missing(DropReason::kFragmentHeaders));
        meta().tuple.protocol = static_cast<std::uint8_t>(next);
        if (next != kNothing) read_upper_layer(at, DropReason::kFragmentHeaders);
    }

    // From header to header, until one is none of the chain, or is not there, or a later fragment hides what follows.
    std::vector<Extension> lay_out(std::size_t& next, std::size_t& at) const {
        std::vector<Extension> chain;
        while (next == kHopByHop || next == kRouting || next == kFragmentHeader || next == kAuthentication ||
               next == kDestination) {
            Extension header{next, at, 8};
            if (in_packet(at, 8) && next == kAuthentication) header.bytes = (byte(at + 1) + 2) * 4;
            if (in_packet(at, 8) && next != kAuthentication && next != kFragmentHeader)
                header.bytes = (byte(at + 1) + 1) * 8;
            chain.push_back(header);
            if (!in_packet(at, std::max<std::size_t>(8, header.bytes))) break;
            const bool later = next == kFragmentHeader && word(at + 2) >= 8;
            next = byte(at);
            at += header.bytes;
            if (later) break;
        }
        return chain;
    }

    void check_chain(const std::vector<Extension>& chain) {
        constexpr std::size_t kMostHeaders = 8;
        constexpr std::size_t kMostBytes = 256;
        const auto fragments = std::count_if(chain.begin(), chain.end(),
                                             [](const Extension& header) { return header.type == kFragmentHeader; });
        const bool late = std::any_of(chain.begin(), chain.end(), [&chain](const Extension& header) {
            return header.type == kHopByHop && header.begin != chain.front().begin;
        });
        std::size_t bytes = 0;
        for (const Extension& header : chain) bytes += in_packet(header.begin, header.bytes) ? header.bytes : 0;
        fault_if(chain.size() > kMostHeaders || fragments > 1 || late || bytes > kMostBytes,
                 DropReason::kExtensionChain);
    }

    void read_fragment_header(std::size_t at) {
        const std::size_t field = word(at + 2);
        meta().tuple.protocol = static_cast<std::uint8_t>(byte(at));
        meta().fragment_id = static_cast<std::uint32_t>(word(at + 4)) << 16 | word(at + 6);
        check_fragment(field / 8 * 8, field % 2 == 1, at + 8);
    }

    // What is carried from `at` to the packet's end.
    void check_fragment(std::size_t offset, bool more, std::size_t at) {
        if (offset == 0 && !more) return;
        meta().fragment = offset == 0 ? FragmentKind::kFirst : FragmentKind::kLater;
        const std::size_t bytes = end_ - at;
        const bool tcp = meta().tuple.protocol == 6;
        fault_if(bytes == 0, DropReason::kFragmentTiny);
        // What the whole datagram's length would have to say: of IPv4 it counts the header, of IPv6 what is behind it.
        const bool v4 = meta().tuple.family == net::Family::kIPv4;
        const std::size_t before = v4 ? at - begin_ : at - 8 - (begin_ + 40);
        fault_if(before + offset + bytes > 65535, DropReason::kFragmentOversize);
        fault_if(more && bytes % 8 != 0, DropReason::kBadHeader);
        fault_if(tcp && offset > 0 && offset < 20, DropReason::kFragmentTiny);
        out_.range = {static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(offset + bytes), !more};
    }

    void read_upper_layer(std::size_t at, DropReason too_short) {
        if (meta().fragment == FragmentKind::kLater) return;
        meta().l4_offset = static_cast<std::uint16_t>(at);
        const std::size_t rest = end_ - at;
        switch (meta().tuple.protocol) {
            case 6: return read_tcp(at, rest, too_short);
            case 17:
                if (!in_packet(at, 8)) return (void)broken(missing(too_short));
                fault_if(word(at + 4) < 8, DropReason::kBadHeader);
                fault_if(meta().fragment == FragmentKind::kWhole && word(at + 4) > rest, DropReason::kTruncated);
                return read_ports(at);
            case 132: return in_packet(at, 12) ? read_ports(at) : (void)broken(missing(too_short));
            case 1:
            case 58: return in_packet(at, 8) ? read_icmp(at) : (void)broken(missing(too_short));
            default: return;
        }
    }
    void read_tcp(std::size_t at, std::size_t rest, DropReason too_short) {
        if (!in_packet(at, 20)) return (void)broken(missing(too_short));
        const std::size_t bytes = byte(at + 12) / 16 * 4;
        fault_if(bytes < 20, DropReason::kBadHeader);
        fault_if(bytes > rest, missing(too_short));
        meta().tcp_flags = static_cast<std::uint8_t>(byte(at + 13));
        read_ports(at);
    }
    void read_ports(std::size_t at) {
        meta().tuple.source_port = word(at);
        meta().tuple.destination_port = word(at + 2);
    }
    void read_icmp(std::size_t at) {
        meta().tuple.destination_port = word(at);
        const std::size_t type = byte(at);
        const bool query = meta().tuple.protocol == 58 ? type == 128 || type == 129
                                                       : type == 0 || type == 8 || (type >= 13 && type <= 18);
        if (query) meta().icmp_id = word(at + 4);
    }

    const net::FrameView& frame_;
    NaiveHeaders out_;
    std::size_t begin_ = 0;  // of the packet within the frame,
    std::size_t end_ = 0;    // and its end, by its own word
};

}  // namespace

NaiveHeaders read_headers(const net::FrameView& frame) { return Reader(frame).read(); }

bool agrees(const net::PacketMeta& found, const NaiveHeaders& headers) {
    if (headers.faults.empty()) return found == headers.meta;
    return headers.faults.contains(found.malformed);
}

}  // namespace drywall::test

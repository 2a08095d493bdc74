#include "rewrite.h"
#include "drywall/net/checksum.h"

#include <algorithm>
#include <cstring>

namespace drywall::generate {

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t kMacBytes = 6;
constexpr std::size_t kTagBytes = 4;

bool is_tag(std::uint16_t type) noexcept { return type == net::ether_type::kVlan || type == net::ether_type::kQinQ; }

void rewrite_tags(std::uint16_t vlan, Bytes& frame) {
    constexpr std::size_t kAt = 2 * kMacBytes;
    while (frame.size() >= kAt + 2 + kTagBytes && is_tag(net::load16(&frame[kAt])))
        frame.erase(frame.begin() + kAt, frame.begin() + kAt + kTagBytes);
    if (vlan == 0) return;
    frame.insert(frame.begin() + kAt, kTagBytes, 0);
    net::store16(&frame[kAt], net::ether_type::kVlan);
    net::store16(&frame[kAt + 2], vlan);
}

// RFC 1624: ~(~checksum + ~before + after), with the sums of the words that changed.
void follow(std::uint8_t* checksum, std::uint64_t before, std::uint64_t after, bool zero_is_none) noexcept {
    const auto sum = static_cast<std::uint64_t>(static_cast<std::uint16_t>(~net::load16(checksum))) +
                     static_cast<std::uint16_t>(~net::folded(before)) + net::folded(after);
    std::uint16_t value = net::checksum_of(sum);
    if (zero_is_none && value == 0) value = 0xffff;
    net::store16(checksum, value);
}

// The address moved to the other prefix; what is behind the prefix stays.
net::AddressBytes moved(const net::AddressBytes& address, const net::Prefix& to) noexcept {
    net::AddressBytes out = address;
    for (std::size_t i = 0; i < out.size(); ++i) {
        const unsigned covered = std::clamp<int>(static_cast<int>(to.length) - static_cast<int>(8 * i), 0, 8);
        const auto mask = static_cast<std::uint8_t>(0xff00U >> covered);
        out[i] = static_cast<std::uint8_t>((to.address.bytes[i] & mask) | (out[i] & ~mask));
    }
    return out;
}

class IpRewriter {
public:
    IpRewriter(const loader::ReplayProfile& how, Bytes& frame, const net::PacketMeta& meta)
        : how_(how), frame_(frame), meta_(meta), upper_(upper_checksum(frame, meta)) {}

    void all() {
        const bool v4 = meta_.tuple.family == net::Family::kIPv4;
        address(meta_.l3_offset + (v4 ? 12U : 8U), meta_.tuple.source);
        address(meta_.l3_offset + (v4 ? 16U : 24U), meta_.tuple.destination);
        const bool ports = meta_.fragment != net::FragmentKind::kLater && meta_.l4_offset != 0 &&
                           (meta_.tuple.protocol == net::protocol::kTcp || meta_.tuple.protocol == net::protocol::kUdp);
        if (!ports) return;
        port(meta_.l4_offset);
        port(meta_.l4_offset + 2U);
    }

private:
    void address(std::size_t at, const net::AddressBytes& was) {
        const net::Address address{meta_.tuple.family, was};
        const auto mapping = std::find_if(how_.addresses.begin(), how_.addresses.end(),
                                          [&](const auto& pair) { return pair.first.contains(address); });
        if (mapping == how_.addresses.end()) return;
        const net::AddressBytes now = moved(was, mapping->second);
        const std::size_t bytes = address.bits() / 8;
        const std::uint64_t before = net::word_sum(&frame_[at], bytes);
        std::memcpy(&frame_[at], now.data(), bytes);
        const std::uint64_t after = net::word_sum(&frame_[at], bytes);
        if (address.family == net::Family::kIPv4) follow(&frame_[meta_.l3_offset + 10U], before, after, false);
        if (upper_.covers_addresses) follow(&frame_[upper_.offset], before, after, upper_.zero_is_none);
    }

    void port(std::size_t at) {
        const std::uint16_t before = net::load16(&frame_[at]);
        const auto mapping = std::find_if(how_.ports.begin(), how_.ports.end(),
                                          [before](const auto& pair) { return pair.first == before; });
        if (mapping == how_.ports.end()) return;
        net::store16(&frame_[at], mapping->second);
        if (upper_.offset != 0) follow(&frame_[upper_.offset], before, mapping->second, upper_.zero_is_none);
    }

    const loader::ReplayProfile& how_;
    Bytes& frame_;
    const net::PacketMeta& meta_;
    UpperChecksum upper_;
};

// The end of the IP packet in the frame; what is behind it is padding.
std::size_t end_of_packet(const Bytes& frame, const net::PacketMeta& meta) noexcept {
    const std::uint8_t* ip = &frame[meta.l3_offset];
    const std::size_t length =
        meta.tuple.family == net::Family::kIPv4 ? net::load16(ip + 2) : std::size_t{net::load16(ip + 4)} + 40;
    return std::min<std::size_t>(meta.l3_offset + length, frame.size());
}

}  // namespace

net::PacketMeta parsed(const Bytes& frame) noexcept {
    const auto length = static_cast<std::uint32_t>(frame.size());
    return net::parse({frame.data(), length, length, 0});
}

UpperChecksum upper_checksum(const Bytes& frame, const net::PacketMeta& meta) noexcept {
    if (!meta.is_ip || meta.malformed != DropReason::kNone || meta.l4_offset == 0 ||
        meta.fragment == net::FragmentKind::kLater)
        return {};
    const auto at = [&](std::uint16_t offset, bool udp, bool pseudo) {
        const auto place = static_cast<std::uint16_t>(meta.l4_offset + offset);
        if (place + 2U > frame.size() || (udp && net::load16(&frame[place]) == 0)) return UpperChecksum{};
        return UpperChecksum{place, udp, pseudo};
    };
    switch (meta.tuple.protocol) {
        case net::protocol::kTcp: return at(16, false, true);
        case net::protocol::kUdp: return at(6, true, true);
        case net::protocol::kIcmp: return at(2, false, false);
        case net::protocol::kIcmpv6: return at(2, false, true);
        default: return {};
    }
}

void rewrite(const loader::ReplayProfile& how, Bytes& frame) {
    if (frame.size() < 2 * kMacBytes + 2) return;
    if (how.destination_mac) std::copy(how.destination_mac->begin(), how.destination_mac->end(), frame.begin());
    if (how.source_mac) std::copy(how.source_mac->begin(), how.source_mac->end(), frame.begin() + kMacBytes);
    if (how.vlan) rewrite_tags(*how.vlan, frame);
    const net::PacketMeta meta = parsed(frame);
    if (meta.is_ip && meta.malformed == DropReason::kNone) IpRewriter(how, frame, meta).all();
}

bool append_room(Bytes& frame, std::size_t bytes) {
    const net::PacketMeta meta = parsed(frame);
    const std::uint8_t protocol = meta.tuple.protocol;
    const bool udp = protocol == net::protocol::kUdp;
    if (!meta.is_ip || meta.malformed != DropReason::kNone || meta.fragment != net::FragmentKind::kWhole ||
        meta.l4_offset == 0 || (!udp && protocol != net::protocol::kTcp && !net::is_icmp(protocol)))
        return false;
    const std::size_t end = end_of_packet(frame, meta);
    // What follows a datagram inside its packet is covered by no checksum.
    if (udp && net::load16(&frame[meta.l4_offset + 4U]) != end - meta.l4_offset) return false;
    const UpperChecksum upper = upper_checksum(frame, meta);
    frame.resize(end);
    // An odd last byte was the upper half of a word whose lower half the padding did not fill; zeros do, too.
    frame.resize(frame.size() + bytes);
    const auto grown = [&](std::size_t at) {
        const std::uint16_t before = net::load16(&frame[at]);
        net::store16(&frame[at], before + static_cast<std::uint32_t>(bytes));
        return std::pair<std::uint16_t, std::uint16_t>(before, net::load16(&frame[at]));
    };
    const bool v4 = meta.tuple.family == net::Family::kIPv4;
    const auto [before, after] = grown(meta.l3_offset + (v4 ? 2U : 4U));
    if (v4) follow(&frame[meta.l3_offset + 10U], before, after, false);
    // The length stands in the pseudo header, and of UDP in the header as well.
    std::uint64_t more = upper.covers_addresses ? bytes : 0;
    if (udp) {
        (void)grown(meta.l4_offset + 4U);
        more += bytes;
    }
    if (upper.offset != 0 && more > 0) follow(&frame[upper.offset], 0, more, upper.zero_is_none);
    return true;
}

}  // namespace drywall::generate

#include "drywall/observe/drop_describer.h"

#include <algorithm>
#include <utility>

#include "decisions.h"

namespace drywall::observe {

struct DropDescriber::Texts {
    Decisions decisions;
    Parties parties;
};

namespace {

// What the IP header of a packet claims that is broken further on, or in itself: who sent it is worth knowing.
void read_claim(const net::PacketMeta& meta, std::span<const std::uint8_t> frame, Drop& drop) {
    const bool v4 = meta.ether_type == net::ether_type::kIPv4;
    const std::size_t first = meta.l3_offset + (v4 ? 12U : 8U);  // RFC 791, RFC 8200: the source, then the destination
    const std::size_t size = v4 ? 4 : 16;
    if (!meta.is_ip || meta.l3_offset == 0 || frame.size() < first + 2 * size) return;
    const auto address_at = [&](std::size_t offset) {
        net::Address address{v4 ? net::Family::kIPv4 : net::Family::kIPv6, {}};
        std::copy_n(frame.begin() + static_cast<std::ptrdiff_t>(offset), size, address.bytes.begin());
        return address;
    };
    drop.packet.source = address_at(first);
    drop.packet.destination = address_at(first + size);
    drop.has_addresses = true;
}

void read_headers(const runtime::DroppedPacket& packet, Drop& drop) {
    const net::FrameView view{packet.bytes.data(), static_cast<std::uint32_t>(packet.bytes.size()), packet.length,
                              static_cast<std::uint16_t>(index(packet.ingress))};
    const net::PacketMeta meta = net::parse(view);
    drop.ether_type = meta.ether_type;
    if (!meta.is_ip || meta.malformed != DropReason::kNone) return read_claim(meta, packet.bytes, drop);
    drop.has_addresses = drop.has_service = true;
    drop.fragment = meta.fragment;
    drop.tcp_flags = meta.tcp_flags;
    drop.packet.source = {meta.tuple.family, meta.tuple.source};
    drop.packet.destination = {meta.tuple.family, meta.tuple.destination};
    drop.packet.protocol = meta.tuple.protocol;
    drop.packet.source_port = meta.tuple.source_port;
    drop.packet.destination_port = meta.tuple.destination_port;
}

}  // namespace

DropDescriber::DropDescriber(std::vector<std::string> port_names)
    : port_names_(std::move(port_names)), texts_(std::make_unique<Texts>()) {}

DropDescriber::~DropDescriber() = default;

Drop DropDescriber::describe(runtime::DroppedPacket packet) {
    Drop drop;
    drop.time = packet.time;
    drop.worker = static_cast<std::uint16_t>(index(packet.worker));
    drop.reason = packet.reason;
    drop.length = packet.length;
    drop.packet.generation = packet.generation;
    if (index(packet.ingress) < port_names_.size()) drop.packet.ingress_port = port_names_[index(packet.ingress)];
    read_headers(packet, drop);
    if (drop.has_addresses) {
        drop.packet.source_party = texts_->parties.of(packet.ruleset.get(), drop.packet.source);
        drop.packet.destination_party = texts_->parties.of(packet.ruleset.get(), drop.packet.destination);
    }
    if (packet.trace) {
        drop.judged = true;
        const bool denied = packet.reason == DropReason::kPolicyDeny || packet.reason == DropReason::kUnmatched ||
                            packet.reason == DropReason::kHttpDenied || packet.reason == DropReason::kNameDenied;
        drop.packet.decision = packet.ruleset != nullptr
                                   ? texts_->decisions.of(*packet.ruleset, *packet.trace)
                                   : texts_->decisions.without_hits(denied ? Verdict::kDeny : Verdict::kAllow);
    }
    drop.bytes = std::move(packet.bytes);
    return drop;
}

}  // namespace drywall::observe

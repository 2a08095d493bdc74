#include "frame_header.h"

#include <cstring>

#include "drywall/net/checksum.h"
#include "drywall/net/packet_meta.h"

namespace drywall::generate {

using loader::Layer4;

namespace {

constexpr std::size_t kIPv4Bytes = 20;
constexpr std::size_t kIPv6Bytes = 40;

}  // namespace

std::uint8_t protocol_of(Layer4 layer, bool v4) noexcept {
    if (layer == Layer4::kTcp) return net::protocol::kTcp;
    if (layer == Layer4::kUdp) return net::protocol::kUdp;
    return v4 ? net::protocol::kIcmp : net::protocol::kIcmpv6;
}

FrameHeader::FrameHeader(const loader::StreamProfile& stream, std::span<const std::uint8_t> upper)
    : tags_(stream.vlans.size()), v4_(loader::nth(stream.source, 0).family == net::Family::kIPv4) {
    pseudo_header_ = !v4_ || stream.layer4 != Layer4::kIcmpEcho;
    append_layer2(stream);
    append_layer3(stream);
    bytes_.insert(bytes_.end(), upper.begin(), upper.end());
    layer4_sum_ += net::word_sum(upper.data(), upper.size());
}

void FrameHeader::append_layer2(const loader::StreamProfile& stream) {
    bytes_.insert(bytes_.end(), stream.destination_mac.begin(), stream.destination_mac.end());
    bytes_.insert(bytes_.end(), stream.source_mac.begin(), stream.source_mac.end());
    for (const loader::VlanProfile& tag : stream.vlans) {
        bytes_.resize(bytes_.size() + 4);
        net::store16(&bytes_[bytes_.size() - 4], tag.service ? net::ether_type::kQinQ : net::ether_type::kVlan);
        net::store16(&bytes_[bytes_.size() - 2], std::uint32_t{tag.priority} << 13U);
    }
    bytes_.resize(bytes_.size() + 2);
    net::store16(&bytes_[bytes_.size() - 2], v4_ ? net::ether_type::kIPv4 : net::ether_type::kIPv6);
    layer3_ = bytes_.size();
}

// Lengths, addresses and checksums are each packet's.
void FrameHeader::append_layer3(const loader::StreamProfile& stream) {
    const std::uint8_t protocol = protocol_of(stream.layer4, v4_);
    layer4_ = layer3_ + (v4_ ? kIPv4Bytes : kIPv6Bytes);
    bytes_.resize(layer4_);
    std::uint8_t* ip = &bytes_[layer3_];
    const auto traffic_class = static_cast<std::uint8_t>(stream.dscp << 2U);
    if (v4_) {
        ip[0] = 0x45;
        ip[1] = traffic_class;
        net::store16(ip + 6, 0x4000);  // don't fragment: then the identification says nothing (RFC 6864)
        ip[8] = stream.hop_limit;
        ip[9] = protocol;
        layer3_sum_ = net::word_sum(ip, kIPv4Bytes);
    } else {
        net::store32(ip, 0x60000000U | std::uint32_t{traffic_class} << 20U);
        ip[6] = protocol;
        ip[7] = stream.hop_limit;
    }
    if (pseudo_header_) layer4_sum_ = protocol;
}

std::uint64_t FrameHeader::write(std::uint8_t* frame, std::uint16_t length, const FlowEnds& ends) const noexcept {
    std::memcpy(frame, bytes_.data(), bytes_.size());
    for (std::size_t tag = 0; tag < tags_; ++tag) {
        std::uint8_t* control = frame + 14 + 4 * tag;
        net::store16(control, net::load16(control) | ends.vlans[tag]);
    }
    std::uint8_t* ip = frame + layer3_;
    std::uint64_t addresses = 0;
    if (v4_) {
        std::memcpy(ip + 12, ends.source.data(), 4);
        std::memcpy(ip + 16, ends.destination.data(), 4);
        addresses = net::word_sum(ip + 12, 8);
        const auto total = static_cast<std::uint16_t>(length - layer3_);
        net::store16(ip + 2, total);
        net::store16(ip + 10, net::checksum_of(layer3_sum_ + addresses + total));
    } else {
        std::memcpy(ip + 8, ends.source.data(), 16);
        std::memcpy(ip + 24, ends.destination.data(), 16);
        addresses = net::word_sum(ip + 8, 32);
        net::store16(ip + 4, static_cast<std::uint16_t>(length - layer4_));
    }
    return layer4_sum_ + (pseudo_header_ ? addresses + (length - layer4_) : 0);
}

}  // namespace drywall::generate

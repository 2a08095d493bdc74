// FrameHeader: Ethernet, tags, IP and an upper-layer header, written once; and what differs from packet to packet
// written into a copy of it: tags, addresses, lengths, the checksum of IPv4.
//
// Threads: immutable once made.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "drywall/loader/traffic_profile.h"
#include "drywall/net/address.h"

namespace drywall::generate {

// What tells one flow of a stream from another.
struct FlowEnds {
    net::AddressBytes source{};
    net::AddressBytes destination{};
    std::uint16_t source_port = 0;  // ICMP echo: the identifier
    std::uint16_t destination_port = 0;
    std::array<std::uint16_t, 2> vlans{};  // outermost first

    bool operator==(const FlowEnds&) const = default;
};

class FrameHeader {
public:
    FrameHeader() = default;
    // `upper`: the upper-layer header, with zeros where packets differ.
    FrameHeader(const loader::StreamProfile& stream, std::span<const std::uint8_t> upper);

    // The header of a frame of `length` bytes. Returns the sum of the words that the upper layer's checksum covers: the
    // upper-layer header as it was given, and the pseudo header where there is one.
    // REQUIRES: size() bytes at `frame`
    std::uint64_t write(std::uint8_t* frame, std::uint16_t length, const FlowEnds& ends) const noexcept;

    [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
    [[nodiscard]] std::size_t layer3() const noexcept { return layer3_; }  // bytes from the frame's start
    [[nodiscard]] std::size_t layer4() const noexcept { return layer4_; }

private:
    void append_layer2(const loader::StreamProfile& stream);
    void append_layer3(const loader::StreamProfile& stream);

    std::vector<std::uint8_t> bytes_;
    std::size_t tags_ = 0;
    std::size_t layer3_ = 0;
    std::size_t layer4_ = 0;
    bool v4_ = true;
    bool pseudo_header_ = true;     // ICMP over IPv4 has none
    std::uint64_t layer3_sum_ = 0;  // of the IPv4 header as it stands
    std::uint64_t layer4_sum_ = 0;  // of the upper-layer header, and the pseudo header's constant part
};

[[nodiscard]] std::uint8_t protocol_of(loader::Layer4 layer, bool v4) noexcept;

}  // namespace drywall::generate

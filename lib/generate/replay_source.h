// ReplaySource: the packets of a capture file, one after the other, as often as wanted, with what is written anew in
// them.
//
// Addresses, ports, tags and signature change the checksums of IPv4, TCP, UDP and ICMP incrementally (RFC 1624): a
// packet whose checksum was wrong in the file stays wrong. Fragments are rewritten in their IP header, and in their
// ports where they have some; where an address of a fragmented datagram changes, its first fragment's checksum follows.
//
// Threads: as PacketSource.
// Memory:  the whole file.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "drywall/base/result.h"
#include "drywall/loader/traffic_profile.h"
#include "packet_source.h"

namespace drywall::generate {

class ReplaySource final : public PacketSource {
public:
    // The errors of the file; kInvalid with the stream's place for a file without packets, or with a packet that the
    // capture cut.
    [[nodiscard]] static Result<std::unique_ptr<ReplaySource>> create(const loader::StreamProfile& stream);

    [[nodiscard]] std::uint16_t length(std::uint64_t n) const noexcept override;
    void write(std::uint8_t* frame, std::uint16_t length, std::uint64_t n,
               const Signature& signature) const noexcept override;
    [[nodiscard]] bool has_signature() const noexcept override { return signature_; }
    [[nodiscard]] double mean_length() const noexcept override { return mean_length_; }
    [[nodiscard]] std::uint16_t greatest_length() const noexcept override { return greatest_length_; }
    [[nodiscard]] std::uint16_t greatest_packet() const noexcept override { return greatest_packet_; }
    [[nodiscard]] std::optional<std::uint64_t> packets() const noexcept override;
    [[nodiscard]] Schedule times() const override;

private:
    // A packet as it is sent, but for its signature.
    struct Packet {
        std::vector<std::uint8_t> bytes;
        std::uint16_t checksum_offset = 0;  // of layer 4; 0: there is none that covers a signature
        std::uint16_t layer4_offset = 0;
        bool zero_is_none = false;  // a UDP checksum
    };

    explicit ReplaySource(const loader::StreamProfile& stream)
        : speed_(stream.replay->speed), loops_(stream.replay->loops), signature_(stream.replay->signature) {}
    Status add(const loader::StreamProfile& stream, std::vector<std::uint8_t> bytes, double seconds);

    std::optional<double> speed_;
    std::uint64_t loops_;
    bool signature_;
    std::vector<Packet> packets_;
    std::vector<double> seconds_;  // since the first packet
    double mean_length_ = 0;
    std::uint16_t greatest_length_ = 0;
    std::uint16_t greatest_packet_ = 0;
};

}  // namespace drywall::generate

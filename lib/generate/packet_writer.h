// PacketWriter: the packets of a stream that is described by layers: a header that is written once, and in each packet
// what differs: addresses, ports, tags, lengths, signature, checksums.
//
// Threads: as PacketSource.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "drywall/base/result.h"
#include "drywall/loader/traffic_profile.h"
#include "frame_header.h"
#include "packet_source.h"
#include "turns.h"

namespace drywall::generate {

class PacketWriter final : public PacketSource {
public:
    // kInvalid, with the
    // stream's place, when its packets are too small for headers and signature, or it has not as many flows as it
    // wants.
    [[nodiscard]] static Result<std::unique_ptr<PacketWriter>> create(const loader::StreamProfile& stream,
                                                                      std::uint64_t seed, std::uint16_t series);

    [[nodiscard]] std::uint16_t length(std::uint64_t n) const noexcept override;
    void write(std::uint8_t* frame, std::uint16_t length, std::uint64_t n,
               const Signature& signature) const noexcept override;
    [[nodiscard]] std::uint64_t flows() const noexcept override { return picks_ ? combinations_ : 1; }
    [[nodiscard]] std::uint64_t flow(std::uint64_t n) const noexcept override { return picks_ ? picker_.pick(n) : 0; }
    [[nodiscard]] double mean_length() const noexcept override { return sizes_.mean() - loader::kFcsBytes; }
    [[nodiscard]] std::uint16_t greatest_length() const noexcept override {
        return static_cast<std::uint16_t>(sizes_.largest() - loader::kFcsBytes);
    }
    [[nodiscard]] std::uint16_t greatest_packet() const noexcept override {
        return static_cast<std::uint16_t>(greatest_length() - header_.layer3());
    }

    // Of packet n.
    [[nodiscard]] FlowEnds ends(std::uint64_t n) const noexcept;

private:
    // Which value of a field a flow has. Fields count like the digits of a number, the first one fastest, so that no
    // two flows are alike before every combination was there; one that is drawn is no digit.
    struct Digit {
        std::uint64_t count = 1;
        std::uint64_t divisor = 1;
        bool random = false;
        std::uint64_t series = 0;
    };
    enum Field : std::uint8_t { kSource, kDestination, kSourcePort, kDestinationPort, kOuterVlan, kInnerVlan, kFields };

    PacketWriter(const loader::StreamProfile& stream, std::uint64_t seed, std::uint16_t series);
    void lay_out_digits();
    Status set_flows();
    void build_header();
    Status check_sizes() const;
    [[nodiscard]] std::uint64_t value(Field field, std::uint64_t flow) const noexcept;
    [[nodiscard]] FlowEnds computed(std::uint64_t flow) const noexcept;
    [[nodiscard]] std::size_t checksum_offset() const noexcept;
    [[nodiscard]] std::uint64_t flow_of(std::uint64_t n) const noexcept { return picks_ ? picker_.pick(n) : n; }
    void write_layer4(std::uint8_t* frame, std::uint16_t length, std::uint64_t n, const FlowEnds& ends,
                      std::uint64_t sum) const noexcept;

    loader::StreamProfile stream_;
    loader::FrameSizes sizes_;
    std::vector<std::uint16_t> size_turns_;
    std::uint64_t seed_;
    std::uint64_t series_;
    std::array<Digit, kFields> digits_{};
    std::uint64_t combinations_ = 1;  // of all digits
    bool draws_ = false;              // some field is drawn
    FlowPicker picker_;
    bool picks_ = false;           // else flow n is packet n's
    std::vector<FlowEnds> table_;  // by flow, where there are few
    FrameHeader header_;
};

}  // namespace drywall::generate

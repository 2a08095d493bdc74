// PacketSource: the packets of one stream, by their number. What packet n is depends on n alone, so that one that a
// device did not take is simply written again.
//
// Threads: immutable once made; workers ask it.
#pragma once

#include <cstdint>
#include <optional>

#include "schedule.h"
#include "signature.h"

namespace drywall::generate {

class PacketSource {
public:
    virtual ~PacketSource() = default;
    // Bytes of the frame without FCS.
    [[nodiscard]] virtual std::uint16_t length(std::uint64_t n) const noexcept = 0;
    // REQUIRES: length == length(n), and so many bytes at `frame`
    virtual void write(std::uint8_t* frame, std::uint16_t length, std::uint64_t n,
                       const Signature& signature) const noexcept = 0;
    // How many flows take turns or are drawn, and whose packet n is. 1: it does not tell any apart.
    [[nodiscard]] virtual std::uint64_t flows() const noexcept { return 1; }
    [[nodiscard]] virtual std::uint64_t flow(std::uint64_t /*n*/) const noexcept { return 0; }
    [[nodiscard]] virtual bool has_signature() const noexcept { return true; }
    [[nodiscard]] virtual double mean_length() const noexcept = 0;  // likewise without FCS
    [[nodiscard]] virtual std::uint16_t greatest_length() const noexcept = 0;
    // The largest packet behind the Ethernet header and tags, which has to fit a port's MTU.
    [[nodiscard]] virtual std::uint16_t greatest_packet() const noexcept = 0;
    // How many there are, and when they are due, of a recording.
    [[nodiscard]] virtual std::optional<std::uint64_t> packets() const noexcept { return std::nullopt; }
    [[nodiscard]] virtual Schedule times() const { return Schedule::maximum(); }
};

}  // namespace drywall::generate

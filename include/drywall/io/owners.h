// Owners: which worker a frame belongs to, so that whatever belongs to one connection meets in one flow table.
//
// Both directions of a connection have one owner, by whichever port they come in; so have the fragments of a datagram,
// the packets of the connection that it belongs to, and the ICMP errors that quote one of them. So addresses decide and
// nothing else: ports travel only in the first fragment. Two hosts therefore talk by one worker, however many
// connections they have.
//
// Threads: a value; its functions are const, and called by any worker.
// Bounds:  no byte outside [data, data + contiguous) is read, whatever the headers claim.
// Hash:    XXH3, seeded, so that nobody outside can choose addresses that all have one owner.
#pragma once

#include <array>
#include <cstdint>

#include "drywall/net/packet_meta.h"

namespace drywall::io {

class Owners {
public:
    // Of what is not IP, or no well-formed ICMP packet: whoever received it is as good as any.
    static constexpr std::uint16_t kAnybody = 0xffff;

    // REQUIRES: workers > 0
    Owners(std::uint16_t workers, std::uint64_t seed) noexcept;

    [[nodiscard]] std::uint16_t of(const net::FrameView& frame) const noexcept;
    // Of what travels between two addresses, either way.
    [[nodiscard]] std::uint16_t of(const net::AddressBytes& one, const net::AddressBytes& other) const noexcept;

    [[nodiscard]] std::uint16_t workers() const noexcept { return workers_; }

private:
    using Words = std::array<std::uint64_t, 2>;  // an address's bytes
    [[nodiscard]] std::uint16_t owner(const Words& one, const Words& other) const noexcept;
    [[nodiscard]] std::uint16_t by_parsing(const net::FrameView& frame) const noexcept;

    std::uint16_t workers_;
    std::uint64_t seed_;
};

}  // namespace drywall::io

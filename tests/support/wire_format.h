// Writing what goes over the wire: big-endian numbers and checksums.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "drywall/net/address.h"

namespace drywall::test::wire {

using Bytes = std::vector<std::uint8_t>;

void put8(Bytes& out, unsigned value);
void put16(Bytes& out, unsigned value);
void put32(Bytes& out, std::uint32_t value);
void put(Bytes& out, std::span<const std::uint8_t> bytes);
void put_address(Bytes& out, const net::Address& address);
void set16(Bytes& out, std::size_t offset, unsigned value);

// The Internet checksum (RFC 1071), as it is written into a header.
[[nodiscard]] std::uint16_t internet_checksum(std::span<const std::uint8_t> bytes);

// CRC32c of an SCTP packet (RFC 9260, appendix A), as it is written into its header.
[[nodiscard]] std::uint32_t sctp_checksum(std::span<const std::uint8_t> bytes);

}  // namespace drywall::test::wire

#include "wire_format.h"

namespace drywall::test::wire {

void put8(Bytes& out, unsigned value) { out.push_back(static_cast<std::uint8_t>(value)); }

void put16(Bytes& out, unsigned value) {
    put8(out, value >> 8);
    put8(out, value);
}

void put32(Bytes& out, std::uint32_t value) {
    put16(out, value >> 16);
    put16(out, value & 0xffff);
}

void put(Bytes& out, std::span<const std::uint8_t> bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

void put_address(Bytes& out, const net::Address& address) {
    put(out, std::span(address.bytes).first(address.family == net::Family::kIPv4 ? 4 : 16));
}

void set16(Bytes& out, std::size_t offset, unsigned value) {
    out.at(offset) = static_cast<std::uint8_t>(value >> 8);
    out.at(offset + 1) = static_cast<std::uint8_t>(value);
}

std::uint16_t internet_checksum(std::span<const std::uint8_t> bytes) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) sum += i % 2 == 0 ? bytes[i] * 256U : bytes[i];
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

std::uint32_t sctp_checksum(std::span<const std::uint8_t> bytes) {
    constexpr std::uint32_t kReflectedCastagnoli = 0x82f63b78;
    std::uint32_t crc = 0xffffffff;
    for (const std::uint8_t byte : bytes) {
        crc ^= byte;
        for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kReflectedCastagnoli : 0);
    }
    crc = ~crc;
    return __builtin_bswap32(crc);  // it travels with its least significant byte first
}

}  // namespace drywall::test::wire

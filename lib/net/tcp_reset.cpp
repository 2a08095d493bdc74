#include "drywall/net/tcp_reset.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "drywall/net/checksum.h"
#include "drywall/net/tcp_segment.h"

namespace drywall::net {

namespace {

constexpr std::size_t kTcpBytes = 20;
constexpr std::size_t kIPv4Bytes = 20;
constexpr std::size_t kIPv6Bytes = 40;
constexpr std::size_t kSmallestFrame = 60;
constexpr std::size_t kMacBytes = 6;
constexpr std::uint8_t kHopLimit = 64;

// `from` and `to` are offsets of the two addresses or ports in `at`, of `bytes` each.
void exchange(std::uint8_t* at, std::size_t from, std::size_t to, std::size_t bytes) noexcept {
    std::swap_ranges(at + from, at + from + bytes, at + to);
}

void write_ipv4(const std::uint8_t* from, std::uint8_t* ip) noexcept {
    std::memset(ip, 0, kIPv4Bytes);
    ip[0] = 0x45;
    store16(ip + 2, kIPv4Bytes + kTcpBytes);
    store16(ip + 6, 0x4000);  // don't fragment
    ip[8] = kHopLimit;
    ip[9] = protocol::kTcp;
    std::memcpy(ip + 12, from + 12, 8);
}

void write_ipv6(const std::uint8_t* from, std::uint8_t* ip) noexcept {
    std::memset(ip, 0, kIPv6Bytes);
    ip[0] = 0x60;
    store16(ip + 4, kTcpBytes);
    ip[6] = protocol::kTcp;
    ip[7] = kHopLimit;
    std::memcpy(ip + 8, from + 8, 32);
}

}  // namespace

std::size_t write_tcp_reset(const FrameView& frame, const PacketMeta& meta, ResetTo to,
                            std::span<std::uint8_t> out) noexcept {
    assert(meta.tuple.protocol == protocol::kTcp && meta.fragment != FragmentKind::kLater);
    const bool v4 = meta.tuple.family == Family::kIPv4;
    const std::size_t ip_bytes = v4 ? kIPv4Bytes : kIPv6Bytes;
    const std::size_t end = meta.l3_offset + ip_bytes + kTcpBytes;
    const std::size_t length = std::max(end, kSmallestFrame);
    const TcpSegment segment = read_tcp_segment(frame, meta);
    const bool answers = to == ResetTo::kSender;
    if (length > out.size() || (answers && !segment.has(tcp_flag::kAck))) return 0;

    std::uint8_t* bytes = out.data();
    std::memset(bytes, 0, length);
    std::memcpy(bytes, frame.data, meta.l3_offset);
    std::uint8_t* ip = bytes + meta.l3_offset;
    (v4 ? write_ipv4 : write_ipv6)(frame.data + meta.l3_offset, ip);
    std::uint8_t* tcp = ip + ip_bytes;
    std::memcpy(tcp, frame.data + meta.l4_offset, 4);
    store32(tcp + 4, answers ? segment.acknowledged : segment.sequence);
    store32(tcp + 8, answers ? segment.end() : segment.has(tcp_flag::kAck) ? segment.acknowledged : 0);
    tcp[12] = 5 << 4;
    tcp[13] = tcp_flag::kRst | (answers || segment.has(tcp_flag::kAck) ? tcp_flag::kAck : 0);
    if (answers) {
        exchange(bytes, 0, kMacBytes, kMacBytes);
        exchange(ip, v4 ? 12 : 8, v4 ? 16 : 24, v4 ? 4 : 16);
        exchange(tcp, 0, 2, 2);
    }
    if (v4) store16(ip + 10, checksum_of(word_sum(ip, kIPv4Bytes)));
    const std::uint64_t addresses = v4 ? word_sum(ip + 12, 8) : word_sum(ip + 8, 32);
    store16(tcp + 16, checksum_of(addresses + protocol::kTcp + kTcpBytes + word_sum(tcp, kTcpBytes)));
    return length;
}

}  // namespace drywall::net

#include "tcp_end.h"
#include "drywall/net/checksum.h"

#include <algorithm>
#include <cstring>

namespace drywall::generate {

namespace {

constexpr std::size_t kTcpHeader = 20;
constexpr std::size_t kSegmentSizeOption = 4;  // RFC 9293, section 3.7.1
constexpr std::uint32_t kWindow = 32768;       // bytes on the way; less than what is advertised, which is not scaled
constexpr std::uint16_t kShortest = loader::kSmallestFrame - loader::kFcsBytes;

std::uint64_t low_bits_of(const net::Address& address) noexcept {
    std::uint64_t value = 0;
    const std::size_t begin = address.family == net::Family::kIPv4 ? 0 : 8;
    const std::size_t bytes = address.family == net::Family::kIPv4 ? 4 : 8;
    for (std::size_t i = begin; i < begin + bytes; ++i) value = value << 8U | address.bytes[i];
    return value;
}
std::uint64_t low_bits_of(std::uint16_t number) noexcept { return number; }

template <typename T>
bool holds(const loader::Values<T>& values, const T& value) noexcept {
    if (!values.listed.empty())
        return std::find(values.listed.begin(), values.listed.end(), value) != values.listed.end();
    const std::uint64_t behind = low_bits_of(value) - low_bits_of(values.first);
    return behind % values.step == 0 && behind / values.step < values.count &&
           loader::nth(values, behind / values.step) == value;
}

}  // namespace

bool TcpEnd::is_among(const loader::AddressValues& addresses, const loader::NumberValues& ports,
                      const FlowEnds& ends) noexcept {
    const net::Family family = loader::nth(addresses, 0).family;
    return holds(ports, ends.source_port) && holds(addresses, net::Address{family, ends.source});
}

std::uint8_t* SegmentOutput::frame(std::uint16_t length) noexcept {
    if (count_ == kBurst) (void)flush();
    if (!frames_.allocate(std::span(waiting_).subspan(count_, 1), std::span(&length, 1))) {
        refused_.add(1);
        return nullptr;
    }
    return io::FramePool::bytes(waiting_[count_++]);
}

bool SegmentOutput::flush() noexcept {
    if (count_ == 0) return false;
    const std::uint16_t taken = port_.transmit(0, std::span(waiting_).first(count_));
    for (std::size_t i = 0; i < taken; ++i) sent_.add(std::uint64_t{waiting_[i].view.length} + loader::kFcsBytes);
    refused_.add(count_ - taken);
    port_.release(std::span(waiting_).subspan(taken, count_ - taken));
    count_ = 0;
    return true;
}

TcpEnd::TcpEnd(const loader::ConnectionsProfile& profile, const loader::StreamProfile& sends, double ticks_per_second)
    : profile_(profile),
      table_(profile.concurrent),
      retransmit_(
          static_cast<std::uint64_t>(std::chrono::duration<double>(profile.retransmit).count() * ticks_per_second)),
      ticks_per_second_(ticks_per_second),
      header_(sends, std::array<std::uint8_t, kTcpHeader>{}),
      most_payload_(profile.segment) {}

void TcpEnd::segment(const TcpConnection& connection, std::uint8_t flags, std::uint32_t sequence, std::uint32_t payload,
                     SegmentOutput& output) noexcept {
    const std::size_t options = (flags & net::tcp_flag::kSyn) != 0 ? kSegmentSizeOption : 0;
    const auto length = static_cast<std::uint16_t>(header_.size() + options + payload);
    const std::uint16_t padded = std::max(length, kShortest);
    std::uint8_t* frame = output.frame(padded);
    if (frame == nullptr) return;
    std::memset(frame + header_.size(), 0, padded - header_.size());
    const std::uint64_t sum = header_.write(frame, length, connection.ends);
    std::uint8_t* tcp = frame + header_.layer4();
    net::store16(tcp, connection.ends.source_port);
    net::store16(tcp + 2, connection.ends.destination_port);
    net::store32(tcp + 4, sequence);
    if ((flags & net::tcp_flag::kAck) != 0) net::store32(tcp + 8, connection.expected);
    tcp[12] = static_cast<std::uint8_t>((kTcpHeader + options) / 4 << 4U);
    tcp[13] = flags;
    net::store16(tcp + 14, 0xffff);
    if (options != 0) net::store32(tcp + kTcpHeader, 0x02040000U | most_payload_);
    net::store16(tcp + 16, net::checksum_of(sum + net::word_sum(tcp, kTcpHeader + options)));
}

void TcpEnd::pump(TcpConnection& connection, SegmentOutput& output) noexcept {
    while (connection.next != connection.end) {
        const std::uint32_t on_the_way = connection.next - connection.unacknowledged;
        if (on_the_way >= kWindow) return;
        const std::uint32_t payload =
            std::min({std::uint32_t{most_payload_}, connection.end - connection.next, kWindow - on_the_way});
        segment(connection, net::tcp_flag::kAck, connection.next, payload, output);
        connection.next += payload;
    }
}

bool TcpEnd::take_acknowledgement(TcpConnection& connection, const Arrived& arrived) noexcept {
    const net::TcpSegment& segment = arrived.segment;
    const std::uint32_t more = segment.acknowledged - connection.unacknowledged;
    // What was sent before a retransmission began may be acknowledged while `next` stands behind it.
    const std::uint32_t most =
        std::max(connection.next - connection.unacknowledged, connection.end - connection.unacknowledged);
    if (!segment.has(net::tcp_flag::kAck) || more == 0 || more > most) return false;
    connection.unacknowledged = segment.acknowledged;
    if (connection.next - connection.unacknowledged > kWindow) connection.next = connection.unacknowledged;
    connection.tries = 0;
    return true;
}

std::uint32_t TcpEnd::take_data(TcpConnection& connection, const Arrived& arrived, SegmentOutput& output) noexcept {
    const net::TcpSegment& segment = arrived.segment;
    if (segment.payload == 0) return 0;
    if (segment.sequence != connection.expected) {
        out_of_order_.add(1);
        acknowledge(connection, output);
        return 0;
    }
    connection.expected += segment.payload;
    return segment.payload;
}

bool TcpEnd::take_fin(TcpConnection& connection, const Arrived& arrived) noexcept {
    const net::TcpSegment& segment = arrived.segment;
    if (!segment.has(net::tcp_flag::kFin) || segment.sequence + segment.payload != connection.expected) return false;
    ++connection.expected;
    return true;
}

}  // namespace drywall::generate

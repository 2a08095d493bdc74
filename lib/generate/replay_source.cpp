#include "replay_source.h"

#include <algorithm>
#include <cstring>

#include "drywall/io/pcap_file.h"
#include "drywall/net/checksum.h"
#include "rewrite.h"

namespace drywall::generate {

Result<std::unique_ptr<ReplaySource>> ReplaySource::create(const loader::StreamProfile& stream) {
    auto frames = io::read_pcap(stream.replay->file);
    if (!frames) return frames.error();
    const auto refused = [&stream](const std::string& why, const std::string& hint) {
        return Error::invalid(stream.place, "stream '" + stream.name + "': " + stream.replay->file + " " + why, hint);
    };
    if (frames->empty()) return refused("has no packets", "replay another file");
    std::unique_ptr<ReplaySource> source(new ReplaySource(stream));
    Nanos latest{0};
    for (io::CapturedFrame& frame : *frames) {
        const std::size_t number = source->packets_.size() + 1;
        if (frame.length > frame.bytes.size())
            return refused("has packet " + std::to_string(number) + " only in part: " +
                               std::to_string(frame.bytes.size()) + " of " + std::to_string(frame.length) + " bytes",
                           "capture whole packets (tcpdump -s 0)");
        latest = std::max(latest, frame.time - frames->front().time);  // times may run backwards
        const double seconds = std::chrono::duration<double>(latest).count();
        if (auto added = source->add(stream, std::move(frame.bytes), seconds); !added) return added.error();
    }
    source->mean_length_ /= static_cast<double>(source->packets_.size());
    return source;
}

Status ReplaySource::add(const loader::StreamProfile& stream, std::vector<std::uint8_t> bytes, double seconds) {
    const std::string about = "stream '" + stream.name + "': packet " + std::to_string(packets_.size() + 1) + " of " +
                              stream.replay->file + " ";
    rewrite(*stream.replay, bytes);
    if (signature_ && !append_room(bytes, kSignatureBytes))
        return Error::invalid(stream.place,
                              about + "can't carry a signature: it is not IP, a fragment, or not TCP, UDP or ICMP",
                              "leave `signature` out, and packets are counted only");
    if (bytes.size() > loader::kLargestFrame - loader::kFcsBytes || bytes.size() < 14)
        return Error::invalid(
            stream.place, about + "would be a frame of " + std::to_string(bytes.size() + loader::kFcsBytes) + " bytes",
            "frames of 18 to 9234 bytes with FCS can be sent");
    Packet packet;
    const net::PacketMeta meta = parsed(bytes);
    const UpperChecksum upper = upper_checksum(bytes, meta);
    packet.checksum_offset = upper.offset;
    packet.zero_is_none = upper.zero_is_none;
    packet.layer4_offset = meta.l4_offset;
    mean_length_ += static_cast<double>(bytes.size());
    greatest_length_ = std::max(greatest_length_, static_cast<std::uint16_t>(bytes.size()));
    const std::size_t header = meta.is_ip ? meta.l3_offset : 14;
    greatest_packet_ =
        std::max(greatest_packet_, static_cast<std::uint16_t>(bytes.size() - std::min(header, bytes.size())));
    packet.bytes = std::move(bytes);
    packets_.push_back(std::move(packet));
    seconds_.push_back(seconds);
    return Done{};
}

std::uint16_t ReplaySource::length(std::uint64_t n) const noexcept {
    return static_cast<std::uint16_t>(packets_[n % packets_.size()].bytes.size());
}

void ReplaySource::write(std::uint8_t* frame, std::uint16_t length, std::uint64_t n,
                         const Signature& signature) const noexcept {
    const Packet& packet = packets_[n % packets_.size()];
    std::memcpy(frame, packet.bytes.data(), length);
    if (!signature_) return;
    const std::size_t at = length - kSignatureBytes;
    signature.write(frame + at);
    if (packet.checksum_offset == 0) return;
    // Where it stands there were zeros.
    const std::uint64_t sum = net::word_sum(frame + at, kSignatureBytes);
    std::uint8_t* checksum = frame + packet.checksum_offset;
    const bool odd = (at - packet.layer4_offset) % 2 != 0;
    std::uint16_t value =
        net::checksum_of(static_cast<std::uint16_t>(~net::load16(checksum)) + (odd ? net::at_odd_place(sum) : sum));
    if (packet.zero_is_none && value == 0) value = 0xffff;
    net::store16(checksum, value);
}

std::optional<std::uint64_t> ReplaySource::packets() const noexcept {
    if (loops_ == 0) return std::nullopt;
    return loops_ * packets_.size();
}

// Between the last packet of a round and the first of the next one passes what passes between two on average.
Schedule ReplaySource::times() const {
    if (!speed_) return Schedule::maximum();
    std::vector<double> times;
    for (const double seconds : seconds_) times.push_back(seconds / *speed_);
    const double gap = times.size() > 1 ? times.back() / static_cast<double>(times.size() - 1) : 1e-6;
    return Schedule::at_times(times, times.back() + std::max(gap, 1e-9));
}

}  // namespace drywall::generate

#include "packet_writer.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "drywall/net/checksum.h"
#include "drywall/net/packet_meta.h"

namespace drywall::generate {

using loader::Layer4;

namespace {

constexpr std::size_t kTableFlows = 65536;  // 40 bytes each
constexpr std::size_t kUdpBytes = 8;
constexpr std::size_t kTcpBytes = 20;
constexpr std::size_t kEchoBytes = 8;
constexpr std::uint16_t kTcpWindow = 0xffff;
constexpr std::uint8_t kEchoRequest = 8;
constexpr std::uint8_t kEchoRequestV6 = 128;

std::size_t header_bytes(Layer4 layer) noexcept {
    if (layer == Layer4::kTcp) return kTcpBytes;
    return layer == Layer4::kUdp ? kUdpBytes : kEchoBytes;
}

}  // namespace

PacketWriter::PacketWriter(const loader::StreamProfile& stream, std::uint64_t seed, std::uint16_t series)
    : stream_(stream), sizes_(stream.sizes), seed_(seed), series_(series) {}

Result<std::unique_ptr<PacketWriter>> PacketWriter::create(const loader::StreamProfile& stream, std::uint64_t seed,
                                                           std::uint16_t series) {
    std::unique_ptr<PacketWriter> writer(new PacketWriter(stream, seed, series));
    std::vector<std::uint32_t> weights;
    for (const auto& share : stream.sizes.mix) weights.push_back(share.weight);
    if (!weights.empty()) {
        auto round = turns(weights);
        if (!round)
            return Error::invalid(stream.size_place,
                                  "stream '" + stream.name + "': the weights of its sizes have no short round",
                                  "write weights of at most 65,536 together");
        writer->size_turns_ = *std::move(round);
    }
    writer->lay_out_digits();
    if (auto set = writer->set_flows(); !set) return set.error();
    writer->build_header();
    if (auto fit = writer->check_sizes(); !fit) return fit.error();
    return writer;
}

void PacketWriter::lay_out_digits() {
    const auto take = [this](Field field, const auto& values) {
        Digit& digit = digits_[field];
        digit = {values.size(), combinations_, values.random, (series_ << 8U) + field + 1U};
        draws_ = draws_ || (values.random && values.size() > 1);
        if (!values.random) combinations_ *= std::min<std::uint64_t>(values.size(), loader::kMostValues);
        combinations_ = std::min(combinations_, loader::kMostValues);
    };
    take(kSource, stream_.source);
    take(kDestination, stream_.destination);
    take(kSourcePort, stream_.source_port);
    take(kDestinationPort, stream_.destination_port);
    if (!stream_.vlans.empty()) take(kOuterVlan, stream_.vlans[0].id);
    if (stream_.vlans.size() > 1) take(kInnerVlan, stream_.vlans[1].id);
}

Status PacketWriter::set_flows() {
    const bool given = !stream_.given.empty();
    if (stream_.flows || given) {
        loader::FlowsProfile flows = stream_.flows.value_or(loader::FlowsProfile{});
        if (given) flows.count = stream_.given.size();
        if (!given && !draws_ && flows.count > combinations_)
            return Error::invalid(stream_.place,
                                  "stream '" + stream_.name + "' wants " + std::to_string(flows.count) +
                                      " flows, and its fields have " + std::to_string(combinations_) +
                                      " combination(s) of values",
                                  "give a field more values, such as source-port: 1024-65535");
        picker_ = FlowPicker(flows, seed_, series_ << 8U);
        picks_ = true;
        combinations_ = flows.count;
    } else if (!draws_) {
        picker_ = FlowPicker({.count = combinations_}, seed_, 0);
        picks_ = true;
    }
    for (const net::Tuple& flow : stream_.given)
        table_.push_back({flow.source, flow.destination, flow.source_port, flow.destination_port, {}});
    if (!given && picks_ && combinations_ <= kTableFlows)
        for (std::uint64_t flow = 0; flow < combinations_; ++flow) table_.push_back(computed(flow));
    return Done{};
}

std::uint64_t PacketWriter::value(Field field, std::uint64_t flow) const noexcept {
    const Digit& digit = digits_[field];
    if (digit.count <= 1) return 0;
    if (digit.random) return below(drawn(seed_, digit.series, flow), digit.count);
    return flow / digit.divisor % digit.count;
}

FlowEnds PacketWriter::computed(std::uint64_t flow) const noexcept {
    FlowEnds ends;
    ends.source = loader::nth(stream_.source, value(kSource, flow)).bytes;
    ends.destination = loader::nth(stream_.destination, value(kDestination, flow)).bytes;
    ends.source_port = loader::nth(stream_.source_port, value(kSourcePort, flow));
    ends.destination_port = loader::nth(stream_.destination_port, value(kDestinationPort, flow));
    if (!stream_.vlans.empty()) ends.vlans[0] = loader::nth(stream_.vlans[0].id, value(kOuterVlan, flow));
    if (stream_.vlans.size() > 1) ends.vlans[1] = loader::nth(stream_.vlans[1].id, value(kInnerVlan, flow));
    return ends;
}

FlowEnds PacketWriter::ends(std::uint64_t n) const noexcept {
    const std::uint64_t flow = flow_of(n);
    return table_.empty() ? computed(flow) : table_[flow];
}

void PacketWriter::build_header() {
    std::array<std::uint8_t, kTcpBytes> upper{};
    const bool v4 = loader::nth(stream_.source, 0).family == net::Family::kIPv4;
    if (stream_.layer4 == Layer4::kTcp) {
        upper[12] = 5U << 4U;
        upper[13] = stream_.tcp_flags;
        net::store16(&upper[14], kTcpWindow);
    } else if (stream_.layer4 == Layer4::kIcmpEcho) {
        upper[0] = v4 ? kEchoRequest : kEchoRequestV6;
    }
    header_ = FrameHeader(stream_, std::span(upper).first(header_bytes(stream_.layer4)));
}

Status PacketWriter::check_sizes() const {
    const std::size_t least = header_.size() + kSignatureBytes + loader::kFcsBytes;
    if (sizes_.smallest() >= least) return Done{};
    return Error::invalid(stream_.size_place,
                          "stream '" + stream_.name + "': a frame of " + std::to_string(sizes_.smallest()) +
                              " bytes is too small for its headers (" + std::to_string(header_.size()) +
                              " bytes), the signature (16) and the FCS (4)",
                          "the smallest size possible is " + std::to_string(least));
}

std::uint16_t PacketWriter::length(std::uint64_t n) const noexcept {
    std::uint64_t with_fcs = 0;
    if (sizes_.range) {
        const auto [least, most] = *sizes_.range;
        with_fcs = least + below(drawn(seed_, (series_ << 8U) + kFields + 1U, n), std::uint64_t{most} - least + 1);
    } else if (size_turns_.size() == 1) {
        with_fcs = sizes_.mix.front().bytes;
    } else {
        with_fcs = sizes_.mix[size_turns_[n % size_turns_.size()]].bytes;
    }
    return static_cast<std::uint16_t>(with_fcs - loader::kFcsBytes);
}

std::size_t PacketWriter::checksum_offset() const noexcept {
    if (stream_.layer4 == Layer4::kTcp) return header_.layer4() + 16;
    return header_.layer4() + (stream_.layer4 == Layer4::kUdp ? 6 : 2);
}

void PacketWriter::write(std::uint8_t* frame, std::uint16_t length, std::uint64_t n,
                         const Signature& signature) const noexcept {
    std::memset(frame + header_.size(), 0, length - header_.size() - kSignatureBytes);
    const std::size_t at = length - kSignatureBytes;
    signature.write(frame + at);
    FlowEnds mine;
    const std::uint64_t flow = flow_of(n);
    if (table_.empty()) mine = computed(flow);
    const FlowEnds& ends = table_.empty() ? mine : table_[flow];
    const std::uint64_t sum = header_.write(frame, length, ends);
    const std::uint64_t trailer = net::word_sum(frame + at, kSignatureBytes);
    write_layer4(frame, length, n, ends,
                 sum + ((at - header_.layer4()) % 2 == 0 ? trailer : net::at_odd_place(trailer)));
}

void PacketWriter::write_layer4(std::uint8_t* frame, std::uint16_t length, std::uint64_t n, const FlowEnds& ends,
                                std::uint64_t sum) const noexcept {
    std::uint8_t* layer4 = frame + header_.layer4();
    if (stream_.layer4 == Layer4::kIcmpEcho) {
        net::store16(layer4 + 4, ends.source_port);
        net::store16(layer4 + 6, static_cast<std::uint16_t>(n));
        sum += ends.source_port + (n & 0xffffU);
    } else {
        net::store16(layer4, ends.source_port);
        net::store16(layer4 + 2, ends.destination_port);
        sum += std::uint64_t{ends.source_port} + ends.destination_port;
    }
    if (stream_.layer4 == Layer4::kUdp) {
        net::store16(layer4 + 4, static_cast<std::uint16_t>(length - header_.layer4()));
        sum += length - header_.layer4();
    }
    std::uint16_t checksum = net::checksum_of(sum);
    if (stream_.layer4 == Layer4::kUdp && checksum == 0) checksum = 0xffff;  // 0 says that there is none (RFC 768)
    net::store16(frame + checksum_offset(), checksum);
}

}  // namespace drywall::generate

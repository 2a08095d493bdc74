#include "packet_writer.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "checksum.h"
#include "drywall/net/packet_meta.h"

namespace drywall::generate {

using loader::Layer4;

namespace {

constexpr std::size_t kTableFlows = 65536;  // 40 bytes each
constexpr std::size_t kIPv4Bytes = 20;
constexpr std::size_t kIPv6Bytes = 40;
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

std::uint8_t protocol_of(Layer4 layer, bool v4) noexcept {
    if (layer == Layer4::kTcp) return net::protocol::kTcp;
    if (layer == Layer4::kUdp) return net::protocol::kUdp;
    return v4 ? net::protocol::kIcmp : net::protocol::kIcmpv6;
}

}  // namespace

PacketWriter::PacketWriter(const loader::StreamProfile& stream, std::uint64_t seed, std::uint16_t series)
    : stream_(stream), sizes_(stream.sizes), seed_(seed), series_(series) {
    family_ = loader::nth(stream.source, 0).family;
}

Result<std::unique_ptr<PacketWriter>> PacketWriter::create(const loader::StreamProfile& stream, std::uint64_t seed,
                                                           std::uint16_t series, std::vector<FlowEnds> ends) {
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
    if (auto set = writer->set_flows(std::move(ends)); !set) return set.error();
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

Status PacketWriter::set_flows(std::vector<FlowEnds> ends) {
    const bool given = !ends.empty();
    if (stream_.flows || given) {
        loader::FlowsProfile flows = stream_.flows.value_or(loader::FlowsProfile{});
        if (given) flows.count = ends.size();
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
    table_ = std::move(ends);
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
    append_layer2();
    append_layer3();
    append_layer4();
}

void PacketWriter::append_layer2() {
    header_.insert(header_.end(), stream_.destination_mac.begin(), stream_.destination_mac.end());
    header_.insert(header_.end(), stream_.source_mac.begin(), stream_.source_mac.end());
    for (const loader::VlanProfile& tag : stream_.vlans) {
        header_.resize(header_.size() + 4);
        store16(&header_[header_.size() - 4], tag.service ? net::ether_type::kQinQ : net::ether_type::kVlan);
        store16(&header_[header_.size() - 2], std::uint32_t{tag.priority} << 13U);
    }
    header_.resize(header_.size() + 2);
    store16(&header_[header_.size() - 2], is_v4() ? net::ether_type::kIPv4 : net::ether_type::kIPv6);
    layer3_ = header_.size();
}

// Lengths, addresses and checksums are each packet's.
void PacketWriter::append_layer3() {
    const std::uint8_t protocol = protocol_of(stream_.layer4, is_v4());
    layer4_ = layer3_ + (is_v4() ? kIPv4Bytes : kIPv6Bytes);
    header_.resize(layer4_);
    std::uint8_t* ip = &header_[layer3_];
    const auto traffic_class = static_cast<std::uint8_t>(stream_.dscp << 2U);
    if (is_v4()) {
        ip[0] = 0x45;
        ip[1] = traffic_class;
        store16(ip + 6, 0x4000);  // don't fragment: then the identification says nothing (RFC 6864)
        ip[8] = stream_.hop_limit;
        ip[9] = protocol;
        layer3_sum_ = word_sum(ip, kIPv4Bytes);
    } else {
        store32(ip, 0x60000000U | std::uint32_t{traffic_class} << 20U);
        ip[6] = protocol;
        ip[7] = stream_.hop_limit;
    }
    if (stream_.layer4 != Layer4::kIcmpEcho || !is_v4()) layer4_sum_ = protocol;
}

void PacketWriter::append_layer4() {
    header_.resize(layer4_ + header_bytes(stream_.layer4));
    std::uint8_t* layer4 = &header_[layer4_];
    if (stream_.layer4 == Layer4::kTcp) {
        layer4[12] = 5U << 4U;
        layer4[13] = stream_.tcp_flags;
        store16(layer4 + 14, kTcpWindow);
    } else if (stream_.layer4 == Layer4::kIcmpEcho) {
        layer4[0] = is_v4() ? kEchoRequest : kEchoRequestV6;
    }
    layer4_sum_ += word_sum(layer4, header_.size() - layer4_);
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
    if (stream_.layer4 == Layer4::kTcp) return layer4_ + 16;
    return layer4_ + (stream_.layer4 == Layer4::kUdp ? 6 : 2);
}

void PacketWriter::write(std::uint8_t* frame, std::uint16_t length, std::uint64_t n,
                         const Signature& signature) const noexcept {
    std::memcpy(frame, header_.data(), header_.size());
    std::memset(frame + header_.size(), 0, length - header_.size() - kSignatureBytes);
    const std::size_t at = length - kSignatureBytes;
    signature.write(frame + at);

    FlowEnds mine;
    const std::uint64_t flow = flow_of(n);
    if (table_.empty()) mine = computed(flow);
    const FlowEnds& ends = table_.empty() ? mine : table_[flow];
    for (std::size_t tag = 0; tag < stream_.vlans.size(); ++tag) {
        std::uint8_t* control = frame + 14 + 4 * tag;
        store16(control, load16(control) | ends.vlans[tag]);
    }
    std::uint8_t* ip = frame + layer3_;
    std::uint64_t addresses = 0;
    if (is_v4()) {
        std::memcpy(ip + 12, ends.source.data(), 4);
        std::memcpy(ip + 16, ends.destination.data(), 4);
        addresses = word_sum(ip + 12, 8);
        const auto total = static_cast<std::uint16_t>(length - layer3_);
        store16(ip + 2, total);
        store16(ip + 10, checksum_of(layer3_sum_ + addresses + total));
    } else {
        std::memcpy(ip + 8, ends.source.data(), 16);
        std::memcpy(ip + 24, ends.destination.data(), 16);
        addresses = word_sum(ip + 8, 32);
        store16(ip + 4, static_cast<std::uint16_t>(length - layer4_));
    }
    const std::uint64_t trailer = word_sum(frame + at, kSignatureBytes);
    const bool pseudo_header = !is_v4() || stream_.layer4 != Layer4::kIcmpEcho;
    write_layer4(frame, length, n, ends,
                 layer4_sum_ + ((at - layer4_) % 2 == 0 ? trailer : at_odd_place(trailer)) +
                     (pseudo_header ? addresses + (length - layer4_) : 0));
}

void PacketWriter::write_layer4(std::uint8_t* frame, std::uint16_t length, std::uint64_t n, const FlowEnds& ends,
                                std::uint64_t sum) const noexcept {
    std::uint8_t* layer4 = frame + layer4_;
    if (stream_.layer4 == Layer4::kIcmpEcho) {
        store16(layer4 + 4, ends.source_port);
        store16(layer4 + 6, static_cast<std::uint16_t>(n));
        sum += ends.source_port + (n & 0xffffU);
    } else {
        store16(layer4, ends.source_port);
        store16(layer4 + 2, ends.destination_port);
        sum += std::uint64_t{ends.source_port} + ends.destination_port;
    }
    if (stream_.layer4 == Layer4::kUdp) {
        store16(layer4 + 4, static_cast<std::uint16_t>(length - layer4_));
        sum += length - layer4_;
    }
    std::uint16_t checksum = checksum_of(sum);
    if (stream_.layer4 == Layer4::kUdp && checksum == 0) checksum = 0xffff;  // 0 says that there is none (RFC 768)
    store16(frame + checksum_offset(), checksum);
}

}  // namespace drywall::generate

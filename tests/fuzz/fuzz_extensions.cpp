// Packets with chains of IPv6 extension headers, or IPv4 options, built from the input and cut at every byte: the
// parser against its slow twin, in buffers of exactly the size that may be read.
#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "drywall/net/address_check.h"
#include "drywall/net/fragment.h"
#include "drywall/net/packet_meta.h"
#include "drywall/net/tcp_segment.h"
#include "input.h"
#include "naive_headers.h"
#include "packets.h"
#include "parsers.h"
#include "wire_format.h"

namespace {

using namespace drywall;
using fuzz::Input;
using fuzz::require;
using net::FragmentKind;
using net::FrameView;
using net::PacketMeta;
using test::Bytes;

constexpr std::uint16_t kPort = 1;

void put(Bytes& out, std::initializer_list<unsigned> bytes) {
    for (const unsigned byte : bytes) out.push_back(static_cast<std::uint8_t>(byte));
}
void put16(Bytes& out, std::size_t value) {
    put(out, {static_cast<unsigned>(value >> 8 & 0xff), static_cast<unsigned>(value & 0xff)});
}
void append(Bytes& out, const Bytes& more) { out.insert(out.end(), more.begin(), more.end()); }

// Writes packets: most of what the input says is true, and the rest is a lie about a length, an order or a content.
class Writer {
public:
    explicit Writer(Input& input) : input_(input) {}

    Bytes frame() {
        Bytes out(12);
        const unsigned how = input_.byte();
        for (unsigned tag = how % 4 % 3; tag > 0; --tag)
            put(out, {tag == 2 ? 0x88a8U >> 8 : 0x81U, tag == 2 ? 0xa8U : 0x00U, 0, 7});
        const bool v6 = (how & 4) == 0;
        put16(out, v6 ? net::ether_type::kIPv6 : net::ether_type::kIPv4);
        append(out, v6 ? ipv6() : ipv4());
        out.resize(out.size() + ((how & 8) != 0 ? input_.byte() % 32 : 0));  // the frame's padding
        return out;
    }

private:
    struct Header {
        unsigned type = 0;
        Bytes bytes;
    };

    // What a byte of the input says, most often: what is right.
    std::size_t or_a_lie(std::size_t right) {
        const unsigned lie = input_.byte();
        if (lie < 0xe0) return right;
        return lie < 0xf0 ? right + lie % 16 : lie < 0xf8 ? right - lie % 8 : input_.byte() * 256U + input_.byte();
    }

    Bytes ipv6() {
        std::vector<Header> chain;
        for (std::size_t count = input_.byte() % 11; count > 0; --count) chain.push_back(extension());
        const Header upper = upper_layer();
        Bytes headers;
        for (std::size_t i = 0; i < chain.size(); ++i) {
            const unsigned next = i + 1 < chain.size() ? chain[i + 1].type : upper.type;
            chain[i].bytes[0] = static_cast<std::uint8_t>(or_a_lie(next));
            append(headers, chain[i].bytes);
        }
        append(headers, upper.bytes);
        Bytes out;
        put(out, {0x60, 0, 0, 0});
        put16(out, or_a_lie(headers.size()));
        put(out, {chain.empty() ? upper.type : chain.front().type, 64});
        for (const std::string_view address : {"2001:db8::1", "2001:db8:1::9"}) {
            const net::AddressBytes bytes = test::address(address).bytes;
            out.insert(out.end(), bytes.begin(), bytes.end());
        }
        append(out, headers);
        return out;
    }

    Header extension() {
        constexpr std::array<unsigned, 16> kTypes = {0, 60, 43, 44, 51, 60, 43, 44, 51, 0, 60, 135, 139, 140, 59, 50};
        const unsigned type = kTypes[input_.byte() % kTypes.size()];
        const unsigned size = input_.byte();
        const unsigned units = type == 44 ? 0 : size % 8 == 7 ? size / 8 : size % 4;
        Header header{type, Bytes(type == 51 ? (units + 3) * 4 : (units + 1) * 8)};
        header.bytes[1] = static_cast<std::uint8_t>(or_a_lie(type == 51 ? units + 1 : units));
        if (type == 43) header.bytes[2] = input_.byte();
        if (type == 44) write_fragment(header.bytes);
        return header;
    }
    void write_fragment(Bytes& header) {
        constexpr std::array<unsigned, 8> kFields = {0, 1, 1, 8, 9, 16, 24, 0xfff8};
        const unsigned how = input_.byte();
        const unsigned field = how < 0xe0 ? kFields[how % kFields.size()] : input_.byte() * 256U + input_.byte();
        header[2] = static_cast<std::uint8_t>(field >> 8);
        header[3] = static_cast<std::uint8_t>(field & 0xff);
        header[7] = 7;
    }

    Header upper_layer() {
        constexpr std::array<unsigned, 8> kTypes = {6, 17, 132, 58, 1, 59, 50, 47};
        const unsigned how = input_.byte();
        Header upper{how < 0xe0 ? kTypes[how % kTypes.size()] : input_.byte(),
                     Bytes(or_a_lie(input_.byte() % 48) % 256)};
        Bytes& bytes = upper.bytes;
        if (bytes.size() > 13 && upper.type == 6) {
            bytes[12] = static_cast<std::uint8_t>(or_a_lie(5) << 4);
            bytes[13] = input_.byte();
        }
        if (bytes.size() > 5 && upper.type == 17) bytes[5] = static_cast<std::uint8_t>(or_a_lie(bytes.size()));
        for (std::size_t at = 0; at < std::min<std::size_t>(4, bytes.size()); ++at) bytes[at] = input_.byte();
        return upper;
    }

    Bytes ipv4() {
        Bytes options;
        for (unsigned count = input_.byte() % 8; count > 0; --count) append(options, option());
        options.resize(std::min<std::size_t>(40, (options.size() + 3) / 4 * 4));
        const Header upper = upper_layer();
        Bytes out;
        put(out, {0x40U | static_cast<unsigned>(or_a_lie(5 + options.size() / 4) & 0x0f), 0});
        put16(out, or_a_lie(20 + options.size() + upper.bytes.size()));
        put16(out, 7);
        constexpr std::array<unsigned, 8> kFields = {0, 0, 0x2000, 1, 0x2001, 2, 3, 0x1fff};
        const unsigned how = input_.byte();
        put16(out, how < 0xe0 ? kFields[how % kFields.size()] : input_.byte() * 256U + input_.byte());
        put(out, {64, upper.type, 0, 0, 10, 0, 0, 1, 10, 1, 0, 9});
        append(out, options);
        const std::size_t checksum = or_a_lie(test::wire::internet_checksum(out));
        out[10] = static_cast<std::uint8_t>(checksum >> 8 & 0xff);
        out[11] = static_cast<std::uint8_t>(checksum & 0xff);
        append(out, upper.bytes);
        return out;
    }
    Bytes option() {
        constexpr std::array<std::uint8_t, 8> kTypes = {1, 0, 7, 68, 131, 137, 148, 130};
        const unsigned how = input_.byte();
        const std::uint8_t type = how < 0xe0 ? kTypes[how % kTypes.size()] : input_.byte();
        if (type < 2) return {type};
        Bytes out(2 + input_.byte() % 12);
        out[0] = type;
        out[1] = static_cast<std::uint8_t>(or_a_lie(out.size()));
        return out;
    }

    Input& input_;
};

// The first `readable` bytes of a frame of `length`, and nothing behind them.
class Cut {
public:
    Cut(const Bytes& frame, std::size_t readable, std::size_t length)
        : bytes_(new std::uint8_t[readable]),
          view_{bytes_.get(), static_cast<std::uint32_t>(readable), static_cast<std::uint32_t>(length), kPort} {
        std::copy_n(frame.begin(), readable, bytes_.get());
    }
    [[nodiscard]] const FrameView& view() const { return view_; }

private:
    std::unique_ptr<std::uint8_t[]> bytes_;
    FrameView view_;
};

// Whatever else reads the headers stays within them, and says of a fragment what the twin says.
PacketMeta parse_and_compare(const FrameView& frame) {
    const PacketMeta meta = fuzz::parse_alike(frame);
    if (!meta.is_ip || meta.malformed != DropReason::kNone) return meta;
    (void)net::has_right_checksum(frame, meta);
    (void)net::check_addresses(meta, net::AddressCheck::kStrict);
    (void)net::parse_icmp_quote(frame, meta);
    if (net::is_icmp(meta.tuple.protocol) && meta.fragment != FragmentKind::kLater)
        (void)net::announced_mtu(frame, meta);
    if (meta.tuple.protocol == net::protocol::kTcp && meta.fragment != FragmentKind::kLater)
        (void)net::read_tcp_segment(frame, meta);
    const test::NaiveHeaders headers = test::read_headers(frame);
    require(headers.range.has_value() == (meta.fragment != FragmentKind::kWhole), "a fragment has a range");
    if (headers.range) require(net::fragment_range(frame, meta) == *headers.range, "the range is what is carried");
    return meta;
}

// Who sees less of a packet, or gets less of it, may not understand it any more, but never takes it for another one.
void cut_everywhere(const Bytes& frame, const PacketMeta& whole) {
    for (std::size_t size = 0; size < frame.size(); ++size)
        for (const std::size_t length : {frame.size(), size}) {
            const PacketMeta cut = parse_and_compare(Cut(frame, size, length).view());
            if (cut.malformed != DropReason::kNone) continue;
            require(whole.malformed == DropReason::kNone, "what is malformed is so wherever it is cut");
            require(cut == whole, "a cut changes nothing of what is still understood");
        }
}

// An ICMP error about the packet, that quotes the first `quoted` bytes of it.
Bytes error_about(const Bytes& packet, const PacketMeta& meta, std::size_t quoted) {
    const bool v6 = meta.tuple.family == net::Family::kIPv6;
    Bytes out(12);
    put16(out, v6 ? net::ether_type::kIPv6 : net::ether_type::kIPv4);
    if (v6) {
        put(out, {0x60, 0, 0, 0});
        put16(out, 8 + quoted);
        put(out, {58, 64});
        out.insert(out.end(), meta.tuple.destination.begin(), meta.tuple.destination.end());
        out.insert(out.end(), meta.tuple.source.begin(), meta.tuple.source.end());
    } else {
        put(out, {0x45, 0});
        put16(out, 28 + quoted);
        put(out, {0, 0, 0, 0, 64, 1, 0, 0});
        out.insert(out.end(), meta.tuple.destination.begin(), meta.tuple.destination.begin() + 4);
        out.insert(out.end(), meta.tuple.source.begin(), meta.tuple.source.begin() + 4);
    }
    put(out, {v6 ? 1U : 3U, 1, 0, 0, 0, 0, 0, 0});
    out.insert(out.end(), packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(quoted));
    return out;
}

// An error names the packet that it is about, or none: never another one. It names it as soon as it quotes eight bytes
// behind the headers.
void quote_everywhere(const Bytes& frame, const PacketMeta& whole, std::size_t packet_end) {
    constexpr std::size_t kEnough = 8;
    if (whole.malformed != DropReason::kNone || !whole.is_ip) return;
    const Bytes packet(frame.begin() + whole.l3_offset, frame.begin() + static_cast<std::ptrdiff_t>(packet_end));
    for (std::size_t quoted = 0; quoted <= packet.size(); ++quoted) {
        const Bytes error = error_about(packet, whole, quoted);
        const Cut view(error, error.size(), error.size());
        const auto quote = net::parse_icmp_quote(view.view(), parse_and_compare(view.view()));
        if (whole.fragment == FragmentKind::kLater) {
            require(!quote, "no error is about a later fragment");
            continue;
        }
        const bool enough = whole.l4_offset != 0 && quoted >= whole.l4_offset - whole.l3_offset + kEnough;
        require(quote || !enough, "an error that quotes enough names its packet");
        require(!quote || quote->tuple == whole.tuple, "an error names the packet that it quotes");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input({data, size});
    const Bytes frame = Writer(input).frame();
    const Cut all(frame, frame.size(), frame.size());
    const PacketMeta whole = parse_and_compare(all.view());
    cut_everywhere(frame, whole);
    const std::size_t length_at = whole.l3_offset + (whole.tuple.family == net::Family::kIPv6 ? 4U : 2U);
    const std::size_t fixed = whole.tuple.family == net::Family::kIPv6 ? 40 : 0;
    const std::size_t bytes = frame[length_at] * 256U + frame[length_at + 1];
    quote_everywhere(frame, whole, whole.l3_offset + fixed + bytes);
    return 0;
}

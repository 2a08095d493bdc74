#include "drywall/io/capture.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <limits>
#include <system_error>
#include <utility>

#include <pcap/pcap.h>

#include "link_layer.h"
#include "packet_time.h"
#include "pcapng_interfaces.h"

namespace drywall::io {

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;  // in nanoseconds
constexpr int kLongestFrame = 262144;            // libpcap's own limit
constexpr std::size_t kEthernetBytes = 14;
constexpr std::uint64_t kLongestClaim = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t kWriteBuffer = std::size_t{1} << 20U;

struct HandleCloser {
    void operator()(pcap_t* handle) const noexcept { pcap_close(handle); }
};
using Handle = std::unique_ptr<pcap_t, HandleCloser>;

struct DumpCloser {
    void operator()(pcap_dumper_t* dump) const noexcept { pcap_dump_close(dump); }
};
using Dump = std::unique_ptr<pcap_dumper_t, DumpCloser>;

Error wrong_file(const std::string& name, std::string message, std::string hint) {
    return Error::invalid(Place{name}, std::move(message), std::move(hint));
}

std::string name_of_link_type(int type) {
    const char* name = pcap_datalink_val_to_name(type);
    return name != nullptr ? name : std::to_string(type);
}

}  // namespace

struct CaptureReader::State {
    Handle handle;
    LinkLayer layer;
    std::string name;
    std::string file;  // empty: a stream
    std::string link_type;
    std::optional<PcapngInterfaces> interfaces;
    std::vector<std::uint8_t> frame;  // with an Ethernet header that the file did not have
    std::uint64_t packets = 0;
    std::string broken;

    void as_ethernet(std::span<const std::uint8_t> captured, CapturedPacket& packet);
};

void CaptureReader::State::as_ethernet(std::span<const std::uint8_t> captured, CapturedPacket& packet) {
    frame.assign(kEthernetBytes, 0);
    if (captured.size() >= layer.header_bytes) {
        const std::uint16_t type = layer.ether_type(captured);
        frame[kEthernetBytes - 2] = static_cast<std::uint8_t>(type >> 8U);
        frame[kEthernetBytes - 1] = static_cast<std::uint8_t>(type & 0xffU);
        const auto packet_bytes = captured.subspan(layer.header_bytes);
        frame.insert(frame.end(), packet_bytes.begin(), packet_bytes.end());
    }
    // The file may claim any length.
    const std::uint64_t length = packet.length - std::min<std::uint64_t>(layer.header_bytes, packet.length);
    packet.length = static_cast<std::uint32_t>(std::min<std::uint64_t>(length + kEthernetBytes, kLongestClaim));
    packet.bytes = frame;
}

CaptureReader::CaptureReader(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
CaptureReader::CaptureReader(CaptureReader&&) noexcept = default;
CaptureReader& CaptureReader::operator=(CaptureReader&&) noexcept = default;
CaptureReader::~CaptureReader() = default;

Result<CaptureReader> CaptureReader::open(const std::string& file) {
    if (file == "-") return adopt(stdin, "standard input");
    std::FILE* stream = std::fopen(file.c_str(), "rb");
    if (stream == nullptr)
        return Error{errno == ENOENT ? ErrorKind::kNotFound : ErrorKind::kInvalid,
                     {{Place{file}, std::string("can't be read: ") + std::strerror(errno), "name a capture file"}}};
    Result<CaptureReader> reader = adopt(stream, file);
    if (reader) reader->state_->file = file;
    return reader;
}

Result<CaptureReader> CaptureReader::adopt(std::FILE* stream, const std::string& name) {
    std::array<char, PCAP_ERRBUF_SIZE> reason{};
    Handle handle(pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO, reason.data()));
    if (!handle) {
        if (stream != stdin) std::fclose(stream);
        return wrong_file(name, std::string("is no capture that can be read: ") + reason.data(),
                          "give a pcap or pcapng file, as tcpdump -w and Wireshark write them");
    }
    const int type = pcap_datalink(handle.get());
    const std::optional<LinkLayer> layer = link_layer(type);
    if (!layer)
        return wrong_file(name, "has the link type " + name_of_link_type(type) + ", whose packets can't be judged",
                          "capture on an Ethernet interface, on 'any', or raw IP");
    auto state = std::make_unique<State>();
    state->handle = std::move(handle);
    state->layer = *layer;
    state->name = name;
    state->link_type = name_of_link_type(type);
    return CaptureReader(std::move(state));
}

void CaptureReader::tell_interfaces_apart() {
    assert(state_->packets == 0);
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(state_->file, ignored)) return;
    if (File again{std::fopen(state_->file.c_str(), "rb")}) state_->interfaces = PcapngInterfaces::of(std::move(again));
}

CaptureReader::Next CaptureReader::next(CapturedPacket& packet) {
    State& state = *state_;
    pcap_pkthdr* header = nullptr;
    const u_char* data = nullptr;
    const int got = pcap_next_ex(state.handle.get(), &header, &data);
    if (got == PCAP_ERROR_BREAK) return Next::kEnd;
    if (got != 1) {
        state.broken = pcap_geterr(state.handle.get());
        return Next::kBroken;
    }
    const std::optional<Nanos> time = time_of(*header);
    if (!time) {
        state.broken = kSenselessTime;
        return Next::kBroken;
    }
    ++state.packets;
    packet.time = *time;
    packet.length = std::max(header->len, header->caplen);
    packet.bytes = {data, header->caplen};
    packet.interface = state.interfaces ? state.interfaces->next().value_or(0) : 0;
    if (state.layer.ether_type != nullptr) state.as_ethernet(packet.bytes, packet);
    return Next::kPacket;
}

Error CaptureReader::error() const {
    const long at = std::ftell(pcap_file(state_->handle.get()));
    const std::string where =
        "packet " + std::to_string(state_->packets + 1) + (at < 0 ? "" : ", before byte " + std::to_string(at));
    return wrong_file(state_->name, where + ": " + state_->broken,
                      state_->packets == 0 ? "record it again"
                                           : "the " + std::to_string(state_->packets) +
                                                 " packets before it are whole: --until-damage takes them alone");
}

const std::string& CaptureReader::name() const noexcept { return state_->name; }
std::uint64_t CaptureReader::packets() const noexcept { return state_->packets; }
const std::string& CaptureReader::link_type() const noexcept { return state_->link_type; }

std::span<const std::string> CaptureReader::interfaces() const noexcept {
    return state_->interfaces ? std::span<const std::string>(state_->interfaces->names())
                              : std::span<const std::string>();
}

struct CaptureWriter::State {
    std::string name;
    Handle handle;
    Dump dump;
};

CaptureWriter::CaptureWriter(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
CaptureWriter::CaptureWriter(CaptureWriter&&) noexcept = default;
CaptureWriter& CaptureWriter::operator=(CaptureWriter&&) noexcept = default;
CaptureWriter::~CaptureWriter() = default;

Result<CaptureWriter> CaptureWriter::create(const std::string& file) {
    auto state = std::make_unique<State>();
    state->name = file;
    state->handle.reset(pcap_open_dead_with_tstamp_precision(DLT_EN10MB, kLongestFrame, PCAP_TSTAMP_PRECISION_NANO));
    if (!state->handle) return Error::of(ErrorKind::kUnavailable, "libpcap gave no handle to write with");
    std::FILE* stream = std::fopen(file.c_str(), "wb");
    if (stream == nullptr)
        return Error{ErrorKind::kUnavailable,
                     {{Place{file}, std::string("can't be written: ") + std::strerror(errno), ""}}};
    (void)std::setvbuf(stream, nullptr, _IOFBF, kWriteBuffer);
    state->dump.reset(pcap_dump_fopen(state->handle.get(), stream));
    if (!state->dump) {
        std::fclose(stream);
        return Error{ErrorKind::kUnavailable,
                     {{Place{file}, std::string("can't be written: ") + pcap_geterr(state->handle.get()), ""}}};
    }
    return CaptureWriter(std::move(state));
}

void CaptureWriter::write(const CapturedPacket& packet) {
    pcap_pkthdr header{};
    header.ts.tv_sec = packet.time.count() / kSecond;
    header.ts.tv_usec = packet.time.count() % kSecond;
    header.caplen = static_cast<bpf_u_int32>(packet.bytes.size());
    header.len = std::max(packet.length, header.caplen);
    pcap_dump(reinterpret_cast<u_char*>(state_->dump.get()), &header, packet.bytes.data());
}

Status CaptureWriter::finish() {
    if (pcap_dump_flush(state_->dump.get()) != 0 || std::ferror(pcap_dump_file(state_->dump.get())) != 0)
        return Error{ErrorKind::kUnavailable, {{Place{state_->name}, "could not be written whole (disk full?)", ""}}};
    return Done{};
}

}  // namespace drywall::io

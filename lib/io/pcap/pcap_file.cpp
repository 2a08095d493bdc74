#include "drywall/io/pcap_file.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>

#include <pcap/pcap.h>

#include "packet_time.h"

namespace drywall::io {

namespace {

constexpr int kSnapshotBytes = 262144;  // libpcap's own limit for one frame
constexpr std::int64_t kNanosPerSecond = 1'000'000'000;

struct PcapCloser {
    void operator()(pcap_t* handle) const noexcept { pcap_close(handle); }
};
using Pcap = std::unique_ptr<pcap_t, PcapCloser>;

struct DumperCloser {
    void operator()(pcap_dumper_t* dumper) const noexcept { pcap_dump_close(dumper); }
};
using Dumper = std::unique_ptr<pcap_dumper_t, DumperCloser>;

Error about(const std::filesystem::path& file, std::string message, std::string hint = {}) {
    return Error::invalid(Place{file.string()}, std::move(message), std::move(hint));
}

Error unavailable(const std::filesystem::path& file, std::string message) {
    Error error = about(file, std::move(message));
    error.kind = ErrorKind::kUnavailable;
    return error;
}

std::string link_type_name(int type) {
    const char* name = pcap_datalink_val_to_name(type);
    return name != nullptr ? name : std::to_string(type);
}

pcap_pkthdr to_header(const CapturedFrame& frame) {
    pcap_pkthdr header{};
    header.ts.tv_sec = frame.time.count() / kNanosPerSecond;
    header.ts.tv_usec = frame.time.count() % kNanosPerSecond;
    header.caplen = static_cast<bpf_u_int32>(frame.bytes.size());
    header.len = std::max(frame.length, header.caplen);
    return header;
}

}  // namespace

Result<std::vector<CapturedFrame>> read_pcap(const std::filesystem::path& file) {
    if (!std::filesystem::is_regular_file(file))
        return Error{ErrorKind::kNotFound, {{Place{file.string()}, "no such capture file", ""}}};
    std::array<char, PCAP_ERRBUF_SIZE> reason{};
    const Pcap handle(pcap_open_offline_with_tstamp_precision(file.c_str(), PCAP_TSTAMP_PRECISION_NANO, reason.data()));
    if (!handle) return about(file, std::string("not a readable capture file: ") + reason.data());
    if (const int type = pcap_datalink(handle.get()); type != DLT_EN10MB)
        return about(file, "link type " + link_type_name(type) + " instead of Ethernet",
                     "capture on one Ethernet interface, not on 'any'");

    std::vector<CapturedFrame> frames;
    pcap_pkthdr* header = nullptr;
    const u_char* data = nullptr;
    int state = 0;
    while ((state = pcap_next_ex(handle.get(), &header, &data)) == 1) {
        const std::optional<Nanos> time = time_of(*header);
        if (!time) return about(file, "frame " + std::to_string(frames.size() + 1) + ": " + kSenselessTime);
        frames.push_back({*time, {data, data + header->caplen}, std::max(header->len, header->caplen)});
    }
    if (state != PCAP_ERROR_BREAK)
        return about(file, "frame " + std::to_string(frames.size() + 1) + ": " + pcap_geterr(handle.get()));
    return frames;
}

Status write_pcap(const std::filesystem::path& file, std::span<const CapturedFrame> frames) {
    const Pcap handle(pcap_open_dead_with_tstamp_precision(DLT_EN10MB, kSnapshotBytes, PCAP_TSTAMP_PRECISION_NANO));
    if (!handle) return unavailable(file, "libpcap gave no handle to write with");
    const Dumper dumper(pcap_dump_open(handle.get(), file.c_str()));
    if (!dumper) return unavailable(file, pcap_geterr(handle.get()));
    for (std::size_t i = 0; i < frames.size(); ++i) {
        if (frames[i].bytes.size() > kSnapshotBytes)
            return about(file, "frame " + std::to_string(i + 1) + " is larger than a capture file can hold");
        const pcap_pkthdr header = to_header(frames[i]);
        pcap_dump(reinterpret_cast<u_char*>(dumper.get()), &header, frames[i].bytes.data());
    }
    if (pcap_dump_flush(dumper.get()) != 0) return unavailable(file, "could not be written (disk full?)");
    return Done{};
}

}  // namespace drywall::io

// Capture files as lists of frames. Ethernet only, times in nanoseconds.
//
// Threads: control side and tests; plain functions. libpcap ends in lib/io/pcap/pcap_file.cpp.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "drywall/base/clock.h"
#include "drywall/base/result.h"

namespace drywall::io {

struct CapturedFrame {
    Nanos time{0};  // since 1970, as the file has it
    std::vector<std::uint8_t> bytes;
    std::uint32_t length = 0;  // on the wire; more than bytes.size() if the capture cut the frame

    bool operator==(const CapturedFrame&) const = default;
};

// Every frame of the file, in its order. pcap or pcapng, microseconds or nanoseconds.
[[nodiscard]] Result<std::vector<CapturedFrame>> read_pcap(const std::filesystem::path& file);

// Writes (and replaces) a pcap file with nanosecond times.
[[nodiscard]] Status write_pcap(const std::filesystem::path& file, std::span<const CapturedFrame> frames);

}  // namespace drywall::io

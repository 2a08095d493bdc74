// PcapngWriter: a pcapng file written packet by packet, with a name for every interface and a comment for every packet,
// which libpcap can't write.
//
// Threads: one per object.
// Memory:  one block. Every packet is in the file (or the pipe) when write() returns, so that a reader can follow.
// Source:  draft-ietf-opsawg-pcapng, "PCAP Now Generic (pcapng) Capture File Format", section 4.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "drywall/base/result.h"
#include "drywall/io/capture.h"

namespace drywall::io {

class PcapngWriter {
public:
    // A file (which is replaced), or "-" for standard output. `interfaces`: their names; packets have them by number.
    // Ethernet, times in nanoseconds; `snapshot_length` is what packets were cut to at most, 0: not at all.
    [[nodiscard]] static Result<PcapngWriter> create(const std::string& file, std::span<const std::string> interfaces,
                                                     std::uint32_t snapshot_length);

    // kUnavailable when it can't be written: the disk is full, the reader of the pipe has gone.
    // REQUIRES: packet.interface is one of those that the file began with
    [[nodiscard]] Status write(const CapturedPacket& packet, std::string_view comment);

private:
    struct FileCloser {
        void operator()(std::FILE* file) const noexcept {
            if (file != stdout) (void)std::fclose(file);
        }
    };
    PcapngWriter(std::FILE* file, std::string name) : file_(file), name_(std::move(name)) {}
    void begin(std::uint32_t type);
    void add16(std::uint16_t value);
    void add32(std::uint32_t value);
    void add_padded(std::span<const std::uint8_t> bytes);
    void add_option(std::uint16_t code, std::string_view text);
    void end_options();
    [[nodiscard]] Status end();
    [[nodiscard]] Status begin_section(std::span<const std::string> interfaces, std::uint32_t snapshot_length);

    std::unique_ptr<std::FILE, FileCloser> file_;
    std::string name_;
    std::vector<std::uint8_t> block_;
};

}  // namespace drywall::io

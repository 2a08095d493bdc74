// Capture: the packets of a capture file one after the other, as Ethernet frames, and such a file written packet by
// packet. pcap and pcapng, microseconds or nanoseconds. Files without Ethernet headers (raw IP, Linux cooked, BSD
// loopback) are read as if each packet had one with empty addresses.
//
// Threads: one per object. libpcap ends in lib/io/pcap/.
// Memory:  one packet at a time, however long the file is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "drywall/base/clock.h"
#include "drywall/base/result.h"

namespace drywall::io {

struct CapturedPacket {
    Nanos time{0};                        // since 1970, as the file has it
    std::span<const std::uint8_t> bytes;  // until the next one is read
    std::uint32_t length = 0;             // on the wire; more than bytes.size() if the capture cut the packet
    std::uint32_t interface = 0;          // pcapng, where interfaces are told apart: as numbered by the file, from 0
};

class CaptureReader {
public:
    // A file, or "-" for standard input. kNotFound, or kInvalid for what is no capture of a known link type.
    [[nodiscard]] static Result<CaptureReader> open(const std::string& file);
    // Takes `stream` over; `name` is what complaints call it.
    [[nodiscard]] static Result<CaptureReader> adopt(std::FILE* stream, const std::string& name);

    CaptureReader(CaptureReader&&) noexcept;
    CaptureReader& operator=(CaptureReader&&) noexcept;
    ~CaptureReader();

    // From now on packets of a pcapng file come with their interface; it costs a second walk over the file. What can be
    // read only once (a pipe, standard input) has but interface 0. REQUIRES: no packet was read
    void tell_interfaces_apart();

    enum class Next { kPacket, kEnd, kBroken };
    [[nodiscard]] Next next(CapturedPacket& packet);

    // What is wrong behind the last whole packet: its number, how far the file was read, and the next step.
    // REQUIRES: next() said kBroken
    [[nodiscard]] Error error() const;

    [[nodiscard]] const std::string& name() const noexcept;
    [[nodiscard]] std::uint64_t packets() const noexcept;         // read until now
    [[nodiscard]] const std::string& link_type() const noexcept;  // "EN10MB", "RAW", "LINUX_SLL"
    // pcapng, where interfaces are told apart: names of those that were met until now, in the file's order; empty for
    // those without a name.
    [[nodiscard]] std::span<const std::string> interfaces() const noexcept;

private:
    struct State;
    explicit CaptureReader(std::unique_ptr<State> state) noexcept;
    std::unique_ptr<State> state_;
};

class CaptureWriter {
public:
    // Writes (and replaces) a pcap file of Ethernet frames with nanosecond times.
    [[nodiscard]] static Result<CaptureWriter> create(const std::string& file);
    CaptureWriter(CaptureWriter&&) noexcept;
    CaptureWriter& operator=(CaptureWriter&&) noexcept;
    ~CaptureWriter();

    void write(const CapturedPacket& packet);
    // Everything is in the file now, or kUnavailable.
    [[nodiscard]] Status finish();

private:
    struct State;
    explicit CaptureWriter(std::unique_ptr<State> state) noexcept;
    std::unique_ptr<State> state_;
};

}  // namespace drywall::io

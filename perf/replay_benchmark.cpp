// Capture files through `drywall replay`: reading them, and judging what they hold; 60-byte UDP packets. ns per packet
// is the inverse of items_per_second.
//
//   build/perf/replay_benchmark --benchmark_repetitions=9 --benchmark_enable_random_interleaving=true
//       --benchmark_min_time=0.1
#include <benchmark/benchmark.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <unistd.h>

#include "drywall/whatif/replay_captures.h"
#include "engine_world.h"

namespace drywall::perf {
namespace {

constexpr std::size_t kPackets = 400'000;

enum class Format { kPcap, kPcapng };
enum class Judged { kAllowed, kDenied, kHalf };

// What a file holds: packets of `connections` connections in turn.
struct Recording {
    Judged judged = Judged::kAllowed;
    std::size_t connections = 10'000;
    net::Family family = net::Family::kIPv4;
    Format format = Format::kPcap;
    bool scan = false;  // each denied connection asks for another port: it is a group of its own
    auto operator<=>(const Recording&) const = default;
};

void put(std::string& out, std::uint32_t value, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i) & 0xffU);
}

// Little-endian, with microseconds; of pcapng the three blocks that every file has.
std::string start_of(Format format) {
    std::string out;
    if (format == Format::kPcap) {
        for (const std::uint32_t value : {0xa1b2c3d4U, 0x00040002U, 0U, 0U, 65535U, 1U}) put(out, value, 4);
        return out;
    }
    for (const std::uint32_t value : {0x0a0d0d0aU, 28U, 0x1a2b3c4dU, 1U, ~0U, ~0U, 28U}) put(out, value, 4);  // section
    for (const std::uint32_t value : {1U, 20U, 1U, 65535U, 20U}) put(out, value, 4);  // interface
    return out;
}

std::string packet_of(Format format, std::uint64_t microseconds, std::string_view frame) {
    std::string out;
    const auto size = static_cast<std::uint32_t>(frame.size());
    if (format == Format::kPcap) {
        put(out, static_cast<std::uint32_t>(microseconds / 1'000'000), 4);
        put(out, static_cast<std::uint32_t>(microseconds % 1'000'000), 4);
        put(out, size, 4);
        put(out, size, 4);
        return out += frame;
    }
    const std::uint32_t padded = (size + 3) / 4 * 4;
    for (const std::uint32_t value : {6U, 32 + padded, 0U, static_cast<std::uint32_t>(microseconds >> 32U),
                                      static_cast<std::uint32_t>(microseconds), size, size})
        put(out, value, 4);
    out += frame;
    out.append(padded - size, '\0');
    put(out, 32 + padded, 4);
    return out;
}

// A frame of each pair of hosts, and where its ports stand: connections differ in these bytes alone.
class Frames {
public:
    explicit Frames(net::Family family) {
        const auto of = [family](const net::Address& host) {
            return family == net::Family::kIPv4 ? host : with_ipv6(host);
        };
        for (int i = 0; i < kEndpoints; ++i) {
            const test::Bytes bytes =
                test::udp().from(of(client(i)), 1).to(of(server(i * 7 % kEndpoints)), 1).padded(60).bytes();
            frames_.emplace_back(bytes.begin(), bytes.end());
        }
        ports_ = family == net::Family::kIPv4 ? 34 : 54;
    }

    // REQUIRES: connection < 64,000 * kEndpoints
    std::string_view of(std::size_t connection, std::uint16_t port) {
        std::string& frame = frames_[connection % kEndpoints];
        const std::size_t source = 1024 + connection / kEndpoints;
        for (std::size_t i = 0; i < 2; ++i) {
            frame[ports_ + i] = static_cast<char>(source >> (8 * (1 - i)) & 0xffU);
            frame[ports_ + 2 + i] = static_cast<char>(port >> (8 * (1 - i)) & 0xffU);
        }
        return frame;
    }

private:
    std::vector<std::string> frames_;
    std::size_t ports_;
};

// Made once, and taken away at the end.
class CaptureFile {
public:
    explicit CaptureFile(const Recording& recording) {
        static int number = 0;
        path_ = std::filesystem::temp_directory_path() /
                ("drywall-replay-" + std::to_string(::getpid()) + '-' + std::to_string(++number));
        Frames frames(recording.family);
        std::ofstream out(path_, std::ios::binary);
        out << start_of(recording.format);
        for (std::size_t i = 0; i < kPackets; ++i) {
            const std::size_t connection = i % recording.connections;
            out << packet_of(recording.format, 1'700'000'000'000'000 + i / 2,
                             frames.of(connection, port_of(recording, connection)));
        }
        if (!out.flush()) std::abort();
    }
    ~CaptureFile() {
        std::error_code ignored;
        std::filesystem::remove(path_, ignored);
    }
    CaptureFile(const CaptureFile&) = delete;
    CaptureFile& operator=(const CaptureFile&) = delete;
    [[nodiscard]] std::string path() const { return path_; }

private:
    static std::uint16_t port_of(const Recording& recording, std::size_t connection) {
        const bool denied =
            recording.judged == Judged::kDenied || (recording.judged == Judged::kHalf && connection % 2 == 0);
        if (!denied) return kAllowedPort;
        return recording.scan ? static_cast<std::uint16_t>(2000 + connection / kEndpoints) : kDeniedPort;
    }

    std::filesystem::path path_;
};

std::string file_of(const Recording& recording) {
    static std::map<Recording, CaptureFile> files;
    return files.try_emplace(recording, recording).first->second.path();
}

void Reading(benchmark::State& state, const Recording& recording) {
    const std::string file = file_of(recording);
    for (auto _ : state) {
        auto reader = io::CaptureReader::open(file);
        io::CapturedPacket packet;
        while (reader->next(packet) == io::CaptureReader::Next::kPacket) benchmark::DoNotOptimize(packet);
        if (reader->packets() != kPackets) state.SkipWithError("the file is not what was written");
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kPackets));
}

void Replay(benchmark::State& state, const Recording& recording) {
    static const auto ruleset = world_with_staged(100, Addresses::kBoth);
    const loader::Settings settings = loader::settings_for_questions();
    const std::string file = file_of(recording);
    for (auto _ : state) {
        std::vector<whatif::CaptureInput> inputs;
        inputs.push_back({*io::CaptureReader::open(file), {PortId{0}, {}}});
        const auto replayed = whatif::replay_captures(ruleset, settings, std::move(inputs), {});
        if (!replayed || replayed->report.counted.received.packets != kPackets)
            state.SkipWithError("it was not replayed");
        const std::uint64_t denied = replayed->report.judged.enforced_denied.traffic.packets;
        const std::uint64_t expected = recording.judged == Judged::kAllowed  ? 0
                                       : recording.judged == Judged::kDenied ? kPackets
                                                                             : kPackets / 2;
        if (denied != expected) state.SkipWithError("it was not judged as meant");
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kPackets));
}

constexpr auto kV4 = net::Family::kIPv4;
constexpr auto kV6 = net::Family::kIPv6;
constexpr Recording kAllowed{Judged::kAllowed};
constexpr Recording kAllowedFew{Judged::kAllowed, 100};
constexpr Recording kAllowedMany{Judged::kAllowed, 50'000};
constexpr Recording kDenied{Judged::kDenied};
constexpr Recording kDeniedFew{Judged::kDenied, 100};
constexpr Recording kDeniedMany{Judged::kDenied, kPackets};
constexpr Recording kScan{Judged::kDenied, kPackets, kV4, Format::kPcap, true};
constexpr Recording kHalf{Judged::kHalf};
constexpr Recording kAllowedNg{Judged::kAllowed, 10'000, kV4, Format::kPcapng};
constexpr Recording kDeniedNg{Judged::kDenied, 10'000, kV4, Format::kPcapng};
constexpr Recording kHalf6{Judged::kHalf, 10'000, kV6};
constexpr Recording kDenied6Ng{Judged::kDenied, 10'000, kV6, Format::kPcapng};

BENCHMARK_CAPTURE(Reading, pcap, kAllowed)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Reading, pcapng, kAllowedNg)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Replay, allowed, kAllowed)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Replay, allowed_100_connections, kAllowedFew)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Replay, allowed_50000_connections, kAllowedMany)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Replay, denied, kDenied)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Replay, denied_100_connections, kDeniedFew)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Replay, denied_every_packet_a_connection, kDeniedMany)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Replay, denied_every_packet_a_group, kScan)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Replay, half_denied, kHalf)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Replay, allowed_pcapng, kAllowedNg)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Replay, denied_pcapng, kDeniedNg)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Replay, half_denied_ipv6, kHalf6)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Replay, denied_ipv6_pcapng, kDenied6Ng)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace drywall::perf

// A capture file through `drywall replay`: reading it, and judging what it holds; 64-byte packets. ns per packet is the
// inverse of items_per_second.

#include <benchmark/benchmark.h>

#include <cstdio>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include "drywall/whatif/replay_captures.h"
#include "engine_world.h"

namespace drywall::perf {
namespace {

constexpr std::size_t kPackets = 1'000'000;
constexpr std::size_t kFlows = 10'000;

// Made once, and taken away at the end.
class CaptureFile {
public:
    explicit CaptureFile(std::uint16_t port)
        : path_(std::filesystem::temp_directory_path() /
                ("drywall-replay-" + std::to_string(::getpid()) + '-' + std::to_string(port) + ".pcap")) {
        const test::Frames frames = requests(kFlows, port);
        auto writer = io::CaptureWriter::create(path_);
        if (!writer) std::abort();
        for (std::size_t i = 0; i < kPackets; ++i) {
            const net::FrameView& frame = frames[i % frames.size()];
            writer->write({Nanos(1'700'000'000'000'000'000 + static_cast<std::int64_t>(i) * 500),
                           {frame.data, frame.contiguous},
                           frame.length,
                           0});
        }
        if (!writer->finish()) std::abort();
    }
    ~CaptureFile() {
        std::error_code ignored;
        std::filesystem::remove(path_, ignored);
    }
    CaptureFile(const CaptureFile&) = delete;
    CaptureFile& operator=(const CaptureFile&) = delete;
    [[nodiscard]] const std::string& path() const noexcept { return path_; }

private:
    std::string path_;
};

const std::string& file_for(std::uint16_t port) {
    static std::map<std::uint16_t, CaptureFile> files;
    return files.try_emplace(port, port).first->second.path();
}

void Reading(benchmark::State& state) {
    const std::string& file = file_for(kAllowedPort);
    for (auto _ : state) {
        auto reader = io::CaptureReader::open(file);
        io::CapturedPacket packet;
        while (reader->next(packet) == io::CaptureReader::Next::kPacket) benchmark::DoNotOptimize(packet);
        if (reader->packets() != kPackets) state.SkipWithError("the file is not what was written");
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kPackets));
}

void run(benchmark::State& state, std::uint16_t port) {
    static const auto ruleset = world_with_staged(100);
    loader::Settings settings = loader::settings_for_questions();
    const std::string& file = file_for(port);
    for (auto _ : state) {
        std::vector<whatif::CaptureInput> inputs;
        inputs.push_back({*io::CaptureReader::open(file), {PortId{0}, {}}});
        const auto replayed = whatif::replay_captures(ruleset, settings, std::move(inputs), {});
        if (!replayed || replayed->report.counted.received.packets != kPackets)
            state.SkipWithError("it was not replayed");
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kPackets));
}

void ReplayAllowed(benchmark::State& state) { run(state, kAllowedPort); }
void ReplayDenied(benchmark::State& state) { run(state, kDeniedPort); }

BENCHMARK(Reading)->Unit(benchmark::kMillisecond);
BENCHMARK(ReplayAllowed)->Unit(benchmark::kMillisecond);
BENCHMARK(ReplayDenied)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace drywall::perf

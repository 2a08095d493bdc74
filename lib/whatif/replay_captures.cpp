#include "drywall/whatif/replay_captures.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "drywall/whatif/engine_settings.h"

namespace drywall::whatif {

namespace {

// One capture and the packet that it comes with next.
struct Source {
    CaptureInput input;
    io::CapturedPacket packet;
    std::uint16_t port = 0;
    bool ended = false;
    std::optional<Error> damage;
};

bool is_tap(const Entry& entry) noexcept { return !entry.port && entry.interfaces.empty(); }

bool judges_at_ports(const classify::Program& program) {
    return std::any_of(program.lanes.begin(), program.lanes.end(), [](const classify::Lane& lane) {
        return lane.ingress_port.has_value() || lane.egress_port.has_value();
    });
}

Result<std::uint16_t> port_of(const Source& source) {
    const Entry& entry = source.input.entry;
    if (entry.port) return static_cast<std::uint16_t>(index(*entry.port));
    if (entry.interfaces.empty()) return std::uint16_t{0};
    const auto names = source.input.reader.interfaces();
    const std::uint32_t number = source.packet.interface;
    const std::string name = number < names.size() ? names[number] : std::string();
    auto found = entry.interfaces.find(name);
    if (name.empty() || found == entry.interfaces.end()) found = entry.interfaces.find(std::to_string(number));
    if (found != entry.interfaces.end()) return static_cast<std::uint16_t>(index(found->second));
    const std::string called = name.empty() ? std::to_string(number) : "'" + name + "'";
    return Error::invalid(Place{source.input.reader.name()},
                          "packet " + std::to_string(source.input.reader.packets()) + " was captured on interface " +
                              called + ", and nothing says which port that is",
                          "add --in " + (name.empty() ? std::to_string(number) : name) + "=PORT");
}

// Packets of several captures in the order of their times, a burst at a time.
class Merge {
public:
    explicit Merge(std::vector<CaptureInput> inputs, bool until_damage) : until_damage_(until_damage) {
        for (CaptureInput& input : inputs) {
            if (!input.entry.interfaces.empty()) input.reader.tell_interfaces_apart();
            sources_.push_back({std::move(input), {}, 0, false, {}});
        }
    }

    Status begin() {
        for (Source& source : sources_)
            if (Status read = advance(source); !read) return read;
        return Done{};
    }

    // The next burst; empty at the end.
    Status fill() {
        count_ = 0;
        bytes_.clear();
        while (count_ < kMaxBurst) {
            Source* next = earliest();
            if (next == nullptr) break;
            if (count_ > 0 && next->packet.time > packets_[0].time + Replay::kBurstTime) break;
            keep(*next);
            if (Status read = advance(*next); !read) return read;
        }
        point();
        return Done{};
    }

    [[nodiscard]] std::span<const net::FrameView> frames() const { return std::span(frames_).first(count_); }
    [[nodiscard]] const io::CapturedPacket& packet(std::size_t i) const { return packets_[i]; }
    [[nodiscard]] std::uint64_t went_back() const noexcept { return went_back_; }

    [[nodiscard]] std::vector<ReplayedCapture> captures() const {
        std::vector<ReplayedCapture> out;
        for (const Source& source : sources_) {
            const io::CaptureReader& reader = source.input.reader;
            out.push_back({reader.name(), reader.link_type(), reader.packets(), source.damage});
        }
        return out;
    }

private:
    Source* earliest() {
        Source* first = nullptr;
        for (Source& source : sources_)
            if (!source.ended && (first == nullptr || source.packet.time < first->packet.time)) first = &source;
        return first;
    }

    // The reader's bytes are gone when it reads on, and `bytes_` may move while it grows.
    void keep(const Source& source) {
        const io::CapturedPacket& packet = source.packet;
        if (packet.time < latest_) ++went_back_;
        latest_ = std::max(latest_, packet.time);
        packets_[count_] = packet;
        starts_[count_] = bytes_.size();
        bytes_.insert(bytes_.end(), packet.bytes.begin(), packet.bytes.end());
        frames_[count_] = {nullptr, static_cast<std::uint32_t>(packet.bytes.size()), packet.length, source.port};
        ++count_;
    }

    void point() {
        for (std::size_t i = 0; i < count_; ++i) {
            frames_[i].data = bytes_.data() + starts_[i];
            packets_[i].bytes = std::span(bytes_).subspan(starts_[i], frames_[i].contiguous);
        }
    }

    Status advance(Source& source) {
        switch (source.input.reader.next(source.packet)) {
            case io::CaptureReader::Next::kPacket: break;
            case io::CaptureReader::Next::kEnd: source.ended = true; return Done{};
            case io::CaptureReader::Next::kBroken:
                if (!until_damage_) return source.input.reader.error();
                source.damage = source.input.reader.error();
                source.ended = true;
                return Done{};
        }
        const Result<std::uint16_t> port = port_of(source);
        if (!port) return port.error();
        source.port = *port;
        return Done{};
    }

    std::vector<Source> sources_;
    bool until_damage_;
    std::array<net::FrameView, kMaxBurst> frames_{};
    std::array<io::CapturedPacket, kMaxBurst> packets_{};
    std::array<std::size_t, kMaxBurst> starts_{};
    std::vector<std::uint8_t> bytes_;
    std::size_t count_ = 0;
    Nanos latest_{0};
    std::uint64_t went_back_ = 0;
};

// All that a tap saw came in and left by the same port.
engine::EngineSettings settings_for(const loader::Settings& settings, bool tap) {
    engine::EngineSettings engine = engine_settings(settings);
    engine.report_interval = Nanos{0};  // nobody listens before the end
    engine.layer7.names = name_cache(settings, 1, engine.hash_seed);
    // A recording begins in the middle of connections and may lack segments. What policy says of it is the question,
    // not what an attack would have met.
    engine.mid_stream = engine::MidStream::kAllow;
    engine.tcp_window = engine::TcpWindow::kObserve;
    engine.half_open_limit = engine.per_source_limit = 0;
    if (tap) engine.peer_of.front() = PortId{0};
    return engine;
}

}  // namespace

Result<CaptureReplay> replay_captures(std::shared_ptr<const ruleset::Ruleset> ruleset, const loader::Settings& settings,
                                      std::vector<CaptureInput> inputs, const CaptureOptions& options) {
    assert(!inputs.empty());
    CaptureReplay out;
    out.tap = is_tap(inputs.front().entry);
    if (out.tap && judges_at_ports(ruleset->program()))
        return Error::of(ErrorKind::kInvalid,
                         "policies judge at the appliance's ports, and nothing says by which port packets came in",
                         "add --in PORT for each capture, or --in INTERFACE=PORT");
    std::optional<io::CaptureWriter> writer;
    if (!options.write_to.empty()) {
        Result<io::CaptureWriter> created = io::CaptureWriter::create(options.write_to);
        if (!created) return std::move(created).error();
        writer = std::move(*created);
    }

    Merge merge(std::move(inputs), options.until_damage);
    if (Status begun = merge.begin(); !begun) return std::move(begun).error();
    Replay replay(std::move(ruleset), settings_for(settings, out.tap));
    while (true) {
        if (Status filled = merge.fill(); !filled) return std::move(filled).error();
        const std::span<const net::FrameView> frames = merge.frames();
        if (frames.empty()) break;
        const auto decided = replay.take(frames, merge.packet(0).time);
        if (!writer) continue;
        for (std::size_t i = 0; i < frames.size(); ++i)
            if (decided[i].drop == DropReason::kNone) writer->write(merge.packet(i));
    }
    if (writer)
        if (Status written = writer->finish(); !written) return std::move(written).error();
    out.report = replay.finish();
    out.report.time_went_back = merge.went_back();
    out.captures = merge.captures();
    return out;
}

}  // namespace drywall::whatif

// What a flood sends: small frames to a port that policy allows, from sources that are written anew for every pass, so
// that no flood repeats itself.
//
// Threads: one.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include "drywall/flow/bucket_index.h"
#include "drywall/flow/key.h"
#include "engine_world.h"
#include "hash.h"

namespace drywall::perf {

enum class FloodKind : std::uint8_t {
    kSyn,
    kUdp,
    kFragments,  // of UDP: one after the other a first one and a second one, of datagrams of which nothing else comes
};

struct FloodSource {
    std::uint32_t address = 0;
    std::uint16_t port = 0;
    std::uint8_t server = 0;
};

// Random sources, or the chosen ones in turn.
class FloodSources {
public:
    explicit FloodSources(std::vector<FloodSource> chosen = {}) : chosen_(std::move(chosen)) {}

    FloodSource next() {
        if (chosen_.empty()) return random();
        if (turn_ == chosen_.size()) turn_ = 0;
        return chosen_[turn_++];
    }
    FloodSource random() {
        const std::uint64_t bits = numbers_();
        return {0x20000000U | static_cast<std::uint32_t>(bits & 0x0fffffff), static_cast<std::uint16_t>(bits >> 32),
                static_cast<std::uint8_t>(bits >> 48 & (kEndpoints - 1))};
    }

private:
    std::vector<FloodSource> chosen_;
    std::size_t turn_ = 0;
    std::mt19937_64 numbers_{1};
};

class FloodFrames {
public:
    static constexpr std::size_t kBytes = 60;

    FloodFrames(FloodKind kind, std::size_t count) : frames_(count), kind_(kind) {
        const test::Packet packet = kind == FloodKind::kSyn ? test::tcp().syn() : test::udp();
        const test::Packet whole = packet.from("32.0.0.1", 1).to(server(0), kAllowedPort);
        std::vector<test::Packet> samples{whole.padded(kBytes)};
        if (kind == FloodKind::kFragments) {
            samples = whole.payload(48).fragments(24, 1);
            samples.pop_back();
        }
        for (std::size_t i = 0; i < count; ++i) {
            const test::Bytes bytes = samples[i % samples.size()].padded(kBytes).bytes();
            std::copy_n(bytes.begin(), kBytes, frames_[i].begin());
            views_.push_back(test::view(frames_[i]));
        }
    }

    void renew(FloodSources& sources) {
        for (std::size_t i = 0; i < frames_.size(); ++i) write(i, sources.next());
    }
    [[nodiscard]] std::span<const net::FrameView> views() const noexcept { return views_; }

private:
    using Frame = std::array<std::uint8_t, kBytes>;

    static void put16(Frame& frame, std::size_t at, std::uint32_t value) noexcept {
        frame[at] = static_cast<std::uint8_t>(value >> 8);
        frame[at + 1] = static_cast<std::uint8_t>(value);
    }

    // Identification, source, destination and checksum of the IPv4 header, and the source port.
    void write(std::size_t i, const FloodSource& source) noexcept {
        Frame& frame = frames_[i];
        const bool later = kind_ == FloodKind::kFragments && i % 2 == 1;
        put16(frame, 18, source.port);
        put16(frame, 24, 0);
        put16(frame, 26, source.address >> 16);
        put16(frame, 28, source.address & 0xffff);
        frame[33] = server(source.server).bytes[3];
        if (!later) put16(frame, 34, source.port);
        std::uint32_t sum = 0;
        for (std::size_t at = 14; at < 34; at += 2) sum += static_cast<std::uint32_t>(frame[at] << 8 | frame[at + 1]);
        while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
        put16(frame, 24, ~sum & 0xffff);
    }

    std::vector<Frame> frames_;
    std::vector<net::FrameView> views_;
    FloodKind kind_;
};

// Which of the two buckets of an established flow.
enum class Buckets : std::uint8_t { kHome, kBoth };

// Sources whose UDP flows have their home in a bucket of an established one, in an index for `capacity` flows: what an
// attacker can choose who knows the seed.
inline std::vector<FloodSource> colliding_sources(std::span<const net::FrameView> established, Buckets buckets,
                                                  std::size_t capacity, std::uint64_t seed, std::size_t count) {
    const flow::BucketIndex index(capacity);
    const auto hash_of = [seed](const net::PacketMeta& meta) {
        return flow::hash(flow::keyed(meta, PortId{1})->key, seed);
    };
    std::vector<bool> wanted(index.bucket_count());
    for (const net::FrameView& frame : established) {
        const flow::BucketIndex::Places places = index.places_of(hash_of(net::parse(frame)));
        wanted[places.home] = true;
        if (buckets == Buckets::kBoth) wanted[places.other] = true;
    }
    FloodSources random;
    FloodFrames frame(FloodKind::kUdp, 1);
    net::PacketMeta meta = net::parse(frame.views()[0]);
    std::vector<FloodSource> found;
    while (found.size() < count) {
        const FloodSource source = random.random();
        meta.tuple.source = net::Address::v4(source.address).bytes;
        meta.tuple.source_port = source.port;
        meta.tuple.destination = server(source.server).bytes;
        if (wanted[index.places_of(hash_of(meta)).home]) found.push_back(source);
    }
    return found;
}

}  // namespace drywall::perf

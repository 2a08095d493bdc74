// EngineInput: a fuzzer's input as what an engine meets: settings, and frames from a few hosts that know each other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "drywall/engine/engine.h"
#include "input.h"
#include "naive_addresses.h"
#include "packets.h"
#include "traffic.h"

namespace drywall::fuzz {

inline constexpr std::size_t kPorts = 3;     // 0 and 1 are a pair; 2 has no peer
inline constexpr std::uint32_t kFlows = 24;  // so few that a short input fills the table
inline constexpr std::uint32_t kFragments = 6;

struct Site {
    engine::EngineSettings settings;
    std::vector<engine::NaiveSources> sources;  // what settings.sources says
};

// A few bytes of the input say how the engine is set.
[[nodiscard]] Site site_from(Input& input);

// Frames: most as their sender meant them, some broken, some nothing but bytes.
class FramesFrom {
public:
    explicit FramesFrom(Input& input) : input_(input), traffic_(InputNumbers{input}) {}

    void add_to(test::Frames& frames);

private:
    void spoil(test::Bytes& frame, unsigned how);
    [[nodiscard]] test::Packet varied(const test::Packet& packet);

    Input& input_;
    engine::TrafficFrom<InputNumbers> traffic_;
};

}  // namespace drywall::fuzz

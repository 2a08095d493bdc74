// Some bursts through the engine, for callgrind to count: perf/instructions runs it. What prepares them is not counted.
//
//   instructions_probe CASE STAGED [PATHS]     PATHS: beside policies that allow so many paths of web servers; 0: all

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include <valgrind/callgrind.h>

#include "web_world.h"

namespace drywall::perf {
namespace {

constexpr std::size_t kFlows = 1000;
constexpr std::size_t kBursts = 64;

struct Case {
    test::Frames opening;
    test::Frames frames;
    DropReason expected = DropReason::kNone;
};

Case case_of(const std::string& name) {
    const auto udp = [](std::uint16_t port) { return requests(kFlows, port); };
    // More than are asked for: each burst opens others.
    const auto syns = [] { return from_clients(test::tcp().syn(), kBursts * kBurst, kAllowedPort); };
    const auto segment = test::tcp().flags(net::tcp_flag::kAck).payload(4);
    if (name == "established-udp") return {udp(kAllowedPort), udp(kAllowedPort)};
    if (name == "established-tcp")
        return {handshakes(kFlows, kAllowedPort), from_clients(segment, kFlows, kAllowedPort)};
    if (name == "denied-udp") return {{}, udp(kDeniedPort), DropReason::kPolicyDeny};
    if (name == "new-udp") return {{}, requests(kBursts * kBurst, kAllowedPort)};
    if (name == "new-tcp") return {{}, syns()};
    std::fprintf(stderr, "there is no case '%s'\n", name.c_str());
    std::exit(2);
}

int run(const std::string& name, int staged, std::optional<std::size_t> paths) {
    const Case one = case_of(name);
    Appliance appliance(paths ? world_with_paths(made_paths(*paths)) : world_with_staged(staged));
    appliance.process_all(one.opening.views());
    const std::vector<net::FrameView> views = whole_bursts(one.frames.views());
    CALLGRIND_START_INSTRUMENTATION;
    for (std::size_t burst = 0; burst < kBursts; ++burst)
        appliance.process(std::span(views).subspan(burst * kBurst % views.size(), kBurst));
    CALLGRIND_STOP_INSTRUMENTATION;
    if (appliance.decision(0).drop != one.expected) {
        std::fprintf(stderr, "the packets did not fare as this case means\n");
        return 1;
    }
    std::printf("%zu\n", kBursts * kBurst);
    return 0;
}

}  // namespace
}  // namespace drywall::perf

int main(int argc, char** argv) {
    if (argc != 3 && argc != 4) {
        std::fprintf(stderr, "usage: instructions_probe CASE STAGED [PATHS]\n");
        return 2;
    }
    return drywall::perf::run(argv[1], std::atoi(argv[2]),
                              argc == 4 ? std::optional<std::size_t>(std::stoul(argv[3])) : std::nullopt);
}

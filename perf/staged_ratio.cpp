// What staged policies cost: the same packets through the same enforced policies, with and without staged ones beside
// them, pass by pass in alternation (A B B A), in thread CPU time. Prints packets per second with / without as median
// and quartiles over the rounds.
//
//   staged_ratio [ROUNDS]

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "alternation.h"
#include "engine_world.h"

namespace drywall::perf {
namespace {

constexpr std::size_t kPacketsPerPass = 1 << 15;

std::int64_t time_of_pass(Appliance& appliance, const std::vector<net::FrameView>& views) {
    const std::int64_t start = thread_nanoseconds();
    for (std::size_t packets = 0; packets < kPacketsPerPass; packets += views.size()) appliance.process_all(views);
    return thread_nanoseconds() - start;
}

void compare(const char* what, std::uint16_t port, std::size_t flows, int staged, int rounds) {
    Appliance without(world_with_staged(0));
    Appliance with(world_with_staged(staged));
    const test::Frames frames = requests(flows, port);
    const std::vector<net::FrameView> views = whole_bursts(frames.views());
    const Alternation found = alternate(
        rounds, [&] { return time_of_pass(without, views); }, [&] { return time_of_pass(with, views); });
    const auto packets = static_cast<double>((kPacketsPerPass + views.size() - 1) / views.size() * views.size());
    std::printf("%-12s %6zu flows %5d staged   %6.1f ns/packet without   ratio %.4f  (quartiles %.4f %.4f)\n", what,
                flows, staged, quantile(found.ones, 0.5) / packets, found.ratio(), found.ratio(0.25),
                found.ratio(0.75));
}

}  // namespace
}  // namespace drywall::perf

int main(int argc, char** argv) {
    using namespace drywall::perf;
    const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 200;
    for (const std::size_t flows : {std::size_t{1}, std::size_t{100}, std::size_t{10'000}})
        for (const int staged : {0, 10, 1000}) compare("established", kAllowedPort, flows, staged, rounds);
    for (const int staged : {0, 10, 1000}) compare("denied", kDeniedPort, 10'000, staged, rounds);
    return 0;
}

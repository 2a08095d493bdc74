#include "drywall/generate/self_test.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string>

#include "drywall/generate/trial.h"
#include "drywall/io/memory_loop.h"

namespace drywall::generate {

namespace {

constexpr std::size_t kFrames = 4096;  // as many as a large device has descriptors
constexpr std::size_t kQueue = 1024;

// A port for each of the profile's.
struct Loops {
    std::unique_ptr<io::SlabPool> pool;
    std::vector<std::unique_ptr<io::FrameQueue>> queues;  // by port: what waits to be received there
    std::vector<std::shared_ptr<io::Port>> ports;
};

// The port that receives what a port sends: of its first stream, or its first connections.
std::size_t receiver_of(const loader::TrafficProfile& profile, std::size_t port) {
    const auto& ports = profile.machine.ports;
    const auto number_of = [&ports](const std::string& name) {
        return static_cast<std::size_t>(
            std::find_if(ports.begin(), ports.end(), [&](const auto& one) { return one.name == name; }) -
            ports.begin());
    };
    for (const loader::StreamProfile& stream : profile.streams)
        if (stream.from == ports[port].name) return number_of(stream.to);
    for (const loader::ConnectionsProfile& connections : profile.connections) {
        if (connections.ends.from == ports[port].name) return number_of(connections.ends.to);
        if (connections.ends.to == ports[port].name) return number_of(connections.ends.from);
    }
    return port;
}

Loops make_loops(const loader::TrafficProfile& profile) {
    Loops loops;
    loops.pool = std::make_unique<io::SlabPool>(kFrames, loader::kLargestFrame);
    const auto& ports = profile.machine.ports;
    for (std::size_t i = 0; i < ports.size(); ++i) loops.queues.push_back(std::make_unique<io::FrameQueue>(kQueue));
    for (std::size_t i = 0; i < ports.size(); ++i)
        loops.ports.push_back(std::make_shared<io::LoopPort>(ports[i].name, *loops.pool, *loops.queues[i],
                                                             *loops.queues[receiver_of(profile, i)]));
    return loops;
}

// Everything at maximum rate, for as long as it lasts.
loader::TrafficProfile without_limits(const loader::TrafficProfile& profile) {
    loader::TrafficProfile out = profile;
    out.rate = {};
    out.ramp.reset();
    for (loader::StreamProfile& stream : out.streams) {
        stream.rate.reset();
        stream.packets.reset();
        if (stream.replay) {
            stream.replay->speed.reset();
            stream.replay->loops = 0;
        }
    }
    for (loader::ConnectionsProfile& connections : out.connections) {
        connections.rate.reset();
        connections.count.reset();
    }
    return out;
}

}  // namespace

Result<double> self_test(const loader::TrafficProfile& profile, runtime::Launcher& launcher, unsigned core,
                         std::chrono::milliseconds duration) {
    const loader::TrafficProfile endless = without_limits(profile);
    Loops loops = make_loops(endless);
    auto generator = Generator::create(
        endless, {.ports = loops.ports, .frames = loops.pool.get(), .launcher = &launcher, .cores = {core}});
    if (!generator) return generator.error();
    TrialRequest request;
    request.duration = duration;
    request.drain = std::chrono::milliseconds(10);
    auto result = (*generator)->run(request, [](const TrialView& /*view*/) { return true; });
    if (!result) return result.error();
    std::uint64_t sent = 0;
    for (const StreamResult& stream : result->streams) sent += stream.sent.packets;
    for (const ConnectionsResult& connections : result->connections) sent += connections.established;
    return static_cast<double>(sent) / std::max(result->seconds, 1e-9);
}

}  // namespace drywall::generate

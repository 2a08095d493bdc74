// Any text as a traffic profile: it is refused with a place, or what it promises holds.
#include <algorithm>
#include <cstdlib>
#include <string>

#include "drywall/loader/traffic_profile.h"

namespace {

using namespace drywall;

void require(bool condition) {
    if (!condition) std::abort();
}

template <typename T>
void check_values(const loader::Values<T>& values) {
    require(values.size() > 0 && values.size() <= loader::kMostValues && values.step > 0);
    (void)loader::nth(values, values.size() - 1);
}

void check_stream(const loader::TrafficProfile& profile, const loader::StreamProfile& stream) {
    const auto defined = [&](const std::string& name) {
        return std::any_of(profile.machine.ports.begin(), profile.machine.ports.end(),
                           [&](const auto& port) { return port.name == name; });
    };
    require(!stream.name.empty() && defined(stream.from) && defined(stream.to) && stream.weight > 0);
    check_values(stream.source);
    check_values(stream.destination);
    check_values(stream.source_port);
    check_values(stream.destination_port);
    require(loader::nth(stream.source, 0).family == loader::nth(stream.destination, 0).family);
    require(stream.sizes.smallest() >= loader::kSmallestFrame && stream.sizes.largest() <= loader::kLargestFrame);
    require(stream.vlans.size() <= 2);
    if (stream.rate && stream.rate->unit != loader::TrafficRate::Unit::kMaximum) require(stream.rate->per_second > 0);
    if (stream.flows) require(stream.flows->count > 0);
    if (stream.replay && stream.replay->speed) require(*stream.replay->speed > 0);
}

void check_promises(const loader::TrafficProfile& profile) {
    require(!profile.machine.ports.empty());
    require(!profile.streams.empty() || !profile.connections.empty() || profile.policies);
    for (const loader::StreamProfile& stream : profile.streams) check_stream(profile, stream);
    for (const loader::ConnectionsProfile& connections : profile.connections) {
        check_stream(profile, connections.ends);
        require(connections.concurrent > 0 && connections.request > 0 && connections.response > 0);
        require(connections.segment > 0 && connections.retransmit.count() > 0);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto profile = loader::load_profile({"fuzz", std::string(reinterpret_cast<const char*>(data), size)});
    if (profile) {
        check_promises(*profile);
        return 0;
    }
    require(!profile.error().complaints.empty());
    for (const Complaint& complaint : profile.error().complaints) require(complaint.place.line > 0);
    return 0;
}

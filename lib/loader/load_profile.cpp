#include <bit>
#include <set>

#include "drywall/loader/traffic_profile.h"
#include "profile_readers.h"
#include "settings_readers.h"

namespace drywall::loader {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kLongest = std::chrono::hours(24 * 30);
constexpr std::size_t kMostCores = 64;
constexpr std::size_t kMostConnections = 64;

std::optional<std::chrono::milliseconds> read_time(Fields& top, std::string_view name, std::chrono::milliseconds least,
                                                   std::chrono::milliseconds most) {
    const Node* node = top.take(name);
    return node ? read_duration(*node, name, least, most, top.complaints()) : std::nullopt;
}

void read_ramp(Fields& top, TrafficProfile& profile) {
    const Node* node = top.node().find("ramp");
    auto ramp = section(top, "ramp");
    if (!ramp) return;
    (void)ramp->require("from");
    RampProfile read;
    if (const auto from = read_rate(*ramp, "from")) read.from = *from;
    (void)ramp->require("over");
    read.over = read_time(*ramp, "over", 1ms, kLongest).value_or(0ms);
    ramp->finish();
    if (read.from.unit == TrafficRate::Unit::kMaximum || read.from.unit != profile.rate.unit)
        top.complaints().add(node->line, node->column, "ramp.from and rate are not of one unit",
                             "a ramp goes from one rate in pps (or bps) to another");
    profile.ramp = read;
}

// A name for what has none, and none twice.
class Names {
public:
    explicit Names(Complaints& complaints) : complaints_(complaints) {}
    void take(const Node& node, std::string_view kind, std::size_t position, std::string& name) {
        if (name.empty()) name = std::string(kind) + "-" + std::to_string(position);
        if (!names_.insert(name).second)
            complaints_.add(node.line, node.column, std::string(kind) + " " + shown(name) + " is there twice",
                            "give each a name of its own");
    }

private:
    Complaints& complaints_;
    std::set<std::string> names_;
};

void read_streams(Fields& top, TrafficProfile& profile) {
    std::vector<std::string_view> ports;
    for (const PortSettings& port : profile.machine.ports) ports.push_back(port.name);
    Names names(top.complaints());
    std::size_t position = 0;
    for (const Node& item : top.list("streams", kMostStreams)) {
        Fields fields(item, "streams[" + std::to_string(position++) + "]", top.complaints());
        profile.streams.push_back(read_stream(fields, ports));
        names.take(item, "stream", position, profile.streams.back().name);
    }
    position = 0;
    for (const Node& item : top.list("connections", kMostConnections)) {
        Fields fields(item, "connections[" + std::to_string(position++) + "]", top.complaints());
        profile.connections.push_back(read_connections(fields, ports));
        names.take(item, "connections", position, profile.connections.back().ends.name);
    }
    if (auto policies = section(top, "policies")) profile.policies = read_policies(*policies, ports);
    if (profile.streams.empty() && profile.connections.empty() && !profile.policies && top.complaints().empty())
        top.complaints().add(top.node().line, top.node().column, "there are no streams, connections or policies",
                             "write at least one, with from and to");
}

// Ports are read as the appliance's; these two of its keys say nothing here.
void refuse_sources_of_ports(Fields& top) {
    const Node* ports = top.node().find("ports");
    if (ports == nullptr) return;
    for (const Node& item : ports->items)
        for (const std::string_view name : {"sources", "not-sources"})
            if (const Node* node = item.find(name); node != nullptr)
                top.complaints().add(node->line, node->column, std::string(name) + " is a key of the appliance's ports",
                                     "remove it: a generator receives whatever arrives");
}

TrafficProfile read_traffic_profile(Fields& top) {
    TrafficProfile profile;
    read_devices(top, profile.machine);
    refuse_sources_of_ports(top);
    for (const Node& item : top.list("cores", kMostCores))
        if (const auto core = read_integer(item, "a CPU in cores", 0, 1023, top.complaints()))
            profile.machine.worker_cores.push_back(static_cast<unsigned>(*core));
    if (const auto seed = top.integer("seed", 0, std::uint64_t{1} << 53)) profile.seed = *seed;
    if (const auto rate = read_rate(top, "rate")) profile.rate = *rate;
    read_ramp(top, profile);
    profile.duration = read_time(top, "duration", 1ms, kLongest);
    profile.warm_up = read_time(top, "warm-up", 0ms, kLongest).value_or(0ms);
    profile.drain = read_time(top, "drain", 0ms, 60'000ms).value_or(profile.drain);
    if (const Node* node = top.take("window")) {
        const auto window = read_integer(*node, "window", 64, 1U << 24U, top.complaints());
        if (window && !std::has_single_bit(*window))
            top.complaints().add(node->line, node->column, "window must be a power of two");
        profile.window = static_cast<std::uint32_t>(window.value_or(profile.window));
    }
    read_streams(top, profile);
    top.finish();
    return profile;
}

}  // namespace

Result<TrafficProfile> load_profile(const Source& source) {
    Complaints complaints(source.name);
    const std::vector<Node> documents = parse_yaml(source.text, complaints);
    if (!complaints.empty()) return std::move(complaints).error();
    if (documents.size() != 1) {
        complaints.add(documents.empty() ? 1 : documents[1].line, documents.empty() ? 1 : documents[1].column,
                       documents.empty() ? "the profile is empty" : "a second document", "a profile is one document");
        return std::move(complaints).error();
    }
    Fields top(documents.front(), "", complaints, "a profile");
    TrafficProfile profile = read_traffic_profile(top);
    if (!complaints.empty()) return std::move(complaints).error();
    return profile;
}

}  // namespace drywall::loader

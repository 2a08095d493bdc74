#include "options.h"

#include <algorithm>
#include <array>
#include <utility>

#include "drywall/loader/resources.h"

namespace drywall::gen {

using loader::StreamProfile;
using loader::TrafficProfile;

Error wrong_option(const std::string& option, const std::string& text, const std::string& hint) {
    return Error::of(ErrorKind::kInvalid, option + " can't be '" + text + "'", hint);
}

namespace {

void declare_stream(CLI::App& command, Options& o) {
    const auto add = [&command](const char* names, auto& target, const char* says) {
        return command.add_option(names, target, says)->group("Traffic without a profile");
    };
    add("--from", o.from, "The port that sends; the first unless given");
    add("--to", o.to, "The port that receives; the last unless given");
    command.add_flag("--both-ways", o.both_ways, "A second stream from the receiver to the sender")
        ->group("Traffic without a profile");
    add("--size", o.size, "Bytes with FCS: 64; 64,1518; 64:7,594:4,1518:1; 64-1518; imix");
    add("--source", o.source, "Addresses: 10.0.0.1; 10.0.0.1-10.0.0.9; 10.0.0.0/24; random:10.0.0.0/8");
    add("--destination", o.destination, "Likewise");
    add("--protocol", o.protocol, "udp, tcp (SYN) or icmp-echo");
    add("--source-port", o.source_port, "Ports: 1024; 1024-65535; random:1024-65535");
    add("--destination-port", o.destination_port, "Likewise");
    add("--vlan", o.vlan, "An 802.1Q tag: 100; 100-199");
    add("--flows", o.flows, "So many flows, one packet of each in turn");
    add("--packets", o.packets, "Send so many, then end");
    add("--expect", o.expect, "allow, deny or any: what the packets of the stream are to meet");
}

}  // namespace

void declare_run(CLI::App& command, Options& o) {
    command.add_option("-f,--filename", o.profile, "The profile: ports, streams, rates");
    command.add_option("--port", o.ports, "NAME=DEVICE: a port, or another device for one of the profile's");
    command.add_option("--cores", o.cores, "CPUs, a worker each: 1; 1,2")->delimiter(',');
    command.add_option("--seed", o.seed, "Of everything that is drawn");
    command.add_option("--rate", o.rate, "1Mpps, 10Gbps (frames with FCS), 10Gbps-l1 (and gaps) or max");
    command.add_option("--ramp-from", o.ramp_from, "Begin with this rate");
    command.add_option("--ramp-over", o.ramp_over, "And reach --rate after this time");
    command.add_option("-d,--duration", o.duration, "10s, 5m, 2h; without it: until Ctrl-C");
    command.add_option("--warm-up", o.warm_up, "Send so long before anything counts");
    command.add_option("--drain", o.drain, "Wait so long for what is under way (500ms)");
    declare_stream(command, o);
    command.add_option("--report", o.report, "Write the report as JSON into this file");
    command.add_option("--appliance", o.appliance, "drywalld's control socket: take its counts into the report");
    command.add_flag("--strict", o.strict, "Exit with 1 where a packet was lost or leaked that was not to be");
    command.add_option("--log", o.log_level, "debug, info, warn, error or off")->capture_default_str();
}

namespace {

// NAME=DEVICE, into the profile's ports: another device for one that is there, or one more.
Status add_port(const std::string& text, TrafficProfile& profile) {
    const std::size_t equals = text.find('=');
    const std::string name = text.substr(0, equals);
    if (equals == std::string::npos || name.empty() || equals + 1 == text.size())
        return wrong_option("--port", text, "write --port left=net_af_packet0,iface=eth1");
    auto& ports = profile.machine.ports;
    const auto known = std::find_if(ports.begin(), ports.end(), [&](const auto& port) { return port.name == name; });
    if (known != ports.end()) {
        known->device = text.substr(equals + 1);
        return Done{};
    }
    loader::PortSettings port;
    port.name = name;
    port.device = text.substr(equals + 1);
    ports.push_back(std::move(port));
    return Done{};
}

// An option in one of the profile's little languages.
template <typename T, typename Parse>
Status assign(const char* option, const std::string& text, const Parse& parse, const char* hint, T& target) {
    if (text.empty()) return Done{};
    auto value = parse(text);
    if (!value) return wrong_option(option, text, hint);
    target = *std::move(value);
    return Done{};
}

constexpr const char* kRateHint = "write 1Mpps, 250kpps, 10Gbps, 10Gbps-l1 or max";
constexpr const char* kTimeHint = "write 500ms, 10s, 5m or 2h";
constexpr const char* kPortsHint = "write 1024, 1024-65535 or random:1024-65535";

Status set_protocol(const Options& o, StreamProfile& stream) {
    constexpr std::array<std::pair<const char*, loader::Layer4>, 3> kProtocols{
        {{"udp", loader::Layer4::kUdp}, {"tcp", loader::Layer4::kTcp}, {"icmp-echo", loader::Layer4::kIcmpEcho}}};
    if (o.protocol.empty()) return Done{};
    for (const auto& [name, layer] : kProtocols)
        if (o.protocol == name) {
            stream.layer4 = layer;
            return Done{};
        }
    return wrong_option("--protocol", o.protocol, "write udp, tcp or icmp-echo");
}

Status set_expectation(const Options& o, StreamProfile& stream) {
    if (o.expect.empty()) return Done{};
    for (const auto expect : {loader::Expect::kAny, loader::Expect::kAllow, loader::Expect::kDeny})
        if (o.expect == loader::name(expect)) {
            stream.expect = expect;
            return Done{};
        }
    return wrong_option("--expect", o.expect, "write allow, deny or any");
}

Status describe(const Options& o, StreamProfile& stream) {
    const auto ports = [](const std::string& text) { return loader::parse_numbers(text, 0, 65535); };
    loader::VlanProfile tag;
    const auto vlans = [](const std::string& text) { return loader::parse_numbers(text, 0, 4094); };
    for (const Status& status :
         {assign("--size", o.size, loader::parse_frame_sizes, "write 64 to 9234, 64:7,594:4,1518:1, 64-1518 or imix",
                 stream.sizes),
          assign("--source", o.source, loader::parse_addresses, "write 10.0.0.1, 10.0.0.1-10.0.0.9 or 10.0.0.0/24",
                 stream.source),
          assign("--destination", o.destination, loader::parse_addresses,
                 "write 10.0.0.1, 10.0.0.1-10.0.0.9 or 10.0.0.0/24", stream.destination),
          assign("--source-port", o.source_port, ports, kPortsHint, stream.source_port),
          assign("--destination-port", o.destination_port, ports, kPortsHint, stream.destination_port),
          assign("--vlan", o.vlan, vlans, "write 100 or 100-199", tag.id), set_protocol(o, stream),
          set_expectation(o, stream)})
        if (!status) return status.error();
    if (!o.vlan.empty()) stream.vlans.push_back(tag);
    if (o.flows) {
        if (*o.flows == 0 || *o.flows > (1U << 24U))
            return wrong_option("--flows", std::to_string(*o.flows), "at most 2^24");
        stream.flows = loader::FlowsProfile{.count = *o.flows};
    }
    if (o.packets && *o.packets == 0) return wrong_option("--packets", "0", "send at least one");
    stream.packets = o.packets;
    if (loader::nth(stream.source, 0).family != loader::nth(stream.destination, 0).family)
        return Error::of(ErrorKind::kInvalid, "--source and --destination are of different families", "give both");
    return Done{};
}

Result<TrafficProfile> profile_of_one_stream(const Options& o) {
    TrafficProfile profile;
    for (const std::string& port : o.ports)
        if (auto added = add_port(port, profile); !added) return added.error();
    const auto& ports = profile.machine.ports;
    if (ports.empty())
        return Error::of(ErrorKind::kInvalid, "there are no ports",
                         "give a profile (-f), or ports: --port left=net_af_packet0,iface=eth1");
    const std::string from = o.from.empty() ? ports.front().name : o.from;
    const std::string to = o.to.empty() ? ports.back().name : o.to;
    for (const auto& [option, name] : {std::pair("--from", from), std::pair("--to", to)})
        if (std::none_of(ports.begin(), ports.end(), [&n = name](const auto& port) { return port.name == n; }))
            return wrong_option(option, name, "name a port that --port made");
    StreamProfile stream = loader::default_stream(from + "-" + to, from, to);
    if (auto described = describe(o, stream); !described) return described.error();
    profile.streams.push_back(stream);
    if (!o.both_ways) return profile;
    std::swap(stream.from, stream.to);
    std::swap(stream.source, stream.destination);
    std::swap(stream.source_mac, stream.destination_mac);
    if (stream.layer4 != loader::Layer4::kIcmpEcho) std::swap(stream.source_port, stream.destination_port);
    stream.name = to + "-" + from + (from == to ? "-2" : "");
    profile.streams.push_back(std::move(stream));
    return profile;
}

Result<TrafficProfile> profile_from_file(const Options& o) {
    const bool described = o.both_ways || o.flows || o.packets ||
                           !(o.from + o.to + o.size + o.source + o.destination + o.protocol + o.source_port +
                             o.destination_port + o.vlan + o.expect)
                                .empty();
    if (described)
        return Error::of(ErrorKind::kInvalid, "a profile describes its streams, and so do options here",
                         "write them into the profile, or leave -f out");
    auto sources = loader::read_sources(o.profile);
    if (!sources) return sources.error();
    if (sources->size() != 1)
        return Error::of(ErrorKind::kInvalid, o.profile + " is a folder", "a profile is one file");
    auto profile = loader::load_profile(sources->front());
    if (!profile) return profile.error();
    for (const std::string& port : o.ports)
        if (auto added = add_port(port, *profile); !added) return added.error();
    return profile;
}

Status set_ramp(const Options& o, TrafficProfile& profile) {
    if (o.ramp_from.empty() && o.ramp_over.empty()) return Done{};
    loader::RampProfile ramp;
    for (const Status& status : {assign("--ramp-from", o.ramp_from, loader::parse_rate, kRateHint, ramp.from),
                                 assign("--ramp-over", o.ramp_over, loader::parse_time, kTimeHint, ramp.over)})
        if (!status) return status.error();
    if (ramp.over.count() == 0) return Error::of(ErrorKind::kInvalid, "--ramp-from needs --ramp-over", kTimeHint);
    profile.ramp = ramp;
    return Done{};
}

}  // namespace

Result<TrafficProfile> profile_of(const Options& o) {
    auto profile = o.profile.empty() ? profile_of_one_stream(o) : profile_from_file(o);
    if (!profile) return profile;
    if (!o.cores.empty()) profile->machine.worker_cores = o.cores;
    if (o.seed) profile->seed = *o.seed;
    for (const Status& status :
         {assign("--rate", o.rate, loader::parse_rate, kRateHint, profile->rate),
          assign("--duration", o.duration, loader::parse_time, kTimeHint, profile->duration),
          assign("--warm-up", o.warm_up, loader::parse_time, kTimeHint, profile->warm_up),
          assign("--drain", o.drain, loader::parse_time, kTimeHint, profile->drain), set_ramp(o, *profile)})
        if (!status) return status.error();
    if (profile->duration && profile->duration->count() == 0) return wrong_option("--duration", "0", kTimeHint);
    const auto unit = profile->rate.unit;
    if (profile->ramp && (unit == loader::TrafficRate::Unit::kMaximum || profile->ramp->from.unit != unit))
        return Error::of(ErrorKind::kInvalid, "a ramp and its rate are not of one unit",
                         "a ramp goes from one rate in pps (or bps) to another");
    return profile;
}

}  // namespace drywall::gen

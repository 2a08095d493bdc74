// TrafficProfile: what drywall-gen sends, as its author wrote it. Strict in the same way as policy files.
// docs/perf-testing.md tells what may stand in one.
//
// Threads: values, read once at start.
// Units:   frame sizes are in bytes and include the four of the FCS, as RFC 2544 counts them; rates in bit/s are of
// layer
//          2 (frames with FCS), or of layer 1 (with preamble, start of frame and gap: 20 bytes more for each frame).
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "drywall/base/result.h"
#include "drywall/loader/resources.h"
#include "drywall/loader/settings.h"
#include "drywall/net/address.h"
#include "drywall/net/packet_meta.h"

namespace drywall::loader {

inline constexpr std::uint16_t kFcsBytes = 4;
inline constexpr std::uint16_t kSmallestFrame = 64;   // with FCS
inline constexpr std::uint16_t kLargestFrame = 9234;  // likewise: an IP packet of 9,216 bytes behind an Ethernet header

struct TrafficRate {
    enum class Unit : std::uint8_t { kPackets, kBitsOfLayer2, kBitsOfLayer1, kMaximum };
    Unit unit = Unit::kMaximum;
    double per_second = 0;  // not of kMaximum
    bool operator==(const TrafficRate&) const = default;
    [[nodiscard]] std::string text() const;  // as parse_rate() reads it
};

// "1Mpps", "250kpps", "10Gbps" (layer 2), "10Gbps-l1", "max"
[[nodiscard]] std::optional<TrafficRate> parse_rate(std::string_view text);

// Sizes in turns, each as often as its weight says; or drawn from a range.
struct FrameSizes {
    struct Share {
        std::uint16_t bytes = kSmallestFrame;
        std::uint32_t weight = 1;
        bool operator==(const Share&) const = default;
    };
    std::vector<Share> mix;                                        // not empty, or:
    std::optional<std::pair<std::uint16_t, std::uint16_t>> range;  // every size as likely
    bool operator==(const FrameSizes&) const = default;

    [[nodiscard]] std::uint16_t smallest() const noexcept;
    [[nodiscard]] std::uint16_t largest() const noexcept;
    [[nodiscard]] double mean() const noexcept;
};

// "64"; "64,512,1518"; "64:7,594:4,1518:1"; "64-1518"; "imix" (which is 64:7,594:4,1518:1); "imix-csit"
// (64:28,570:16,1518:4)
[[nodiscard]] std::optional<FrameSizes> parse_frame_sizes(std::string_view text);

// The values of one field: a list, or `first` and what follows it in steps.
template <typename T>
struct Values {
    std::vector<T> listed;
    T first{};
    std::uint64_t count = 1;
    std::uint64_t step = 1;
    bool random = false;  // drawn, instead of one after the other

    [[nodiscard]] std::uint64_t size() const noexcept { return listed.empty() ? count : listed.size(); }
    bool operator==(const Values&) const = default;
};
using AddressValues = Values<net::Address>;
using NumberValues = Values<std::uint16_t>;

inline constexpr std::uint64_t kMostValues = std::uint64_t{1} << 32;

// REQUIRES: i < values.size()
[[nodiscard]] net::Address nth(const AddressValues& values, std::uint64_t i) noexcept;
[[nodiscard]] std::uint16_t nth(const NumberValues& values, std::uint64_t i) noexcept;

// "10.0.0.1"; "10.0.0.1,10.0.0.9"; "10.0.0.1-10.0.0.254"; "10.0.0.0/24" (all 256); "10.0.0.1-10.0.0.251 step 10"; each
// with "random:" in front. One family. Numbers likewise, without prefixes.
[[nodiscard]] std::optional<AddressValues> parse_addresses(std::string_view text);
[[nodiscard]] std::optional<NumberValues> parse_numbers(std::string_view text, std::uint16_t least, std::uint16_t most);

// "500ms", "10s", "5m", "2h"; up to 30 days.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_time(std::string_view text);

using MacAddress = std::array<std::uint8_t, 6>;
[[nodiscard]] std::optional<MacAddress> parse_mac(std::string_view text);  // "02:00:00:00:00:01"

struct VlanProfile {
    NumberValues id;
    std::uint8_t priority = 0;  // 0-7
    bool service = false;       // 802.1ad (0x88a8) instead of 802.1Q
    bool operator==(const VlanProfile&) const = default;
};

struct FlowsProfile {
    enum class Spread : std::uint8_t {
        kInTurn,   // one packet of each, again and again
        kUniform,  // drawn, each as likely
        kZipf,     // drawn, flow k as likely as 1 / (k + 1)^exponent
    };
    std::uint64_t count = 0;
    Spread spread = Spread::kInTurn;
    double exponent = 1.0;
    bool operator==(const FlowsProfile&) const = default;
};

enum class Layer4 : std::uint8_t { kUdp, kTcp, kIcmpEcho };
enum class Expect : std::uint8_t { kAny, kAllow, kDeny };

[[nodiscard]] std::string_view name(Expect expect) noexcept;

// The packets of a capture file, one after the other.
struct ReplayProfile {
    std::string file;
    std::optional<double> speed = 1.0;  // times as fast as it was recorded; absent: by the stream's rate
    std::uint64_t loops = 1;            // 0: again and again
    bool signature = false;             // appended to each packet, which so becomes 16 bytes longer
    std::optional<MacAddress> source_mac;
    std::optional<MacAddress> destination_mac;
    std::optional<std::uint16_t> vlan;  // instead of the tags that the packet has; 0: without any
    std::vector<std::pair<net::Prefix, net::Prefix>> addresses;  // of equal length; the first that holds one moves it
    std::vector<std::pair<std::uint16_t, std::uint16_t>> ports;  // of TCP and UDP, either side
};

struct StreamProfile {
    Place place;       // where it stands, for what is found wrong later
    Place size_place;  // where its size is written
    std::string name;
    std::string from;
    std::string to;
    std::uint32_t weight = 1;  // its share of the profile's rate, among the streams without a rate of their own
    std::optional<TrafficRate> rate;
    std::optional<std::uint64_t> packets;  // it ends after so many
    MacAddress source_mac{0x02, 0, 0, 0, 0, 0x01};
    MacAddress destination_mac{0x02, 0, 0, 0, 0, 0x02};
    std::vector<VlanProfile> vlans;  // outermost first; at most two
    AddressValues source;            // 198.18.0.1 and 198.19.0.1 unless written (RFC 2544, RFC 6890)
    AddressValues destination;
    std::uint8_t hop_limit = 64;
    std::uint8_t dscp = 0;  // 0-63
    Layer4 layer4 = Layer4::kUdp;
    NumberValues source_port;  // ICMP echo: the identifier
    NumberValues destination_port;
    std::uint8_t tcp_flags = 0x02;  // SYN
    FrameSizes sizes{.mix = {{}}, .range = {}};
    std::optional<FlowsProfile> flows;  // absent: every combination of the fields' values in turn
    Expect expect = Expect::kAny;
    std::optional<ReplayProfile> replay;
    std::vector<net::Tuple>
        given;  // its flows, instead of what the fields' values make; not written, but found for a rule
};

// A stream in which nothing is written but its name and ways.
[[nodiscard]] StreamProfile default_stream(std::string name, std::string from, std::string to);

// TCP connections whose both ends are the generator's.
struct ConnectionsProfile {
    StreamProfile ends;                  // of it: names, ways, layers, expect; source is the client's
    std::optional<double> rate;          // new ones per second; absent: as fast as `concurrent` allows
    std::uint32_t concurrent = 1000;     // open at the same time, at most
    std::optional<std::uint64_t> count;  // it ends after so many
    std::uint32_t request = 100;         // bytes, at least 1; likewise below
    std::uint32_t response = 1000;
    std::uint32_t exchanges = 1;                // of a request and its response, one after the other
    std::chrono::milliseconds hold{0};          // from the last response to the client's FIN
    std::chrono::milliseconds retransmit{200};  // after which what is not acknowledged is sent again
    std::uint8_t retries = 3;                   // then the connection has failed
    std::uint16_t segment = 1400;               // bytes of payload, at most
};

// Traffic that hits the rules of policies.
struct PoliciesProfile {
    struct Rule {
        std::string text;  // "default|gnp:web|allow|0", or the policy's part of it, "gnp:web", for all its rules
        std::uint32_t share = 1;
    };
    StreamProfile base;              // of it: names, ways, MAC addresses, tags, sizes
    std::vector<std::string> files;  // as the appliance reads them: files and folders
    std::string config;              // the appliance's configuration; empty: every key's default
    std::string enters;              // the appliance's port that `from` leads to; empty: its first
    std::uint32_t flows = 16;        // for each rule, at most
    FlowsProfile::Spread spread = FlowsProfile::Spread::kUniform;  // of the rules' shares, where `rules` is empty
    double exponent = 1.0;
    std::vector<Rule> rules;  // empty: all
};

// "1kcps", "100cps", "max"; nothing in the outer optional: wrong, in the inner one: max.
[[nodiscard]] std::optional<std::optional<double>> parse_connection_rate(std::string_view text);

struct RampProfile {
    TrafficRate from;
    std::chrono::milliseconds over{0};
};

struct TrafficProfile {
    Settings machine;  // of it: dpdk and ports, and worker_cores where `cores` is written
    std::uint64_t seed = 1;
    TrafficRate rate;                                   // of all streams together that have none of their own
    std::optional<RampProfile> ramp;                    // of that rate
    std::optional<std::chrono::milliseconds> duration;  // absent: until it is stopped, or every stream has ended
    std::chrono::milliseconds warm_up{0};
    std::chrono::milliseconds drain{500};
    std::uint32_t window =
        65536;  // sequence numbers of a stream among which order and duplicates are told; a power of two
    std::vector<StreamProfile> streams;           // these, or
    std::vector<ConnectionsProfile> connections;  // these, or
    std::optional<PoliciesProfile> policies;      // this is there
};

inline constexpr std::size_t kMostStreams = 4096;

[[nodiscard]] Result<TrafficProfile> load_profile(const Source& source);

}  // namespace drywall::loader

// FlowBook: what the engine tells of connections, gathered into groups, with answers to denied connections counted
// where they belong.
//
// Threads: one.
// Bounds:  `most_flows` groups, `most_denied` denied connections.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "drywall/base/ids.h"
#include "drywall/net/packet_meta.h"
#include "drywall/telemetry/event.h"
#include "drywall/whatif/replay.h"

namespace drywall::whatif {

class FlowBook {
public:
    FlowBook(std::size_t traces, std::size_t most_flows, std::size_t most_denied)
        : most_flows_(most_flows), most_denied_(most_denied), connections_(traces) {}

    void enter(const telemetry::FlowEvent& event);

    // By TraceId.
    [[nodiscard]] const std::vector<std::uint64_t>& connections() const noexcept { return connections_; }
    [[nodiscard]] std::vector<ReplayedFlow> take_flows() noexcept { return std::move(flows_); }
    [[nodiscard]] std::uint64_t left_out() const noexcept { return left_out_; }
    [[nodiscard]] bool exact() const noexcept { return exact_; }

private:
    static constexpr std::uint32_t kNoGroup = 0xffffffff;

    // Two packets of the same key, one of them denied, are of one connection. ICMP's identifier is not known here.
    struct Parties {
        net::AddressBytes source{};
        net::AddressBytes destination{};
        std::uint16_t source_port = 0;
        std::uint16_t destination_port = 0;
        std::uint8_t protocol = 0;
        net::Family family = net::Family::kIPv4;
        std::uint16_t unused = 0;

        // As five words: member by member it would be two calls and a branch for each.
        friend bool operator==(const Parties& a, const Parties& b) noexcept {
            using Words = std::array<std::uint64_t, 5>;
            return std::bit_cast<Words>(a) == std::bit_cast<Words>(b);
        }
    };
    struct GroupKey {
        Parties parties;  // without the source port
        TraceId trace{};
        bool operator==(const GroupKey&) const = default;
    };
    struct Hash {
        // Not noexcept: then the tables keep the hashes beside the keys instead of computing them again and again.
        template <typename Key>
        std::size_t operator()(const Key& key) const {
            static_assert(std::has_unique_object_representations_v<Key>);
            return std::hash<std::string_view>{}({reinterpret_cast<const char*>(&key), sizeof(Key)});
        }
    };
    [[nodiscard]] static Parties parties_of(const net::Tuple& tuple) noexcept;
    [[nodiscard]] static Parties asked_by(const net::Tuple& answer) noexcept;
    [[nodiscard]] const std::uint32_t* denied_group(const Parties& parties) const;
    void denied(const telemetry::FlowEvent& event);
    void opened(const telemetry::FlowEvent& event);
    void ended(const telemetry::FlowEvent& event);
    std::uint32_t start_connection(const telemetry::FlowEvent& event);
    [[nodiscard]] std::uint32_t group_of(const telemetry::FlowEvent& event);
    void touch(std::uint32_t group, Nanos time, const telemetry::PacketsBytes& forward,
               const telemetry::PacketsBytes& reverse);

    std::size_t most_flows_;
    std::size_t most_denied_;
    std::vector<std::uint64_t> connections_;
    std::vector<ReplayedFlow> flows_;
    std::unordered_map<GroupKey, std::uint32_t, Hash> groups_;
    std::unordered_map<Parties, std::uint32_t, Hash> denied_;  // to their group
    std::uint64_t left_out_ = 0;
    bool exact_ = true;
};

}  // namespace drywall::whatif

// IpfixSession: what the flow log counted, as IPFIX messages; and what was exported of each group, so that the next
// record says only what came since.
//
// Threads: its owner's.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>

#include "drywall/control/ipfix_exporter.h"
#include "drywall/observe/flow_log.h"
#include "ipfix_message.h"
#include "ipfix_records.h"

namespace drywall::control {

class IpfixSession {
public:
    // Remembers as many groups as the flow log may hold: those that changed last, as the log does.
    IpfixSession(const IpfixSettings& settings, IpfixSink& sink, std::size_t most_groups = 65536)
        : settings_(settings),
          most_groups_(most_groups),
          packer_(settings.observation_domain, settings.message_bytes, sink) {}

    // One record for each group of `answer` that did something since it was exported. The templates go first when it is
    // time for them.
    void add(const observe::FlowAnswer& answer, std::chrono::system_clock::time_point now);
    // What was sent so far, by the sender's own count; ends the message in the making.
    void finish(const ExportStatistics& statistics, std::chrono::system_clock::time_point now);

    [[nodiscard]] std::size_t remembered() const noexcept { return exported_.size(); }

private:
    struct Exported {
        std::chrono::system_clock::time_point first_seen;  // another one: a group of the same name lives anew
        std::chrono::system_clock::time_point last_seen;
        std::uint64_t sequence = 0;
        std::uint64_t started = 0;
        std::uint64_t completed = 0;
        telemetry::PacketsBytes forward;
        telemetry::PacketsBytes reverse;
    };

    void send_templates_in_time(std::chrono::system_clock::time_point now);
    FlowDelta delta_of(const observe::FlowGroup& group);
    void forget_the_quietest();

    IpfixSettings settings_;
    std::size_t most_groups_;
    IpfixPacker packer_;
    std::optional<std::chrono::system_clock::time_point> templates_sent_;
    std::unordered_map<std::uint64_t, Exported> exported_;  // by group
};

}  // namespace drywall::control

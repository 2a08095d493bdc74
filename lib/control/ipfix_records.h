// IPFIX records: which elements Drywall exports, their templates, and one group of flows as a record. docs/ipfix.md is
// their contract.
//
// Threads: pure functions, but for the packer that they fill.
// Source:  IANA's IPFIX Information Elements; RFC 5103 (reverse elements), RFC 5610 (types of enterprise elements),
//          RFC 7015 (records of aggregated flows).
#pragma once

#include <chrono>
#include <cstdint>

#include "drywall/control/ipfix_exporter.h"
#include "drywall/observe/flow_log.h"
#include "ipfix_message.h"

namespace drywall::control {

// What a group did since it was last exported.
struct FlowDelta {
    std::chrono::system_clock::time_point since;  // then, or when it was first seen
    std::uint64_t started = 0;
    std::uint64_t completed = 0;
    telemetry::PacketsBytes forward;
    telemetry::PacketsBytes reverse;
};

struct ExportStatistics {
    std::uint64_t flows_sent = 0;
    std::uint64_t flows_not_sent = 0;
    std::uint64_t records_lost = 0;    // by the flow log, before there was a flow
    std::uint64_t groups_evicted = 0;  // by the flow log
};

// Every template, and what a collector needs to know of the enterprise elements to name and print them.
void add_templates(IpfixPacker& packer, std::uint32_t enterprise, std::chrono::system_clock::time_point now);

void add_flow(IpfixPacker& packer, const observe::FlowGroup& group, const FlowDelta& delta,
              std::uint64_t observation_point, std::chrono::system_clock::time_point now);

void add_statistics(IpfixPacker& packer, const ExportStatistics& statistics, std::uint32_t observation_domain,
                    std::chrono::system_clock::time_point now);

}  // namespace drywall::control

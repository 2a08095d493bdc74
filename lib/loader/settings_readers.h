// The readers of the parts of the configuration. As with resources: they complain, and the caller throws everything
// away when there was a complaint.
//
// Threads: one pass over one source.
#pragma once

#include "drywall/loader/settings.h"
#include "fields.h"

namespace drywall::loader {

// Ports, pairs, and the machine under them: dpdk, workers, stats-core.
void read_machine(Fields& top, Purpose purpose, Settings& settings);

// The part of it that a traffic profile has too: dpdk and ports.
void read_devices(Fields& top, Settings& settings);

// What no policy decides: posture, unmatched, addresses, checksums, non-ip, neighbour-discovery, failsafe, pending.
void read_traffic(Fields& top, Settings& settings);

// What passes that is not IP, unless something is written: without ARP no IPv4 host finds another.
[[nodiscard]] std::vector<NonIpRule> default_non_ip();

// Limits and times: flows, stats, swap-timeout, ruleset-memory-mb.
void read_limits(Fields& top, Settings& settings);

// What is read inside of connections: layer7.
void read_layer7(Fields& top, Settings& settings);

// What happens when something fails, and what the process gives away: fail, hardening. After read_traffic().
void read_failing(Fields& top, Settings& settings);

// What leaves the appliance by itself: metrics, ipfix.
void read_export(Fields& top, Settings& settings);

// A list of networks, or single addresses. `everything` says whether a prefix of length 0 is acceptable.
[[nodiscard]] std::vector<net::Prefix> read_networks(Fields& fields, std::string_view name, bool everything);

// A duration of whole seconds; the target stays as it is where the field is absent or wrong.
void assign_duration(Fields& fields, std::string_view name, std::chrono::seconds least, std::chrono::seconds most,
                     std::chrono::seconds& target);

// A mapping field's own fields, or nothing when it is absent.
[[nodiscard]] std::optional<Fields> section(Fields& parent, std::string_view name);

template <typename T>
void assign_integer(Fields& fields, std::string_view name, std::uint64_t least, std::uint64_t most, T& target) {
    if (const auto value = fields.integer(name, least, most)) target = static_cast<T>(*value);
}

}  // namespace drywall::loader

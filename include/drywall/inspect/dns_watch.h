// DnsWatch: what one worker learns from the DNS that goes by. It is shown the queries that clients send to the
// resolvers that are believed, and what these answer; what answers a question that was asked becomes names in the
// NameCache.
//
// An answer is shown before it is forwarded: whoever connects because of it comes later.
//
// What can be believed of an answer is what the resolver says. Private, loopback and the appliance's own addresses are
// taken as any other: sites have names for their private ones, and a rule allows nothing by name that its ports and its
// direction don't allow. A resolver that lies, or is lied to by others, can give its names to any address: that is why
// resolvers are named in the configuration, and why a name in TLS has to match besides (docs/adr/0023).
//
// Threads: one worker's; noexcept, nothing is allocated after construction. counts() by any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "drywall/base/clock.h"
#include "drywall/inspect/dns_message.h"
#include "drywall/inspect/dns_questions.h"
#include "drywall/inspect/name_cache.h"
#include "drywall/net/address.h"
#include "drywall/net/prefix_set.h"
#include "drywall/telemetry/counters.h"

namespace drywall::inspect {

struct DnsWatchSettings {
    std::vector<net::Prefix> servers;  // the resolvers that are believed
    std::size_t questions = 4096;      // that wait for their answers
    std::uint64_t hash_seed = 0;       // random per start
};

struct DnsWatchCounts {
    std::uint64_t questions = 0;
    std::uint64_t questions_lost = 0;  // that had to make room for others: what answers them is not believed
    std::uint64_t answers = 0;         // that were believed
    std::uint64_t unasked = 0;         // that answer nothing that was asked, or come late or twice
    std::uint64_t unreadable = 0;      // messages
    std::uint64_t incomplete = 0;      // believed answers, of which a part was too much
    bool operator==(const DnsWatchCounts&) const = default;

    DnsWatchCounts& operator+=(const DnsWatchCounts& other) noexcept;
};

class DnsWatch {
public:
    static constexpr std::uint16_t kPort = 53;  // UDP and TCP

    // Learns into `names` as `worker`. REQUIRES: names outlives it
    DnsWatch(const DnsWatchSettings& settings, NameCache& names, std::size_t worker);

    [[nodiscard]] bool is_server(const net::Address& address) const noexcept {
        return servers_.contains(address.family, address.bytes);
    }

    // A message (over TCP: without its length) from a client to a server, and from a server to a client. REQUIRES: the
    // server is one (is_server), and the connection is to its port 53
    void from_client(DnsFlow flow, std::span<const std::uint8_t> message, Instant now) noexcept;
    void from_server(DnsFlow flow, std::span<const std::uint8_t> message, Instant now) noexcept;

    // Likewise, where the numbers of a TCP connection vouch for who says it: the question in it counts as asked.
    void from_server_over_tcp(std::span<const std::uint8_t> message, Instant now) noexcept;

    [[nodiscard]] DnsWatchCounts counts() const noexcept;

private:
    void learn(const DnsMessage& response, Instant now) noexcept;

    net::PrefixSet servers_;
    DnsQuestions questions_;
    NameCache& names_;
    std::size_t worker_;
    DnsAnswer answer_;  // room for one
    telemetry::Counter asked_;
    telemetry::Counter lost_;
    telemetry::Counter believed_;
    telemetry::Counter unasked_;
    telemetry::Counter unreadable_;
    telemetry::Counter incomplete_;
};

}  // namespace drywall::inspect

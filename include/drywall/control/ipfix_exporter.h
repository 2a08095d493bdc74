// IpfixExporter: flows as IPFIX (RFC 7011) over UDP, for a collector that somebody runs already. docs/ipfix.md names
// the elements.
//
// Threads: start(), stop() and counts() are anybody's; inside, one thread reads the flow log and sends.
// Never:   makes a worker or the stats core wait, or keeps the appliance from starting. A collector that is away, or
//          slow, costs records, which are counted.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "drywall/net/socket_address.h"
#include "drywall/observe/flow_log.h"

namespace drywall::control {

// RFC 5612 sets it aside for documentation. Who has a number of their own configures that.
inline constexpr std::uint32_t kDocumentationEnterprise = 32473;

struct IpfixSettings {
    net::SocketAddress collector;
    std::chrono::milliseconds interval{10'000};           // from one look at the flow log to the next
    std::chrono::milliseconds template_interval{60'000};  // templates are sent again: UDP may have lost them
    std::uint32_t observation_domain = 1;
    std::uint64_t observation_point = 1;
    std::uint32_t enterprise = kDocumentationEnterprise;
    std::size_t message_bytes = 1400;  // the longest message; with the headers below it, it must fit the path's MTU
};

struct IpfixCounts {
    std::uint64_t records_sent = 0;  // flow records
    std::uint64_t records_lost = 0;  // of messages that could not be sent, or that the collector's host refused
    std::uint64_t messages_sent = 0;
    std::uint64_t messages_lost = 0;
};

class IpfixExporter {
public:
    // Sends the templates at once. `flows` outlives the exporter.
    [[nodiscard]] static std::unique_ptr<IpfixExporter> start(const IpfixSettings& settings,
                                                              const observe::FlowLog& flows);
    // As stop().
    virtual ~IpfixExporter() = default;

    // What changed since the last look is still sent. Idempotent.
    virtual void stop() = 0;

    [[nodiscard]] virtual IpfixCounts counts() const = 0;
};

}  // namespace drywall::control

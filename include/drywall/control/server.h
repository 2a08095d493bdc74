// Server: the control API, HTTP/1.1 with JSON on a Unix socket. docs/api.md describes what it answers.
//
// Threads: start() and stop() are the owner's. Inside: one thread accepts, and one serves each connection, so that a
//          slow client keeps nobody waiting. Connections, sizes and times are bounded by ServerSettings.
// Trust:   who may open the control socket (its mode and group) may change policy. The peer's uid, gid and pid come
// from
//          the kernel (SO_PEERCRED) and are logged with every change. The view socket beside it answers questions and
//          routes nothing else; its clients have limits of their own, so that a crowd of them keeps no operator out.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "drywall/base/result.h"
#include "drywall/control/controller.h"
#include "drywall/control/ipfix_exporter.h"
#include "drywall/net/socket_address.h"
#include "drywall/observe/flow_log.h"
#include "drywall/observe/impact.h"
#include "drywall/runtime/health_watch.h"

namespace drywall::control {

// How much of a large site the metrics show.
struct MetricsLimits {
    std::size_t rules = 2000;       // that have series of their own
    std::uint64_t connections = 0;  // what the flow tables can hold; 0: unknown
};

struct ServerSettings {
    std::string socket_path = "/run/drywall/api.sock";
    std::string group = {};             // may use the socket; empty: the process's own
    std::string view_socket_path = {};  // for questions only; empty: there is none
    std::string view_group = {};
    observe::CheckLimits check = {};  // what /v1/check asks for
    std::optional<net::SocketAddress> metrics_listen =
        {};  // GET /metrics for this machine's processes, and nothing else
    MetricsLimits metrics = {};
    const IpfixExporter* ipfix = nullptr;                // what it sent is part of the metrics; outlives the server
    const runtime::HealthWatch* health = nullptr;        // what state the appliance is in; outlives the server
    std::size_t max_body_bytes = std::size_t{64} << 20;  // a whole site's resources, to restore them
    std::size_t max_header_bytes = std::size_t{64} << 10;
    std::size_t max_connections = 64;  // of each socket; one more is answered 503 and closed
    std::size_t max_requests_per_connection = 1000;
    std::chrono::milliseconds idle_timeout{30'000};     // between requests
    std::chrono::milliseconds request_timeout{30'000};  // from a request's first byte to its last
    std::chrono::milliseconds stop_grace{2'000};        // for clients that do not read their answers, at the end
};

class Server {
public:
    // What start() would refuse about the socket. To be asked before anything is opened that would have to be closed
    // again.
    [[nodiscard]] static Status can_start(const ServerSettings& settings);

    // Listens when it returns. Refuses a path that is not a socket or where someone answers; replaces a stale socket;
    // creates the parent directory (0750) when it is missing. The sockets have mode 0660.
    [[nodiscard]] static Result<std::unique_ptr<Server>> start(ServerSettings settings, Controller& controller,
                                                               const observe::FlowLog& flows);
    // As stop().
    virtual ~Server() = default;

    // Ends connections and threads and removes the sockets. Idempotent.
    virtual void stop() = 0;
};

}  // namespace drywall::control

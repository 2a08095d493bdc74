// Server: the control API, HTTP/1.1 with JSON on a Unix socket. docs/api.md describes what it answers.
//
// Threads: start() and stop() are the owner's. Inside: one thread accepts, and one serves each connection, so that a
//          slow client keeps nobody waiting. Connections, sizes and times are bounded by ServerSettings.
// Trust:   who may open the socket (its mode and group) may change policy. The peer's uid, gid and pid come from the
//          kernel (SO_PEERCRED) and are logged with every change.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "drywall/base/result.h"
#include "drywall/control/controller.h"
#include "drywall/observe/flow_log.h"
#include "drywall/observe/impact.h"

namespace drywall::control {

struct ServerSettings {
    std::string socket_path = "/run/drywall/api.sock";
    std::string group = {};  // may use the socket; empty: the process's own
    observe::CheckLimits check = {};  // what /v1/check asks for
    std::size_t max_body_bytes = std::size_t{8} << 20;
    std::size_t max_header_bytes = std::size_t{64} << 10;
    std::size_t max_connections = 64;  // one more is answered 503 and closed
    std::size_t max_requests_per_connection = 1000;
    std::chrono::milliseconds idle_timeout{30'000};     // between requests
    std::chrono::milliseconds request_timeout{30'000};  // from a request's first byte to its last
};

class Server {
public:
    // What start() would refuse about the socket. To be asked before anything is opened that would have to be closed
    // again.
    [[nodiscard]] static Status can_start(const ServerSettings& settings);

    // Listens when it returns. Refuses a path that is not a socket or where someone answers; replaces a stale socket;
    // creates the parent directory (0750) when it is missing. The socket has mode 0660.
    [[nodiscard]] static Result<std::unique_ptr<Server>> start(ServerSettings settings, Controller& controller,
                                                               const observe::FlowLog& flows);
    // As stop().
    virtual ~Server() = default;

    // Ends connections and threads and removes the socket. Idempotent.
    virtual void stop() = 0;
};

}  // namespace drywall::control

// Arguments that take a second look: endpoints with ports, kinds with names.
//
// Threads: pure functions.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "client.h"
#include "drywall/base/result.h"
#include "drywall/observe/flow_filter.h"

namespace drywall::cli {

// "10.1.0.9:443", "[2001:db8::1]:443", "2001:db8::1", "prod/web-1:80", "web-1"
struct HostAndPort {
    std::string host;
    std::string port;  // empty when none was written
};
[[nodiscard]] Result<HostAndPort> parse_host_and_port(const std::string& text);

// The query for /v1/trace of `drywall trace PROTO SRC DST:PORT`.
[[nodiscard]] Result<Query> trace_query(const std::string& protocol, const std::string& source,
                                        const std::string& destination, const std::string& ingress_port);

// "/v1/resources", "/v1/resources/gnp", "/v1/resources/gnp/web", "/v1/resources/wep/prod/web-1" from what stands after
// `get` and `delete`: nothing, KIND, KIND NAME or KIND/NAME, with or without a namespace.
[[nodiscard]] Result<std::string> resource_path(const std::string& kind, const std::string& name,
                                                const std::string& ns);

// A filter's flags as parameters of a request: `--not --from-ip 10.0.0.1` is not-from-ip=10.0.0.1, repeated ones are a
// list.
[[nodiscard]] Query filter_query(std::span<const observe::FlowTerm> terms);

}  // namespace drywall::cli

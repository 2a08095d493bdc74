// ConnectionFacts: what a connection has shown of itself beyond addresses and ports, for rules with `http` or with
// domains. What was not shown makes no condition hold.
//
// Threads: values.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace drywall::reference {

struct HttpRequest {
    std::string method;
    std::string target;  // as it was sent: "/a/b?q", "http://example.com/a", "*", "example.com:443"
    bool operator==(const HttpRequest&) const = default;
};

struct TlsHello {
    std::string server_name;  // empty: it names none
    bool encrypted = false;   // its real name is encrypted (ECH)
    bool operator==(const TlsHello&) const = default;
};

struct ConnectionFacts {
    std::optional<HttpRequest> http;  // the request that is judged
    std::vector<std::string> names;   // by which the destination's address is known
    std::optional<TlsHello> tls;      // absent: the connection is not TLS
    bool operator==(const ConnectionFacts&) const = default;
};

}  // namespace drywall::reference

#include "arguments.h"

#include <algorithm>

namespace drywall::cli {

namespace {

bool is_number(const std::string& text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

Error malformed(const std::string& text) {
    return Error::of(ErrorKind::kInvalid, "'" + text + "' is neither HOST nor HOST:PORT",
                     "write 10.1.0.9:443, [2001:db8::1]:443 or web-1:443");
}

Result<HostAndPort> in_brackets(const std::string& text) {
    const std::size_t end = text.find(']');
    if (end == std::string::npos || end == 1) return malformed(text);
    const std::string rest = text.substr(end + 1);
    if (rest.empty()) return HostAndPort{text.substr(1, end - 1), {}};
    if (rest.front() != ':' || !is_number(rest.substr(1))) return malformed(text);
    return HostAndPort{text.substr(1, end - 1), rest.substr(1)};
}

}  // namespace

Result<HostAndPort> parse_host_and_port(const std::string& text) {
    if (text.empty()) return malformed(text);
    if (text.front() == '[') return in_brackets(text);
    const std::size_t colon = text.find(':');
    if (colon == std::string::npos || colon != text.rfind(':')) return HostAndPort{text, {}};  // a name, IPv4 or IPv6
    const std::string port = text.substr(colon + 1);
    if (colon == 0 || !is_number(port)) return malformed(text);
    return HostAndPort{text.substr(0, colon), port};
}

Result<Query> trace_query(const std::string& protocol, const std::string& source, const std::string& destination,
                          const std::string& ingress_port) {
    const Result<HostAndPort> from = parse_host_and_port(source);
    if (!from) return from.error();
    const Result<HostAndPort> to = parse_host_and_port(destination);
    if (!to) return to.error();
    Query query{{"protocol", protocol}, {"source", from->host}, {"destination", to->host}};
    if (!from->port.empty()) query["source-port"] = from->port;
    if (!to->port.empty()) query["port"] = to->port;
    if (!ingress_port.empty()) query["in"] = ingress_port;
    return query;
}

Result<std::string> resource_path(const std::string& kind, const std::string& name, const std::string& ns) {
    std::string path = "/v1/resources";
    if (kind.empty()) return path;
    std::string full = kind;
    if (!name.empty()) full += '/' + (ns.empty() ? name : ns + '/' + name);
    if (std::count(full.begin(), full.end(), '/') > 2 || full.front() == '/' || full.back() == '/')
        return Error::of(ErrorKind::kInvalid, "'" + full + "' names no resource",
                         "write KIND NAME, KIND/NAME or KIND NAMESPACE/NAME");
    for (std::size_t at = 0; at <= full.size();) {
        const std::size_t end = std::min(full.find('/', at), full.size());
        path += '/' + encoded(full.substr(at, end - at));
        at = end + 1;
    }
    return path;
}

Query filter_query(std::span<const observe::FlowTerm> terms) {
    Query query;
    for (const observe::FlowTerm& term : terms) {
        std::string& value = query[(term.negated ? "not-" : "") + term.flag];
        value += (value.empty() ? "" : ",") + term.value;
    }
    return query;
}

}  // namespace drywall::cli

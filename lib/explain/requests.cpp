#include "drywall/explain/requests.h"

#include <algorithm>

#include "drywall/explain/protocols.h"

namespace drywall::explain {

namespace {

Result<MatrixView> view_of(const std::string& text) {
    if (text == "enforced") return MatrixView::kEnforced;
    if (text == "pending") return MatrixView::kPending;
    if (text == "diff") return MatrixView::kDiff;
    return Error::of(ErrorKind::kInvalid, "there is no view '" + text + "'", "give enforced, pending or diff");
}

// What the destination port field of the key holds: a port, or ICMP's type and code.
Result<std::uint16_t> destination_port(const Query& query, std::uint8_t protocol) {
    if (!net::is_icmp(protocol)) {
        const auto port = number_parameter(query, "port", 0, 65535);
        if (!port) return port.error();
        return static_cast<std::uint16_t>(*port);
    }
    const auto type = number_parameter(query, "type", protocol == net::protocol::kIcmp ? 8 : 128, 255);
    if (!type) return type.error();
    const auto code = number_parameter(query, "code", 0, 255);
    if (!code) return code.error();
    return static_cast<std::uint16_t>(*type << 8 | *code);
}

}  // namespace

Result<reference::ConnectionFacts> connection_facts(const std::string& http, const std::string& sni,
                                                    const std::string& domain) {
    reference::ConnectionFacts facts;
    if (!http.empty()) {
        const std::size_t space = http.find(' ');
        if (space == 0 || space == std::string::npos || http.find(' ', space + 1) != std::string::npos)
            return Error::of(ErrorKind::kInvalid, "'" + http + "' is no request",
                             "give a method and a target: GET /shop/1");
        facts.http = reference::HttpRequest{.method = http.substr(0, space), .target = http.substr(space + 1)};
    }
    if (!sni.empty()) facts.tls = reference::TlsHello{.server_name = sni, .encrypted = false};
    for (std::size_t begin = 0; begin < domain.size();) {
        const std::size_t end = std::min(domain.find(',', begin), domain.size());
        if (end > begin) facts.names.push_back(domain.substr(begin, end - begin));
        begin = end + 1;
    }
    return facts;
}

std::string ShownText::options() const {
    std::string out;
    const auto add = [&out](const char* option, const std::string& value) {
        if (value.empty()) return;
        std::string quoted;
        for (const char c : value) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
        out += (out.empty() ? "" : " ") + std::string(option) + " '" + quoted + '\'';
    };
    add("--http", http);
    add("--sni", sni);
    add("--domain", domain);
    return out;
}

ShownText shown_text(const reference::ConnectionFacts& facts) {
    ShownText out;
    if (facts.http) out.http = facts.http->method + ' ' + facts.http->target;
    if (facts.tls) out.sni = facts.tls->server_name;
    for (const std::string& name : facts.names) out.domain += (out.domain.empty() ? "" : ",") + name;
    return out;
}

Result<TraceQuery> trace_request(const Query& query) {
    TraceQuery out;
    const std::string protocol = text_parameter(query, "protocol", "tcp");
    const std::optional<std::uint8_t> number = protocol_number(protocol);
    if (!number)
        return Error::of(ErrorKind::kInvalid, "'" + protocol + "' is not a protocol",
                         "give tcp, udp, sctp, icmp, icmpv6 or a number from 1 to 255");
    out.protocol = *number;
    out.source = text_parameter(query, "source");
    out.destination = text_parameter(query, "destination");
    if (out.source.empty() || out.destination.empty())
        return Error::of(ErrorKind::kInvalid, "source and destination are needed", "give addresses or endpoints");
    const auto source_port = number_parameter(query, "source-port", kEphemeralPort, 65535);
    if (!source_port) return source_port.error();
    out.source_port = static_cast<std::uint16_t>(*source_port);
    const auto port = destination_port(query, out.protocol);
    if (!port) return port.error();
    out.destination_port = *port;
    out.ingress_port = text_parameter(query, "in");
    Result<reference::ConnectionFacts> facts =
        connection_facts(text_parameter(query, "http"), text_parameter(query, "sni"), text_parameter(query, "domain"));
    if (!facts) return facts.error();
    out.facts = *std::move(facts);
    return out;
}

Result<MatrixRequest> matrix_request(const Query& query, std::size_t most_rows) {
    const Result<MatrixView> view = view_of(text_parameter(query, "view", "enforced"));
    if (!view) return view.error();
    MatrixRequest out{{}, *view};
    if (const std::string text = text_parameter(query, "service"); !text.empty()) {
        const Result<Service> service = parse_service(text);
        if (!service) return service.error();
        out.query.service = *service;
    }
    const auto limit = number_parameter(query, "limit", out.query.max_endpoints, most_rows);
    if (!limit) return limit.error();
    out.query.max_endpoints = *limit;
    out.query.group_by = text_parameter(query, "group-by");
    return out;
}

}  // namespace drywall::explain

#include "arguments.h"
#include "client.h"
#include "commands.h"
#include "fields.h"
#include "offline.h"

namespace drywall::cli {

namespace {

bool starts_with_digit(const std::string& text) { return !text.empty() && text.front() >= '0' && text.front() <= '9'; }

// Asks, and prints the answer as JSON or as `render` makes it.
template <typename Render>
Exit ask(const Invocation& invocation, const std::string& path, Render render) {
    const Result<Json> answer = Client(invocation.socket).get(path);
    if (!answer) return report(invocation, answer.error());
    if (wants_json(invocation))
        invocation.out << answer->dump(2) << '\n';
    else
        invocation.out << render(*answer);
    return Exit::kOk;
}

Exit usage(const Invocation& invocation, const Error& error) {
    (void)report(invocation, error);
    return Exit::kUsage;
}

// "8080" and "udp" become "udp/8080"; "udp" alone asks for the ports of UDP that no rule names.
Result<Query> matrix_query(const MatrixArguments& arguments) {
    Query query{{"view", arguments.view}};
    const bool whole = arguments.port.find('/') != std::string::npos || !starts_with_digit(arguments.port);
    if (whole && !arguments.port.empty() && !arguments.protocol.empty())
        return Error::of(ErrorKind::kInvalid, "--protocol and a protocol in --port",
                         "write --port 8080 --protocol tcp, or --port tcp/8080");
    std::string service = arguments.port.empty() ? arguments.protocol : arguments.port;
    if (!whole) service = (arguments.protocol.empty() ? "tcp" : arguments.protocol) + '/' + arguments.port;
    if (!service.empty()) query["service"] = service;
    if (!arguments.group_by.empty()) query["group-by"] = arguments.group_by;
    return query;
}

}  // namespace

Exit get(const Invocation& invocation, const ObjectArguments& arguments) {
    const Result<std::string> path = resource_path(arguments.kind, arguments.name, arguments.ns);
    if (!path) return usage(invocation, path.error());
    if (invocation.format == Format::kYaml) {
        const Result<std::string> text = Client(invocation.socket).get_text(*path + "?format=yaml");
        if (!text) return report(invocation, text.error());
        invocation.out << *text;
        return Exit::kOk;
    }
    if (invocation.format == Format::kName) return ask(invocation, *path, render_names);
    return ask(invocation, *path, [&](const Json& answer) {
        const Json& items = at(answer, "/items");
        if (items.is_array() && items.empty() && !invocation.quiet) invocation.err << "no resources found\n";
        return render_resources(answer, style_of(invocation));
    });
}

Exit status(const Invocation& invocation) {
    return ask(invocation, "/v1/status", [&](const Json& answer) {
        return render_state(answer, style_of(invocation)) + render_guard_status(answer, style_of(invocation)) +
               render_status(answer, style_of(invocation));
    });
}

Exit stats(const Invocation& invocation, const StatsParts& parts) {
    return ask(invocation, "/v1/stats",
               [&](const Json& answer) { return render_stats(answer, parts, style_of(invocation)); });
}

Exit matrix(const Invocation& invocation, const MatrixArguments& arguments) {
    const Result<Query> query = matrix_query(arguments);
    if (!query) return usage(invocation, query.error());
    const Result<Json> answer = arguments.files.empty()
                                    ? Client(invocation.socket).get(with_query("/v1/matrix", *query))
                                    : matrix_of_files(arguments.files, arguments.config, *query);
    if (!answer) return report(invocation, answer.error());
    if (wants_json(invocation))
        invocation.out << answer->dump(2) << '\n';
    else if (invocation.format == Format::kCsv)
        invocation.out << render_matrix_csv(*answer);
    else
        invocation.out << render_matrix(*answer, style_of(invocation));
    return Exit::kOk;
}

Exit trace(const Invocation& invocation, const TraceArguments& arguments) {
    Result<Query> query =
        trace_query(arguments.protocol, arguments.source, arguments.destination, arguments.ingress_port);
    if (!query) return usage(invocation, query.error());
    if (!arguments.icmp_type.empty()) (*query)["type"] = arguments.icmp_type;
    if (!arguments.icmp_code.empty()) (*query)["code"] = arguments.icmp_code;
    if (!arguments.http.empty()) (*query)["http"] = arguments.http;
    if (!arguments.sni.empty()) (*query)["sni"] = arguments.sni;
    if (!arguments.domain.empty()) (*query)["domain"] = arguments.domain;

    const Result<Json> answer = arguments.files.empty() ? Client(invocation.socket).get(with_query("/v1/trace", *query))
                                                        : trace_of_files(arguments.files, arguments.config, *query);
    if (!answer) return report(invocation, answer.error());
    invocation.out << (wants_json(invocation) ? answer->dump(2) + '\n' : render_trace(*answer, style_of(invocation)));
    const char* verdict = arguments.pending ? "/pending/verdict" : "/enforced/verdict";
    for (const Json& decision : at(*answer, "/decisions"))
        if (text_at(decision, verdict) != "allow") return Exit::kNegative;
    return Exit::kOk;
}

Exit version(const Invocation& invocation) {
    const Result<Json> daemon = Client(invocation.socket).get("/v1/version");
    if (wants_json(invocation)) {
        const Json both = {{"client", DRYWALL_VERSION}, {"daemon", daemon ? at(*daemon, "/version") : Json()}};
        invocation.out << both.dump(2) << '\n';
    } else {
        invocation.out << "drywall   " << DRYWALL_VERSION << '\n';
        if (daemon) invocation.out << "drywalld  " << text_at(*daemon, "/version") << '\n';
    }
    return daemon ? Exit::kOk : report(invocation, daemon.error());
}

}  // namespace drywall::cli

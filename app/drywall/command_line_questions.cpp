// Questions about connections.
#include "command_line.h"

namespace drywall::cli {

namespace {

struct MatrixOptions {
    MatrixArguments asked;
    bool pending = false;
    bool diff = false;
};

Exit matrix_of(const Invocation& invocation, const MatrixOptions& options) {
    MatrixArguments arguments = options.asked;
    arguments.view = options.diff ? "diff" : options.pending ? "pending" : "enforced";
    return matrix(invocation, arguments);
}

void add_matrix(CommandLine& line) {
    auto [command, m] =
        line.add<MatrixOptions>("matrix", "Show who reaches whom", {Format::kJson, Format::kCsv}, &matrix_of);
    auto* pending = command.add_flag("--pending", m.pending, "As if everything staged were promoted");
    auto* diff = command.add_flag("--diff", m.diff, "Mark what promotion would change");
    pending->excludes(diff);
    command.add_option("--port", m.asked.port, "One port alone: 8080; or one service: tcp/8080, icmp/8/0");
    command.add_option("--protocol", m.asked.protocol, "Of --port (default: TCP); alone, its other ports");
    command.add_option("--group-by", m.asked.group_by, "A row for each value of this label");
    add_files(command, m.asked.files, m.asked.config);
}

void add_trace(CommandLine& line) {
    auto [command, t] =
        line.add<TraceArguments>("trace", "Ask what would happen to a connection, and why", {Format::kJson}, &trace);
    command.add_option("protocol", t.protocol, "tcp, udp, sctp, icmp, icmpv6 or a number")->required();
    command.add_option("source", t.source, "Address or endpoint, with :PORT if it matters")->required();
    command.add_option("destination", t.destination, "Address or endpoint, with :PORT")->required();
    command.add_option("--in", t.ingress_port, "The appliance's port where it enters (default: each)");
    command.add_option("--type", t.icmp_type, "ICMP type (default: echo request)");
    command.add_option("--code", t.icmp_code, "ICMP code (default: 0)");
    command.add_option("--http", t.http, "The request that it makes: 'GET /path'");
    command.add_option("--sni", t.sni, "The name in its TLS greeting");
    command.add_option("--domain", t.domain, "By which its destination is known from DNS; several with commas");
    command.add_flag("--pending", t.pending, "Let the exit code tell the pending verdict");
    add_files(command, t.files, t.config)->allow_extra_args(false);  // -f A -f B: names come after it
}

}  // namespace

void add_questions(CommandLine& line) {
    add_matrix(line);
    add_trace(line);
}

}  // namespace drywall::cli

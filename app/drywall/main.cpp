// drywall: the operator's command. Reads the command line, runs one command, returns its exit code.
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <iostream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>
#include <CLI/CLI.hpp>

#include "commands.h"

namespace {

using namespace drywall::cli;  // NOLINT(google-build-using-namespace): a main() of one module

struct Options {
    std::string socket = "/run/drywall/api.sock";
    Format format = Format::kTable;
    bool no_color = false;
    bool quiet = false;
    ApplyArguments apply;
    ObjectArguments get;
    ObjectArguments remove;
    PromoteArguments promote;
    StatsParts former;
    bool only_rules = false;
    bool only_staged = false;
    bool only_drops = false;
    bool only_ports = false;
    FlowsArguments flows;
    MatrixArguments matrix;
    bool pending_matrix = false;
    bool diff_matrix = false;
    TraceArguments trace;
    ValidateArguments validate;
    EvalArguments eval;
    SelectorArguments selector;
};

using Command = std::function<Exit(const Invocation&)>;
using Commands = std::map<const CLI::App*, Command>;

// A stats section is shown when it was asked for, or when none was.
StatsParts parts_of(const Options& options) {
    const bool all = !options.only_rules && !options.only_staged && !options.only_drops && !options.only_ports;
    StatsParts parts = options.former;
    parts.rules = all || options.only_rules;
    parts.staged = all || options.only_staged;
    parts.drops = all || options.only_drops;
    parts.ports = all || options.only_ports;
    return parts;
}

// For questions that drywalld answers, unless they are about files.
CLI::Option* add_files(CLI::App* command, std::vector<std::string>& files, std::string& config) {
    auto* option = command->add_option("-f,--filename", files, "Ask about these files, without a daemon");
    command->add_option("--config", config, "With -f: the appliance's configuration")->needs(option);
    return option;
}

// What every change can be told.
void add_change_options(CLI::App* command, ChangeArguments& change) {
    command->add_option("--if-generation", change.if_generation, "Do it only if this generation is in force");
    command->add_option("--comment", change.comment, "Why; kept with the generation");
}

void add_changes(CLI::App& app, Options& o, Commands& commands) {
    CLI::App* apply_command = app.add_subcommand("apply", "Create or replace resources: all of them, or none");
    apply_command->add_option("-f,--filename", o.apply.files, "File, directory, or - for standard input")->required();
    add_change_options(apply_command, o.apply.change);
    commands[apply_command] = [&o](const Invocation& i) { return apply(i, o.apply); };

    CLI::App* delete_command = app.add_subcommand("delete", "Delete resources: all of them, or none");
    delete_command->add_option("kind", o.remove.kind, "Kind or short name, or KIND/NAME");
    delete_command->add_option("name", o.remove.name, "Name, or NAMESPACE/NAME");
    delete_command->add_option("-n,--namespace", o.remove.ns, "Namespace");
    delete_command->add_option("-f,--filename", o.remove.files, "Delete what these files describe");
    add_change_options(delete_command, o.remove.change);
    commands[delete_command] = [&o](const Invocation& i) { return remove(i, o.remove); };

    CLI::App* promote_command = app.add_subcommand("promote", "Enforce a staged policy");
    promote_command->add_option("name", o.promote.name, "Name of the staged policy, KIND/NAME or KIND/NAMESPACE/NAME")
        ->required();
    promote_command->add_option("--kind", o.promote.kind, "Its kind, where the name is not enough (sgnp, snp, sknp)");
    promote_command->add_option("-n,--namespace", o.promote.ns, "Its namespace, where the name is not enough");
    add_change_options(promote_command, o.promote.change);
    commands[promote_command] = [&o](const Invocation& i) { return promote(i, o.promote); };
}

void add_objects_and_numbers(CLI::App& app, Options& o, Commands& commands) {
    CLI::App* get_command = app.add_subcommand("get", "Show resources");
    get_command->add_option("kind", o.get.kind, "Kind or short name (gnp, sgnp, tier, gns, hep, wep), or KIND/NAME");
    get_command->add_option("name", o.get.name, "Name, or NAMESPACE/NAME");
    get_command->add_option("-n,--namespace", o.get.ns, "Namespace");
    commands[get_command] = [&o](const Invocation& i) { return get(i, o.get); };

    commands[app.add_subcommand("status", "Show how the appliance is")] = [](const Invocation& i) { return status(i); };

    CLI::App* stats_command = app.add_subcommand("stats", "Show what was counted, per rule in both worlds");
    stats_command->add_flag("--rules", o.only_rules, "Only the rules");
    stats_command->add_flag("--staged", o.only_staged, "Only the staged policies");
    stats_command->add_flag("--drops", o.only_drops, "Only the drop reasons");
    stats_command->add_flag("--ports", o.only_ports, "Only the ports");
    stats_command->add_flag("--former", o.former.former_rules, "Also rules that are no longer in force");
    commands[stats_command] = [&o](const Invocation& i) { return stats(i, parts_of(o)); };

    commands[app.add_subcommand("version", "Show versions")] = [](const Invocation& i) { return version(i); };
}

void add_questions(CLI::App& app, Options& o, Commands& commands) {
    const auto verdict = CLI::IsMember({"allow", "deny"});
    CLI::App* flows_command = app.add_subcommand("flows", "Show connections, and what both worlds say about them");
    flows_command->add_option("--pending", o.flows.pending, "Only those with this pending verdict")->check(verdict);
    flows_command->add_option("--enforced", o.flows.enforced, "Only those with this enforced verdict")->check(verdict);
    flows_command->add_flag("--differing", o.flows.differing, "Only those where the worlds disagree");
    flows_command->add_flag("--follow", o.flows.follow, "Go on showing what changes");
    flows_command->add_option("--limit", o.flows.limit, "At most so many")->check(CLI::Range(1, 10000));
    commands[flows_command] = [&o](const Invocation& i) { return flows(i, o.flows); };

    CLI::App* matrix_command = app.add_subcommand("matrix", "Show who reaches whom");
    auto* pending = matrix_command->add_flag("--pending", o.pending_matrix, "As if everything staged were promoted");
    auto* diff = matrix_command->add_flag("--diff", o.diff_matrix, "Mark what promotion would change");
    pending->excludes(diff);
    matrix_command->add_option("--port", o.matrix.port, "One port alone: 8080; or one service: tcp/8080, icmp/8/0");
    matrix_command->add_option("--protocol", o.matrix.protocol, "Of --port (default: TCP); alone, its other ports");
    matrix_command->add_option("--group-by", o.matrix.group_by, "A row for each value of this label");
    add_files(matrix_command, o.matrix.files, o.matrix.config);
    commands[matrix_command] = [&o](const Invocation& i) {
        o.matrix.view = o.diff_matrix ? "diff" : o.pending_matrix ? "pending" : "enforced";
        return matrix(i, o.matrix);
    };

    CLI::App* trace_command = app.add_subcommand("trace", "Ask what would happen to a connection, and why");
    trace_command->add_option("protocol", o.trace.protocol, "tcp, udp, sctp, icmp, icmpv6 or a number")->required();
    trace_command->add_option("source", o.trace.source, "Address or endpoint, with :PORT if it matters")->required();
    trace_command->add_option("destination", o.trace.destination, "Address or endpoint, with :PORT")->required();
    trace_command->add_option("--in", o.trace.ingress_port, "The appliance's port where it enters (default: each)");
    trace_command->add_option("--type", o.trace.icmp_type, "ICMP type (default: echo request)");
    trace_command->add_option("--code", o.trace.icmp_code, "ICMP code (default: 0)");
    trace_command->add_flag("--pending", o.trace.pending, "Let the exit code tell the pending verdict");
    add_files(trace_command, o.trace.files, o.trace.config)->allow_extra_args(false);  // -f A -f B: names come after it
    commands[trace_command] = [&o](const Invocation& i) { return trace(i, o.trace); };
}

void add_offline(CLI::App& app, Options& o, Commands& commands) {
    const std::string resources = "Resources: file, directory, or - for standard input";
    const std::string config = "The appliance's configuration; every key has a default";
    CLI::App* validate_command =
        app.add_subcommand("validate", "Say everything that is wrong in files; needs no daemon");
    validate_command->add_option("-f,--filename", o.validate.files, resources)->required();
    validate_command->add_option("--config", o.validate.config, config);
    commands[validate_command] = [&o](const Invocation& i) { return validate(i, o.validate); };

    CLI::App* eval_command =
        app.add_subcommand("eval", "Answer questions about connections, JSON lines for JSON lines");
    eval_command->add_option("-f,--filename", o.eval.files, resources)->required();
    eval_command->add_option("--config", o.eval.config, config);
    eval_command->add_option("--queries", o.eval.queries, "File of queries, or - for standard input")->required();
    eval_command
        ->add_option("--engine", o.eval.engine, "compiled (as the packets), or reference (slow, to compare with)")
        ->check(CLI::IsMember({"compiled", "reference"}));
    commands[eval_command] = [&o](const Invocation& i) { return eval(i, o.eval); };

    CLI::App* selector_command =
        app.add_subcommand("selector", "Match selectors and labels, JSON lines for JSON lines");
    selector_command->add_option("--queries", o.selector.queries, "File of queries (default: standard input)");
    commands[selector_command] = [&o](const Invocation& i) { return selector(i, o.selector); };
}

const std::map<std::string, Format> kFormats{{"table", Format::kTable}, {"wide", Format::kWide},
                                             {"name", Format::kName},   {"json", Format::kJson},
                                             {"yaml", Format::kYaml},   {"csv", Format::kCsv}};

std::string_view name_of(Format format) {
    for (const auto& [name, known] : kFormats)
        if (known == format) return name;
    return {};
}

// What a command can write beside a table. (What is wide for one is a table for the others.)
bool can_write(std::string_view command, Format format) {
    switch (format) {
        case Format::kTable:
        case Format::kWide: return true;
        case Format::kJson: return command != "selector" && command != "eval";  // JSON lines, whatever is asked for
        case Format::kName:
            return command == "get" || command == "apply" || command == "delete" || command == "promote";
        case Format::kYaml: return command == "get";
        case Format::kCsv: return command == "matrix";
    }
    return false;
}

void add_global(CLI::App& app, Options& o) {
    app.add_option("--socket", o.socket, "drywalld's control socket")->envname("DRYWALL_SOCKET")->capture_default_str();
    app.add_option("-o,--output", o.format, "table, wide, name, json, yaml or csv")
        ->transform(CLI::Validator(
            [](std::string& text) {
                const auto format = kFormats.find(CLI::detail::to_lower(text));
                if (format == kFormats.end())
                    return "there is no format '" + text + "'; write table, wide, name, json, yaml or csv";
                text = std::to_string(static_cast<int>(format->second));
                return std::string();
            },
            ""));
    app.add_flag("--no-color", o.no_color, "No colour (so does the variable NO_COLOR)");
    app.add_flag("-q,--quiet", o.quiet, "Say only what went wrong");
    app.require_subcommand(1);
    app.fallthrough();  // the options above may stand behind the command too
}

bool wants_color(const Options& options) {
    const char* no_color = std::getenv("NO_COLOR");
    return !options.no_color && (no_color == nullptr || *no_color == '\0') && ::isatty(STDOUT_FILENO) == 1;
}

}  // namespace

// Data that nobody got is no success, whatever was asked.
Exit delivered(const Invocation& invocation, Exit result) {
    invocation.out.flush();
    if (invocation.out) return result;
    invocation.err << "standard output can't be written to: " << std::strerror(errno) << '\n';
    return result == Exit::kOk ? Exit::kUnreachable : result;
}

int main(int argc, char** argv) {
    // A daemon that closes in the middle of a request is an error to report, and a reader that has gone ends --follow.
    (void)std::signal(SIGPIPE, SIG_IGN);
    std::ios::sync_with_stdio(false);
    CLI::App app("drywall: rehearse and enforce Calico policies on the wire", "drywall");
    Options options;
    Commands commands;
    add_global(app, options);
    add_changes(app, options, commands);
    add_objects_and_numbers(app, options, commands);
    add_questions(app, options, commands);
    add_offline(app, options, commands);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        // CLI11 says only that a command is missing, also where a wrong one was written.
        const std::vector<std::string> rest = app.remaining();
        if (app.get_subcommands().empty() && !rest.empty() && error.get_exit_code() != 0) {
            std::cerr << "there is no command '" << rest.front() << "'; drywall --help lists the commands\n";
            return static_cast<int>(Exit::kUsage);
        }
        return app.exit(error) == 0 ? 0 : static_cast<int>(Exit::kUsage);
    }
    const Invocation invocation{std::cout,     std::cerr,     options.format, wants_color(options),
                                options.quiet, options.socket};
    for (const CLI::App* chosen : app.get_subcommands()) {
        const auto command = commands.find(chosen);
        if (command == commands.end()) continue;
        if (!can_write(chosen->get_name(), options.format)) {
            std::cerr << "drywall " << chosen->get_name() << " does not write " << name_of(options.format) << '\n';
            return static_cast<int>(Exit::kUsage);
        }
        return static_cast<int>(delivered(invocation, command->second(invocation)));
    }
    return static_cast<int>(Exit::kUsage);
}

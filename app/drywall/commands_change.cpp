#include "arguments.h"
#include "client.h"
#include "commands.h"
#include "drywall/loader/resources.h"
#include "fields.h"
#include "offline.h"

namespace drywall::cli {

namespace {

Query query_of(const ChangeArguments& change) {
    Query query;
    if (!change.if_generation.empty()) query["if-generation"] = change.if_generation;
    if (!change.comment.empty()) query["comment"] = change.comment;
    if (!change.existing.empty()) query["existing"] = change.existing;
    query.merge(guard_query(change.guard, person_at_terminal()));
    return query;
}

// `sources`: what was sent, for the lines that complaints are about.
Exit show(const Invocation& invocation, const Result<Json>& applied, const std::vector<loader::Source>& sources = {}) {
    if (!applied) {
        for (const Complaint& complaint : applied.error().complaints)
            invocation.err << told("error", complaint, sources);
        return exit_for(applied.error().kind);
    }
    if (!invocation.quiet)
        for (const Complaint& warning : complaints_of(at(*applied, "/warnings")))
            invocation.err << told("warning", warning, sources);
    if (invocation.format == Format::kJson) {
        invocation.out << applied->dump(2) << '\n';
        return Exit::kOk;
    }
    if (invocation.format == Format::kName) {
        for (const Json& change : at(*applied, "/changes")) invocation.out << text_at(change, "/id") << '\n';
        return Exit::kOk;
    }
    if (!invocation.quiet)
        invocation.out << render_changes(*applied) << render_generation(*applied)
                       << render_pending_change(at(*applied, "/waits"), {invocation.color, false});
    return Exit::kOk;
}

Exit send_sources(const Invocation& invocation, const std::string& path, const std::vector<loader::Source>& sources,
                  const ChangeArguments& change) {
    const Result<std::string> body = bundle_of(sources);
    if (!body) return report(invocation, body.error());
    return show(invocation, Client(invocation.socket).post(with_query(path, query_of(change)), *body), sources);
}

Exit send_files(const Invocation& invocation, const std::string& path, const std::vector<std::string>& files,
                const ChangeArguments& change) {
    const Result<std::vector<loader::Source>> sources = read_all(files);
    if (!sources) {
        (void)report(invocation, sources.error());
        return Exit::kInvalid;  // also for a file that does not exist
    }
    return send_sources(invocation, path, *sources, change);
}

}  // namespace

Exit apply(const Invocation& invocation, const ApplyArguments& arguments) {
    return send_files(invocation, "/v1/resources", arguments.files, arguments.change);
}

Exit stage(const Invocation& invocation, const ApplyArguments& arguments) {
    return send_files(invocation, "/v1/stage", arguments.files, arguments.change);
}

Exit remove(const Invocation& invocation, const ObjectArguments& arguments) {
    if (!arguments.files.empty() && !arguments.kind.empty()) {
        invocation.err << "delete takes a resource, or what files describe: give one or the other\n";
        return Exit::kUsage;
    }
    if (!arguments.files.empty()) return send_files(invocation, "/v1/delete", arguments.files, arguments.change);
    const Result<std::string> path = resource_path(arguments.kind, arguments.name, arguments.ns);
    const bool names_one = arguments.kind.find('/') != std::string::npos || !arguments.name.empty();
    if (!path || !names_one) {
        invocation.err << (path ? "delete needs KIND NAME, KIND/NAME, or -f FILE" : path.error().text()) << '\n';
        return Exit::kUsage;
    }
    const Client client(invocation.socket);
    return show(invocation, client.remove(with_query(*path, query_of(arguments.change))));
}

namespace {

Exit change_policy(const Invocation& invocation, const std::string& path, const PromoteArguments& arguments) {
    Json body = Json::object();
    // snp/prod/web-to-db
    const std::size_t first = arguments.name.find('/');
    const std::size_t last = arguments.name.rfind('/');
    body["name"] = last == std::string::npos ? arguments.name : arguments.name.substr(last + 1);
    if (first != std::string::npos) body["kind"] = arguments.name.substr(0, first);
    if (first != last) body["namespace"] = arguments.name.substr(first + 1, last - first - 1);
    if (!arguments.kind.empty()) body["kind"] = arguments.kind;
    if (!arguments.ns.empty()) body["namespace"] = arguments.ns;
    const std::string text = body.dump(-1, ' ', false, Json::error_handler_t::replace);
    return show(invocation, Client(invocation.socket).post(with_query(path, query_of(arguments.change)), text));
}

}  // namespace

Exit promote(const Invocation& invocation, const PromoteArguments& arguments) {
    return change_policy(invocation, "/v1/promote", arguments);
}

Exit demote(const Invocation& invocation, const PromoteArguments& arguments) {
    return change_policy(invocation, "/v1/demote", arguments);
}

Exit rollback(const Invocation& invocation, const RollbackArguments& arguments) {
    const std::string path = with_query("/v1/rollback", query_of(arguments.change));
    return show(invocation, Client(invocation.socket).post(path, "{\"generation\": " + arguments.generation + "}"));
}

Exit restore(const Invocation& invocation, const RestoreArguments& arguments) {
    const Result<std::vector<loader::Source>> kept = resources_of_backup(arguments.file);
    if (!kept) {
        (void)report(invocation, kept.error());
        return Exit::kInvalid;
    }
    ChangeArguments change = arguments.change;
    if (change.comment.empty()) change.comment = kept->front().name;
    return send_sources(invocation, "/v1/restore", *kept, change);
}

}  // namespace drywall::cli

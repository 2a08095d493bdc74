#include "commands_guard.h"

#include <unistd.h>

#include "fields.h"
#include "offline.h"

namespace drywall::cli {

namespace {

constexpr const char* kUsualWindow = "10m";

Exit told_or_json(const Invocation& invocation, const Json& answer, const std::string& text) {
    if (invocation.format == Format::kJson)
        invocation.out << answer.dump(2) << '\n';
    else if (!invocation.quiet)
        invocation.out << text;
    return Exit::kOk;
}

Style look_of(const Invocation& invocation) { return {invocation.color, invocation.format == Format::kWide}; }

Exit misuse(const Invocation& invocation, const std::string& what) {
    invocation.err << what << '\n';
    return Exit::kUsage;
}

}  // namespace

bool person_at_terminal() noexcept { return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1; }

Query guard_query(const GuardArguments& arguments, bool person_at_terminal) {
    Query query;
    const bool by_default = arguments.confirm_within.empty() && !arguments.no_confirm &&
                            (person_at_terminal || !arguments.revert_if.empty());
    if (!arguments.confirm_within.empty()) query["confirm-within"] = arguments.confirm_within;
    if (by_default) query["confirm-within"] = kUsualWindow;
    if (by_default && arguments.revert_if.empty()) query["confirm-if"] = "can-deny-more";
    if (!arguments.revert_if.empty()) query["revert-if"] = arguments.revert_if;
    if (arguments.force) query["force"] = "true";
    return query;
}

Exit confirm(const Invocation& invocation, const ConfirmArguments& arguments) {
    Query query;
    if (!arguments.generation.empty()) query["generation"] = arguments.generation;
    const Result<Json> answer = Client(invocation.socket).post(with_query("/v1/confirm", query), {});
    if (!answer) {
        const Exit exit = report(invocation, answer.error());
        return answer.error().kind == ErrorKind::kConflict ? Exit::kTakenBack : exit;
    }
    return told_or_json(invocation, *answer, "confirmed generation " + text_at(*answer, "/generation") + '\n');
}

Exit safety(const Invocation& invocation, const SafetyArguments& arguments) {
    const Client client(invocation.socket);
    if (arguments.verb == "status") {
        const Result<Json> answer = client.get("/v1/safety");
        if (!answer) return report(invocation, answer.error());
        return told_or_json(invocation, *answer, render_safety(*answer, look_of(invocation)));
    }
    const bool opens = arguments.verb == "open";
    if (opens && arguments.how_long.empty())
        return misuse(invocation, "safety open needs --for TIME (15m): it ends by itself");
    if (opens && arguments.reason.empty()) return misuse(invocation, "safety open needs --reason TEXT: it is recorded");
    if (!opens && !(arguments.how_long.empty() && arguments.reason.empty()))
        return misuse(invocation, "--for and --reason are for safety open");
    const Query query = opens ? Query{{"for", arguments.how_long}, {"reason", arguments.reason}} : Query{};
    const Result<Json> answer = client.post(with_query("/v1/safety/" + arguments.verb, query), {});
    if (!answer) return report(invocation, answer.error());
    return told_or_json(invocation, *answer, render_safety(*answer, look_of(invocation)));
}

Exit drill(const Invocation& invocation, const DrillArguments& arguments) {
    std::string body;
    if (!arguments.files.empty()) {
        const Result<std::vector<loader::Source>> sources = read_all(arguments.files);
        if (!sources) {
            (void)report(invocation, sources.error());
            return Exit::kInvalid;
        }
        const Result<std::string> bundle = bundle_of(*sources);
        if (!bundle) return report(invocation, bundle.error());
        body = *bundle;
    }
    const Query query = arguments.promote.empty() ? Query{} : Query{{"promote", arguments.promote}};
    const Result<Json> answer = Client(invocation.socket).post(with_query("/v1/drill", query), body);
    if (!answer) return report(invocation, answer.error());
    return told_or_json(invocation, *answer, render_drill(*answer, look_of(invocation)));
}

}  // namespace drywall::cli

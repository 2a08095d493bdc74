#include "commands_impact.h"

#include <charconv>

#include "drywall/explain/semantic_diff.h"
#include "fields.h"
#include "offline.h"

namespace drywall::cli {

namespace {

Style impact_style(const Invocation& invocation) { return {invocation.color, invocation.format == Format::kWide}; }

Exit wrong_usage(const Invocation& invocation, const Error& error) {
    (void)report(invocation, error);
    return Exit::kUsage;
}

void print(const Invocation& invocation, const Json& answer, std::string (*render)(const Json&, const Style&)) {
    if (invocation.format == Format::kJson)
        invocation.out << answer.dump(2) << '\n';
    else
        invocation.out << render(answer, impact_style(invocation));
}

Result<Query> query_of(const StagedArguments& policy) {
    if (policy.all != policy.name.empty())
        return Error::of(ErrorKind::kInvalid, policy.all ? "--all and a name" : "no staged policy is named",
                         "name one, or say --all");
    Query query;
    if (policy.all) return query;
    const std::size_t first = policy.name.find('/');
    const std::size_t last = policy.name.rfind('/');
    query["name"] = last == std::string::npos ? policy.name : policy.name.substr(last + 1);
    if (first != std::string::npos) query["kind"] = policy.name.substr(0, first);
    if (first != last) query["namespace"] = policy.name.substr(first + 1, last - first - 1);
    if (!policy.kind.empty()) query["kind"] = policy.kind;
    if (!policy.ns.empty()) query["namespace"] = policy.ns;
    return query;
}

Status add_seconds(Query& query, const char* parameter, const std::string& option, const std::string& text) {
    if (text.empty()) return Done{};
    const Result<std::uint64_t> seconds = seconds_of(option, text);
    if (!seconds) return seconds.error();
    query[parameter] = std::to_string(*seconds);
    return Done{};
}

Result<Json> semantic_answer(const Invocation& invocation, const SemanticDiffArguments& arguments) {
    const Client client(invocation.socket);
    Query query{{"limit", std::to_string(arguments.limit)}};
    if (!arguments.files.empty()) {
        const Result<std::vector<loader::Source>> sources = read_all(arguments.files);
        if (!sources) return sources.error();
        const Result<std::string> body = bundle_of(*sources);
        if (!body) return body.error();
        return client.post(with_query("/v1/diff/semantic", query), *body);
    }
    if (!arguments.from.empty()) query["from"] = arguments.from;
    if (!arguments.to.empty()) query["to"] = arguments.to;
    return client.get(with_query("/v1/diff/semantic", query));
}

// Two sets of files, without a daemon. Where nothing enforced differs, what the staged policies among them would do.
Result<Json> semantic_answer_offline(const SemanticDiffArguments& arguments) {
    const Result<explain::Site> before = read_site(arguments.base, arguments.config);
    if (!before) return before.error();
    const Result<explain::Site> after = read_site(arguments.files, arguments.config);
    if (!after) return after.error();
    const bool enforced = before->ruleset->enforced_image() != after->ruleset->enforced_image();
    const explain::Regime was{before->ruleset.get(), World::kEnforced};
    const explain::Regime is{after->ruleset.get(), enforced ? World::kEnforced : World::kPending};
    const Result<explain::SemanticDiff> diff = explain::semantic_diff(was, is, {.regions = arguments.limit});
    if (!diff) return diff.error();
    return explain::json_of(*diff, was, is);
}

}  // namespace

Result<std::uint64_t> seconds_of(const std::string& option, const std::string& text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string unit(end, text.data() + text.size());
    const std::uint64_t factor = unit.empty() || unit == "s" ? 1
                                 : unit == "m"               ? 60
                                 : unit == "h"               ? 3600
                                 : unit == "d"               ? 86400
                                                             : 0;
    if (error != std::errc{} || factor == 0 || number > UINT32_MAX / factor)
        return Error::of(ErrorKind::kInvalid, option + " '" + text + "' is no time", "write 90s, 10m, 26h or 7d");
    return number * factor;
}

Exit impact(const Invocation& invocation, const ImpactArguments& arguments) {
    Result<Query> query = query_of(arguments.policy);
    if (!query) return wrong_usage(invocation, query.error());
    if (!arguments.since.empty()) (*query)["since"] = arguments.since;
    (*query)["limit"] = std::to_string(arguments.limit);
    const Result<Json> answer = Client(invocation.socket).get(with_query("/v1/impact", *query));
    if (!answer) return report(invocation, answer.error());
    print(invocation, *answer, render_impact);
    return Exit::kOk;
}

Exit check_promote(const Invocation& invocation, const CheckArguments& arguments) {
    Result<Query> query = query_of(arguments.policy);
    if (!query) return wrong_usage(invocation, query.error());
    if (const Status time = add_seconds(*query, "min-time", "--min-time", arguments.min_time); !time)
        return wrong_usage(invocation, time.error());
    if (!arguments.min_connections.empty()) (*query)["min-connections"] = arguments.min_connections;
    std::string ack;
    for (const std::string& id : arguments.acknowledged) ack += (ack.empty() ? "" : ",") + id;
    if (!ack.empty()) (*query)["ack"] = ack;
    (*query)["limit"] = std::to_string(arguments.limit);
    const Result<Json> answer = Client(invocation.socket).get(with_query("/v1/check", *query));
    if (!answer) return report(invocation, answer.error());
    print(invocation, *answer, render_check);
    const std::string verdict = text_at(*answer, "/verdict");
    if (verdict == "SAFE") return Exit::kOk;
    return verdict == "NOT SAFE" ? Exit::kNegative : Exit::kNotEnough;
}

Exit review(const Invocation& invocation, const ReviewArguments& arguments) {
    const Result<Json> answer = Client(invocation.socket).get("/v1/review/" + encoded(arguments.what));
    if (!answer) return report(invocation, answer.error());
    print(invocation, *answer, render_review);
    return Exit::kOk;
}

Exit semantic_diff(const Invocation& invocation, const SemanticDiffArguments& arguments) {
    const bool offline = !arguments.base.empty();
    if (offline && arguments.files.empty())
        return wrong_usage(
            invocation, Error::of(ErrorKind::kInvalid, "--base without files to compare with it", "name them with -f"));
    if (!arguments.files.empty() && !arguments.from.empty())
        return wrong_usage(invocation, Error::of(ErrorKind::kInvalid, "generations and files",
                                                 "compare two generations, or files with what is in force"));
    const Result<Json> answer = offline ? semantic_answer_offline(arguments) : semantic_answer(invocation, arguments);
    if (!answer) return report(invocation, answer.error());
    print(invocation, *answer, render_semantic_diff);
    const bool same = number_at(*answer, "/newly_denied") + number_at(*answer, "/newly_allowed") == 0;
    return same ? Exit::kOk : Exit::kNegative;
}

}  // namespace drywall::cli

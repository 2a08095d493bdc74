// `drywall requests`, `drywall watch requests` and `drywall names`.
#include "commands_layer7.h"

#include <chrono>
#include <optional>

#include "arguments.h"
#include "client.h"
#include "drywall/observe/request.h"
#include "fields.h"
#include "render.h"

namespace drywall::cli {

namespace {

const Watched kRequested{"/v1/requests/watch", "request", "they came faster than they were read"};

void add_choice(Query& query, const RequestChoice& choice) {
    if (choice.denied) query["denied"] = "true";
    if (choice.would_change) query["would-change"] = "true";
    if (choice.would_deny) query["would-deny"] = "true";
}

// What drywalld would refuse is refused before it is asked, and in the words of flags.
std::optional<Error> mistake_in(const std::vector<observe::FlowTerm>& terms, const std::string& mistake) {
    if (!mistake.empty()) return Error::of(ErrorKind::kInvalid, mistake);
    const auto filter = observe::RequestFilter::of(terms);
    if (!filter) return filter.error();
    return std::nullopt;
}

void print_request_lines(const Invocation& invocation, const Json& answer) {
    for (const Json& request : at(answer, "/requests")) invocation.out << request.dump() << '\n';
}

}  // namespace

Exit show_requests(const Invocation& invocation, const RequestsArguments& arguments) {
    if (const auto mistake = mistake_in(arguments.terms, arguments.mistake)) return misread(invocation, *mistake);
    Query query = filter_query(arguments.terms);
    add_choice(query, arguments);
    if (!arguments.limit.empty()) query["limit"] = arguments.limit;
    if (!arguments.since.empty()) {
        const auto since = observe::moment(arguments.since, std::chrono::system_clock::now());
        if (!since) return misread(invocation, since.error());
        query["since"] = arguments.since;
    }
    const Result<Json> answer = Client(invocation.socket).get(with_query("/v1/requests", query));
    if (!answer) return report(invocation, answer.error());
    if (invocation.format == Format::kJsonLines)
        print_request_lines(invocation, *answer);
    else
        invocation.out << (wants_json(invocation) ? answer->dump(2) + '\n'
                                                  : render_requests(*answer, style_of(invocation)));
    return Exit::kOk;
}

Exit watch_requests(const Invocation& invocation, const WatchArguments& arguments, const RequestChoice& choice) {
    if (const auto mistake = mistake_in(arguments.terms, arguments.mistake)) return misread(invocation, *mistake);
    const bool lines = wants_json(invocation) || invocation.format == Format::kJsonLines;
    const Style style = style_of(invocation);
    Query query = watch_query(arguments);
    add_choice(query, choice);
    const auto begin = [&](const Json& /*nothing*/) {
        if (!lines) invocation.out << render_request_header(style);
        invocation.out.flush();
        return static_cast<bool>(invocation.out);
    };
    return watch(invocation, kRequested, query, begin, [&](const Json& request) {
        invocation.out << (lines ? request.dump() + '\n' : render_request(request, style));
        invocation.out.flush();
        return static_cast<bool>(invocation.out);  // or whoever read us has gone
    });
}

Exit show_names(const Invocation& invocation, const NamesArguments& arguments) {
    Query query;
    if (!arguments.name.empty()) query["name"] = arguments.name;
    if (!arguments.limit.empty()) query["limit"] = arguments.limit;
    const Result<Json> answer = Client(invocation.socket).get(with_query("/v1/names", query));
    if (!answer) return report(invocation, answer.error());
    invocation.out << (wants_json(invocation) ? answer->dump(2) + '\n'
                                              : render_known_names(*answer, style_of(invocation)));
    return Exit::kOk;
}

}  // namespace drywall::cli

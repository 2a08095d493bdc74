// What is read inside of connections: requests, and the names that addresses are known by.
#include "client.h"
#include "commands.h"
#include "fields.h"
#include "render.h"

namespace drywall::cli {

Exit show_requests(const Invocation& invocation, const RequestsArguments& arguments) {
    Query query;
    if (arguments.denied) query["denied"] = "true";
    if (arguments.would_change) query["would-change"] = "true";
    if (!arguments.limit.empty()) query["limit"] = arguments.limit;
    const Result<Json> answer = Client(invocation.socket).get(with_query("/v1/requests", query));
    if (!answer) return report(invocation, answer.error());
    invocation.out << (wants_json(invocation) ? answer->dump(2) + '\n'
                                              : render_requests(*answer, style_of(invocation)));
    return Exit::kOk;
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

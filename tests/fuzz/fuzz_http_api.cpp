// Any request to the API: it is answered, refusals have a code, a message and a reason, and what only asks changes
// nothing. The first line of the input is "METHOD PATH?QUERY", the rest is the body.
#include <algorithm>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "api.h"
#include "drywall/base/logging.h"
#include "json.h"

namespace {

using namespace drywall;

constexpr std::string_view kSite = R"({"apiVersion": "v1", "kind": "List", "items": [
  {"apiVersion": "projectcalico.org/v3", "kind": "WorkloadEndpoint",
   "metadata": {"name": "web", "namespace": "prod", "labels": {"app": "web"}},
   "spec": {"node": "wire", "ipNetworks": ["10.0.0.1/32", "2001:db8::1/128"]}},
  {"apiVersion": "projectcalico.org/v3", "kind": "GlobalNetworkPolicy", "metadata": {"name": "web"},
   "spec": {"selector": "app == 'web'", "ingress": [{"action": "Allow", "protocol": "TCP", "destination": {"ports": [80]}}]}},
  {"apiVersion": "projectcalico.org/v3", "kind": "StagedGlobalNetworkPolicy", "metadata": {"name": "closed"},
   "spec": {"selector": "app == 'web'", "ingress": [{"action": "Deny"}]}}]})";

void require(bool condition) {
    if (!condition) std::abort();
}

std::unique_ptr<control::Controller> site() {
    ruleset::Surroundings surroundings;
    surroundings.port_names = {"left", "right"};
    surroundings.peer_of = {PortId{1}, PortId{0}};
    const std::vector<loader::Source> sources{{"site.json", std::string(kSite)}};
    auto made = control::Controller::create(std::move(surroundings), {}, sources);
    require(static_cast<bool>(made));
    return *std::move(made);
}

// Up to `end`, which goes too.
std::string_view take(std::string_view& text, char end) {
    const std::size_t at = std::min(text.find(end), text.size());
    const std::string_view out = text.substr(0, at);
    text.remove_prefix(std::min(text.size(), at + 1));
    return out;
}

control::ApiRequest request_of(std::string_view text) {
    control::ApiRequest request;
    std::string_view line = take(text, '\n');
    request.method = take(line, ' ');
    request.path = take(line, '?');
    while (!line.empty()) {
        std::string_view parameter = take(line, '&');
        const std::string name(take(parameter, '='));
        if (name != "wait") request.query[name] = parameter;  // it would only cost time
    }
    request.body = text;
    return request;
}

void check(const control::ApiResponse& response) {
    static const std::set<int> kStatuses{200, 400, 404, 405, 409, 422, 503};
    require(kStatuses.contains(response.status));
    if (response.status == 200) return;
    const control::Json body = control::Json::parse(response.body, nullptr, false);
    require(body.is_object() && body["code"].is_string() && body["complaints"].is_array());
    require(!body["message"].get<std::string>().empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static std::unique_ptr<control::Controller> controller;
    static const observe::FlowLog flows;
    static const bool quiet = (log::start("off"), true);
    if (quiet && controller == nullptr) controller = site();
    const control::ApiRequest request = request_of({reinterpret_cast<const char*>(data), size});
    const Generation before = controller->generation();
    const control::ApiResponse response = control::Api(*controller, flows).handle(request);
    check(response);
    if (controller->generation() == before) return 0;
    require(response.status == 200 && (request.method == "POST" || request.method == "DELETE"));
    controller.reset();  // every input meets the same site
    return 0;
}

// Any text as lines of `drywall eval` and `drywall selector`: one answer for a line, always JSON, an answer or an
// error.
#include <cstdlib>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "drywall/explain/eval.h"
#include "drywall/explain/selector_query.h"

namespace {

using namespace drywall;

constexpr const char* kSite = R"(apiVersion: projectcalico.org/v3
kind: WorkloadEndpoint
metadata: {name: web, namespace: prod, labels: {app: web}}
spec: {node: wire, orchestrator: k8s, pod: web-1, ipNetworks: [10.0.0.1/32, "2001:db8::1/128"]}
---
apiVersion: projectcalico.org/v3
kind: HostEndpoint
metadata: {name: left, labels: {port: left}}
spec: {node: wire, interfaceName: left}
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: web}
spec:
  selector: app == 'web'
  types: [Ingress, Egress]
  ingress: [{action: Allow, protocol: TCP, destination: {ports: [80]}}]
  egress: [{action: Log}, {action: Allow}]
)";

void require(bool condition) {
    if (!condition) std::abort();
}

const explain::Site& site() {
    static const explain::Site made = [] {
        const std::vector<loader::Source> sources{{"site", kSite}};
        auto built = explain::build_site(sources, loader::settings_for_questions());
        require(static_cast<bool>(built));
        return *std::move(built);
    }();
    return made;
}

void check_answer(const std::string& answer) {
    if (answer.empty()) return;
    require(answer.back() == '\n' && answer.find('\n') == answer.size() - 1);
    const nlohmann::json json = nlohmann::json::parse(answer, nullptr, false);
    require(json.is_object() && json.contains("id"));
    require(json.contains("error") || json.contains("enforced") || json.contains("valid"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static explain::Evaluation evaluation(site());
    std::string_view text(reinterpret_cast<const char*>(data), size);
    while (true) {
        const std::string_view line = text.substr(0, text.find('\n'));
        std::string answer;
        evaluation.answer(line, answer);
        check_answer(answer);
        answer.clear();
        explain::answer_selector(line, answer);
        check_answer(answer);
        if (line.size() == text.size()) return 0;
        text.remove_prefix(line.size() + 1);
    }
}

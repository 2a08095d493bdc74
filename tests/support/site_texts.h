// A small site as files: two prod machines, a policy between them, a staged one that would cut them off.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "drywall/loader/resources.h"

namespace drywall::test {

inline constexpr const char* kEndpoints = R"(apiVersion: projectcalico.org/v3
kind: WorkloadEndpoint
metadata:
  name: web
  namespace: prod
  labels: {app: web}
spec:
  node: wire
  orchestrator: k8s
  ipNetworks: [10.0.0.1/32]
  profiles: [projectcalico-default-allow]
---
apiVersion: projectcalico.org/v3
kind: WorkloadEndpoint
metadata:
  name: db
  namespace: prod
  labels: {app: db}
spec:
  node: wire
  orchestrator: k8s
  ipNetworks: [10.1.0.1/32]
  profiles: [projectcalico-default-allow]
)";

inline constexpr const char* kWebToDb = R"(apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: web-to-db}
spec:
  order: 100
  selector: app == 'db'
  types: [Ingress]
  ingress:
    - action: Allow
      protocol: TCP
      source: {selector: app == 'web'}
      destination: {ports: [8080]}
)";

inline constexpr const char* kStagedClosed = R"(apiVersion: projectcalico.org/v3
kind: StagedGlobalNetworkPolicy
metadata: {name: closed}
spec:
  order: 10
  selector: app == 'db'
  types: [Ingress]
  ingress:
    - action: Deny
)";

// The same document with something else in it.
inline std::string with(std::string text, const std::string& what, const std::string& instead) {
    const std::size_t at = text.find(what);
    if (at == std::string::npos) ADD_FAILURE() << "the text has no '" << what << "'";
    return at == std::string::npos ? text : text.replace(at, what.size(), instead);
}

inline std::vector<loader::Source> files(std::vector<std::string> texts) {
    std::vector<loader::Source> out;
    for (std::string& text : texts) {
        std::string name = "file" + std::to_string(out.size() + 1) + ".yaml";
        out.push_back({std::move(name), std::move(text)});
    }
    return out;
}

}  // namespace drywall::test

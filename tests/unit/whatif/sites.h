// Sites from texts, and packets as captures.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "drywall/explain/site.h"
#include "drywall/loader/settings.h"
#include "site_texts.h"

namespace drywall::whatif::test {

inline explain::Site site_of(std::vector<std::string> texts,
                             const loader::Settings& settings = loader::settings_for_questions()) {
    auto site = explain::build_site(drywall::test::files(std::move(texts)), settings);
    if (!site) {
        ADD_FAILURE() << site.error().text();
        std::abort();
    }
    return *std::move(site);
}

// A rule for a port that asks for requests, too.
inline std::string with_http(const std::string& policy, const std::string& http) {
    return drywall::test::with(policy, "destination: {ports: [8080]}",
                               "destination: {ports: [8080]}\n      http: " + http);
}

// "web" in namespace prod with app=web is {"web", "prod", "10.0.0.1", "app: web"}.
inline std::string workload(const std::string& name, const std::string& ns, const std::string& address,
                            const std::string& labels) {
    return "apiVersion: projectcalico.org/v3\nkind: WorkloadEndpoint\nmetadata: {name: " + name + ", namespace: " + ns +
           ", labels: {" + labels + "}}\nspec: {node: n, orchestrator: k8s, ipNetworks: [" + address +
           "/32], profiles: [projectcalico-default-allow]}\n";
}

}  // namespace drywall::whatif::test

// Policy texts for the loader's tests, from the part that a test is about.
#pragma once

#include <string>

#include "drywall/loader/resources.h"

namespace drywall::loader {

inline std::string resource_text(const std::string& kind, const std::string& metadata, const std::string& spec) {
    return "apiVersion: projectcalico.org/v3\nkind: " + kind + "\nmetadata: " + metadata + "\nspec: " + spec + "\n";
}

inline std::string policy_text(const std::string& spec, const std::string& name = "p") {
    return resource_text("GlobalNetworkPolicy", "{name: " + name + "}", spec);
}

inline std::string staged_text(const std::string& spec) {
    return resource_text("StagedGlobalNetworkPolicy", "{name: p}", spec);
}

inline std::string rule_text(const std::string& rule) { return policy_text("{ingress: [" + rule + "]}"); }

// What is wrong with the text, or "" when it loads.
inline std::string complaints(const std::string& text) {
    const auto resources = load_resources({"p.yaml", text});
    return resources ? "" : resources.error().text();
}

}  // namespace drywall::loader

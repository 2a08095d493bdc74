// Kubernetes' own kinds as JSON: what stands beside apiVersion, kind and metadata, which the caller has written.
//
// Threads: no state.
#pragma once

#include <nlohmann/json.hpp>

#include "drywall/policy/kubernetes.h"

namespace drywall::loader {

// Each adds `spec`, `status` or whatever its kind has, so that the reader gives back an equal resource.
void put_body(nlohmann::ordered_json& document, const policy::KubernetesNetworkPolicy& policy);
void put_body(nlohmann::ordered_json& document, const policy::AdminPolicy& policy);
void put_body(nlohmann::ordered_json& document, const policy::Namespace& ns);
void put_body(nlohmann::ordered_json& document, const policy::ServiceAccount& account);
void put_body(nlohmann::ordered_json& document, const policy::Pod& pod);
void put_body(nlohmann::ordered_json& document, const policy::Node& node);
void put_body(nlohmann::ordered_json& document, const policy::Service& service);
void put_body(nlohmann::ordered_json& document, const policy::EndpointSlice& slice);

}  // namespace drywall::loader

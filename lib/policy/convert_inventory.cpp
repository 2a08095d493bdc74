// Pods, namespaces and service accounts: endpoints and profiles.
#include <utility>

#include "conversion.h"
#include "drywall/policy/convert.h"

namespace drywall::policy {
namespace {

Rule allow_all() {
    Rule rule;
    rule.action = Action::kAllow;
    return rule;
}

// A profile's labels: those of what it stands for under `prefix`, and its name.
Labels inherited(const Metadata& metadata, std::string_view prefix) {
    Labels labels;
    for (const auto& [key, value] : metadata.labels) labels.emplace(std::string(prefix) + key, value);
    labels[std::string(prefix) + std::string(conversion::kNameLabel)] = metadata.name;
    return labels;
}

}  // namespace

bool is_endpoint(const Pod& pod) noexcept { return !pod.host_network && !pod.finished && !pod.addresses.empty(); }

std::optional<WorkloadEndpoint> converted(const Pod& pod) {
    if (!is_endpoint(pod)) return std::nullopt;
    WorkloadEndpoint endpoint;
    endpoint.metadata = pod.metadata;
    endpoint.node = pod.node;
    endpoint.orchestrator = conversion::kOrchestrator;
    endpoint.pod = pod.metadata.name;
    endpoint.endpoint = "eth0";
    endpoint.service_account = pod.service_account;
    endpoint.ip_networks = pod.addresses;
    endpoint.profiles.push_back(conversion::namespace_profile(pod.metadata.ns));
    if (!pod.service_account.empty()) {
        endpoint.profiles.push_back(conversion::account_profile(pod.metadata.ns, pod.service_account));
    }
    endpoint.ports = pod.ports;
    return endpoint;
}

Profile converted(const Namespace& ns) {
    Profile profile;
    profile.metadata.name = conversion::namespace_profile(ns.metadata.name);
    profile.metadata.place = ns.metadata.place;
    profile.ingress.push_back(allow_all());
    profile.egress.push_back(allow_all());
    profile.labels_to_apply = inherited(ns.metadata, conversion::kNamespacePrefix);
    // The API server sets this label on every namespace, whatever its author wrote.
    profile.labels_to_apply[std::string(conversion::kNamespacePrefix) + std::string(conversion::kMetadataNameLabel)] =
        ns.metadata.name;
    return profile;
}

Profile converted(const ServiceAccount& account) {
    Profile profile;
    profile.metadata.name = conversion::account_profile(account.metadata.ns, account.metadata.name);
    profile.metadata.place = account.metadata.place;
    profile.labels_to_apply = inherited(account.metadata, conversion::kServiceAccountPrefix);
    return profile;
}

}  // namespace drywall::policy

// The readers of Kubernetes' own kinds. As those in resource_readers.h: each complains about what is wrong and returns
// what it could read, without metadata, which the caller fills in.
//
// A reader that is given `spec` takes all of its fields and calls finish() on it. One that is given `top` (the whole
// document, because it needs `status` or has no `spec`) takes what it needs of it; the caller has read `metadata`
// already and calls finish().
//
// Threads: one pass over one source.
#pragma once

#include "drywall/policy/kubernetes.h"
#include "fields.h"

namespace drywall::loader {

[[nodiscard]] policy::KubernetesNetworkPolicy read_kubernetes_policy(Fields& spec, bool staged);
[[nodiscard]] policy::AdminPolicy read_admin_policy(Fields& spec, policy::AdminPolicy::Form form);

[[nodiscard]] policy::Namespace read_namespace(Fields& top);
[[nodiscard]] policy::ServiceAccount read_service_account(Fields& top);
[[nodiscard]] policy::Pod read_pod(Fields& top);
[[nodiscard]] policy::Node read_node(Fields& top);
[[nodiscard]] policy::Service read_service(Fields& top);
[[nodiscard]] policy::EndpointSlice read_endpoint_slice(Fields& top);

}  // namespace drywall::loader

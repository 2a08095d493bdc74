// The readers of the parts of a resource. Each complains about what is wrong and returns what it could read; the caller
// throws everything away when there was a complaint.
//
// Threads: one pass over one source.
#pragma once

#include <optional>
#include <string>

#include "drywall/policy/resources.h"
#include "fields.h"

namespace drywall::loader {

inline constexpr std::size_t kMaxSelectorLength = 1024;
inline constexpr std::size_t kMaxRules = 1024;  // per direction
inline constexpr std::size_t kMaxNets = 256;
inline constexpr std::size_t kMaxPorts = 50;
inline constexpr std::size_t kMaxAnnotationBytes = std::size_t{256} << 10;
inline constexpr std::size_t kMaxInterfaceName = 15;

[[nodiscard]] policy::Metadata read_metadata(Fields& resource, policy::Kind kind);
[[nodiscard]] std::map<std::string, std::string> read_annotations(Fields& metadata);

// What stands in `spec`, by kind.
[[nodiscard]] policy::Tier read_tier(Fields& spec);
[[nodiscard]] policy::Policy read_policy(Fields& spec, bool staged);
[[nodiscard]] policy::NetworkSet read_network_set(Fields& spec);
[[nodiscard]] policy::HostEndpoint read_host_endpoint(Fields& spec);
[[nodiscard]] policy::WorkloadEndpoint read_workload_endpoint(Fields& spec, const policy::Metadata& metadata);

[[nodiscard]] policy::Rule read_rule(const Node& node, std::string path, Complaints& complaints);

// A selector that parses and fits; absent when the field is.
[[nodiscard]] std::optional<std::string> read_selector(Fields& fields, std::string_view name);

// DNS-1123: what Kubernetes takes for names. A label has no dots.
[[nodiscard]] bool is_dns_label(std::string_view text) noexcept;
[[nodiscard]] bool is_dns_subdomain(std::string_view text) noexcept;
// Kubernetes' form of a label's key, "[domain/]name", and of its value.
[[nodiscard]] bool is_qualified_name(std::string_view key) noexcept;
[[nodiscard]] bool is_label_value(std::string_view text) noexcept;
[[nodiscard]] bool is_interface_name(std::string_view text) noexcept;

}  // namespace drywall::loader

// The readers of the parts of a resource. Each complains about what is wrong and returns what it could read; the caller
// throws everything away when there was a complaint.
//
// Threads: one pass over one source.
#pragma once

#include <array>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "drywall/policy/resources.h"
#include "fields.h"

namespace drywall::loader {

inline constexpr std::size_t kMaxSelectorLength = 1024;
inline constexpr std::size_t kMaxRules = 1024;  // per direction
inline constexpr std::size_t kMaxNets = 256;
inline constexpr std::size_t kMaxPorts = 50;
inline constexpr std::size_t kMaxDomains = 256;
inline constexpr std::size_t kMaxAnnotationBytes = std::size_t{256} << 10;
inline constexpr std::size_t kMaxInterfaceName = 15;
inline constexpr std::size_t kUnlimited = std::numeric_limits<std::size_t>::max();

inline constexpr std::array<Choice<policy::StagedAction>, 4> kStagedActions{
    Choice<policy::StagedAction>{"Set", policy::StagedAction::kSet},
    {"Delete", policy::StagedAction::kDelete},
    {"Learn", policy::StagedAction::kLearn},
    {"Ignore", policy::StagedAction::kIgnore}};

// `types`, or Kubernetes' `policyTypes`
inline constexpr std::array<Choice<Direction>, 2> kPolicyTypes{Choice<Direction>{"Ingress", Direction::kIngress},
                                                               {"Egress", Direction::kEgress}};

[[nodiscard]] policy::Metadata read_metadata(Fields& resource, policy::Kind kind);
[[nodiscard]] std::map<std::string, std::string> read_annotations(Fields& metadata);

// What stands in `spec`, by kind. All of them finish() it.
[[nodiscard]] policy::Tier read_tier(Fields& spec);
[[nodiscard]] policy::Policy read_policy(Fields& spec, policy::Kind kind);
[[nodiscard]] policy::Profile read_profile(Fields& spec);
[[nodiscard]] policy::NetworkSet read_network_set(Fields& spec, bool global);
[[nodiscard]] policy::HostEndpoint read_host_endpoint(Fields& spec);
// Fills in the name that follows from the fields when there is none.
[[nodiscard]] policy::WorkloadEndpoint read_workload_endpoint(Fields& spec, policy::Metadata& metadata);
[[nodiscard]] policy::FelixConfiguration read_felix_configuration(Fields& spec, const policy::Metadata& metadata);

// Where a rule stands, which decides what it may say.
struct RuleContext {
    Direction direction = Direction::kIngress;
    bool namespaced = false;  // a namespaced policy's: a service needs no namespace
};
[[nodiscard]] policy::Rule read_rule(const Node& node, std::string path, const RuleContext& context,
                                     Complaints& complaints);

// The rules of a list field.
[[nodiscard]] std::vector<policy::Rule> read_rules(Fields& fields, std::string_view name, const RuleContext& context);

// TCP, UDP, ICMP, ICMPv6, SCTP, UDPLite in this spelling, or 1-255, be it in quotes.
[[nodiscard]] std::optional<std::uint8_t> read_protocol(Fields& fields, std::string_view name);
[[nodiscard]] bool has_ports(std::uint8_t protocol) noexcept;  // TCP, UDP, SCTP

// What is wrong with the name of an L4 port, or "" for a good one.
// Source: IANA_SVC_NAME as Kubernetes has it (RFC 6335).
[[nodiscard]] std::string_view trouble_with_port_name(std::string_view name) noexcept;

// A list of domain names or patterns, folded.
[[nodiscard]] std::vector<std::string> read_domains(Fields& fields, std::string_view name, std::size_t limit);

// Labels that an object carries or a profile applies.
[[nodiscard]] policy::Labels read_labels(Fields& fields, std::string_view name);

// A selector that parses and fits; absent when the field is.
[[nodiscard]] std::optional<std::string> read_selector(Fields& fields, std::string_view name);
// The same for a rule's namespaceSelector, which may also be `global()` as a whole.
[[nodiscard]] std::optional<std::string> read_namespace_selector(Fields& fields, std::string_view name);

// DNS-1123: what Kubernetes takes for names. A label has no dots.
[[nodiscard]] bool is_dns_label(std::string_view text) noexcept;
[[nodiscard]] bool is_dns_subdomain(std::string_view text) noexcept;
// Kubernetes' form of a label's key, "[domain/]name", and of its value.
[[nodiscard]] bool is_qualified_name(std::string_view key) noexcept;
[[nodiscard]] bool is_label_value(std::string_view text) noexcept;
[[nodiscard]] bool is_interface_name(std::string_view text) noexcept;

}  // namespace drywall::loader

// The parts that Kubernetes' kinds share.
//
// Threads: one pass over one source.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "drywall/policy/kubernetes.h"
#include "fields.h"

namespace drywall::loader {

inline constexpr std::array kKubernetesProtocols{Choice<std::uint8_t>{"TCP", 6}, Choice<std::uint8_t>{"UDP", 17},
                                                 Choice<std::uint8_t>{"SCTP", 132}};

// metav1.LabelSelector, as Kubernetes validates it. `{}` selects everything.
[[nodiscard]] policy::LabelSelector read_label_selector(const Node& node, const std::string& path,
                                                        Complaints& complaints);
// The field's selector; nothing when it is absent.
[[nodiscard]] std::optional<policy::LabelSelector> read_label_selector(Fields& fields, std::string_view name);

// The name of a port: 1-15 lower-case letters, digits and single '-' between them, with a letter among them.
[[nodiscard]] std::optional<std::string> read_port_name(const Node& node, std::string_view what,
                                                        Complaints& complaints);

// A port number, 1-65535.
[[nodiscard]] std::optional<std::uint16_t> read_port_number(const Node& node, std::string_view what,
                                                            Complaints& complaints);

// A path of a list's item: "spec.ingress[3]".
[[nodiscard]] std::string item_path(const Fields& fields, std::string_view name, std::size_t index);

}  // namespace drywall::loader

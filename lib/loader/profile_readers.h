// The readers of the parts of a traffic profile. As with resources: they complain, and the caller throws everything
// away when there was a complaint.
//
// Threads: one pass over one source.
#pragma once

#include <string>
#include <vector>

#include "drywall/loader/traffic_profile.h"
#include "fields.h"

namespace drywall::loader {

// The text of a scalar, or of a list's scalars with commas between them, whatever YAML takes them for; the reader of
// the little language looks at it. Nothing: absent, or wrong and said so.
[[nodiscard]] std::optional<std::string> written(Fields& fields, std::string_view name, const Node** where = nullptr);

// A rate by name. Nothing: absent, or wrong and said so.
[[nodiscard]] std::optional<TrafficRate> read_rate(Fields& fields, std::string_view name);

void assign_mac(Fields& fields, std::string_view name, MacAddress& target);

// One stream; `ports` are the names of those that the profile has.
[[nodiscard]] StreamProfile read_stream(Fields& fields, const std::vector<std::string_view>& ports);

// Connections between two ports; likewise.
[[nodiscard]] ConnectionsProfile read_connections(Fields& fields, const std::vector<std::string_view>& ports);

// policies:
[[nodiscard]] PoliciesProfile read_policies(Fields& fields, const std::vector<std::string_view>& ports);

// replay:
[[nodiscard]] ReplayProfile read_replay(Fields& fields);

}  // namespace drywall::loader

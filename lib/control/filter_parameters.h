// Filters as parameters of a request: `from-ip=10.0.0.1` and `not-to-port=53` for the flags that they stand for; and
// what is sent to whoever follows something.
//
// Threads: pure functions; a FilterParameters never changes.
#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "drywall/base/result.h"
#include "drywall/explain/parameters.h"
#include "drywall/observe/flow_filter.h"
#include "json.h"

namespace drywall::control {

// The flags among the parameters, as they would stand on a command line.
[[nodiscard]] std::vector<observe::FlowTerm> filter_terms(const explain::Query& query,
                                                          std::span<const observe::FlowFlag> flags);

// The names of a filter's parameters, each as it is and turned round, and of `others`.
class FilterParameters {
public:
    FilterParameters(std::span<const observe::FlowFlag> flags, std::initializer_list<std::string_view> others);
    FilterParameters(const FilterParameters&) = delete;
    FilterParameters& operator=(const FilterParameters&) = delete;
    [[nodiscard]] std::span<const std::string_view> names() const noexcept { return names_; }

private:
    std::vector<std::string> negated_;
    std::vector<std::string_view> names_;
};

// A moment, as observe::moment() has it; absent: it was not given.
[[nodiscard]] Result<std::optional<observe::WallTime>> moment_parameter(const explain::Query& query,
                                                                        const std::string& name);

// A server-sent event. `id`: where one who comes back goes on.
[[nodiscard]] std::string server_event(std::string_view name, const Json& data, std::optional<std::uint64_t> id = {});

}  // namespace drywall::control

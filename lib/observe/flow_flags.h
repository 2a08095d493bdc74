// Flow flags: what each flag of a filter takes, and what it asks of a flow. A table, one row per flag.
//
// Threads: constants and pure functions.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "drywall/base/result.h"
#include "drywall/observe/flow_filter.h"

namespace drywall::observe {

using FlowTest = std::function<bool(const FlowRecord&)>;

struct FlagReader {
    FlowFlag flag;
    std::string_view canonical;  // of two names for one flag, the one by which it is known
    Result<FlowTest> (*read)(const std::string& flag, const std::string& value);
};

// "10.0.0.1,10.0.0.2" are two, as if the flag stood there twice.
[[nodiscard]] std::vector<std::string> alternatives(const std::string& value);

// Null for what is no flag.
[[nodiscard]] const FlagReader* flag_reader(std::string_view name) noexcept;

}  // namespace drywall::observe

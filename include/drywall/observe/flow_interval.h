// FlowInterval: what all groups counted in one span of time. Intervals follow each other without gaps; a group that was
// quiet has no record in it.
//
// Threads: values; immutable once shared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "drywall/observe/flow_group.h"

namespace drywall::observe {

struct FlowInterval {
    std::uint64_t number = 0;  // 1, 2, 3, ... of this run
    WallTime begin;
    WallTime end;
    std::uint64_t lost = 0;  // event records lost meanwhile
    std::vector<FlowRecord> records;
};

// The same parties' addresses, service and decisions, whichever run or generation they are from.
[[nodiscard]] bool same_group(const FlowRecord& a, const FlowRecord& b);
// REQUIRES: same_group(sum, record)
void add_to(FlowRecord& sum, const FlowRecord& record);

// Sums records of the same parties' addresses, service and decisions, whichever run or generation they are from.
class FlowSums {
public:
    explicit FlowSums(std::size_t most = SIZE_MAX) : most_(most) {}

    void add(const FlowRecord& record);
    // In no order. Leaves it empty.
    [[nodiscard]] std::vector<FlowRecord> take();
    [[nodiscard]] std::uint64_t left_out() const noexcept { return left_out_; }  // records beyond `most` groups

private:
    std::size_t most_;
    std::uint64_t left_out_ = 0;
    std::vector<FlowRecord> sums_;
    std::unordered_multimap<std::uint64_t, std::size_t> by_place_;  // addresses and service, to index
};

// An interval as bytes, for a disk: self-contained, every text in it once.
[[nodiscard]] std::string encode(const FlowInterval& interval);
// Nothing for what is no such text; never more memory than the text is long allows.
[[nodiscard]] std::optional<FlowInterval> decode(std::string_view bytes);

}  // namespace drywall::observe

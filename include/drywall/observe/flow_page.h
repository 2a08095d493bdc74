// FlowPage: the flows of a span of time, read in pages. A page holds the groups behind a place, in the order of places;
// so whatever is recorded meanwhile, every group comes once, and no page has to remember another.
//
// Threads: values.
// Memory:  of one page, however many groups the span has.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drywall/observe/flow_group.h"

namespace drywall::observe {

// Between whom: groups that differ in their decisions alone share it.
struct FlowPlace {
    net::Address source;
    net::Address destination;
    std::uint8_t protocol = 0;
    std::uint16_t destination_port = 0;
    auto operator<=>(const FlowPlace&) const = default;
};

// Where a page begins. The span stands in it, so that all pages are of the same one, whatever the clock says by then.
struct PageCursor {
    std::optional<WallTime> since;
    WallTime until;
    std::optional<FlowPlace> after;  // nothing: the first page

    // To the millisecond. What text() gave is read back by parse(); nothing for anything else.
    [[nodiscard]] std::string text() const;
    [[nodiscard]] static std::optional<PageCursor> parse(std::string_view text);
};

class FlowPage {
public:
    // At most `most` groups, but at least those of one place.
    FlowPage(std::optional<FlowPlace> after, std::size_t most) : after_(after), most_(most) {}

    // A record of what lies on another page changes nothing: no need to add it.
    [[nodiscard]] bool is_elsewhere(const FlowRecord& record) const;
    void add(const FlowRecord& record);

    // Where the next page begins; nothing behind the last one.
    [[nodiscard]] std::optional<FlowPlace> next() const;
    // In the order of their places. Leaves it empty.
    [[nodiscard]] std::vector<FlowRecord> take();

private:
    std::optional<FlowPlace> after_;
    std::size_t most_;
    std::map<FlowPlace, std::vector<FlowRecord>> groups_;
    std::size_t count_ = 0;           // in groups_
    std::optional<FlowPlace> bound_;  // this place and those behind it did not fit
};

}  // namespace drywall::observe

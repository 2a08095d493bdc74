// EventStream: server-sent events out of the pieces in which they arrive.
//
// Threads: one.
// Source:  WHATWG HTML, section 9.2, as far as drywalld uses it: `event:`, `data:` and comments.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "client.h"

namespace drywall::cli {

class EventStream {
public:
    using Each = std::function<void(const Event&)>;

    // Calls `each` for every event that is complete now. One whose data is no JSON has null data.
    void take(std::string_view piece, const Each& each);

private:
    void read_line(std::string_view line, const Each& each);

    std::string rest_;  // of a line that is not complete
    std::string name_;
    std::string data_;
};

}  // namespace drywall::cli

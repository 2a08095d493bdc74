// Where std::bad_alloc ends on the control side: as an Error like any other, or, for what is only worth doing while
// there is memory, as something that was not done.
//
// Threads: any. The packet side allocates nothing once it runs.
// What `work` had made by then is freed before the Error is. If there is not even memory for that, std::bad_alloc goes
// on to whoever stands around: nothing here changes state of its own.
#pragma once

#include <new>
#include <optional>
#include <string>
#include <string_view>

#include "drywall/base/result.h"

namespace drywall {

// "not enough memory to compile the policies; nothing was changed"
[[nodiscard]] Error out_of_memory(std::string_view aim);

// What `work` returns, a Result; kUnavailable when it ran out of memory. REQUIRES: then nothing was changed
template <typename Work>
[[nodiscard]] auto unless_out_of_memory(std::string_view aim, Work work) -> decltype(work()) {
    try {
        return work();
    } catch (const std::bad_alloc&) {
        return out_of_memory(aim);
    }
}

// For what must neither fail nor undo what was done before it: a record in a log, an answer to nobody. False when it
// ran out of memory.
template <typename Work>
bool as_memory_allows(Work work) {
    try {
        work();
        return true;
    } catch (const std::bad_alloc&) {
        return false;
    }
}

// What `work` returns; nothing when it ran out of memory. For what has to be undone then, before anything is said.
template <typename Work>
[[nodiscard]] auto what_memory_allows(Work work) -> std::optional<decltype(work())> {
    try {
        return work();
    } catch (const std::bad_alloc&) {
        return std::nullopt;
    }
}

}  // namespace drywall

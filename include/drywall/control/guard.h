// Guard: what stands between an operator and a lock-out, as the controller keeps it: the change that waits to be
// confirmed, the safety (everything observed, nothing enforced), and what both must remember across a restart.
//
// Threads: values; a Memory is called under the controller's change mutex, one call at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drywall/base/result.h"
#include "drywall/control/clocks.h"
#include "drywall/control/confirmation.h"
#include "drywall/control/denial_watch.h"
#include "drywall/control/lockout.h"
#include "drywall/control/safety_net.h"
#include "drywall/observe/flow_log.h"

namespace drywall::control {

// What must be known after a restart, beside the generations: a text under a name. store::GenerationStore has one.
class Memory {
public:
    virtual ~Memory() = default;
    // Durable when it returns Done.
    [[nodiscard]] virtual Status remember(std::string_view name, std::string_view text) = 0;
    [[nodiscard]] virtual Status forget(std::string_view name) = 0;
    [[nodiscard]] virtual Result<std::optional<std::string>> recall(std::string_view name) = 0;
};

// What the guard looks at and by. Everything pointed to outlives the controller's use of it.
struct GuardSettings {
    const observe::FlowLog* flows = nullptr;  // null: nothing was seen, and nothing can be found to be cut off
    DenialWatch* denials = nullptr;           // null: newly denied connections are not counted
    Memory* memory = nullptr;                 // null: the controller's store; without one a restart forgets
    std::vector<ManagementService> management = default_management();
    std::filesystem::path rescue_flag{};  // empty: there is none
    std::string nothing_to_enforce{};     // why the safety is open from the start; empty: it is not
    Clocks clocks = read_clocks;
};

// While it is open, everything is observed and nothing enforced.
struct SafetyOpening {
    std::string reason;
    Peer who;
    std::optional<Deadline> until{};  // nothing: a rescue, until somebody closes it
    std::chrono::system_clock::time_point since;
};

// A change that was taken back.
struct Reverted {
    Generation generation{};  // the one that was not confirmed
    Generation previous{};    // whose content is in force again
    Generation now{};         // under this number
    std::string cause;
    Peer who;  // whose change it was
    std::chrono::system_clock::time_point at;
};

// A moment's view of all that.
struct GuardView {
    Moment now;
    ConfirmationState confirmation = ConfirmationState::kIdle;
    std::optional<PendingChange> change{};  // the last one that waited
    std::string cause;                      // why it was taken back
    Signs signs;                            // since the change, while it waits
    std::uint64_t records_lost = 0;         // then signs.newly_denied is a lower bound
    std::optional<Reverted> last_revert{};
    std::optional<SafetyOpening> safety{};
    bool rescue_flag = false;                                 // the file is there
    std::map<ConfirmationState, std::uint64_t> taken_back{};  // changes since the start, by why
};

// Texts for a Memory, and back. Nothing: the text is none of ours.
[[nodiscard]] std::string text_of(const PendingChange& change);
[[nodiscard]] std::optional<PendingChange> pending_change_of(std::string_view text);
[[nodiscard]] std::string text_of(const SafetyOpening& opening);
[[nodiscard]] std::optional<SafetyOpening> safety_opening_of(std::string_view text);

// "500ms", "30s", "15m", "1h", from `least` to `most`. kInvalid names `what`.
[[nodiscard]] Result<Nanos> parse_time(std::string_view what, std::string_view text, Nanos least, Nanos most);
// "15 min 2 s"
[[nodiscard]] std::string time_left_text(Nanos left);

}  // namespace drywall::control

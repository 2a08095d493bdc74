// Confirmation: one change that undoes itself unless somebody confirms it in time. A state machine over the clocks that
// it is handed; it publishes nothing and stores nothing itself.
//
//   idle ──arm──▶ armed ──confirm (over a connection opened after the change)──▶ confirmed
//                   ├──the deadline passes───────────────▶ expired    ─┐
//                   ├──a trip-wire is torn───────────────▶ tripped     ├─ the previous generation comes back
//                   ├──somebody takes it back────────────▶ withdrawn   │
//                   └──the appliance starts anew─────────▶ interrupted ─┘
//
// Threads: guarded by its owner (the controller, under its change mutex).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drywall/base/ids.h"
#include "drywall/base/result.h"
#include "drywall/control/clocks.h"
#include "drywall/control/peer.h"
#include "drywall/control/trip_wire.h"

namespace drywall::control {

// A change that waits to be confirmed. What a store keeps of it.
struct PendingChange {
    Generation generation{};  // in force, and not confirmed
    Generation previous{};    // comes back unless it is confirmed
    Deadline deadline;
    Peer who;
    std::vector<TripWire> trip_wires{};
};

enum class ConfirmationState : std::uint8_t {
    kIdle,
    kArmed,
    kConfirmed,
    kExpired,
    kTripped,
    kWithdrawn,
    kInterrupted,
};
[[nodiscard]] std::string_view name(ConfirmationState state) noexcept;

class Confirmation {
public:
    // REQUIRES: not armed
    void arm(PendingChange change);

    // The change stays. `connected`: the boot clock when the connection was accepted over which this is said; one that
    // is older than the change, or than the moment at which it was enforced again, proves nothing about who can still
    // come in (kRefused). `meant`: the generation that the
    // sender believes to confirm. kConflict when it was taken back already, kNotFound when there was nothing.
    [[nodiscard]] Status confirm(Nanos connected, const Moment& now, std::optional<Generation> meant = {});

    // Nothing was enforced for a while, and now it is again: older connections prove nothing.
    void enforced_again(Nanos boot) noexcept { proves_after_ = boot; }

    // The cause, if it is time to take the change back: then the state is kExpired or kTripped.
    [[nodiscard]] std::optional<std::string> due(const Moment& now, const Signs& signs);

    // Taken back for another reason than the clock: kWithdrawn or kInterrupted, with the cause in words.
    // REQUIRES: armed
    void take_back(ConfirmationState why, std::string cause);

    [[nodiscard]] bool armed() const noexcept { return state_ == ConfirmationState::kArmed; }
    [[nodiscard]] ConfirmationState state() const noexcept { return state_; }
    // Of the last change that was armed, whatever became of it.
    [[nodiscard]] const std::optional<PendingChange>& change() const noexcept { return change_; }
    [[nodiscard]] const std::string& cause() const noexcept { return cause_; }

private:
    ConfirmationState state_ = ConfirmationState::kIdle;
    std::optional<PendingChange> change_;
    std::string cause_;
    Nanos proves_after_{0};  // the boot clock; connections from later on prove that one can come in
};

}  // namespace drywall::control

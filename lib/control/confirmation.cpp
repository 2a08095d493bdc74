#include "drywall/control/confirmation.h"

#include <cassert>
#include <utility>

namespace drywall::control {

namespace {

std::string number_text(Generation generation) { return std::to_string(index(generation)); }

}  // namespace

std::string_view name(ConfirmationState state) noexcept {
    switch (state) {
        case ConfirmationState::kIdle: return "idle";
        case ConfirmationState::kArmed: return "armed";
        case ConfirmationState::kConfirmed: return "confirmed";
        case ConfirmationState::kExpired: return "expired";
        case ConfirmationState::kTripped: return "tripped";
        case ConfirmationState::kWithdrawn: return "withdrawn";
        case ConfirmationState::kInterrupted: return "interrupted";
    }
    return "idle";
}

void Confirmation::arm(PendingChange change) {
    assert(!armed());
    change_ = std::move(change);
    proves_after_ = change_->deadline.set.boot;
    cause_.clear();
    state_ = ConfirmationState::kArmed;
}

Status Confirmation::confirm(Nanos connected, const Moment& now, std::optional<Generation> meant) {
    if (!change_ || state_ == ConfirmationState::kConfirmed)
        return Error::of(ErrorKind::kNotFound, "there is nothing to confirm",
                         "`drywall history` shows what was confirmed, and when");
    const std::string number = number_text(change_->generation);
    if (!armed())
        return Error::of(
            ErrorKind::kConflict, "generation " + number + " was taken back: " + cause_,
            "generation " + number_text(change_->previous) + " is in force again; apply the change once more");
    if (meant && *meant != change_->generation)
        return Error::of(ErrorKind::kConflict,
                         "generation " + number + " waits to be confirmed, not " + number_text(*meant),
                         "look at what is in force with `drywall status`");
    if (change_->deadline.passed(now))
        return Error::of(ErrorKind::kConflict, "the time to confirm generation " + number + " is over",
                         "generation " + number_text(change_->previous) + " comes back; apply the change once more");
    if (connected <= proves_after_)
        return Error::of(
            ErrorKind::kRefused,
            "this connection is older than generation " + number + ": it does not prove that anybody can still come in",
            "say `drywall confirm` over a new connection");
    state_ = ConfirmationState::kConfirmed;
    return Done{};
}

std::optional<std::string> Confirmation::due(const Moment& now, const Signs& signs) {
    if (!armed()) return std::nullopt;
    if (std::optional<std::string> wire = torn(change_->trip_wires, signs)) {
        std::string cause = *wire;
        take_back(ConfirmationState::kTripped, *std::move(wire));
        return cause;
    }
    if (!change_->deadline.passed(now)) return std::nullopt;
    std::string cause = "nobody confirmed it in time";
    take_back(ConfirmationState::kExpired, std::string(cause));
    return cause;
}

void Confirmation::take_back(ConfirmationState why, std::string cause) {
    assert(armed());
    state_ = why;
    cause_ = std::move(cause);
}

}  // namespace drywall::control

// ApplianceState: the appliance's life as a table of states. What each of them means for traffic is in
// docs/security.md.
//
// Threads: values and pure functions.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace drywall::runtime {

enum class ApplianceState : std::uint8_t {
    kInit,      // no worker polls, or not every worker yet: what is not polled is not forwarded
    kReady,     // a ruleset is in force, and everything that is watched advances
    kDegraded,  // packets are forwarded, and something of it does not work; the reasons are named
    kStopped,   // workers finish the burst in hand and poll no more
};
inline constexpr std::size_t kApplianceStates = 4;

enum class ApplianceEvent : std::uint8_t {
    kSound,     // a look found nothing wrong: a ruleset is in force and every worker has turned
    kImpaired,  // a look found a reason: a worker or the stats core that does not advance, a store that can't be
                // written
    kStop,      // the operator, or the service manager, wants the end
};
inline constexpr std::size_t kApplianceEvents = 3;

struct Transition {
    ApplianceState from;
    ApplianceEvent event;
    ApplianceState to;
};

// Every pair of state and event, so that nothing happens that is not written here.
inline constexpr std::array<Transition, kApplianceStates* kApplianceEvents> kTransitions = {{
    // The first turn of the last worker: from here on every queue is polled.
    {ApplianceState::kInit, ApplianceEvent::kSound, ApplianceState::kReady},
    // It forwards, and not as it should: a worker that never began, a state directory that can't be written.
    {ApplianceState::kInit, ApplianceEvent::kImpaired, ApplianceState::kDegraded},
    // A signal before the first packet.
    {ApplianceState::kInit, ApplianceEvent::kStop, ApplianceState::kStopped},

    // An ordinary day.
    {ApplianceState::kReady, ApplianceEvent::kSound, ApplianceState::kReady},
    // The first reason begins.
    {ApplianceState::kReady, ApplianceEvent::kImpaired, ApplianceState::kDegraded},
    {ApplianceState::kReady, ApplianceEvent::kStop, ApplianceState::kStopped},

    // The last reason is over: all advance again.
    {ApplianceState::kDegraded, ApplianceEvent::kSound, ApplianceState::kReady},
    // Another reason, or the same one still.
    {ApplianceState::kDegraded, ApplianceEvent::kImpaired, ApplianceState::kDegraded},
    {ApplianceState::kDegraded, ApplianceEvent::kStop, ApplianceState::kStopped},

    // There is no way back: only a new process forwards again.
    {ApplianceState::kStopped, ApplianceEvent::kSound, ApplianceState::kStopped},
    {ApplianceState::kStopped, ApplianceEvent::kImpaired, ApplianceState::kStopped},
    {ApplianceState::kStopped, ApplianceEvent::kStop, ApplianceState::kStopped},
}};

[[nodiscard]] ApplianceState after(ApplianceState state, ApplianceEvent event) noexcept;
[[nodiscard]] std::string_view name(ApplianceState state) noexcept;  // "ready"

}  // namespace drywall::runtime

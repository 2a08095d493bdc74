// Verdict: what happens to a packet. (An Action is what a rule asks for; a DropReason says why a packet died.)
#pragma once

#include <cstdint>
#include <string_view>

namespace drywall {

enum class Verdict : std::uint8_t { kDeny = 0, kAllow = 1 };

enum class Action : std::uint8_t {
    kAllow,  // ends the walk of this endpoint and direction: accept
    kDeny,   // ends the walk: drop
    kPass,   // on to the next tier
    kLog,    // noted, and on to the next rule
};

enum class Direction : std::uint8_t {
    kIngress,  // towards the endpoint that the policy selects
    kEgress,   // from it
};

// The two answers that one lookup gives (design, section 1).
enum class World : std::uint8_t {
    kEnforced,  // what happens
    kPending,   // what would happen if every staged policy were promoted now
};

constexpr std::string_view name(Verdict verdict) noexcept { return verdict == Verdict::kAllow ? "allow" : "deny"; }
constexpr std::string_view name(Direction direction) noexcept {
    return direction == Direction::kIngress ? "ingress" : "egress";
}
constexpr std::string_view name(World world) noexcept { return world == World::kEnforced ? "enforced" : "pending"; }
constexpr std::string_view name(Action action) noexcept {
    switch (action) {
        case Action::kAllow: return "allow";
        case Action::kDeny: return "deny";
        case Action::kPass: return "pass";
        case Action::kLog: return "log";
    }
    return "deny";
}

}  // namespace drywall

// NormalProgram: the program as the compiler works on it. Equal conditions, rules and walks are one, so that what a
// caller repeats for every endpoint is compiled once.
//
// Threads: a value, owned by one compilation.
#pragma once

#include <cstdint>
#include <vector>

#include "drywall/base/result.h"
#include "drywall/classify/program.h"
#include "interner.h"

namespace drywall::classify {

inline constexpr std::uint32_t kNone = 0xffffffff;

// An op without its addresses.
struct Leaf {
    enum class Kind : std::uint8_t { kRule, kTierEnd, kOtherwise };
    Kind kind = Kind::kRule;
    Action action = Action::kDeny;  // a kOtherwise with kPass has no answer: the failsafe list, when none of it matches
    std::uint32_t service = 0;      // kRule: index into services
    HitId hit{};
};

// One step of a walk. Conditions: index into source_matches or destination_matches; kNone holds always.
struct Op {
    std::uint32_t source = kNone;
    std::uint32_t destination = kNone;
    std::uint32_t leaf = 0;
};
using NormalWalk = std::vector<Op>;  // ends with the one kOtherwise leaf

// Both worlds of one judgement: indices into walks.
struct Step {
    std::uint32_t enforced = 0;
    std::uint32_t pending = 0;
};

struct NormalLane {
    std::uint32_t ingress_port = kNone;  // index into steps
    std::uint32_t egress_port = kNone;
};

struct NormalParty {
    std::uint32_t egress = 0;  // index into steps
    std::uint32_t ingress = 0;
};

struct NormalProgram {
    std::vector<AddressMatch> source_matches;
    std::vector<AddressMatch> destination_matches;
    std::vector<ServiceMatch> services;
    std::vector<Leaf> leaves;
    std::vector<NormalWalk> walks;
    std::vector<Step> steps;
    std::vector<NormalParty> parties;  // as in Program
    std::vector<NormalLane> lanes;     // distinct
    std::vector<std::uint32_t> lane_of_port;
    std::uint32_t failsafe = kNone;  // index into steps; kNone: the list is empty
};

// Every index in range, every tier end a Deny or a Pass, every prefix well formed, at least one lane: or kInvalid.
[[nodiscard]] Status validate(const Program& program);

// REQUIRES: validate(program) succeeded
[[nodiscard]] NormalProgram normalize(const Program& program);

}  // namespace drywall::classify

// NormalProgram: the program as the compiler works on it. Equal conditions, rules and walks are one, so that what a
// caller repeats for every endpoint is compiled once. A Normalizer gives what it met before, in other programs, the
// number that it had: so what was worked out for it can be used again.
//
// Threads: owned by one compilation, and kept for the next one.
#pragma once

#include <cstdint>
#include <vector>

#include "drywall/base/result.h"
#include "drywall/classify/program.h"
#include "interner.h"
#include "set_numbers.h"

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

// Matches, services, leaves, walks and steps are those of all programs that the Normalizer met; the rest is of the
// last.
struct NormalProgram {
    std::vector<AddressMatch> source_matches;  // their sets are numbers of SetNumbers
    std::vector<AddressMatch> destination_matches;
    std::vector<ServiceMatch> services;
    std::vector<Leaf> leaves;
    std::vector<NormalWalk> walks;
    std::vector<Step> steps;
    std::vector<NormalParty> parties;  // as in Program
    std::vector<NormalLane> lanes;     // distinct
    std::vector<std::uint32_t> lane_of_port;
    std::uint32_t failsafe = kNone;          // index into steps; kNone: the list is empty
    std::vector<std::uint32_t> set_numbers;  // by SetId
    // By match: the program's walks ask it.
    std::vector<bool> source_asked;
    std::vector<bool> destination_asked;
};

// Every index in range, every tier end a Deny or a Pass, every prefix well formed, at least one lane: or kInvalid.
[[nodiscard]] Status validate(const Program& program);

class Normalizer {
public:
    // Valid until the next call. REQUIRES: validate(program) succeeded
    const NormalProgram& normalize(const Program& program);

    [[nodiscard]] const NormalProgram& program() const noexcept { return normal_; }
    [[nodiscard]] const SetNumbers& sets() const noexcept { return sets_; }
    [[nodiscard]] std::size_t bytes() const noexcept;

private:
    std::uint32_t lane(const Lane& lane);
    std::uint32_t step(const Walks& walks);
    std::uint32_t step(std::uint32_t enforced, std::uint32_t pending);
    std::uint32_t walk(WalkId id);
    std::uint32_t failsafe();
    std::uint32_t add(NormalWalk ops);
    const Op& op(RuleIndex id);
    std::uint32_t leaf(const Leaf& leaf);
    std::uint32_t match(AddressMatch match, Interner<std::uint32_t>& known, std::vector<AddressMatch>& matches);
    void mark_asked();
    void mark_asked(std::uint32_t step, std::vector<bool>& done);

    const Program* program_ = nullptr;  // at work
    NormalProgram normal_;
    SetNumbers sets_;
    std::vector<std::uint32_t> walk_of_id_;
    std::vector<Op> op_of_rule_;
    Interner<std::uint32_t> sources_;
    Interner<std::uint32_t> destinations_;
    Interner<std::uint32_t> services_;
    Interner<std::uint32_t> leaves_;
    Interner<std::uint32_t> walks_;
    Interner<std::uint32_t> steps_;
    Interner<std::uint32_t> lanes_;  // of the program
};

// A program by itself.
[[nodiscard]] NormalProgram normalize(const Program& program);

}  // namespace drywall::classify

// What the reference evaluator and the compiled ruleset say of a packet, in the same words, so that texts are equal
// where they agree: both verdicts, and of each world the hits with the step in which they were met.
#pragma once

#include <string>

#include "drywall/reference/evaluator.h"
#include "drywall/ruleset/ruleset.h"

namespace drywall::test {

inline std::string told_line(const char* step, const std::string& hit) {
    return "  " + std::string(step) + "  " + hit + "\n";
}

inline std::string told_head(World world, Verdict verdict) {
    return std::string(name(world)) + ": " + std::string(name(verdict)) + "\n";
}

inline std::string told(World world, const reference::Decision& decision) {
    std::string out = told_head(world, decision.verdict);
    if (decision.unmatched)
        out += told_line("unmatched", "__UNMATCHED__|cfg:unmatched|" + std::string(name(decision.verdict)) + "|-1");
    for (const reference::Hit& hit : decision.failsafe) out += told_line("failsafe", hit.policy);
    for (const reference::Hit& hit : decision.in_port) out += told_line("port in", hit.policy);
    for (const reference::Hit& hit : decision.egress) out += told_line("egress", hit.policy);
    for (const reference::Hit& hit : decision.ingress) out += told_line("ingress", hit.policy);
    for (const reference::Hit& hit : decision.out_port) out += told_line("port out", hit.policy);
    return out;
}

inline std::string told(const reference::Answer& answer) {
    return told(World::kEnforced, answer.enforced) + told(World::kPending, answer.pending);
}

inline const char* step_of(const ruleset::HitDescriptor& hit) {
    if (hit.kind == ruleset::HitKind::kFailsafe) return "failsafe";
    if (hit.kind == ruleset::HitKind::kUnmatched) return "unmatched";
    if (hit.forward) return hit.direction == Direction::kIngress ? "port in" : "port out";
    return hit.direction == Direction::kIngress ? "ingress" : "egress";
}

inline std::string told(const ruleset::Ruleset& ruleset, const classify::Trace& trace) {
    std::string out = told_head(World::kEnforced, trace.enforced);
    for (const HitId hit : trace.enforced_hits) out += told_line(step_of(ruleset.hit(hit)), ruleset.hit(hit).text());
    out += told_head(World::kPending, trace.pending);
    for (const HitId hit : trace.pending_hits) out += told_line(step_of(ruleset.hit(hit)), ruleset.hit(hit).text());
    return out;
}

}  // namespace drywall::test

#include "answer.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <nlohmann/json.hpp>

namespace drywall::explain {

namespace {

using reference::Decision;
using reference::Hit;
using ruleset::HitDescriptor;
using ruleset::HitKind;
using ruleset::Ruleset;

Hit named(const HitDescriptor& hit, std::string kind, std::string name, std::string tier) {
    return {.kind = std::move(kind),
            .ns = {},
            .name = std::move(name),
            .tier = std::move(tier),
            .action = hit.action,
            .rule_index = hit.rule_index,
            .policy = hit.text()};
}

Hit hit_of(const HitDescriptor& hit) {
    switch (hit.kind) {
        case HitKind::kRule:
        case HitKind::kEndOfTier: break;
        case HitKind::kProfile: return named(hit, "Profile", hit.profile, "__PROFILE__");
        case HitKind::kNoProfile: return named(hit, "Profile", "__NO_MATCH__", "__PROFILE__");
        case HitKind::kForwardDefault: return named(hit, "HostEndpoint", "__NO_MATCH__", "__FORWARD__");
        case HitKind::kHostFailsafe: return named(hit, "HostEndpoint", hit.service, "__FAILSAFE__");
        case HitKind::kFailsafe: return named(hit, "Failsafe", hit.service, "__FAILSAFE__");
        case HitKind::kUnmatched: return named(hit, "Configuration", "unmatched", "__UNMATCHED__");
        case HitKind::kUndecided: return named(hit, "Layer7", "undecided", "__UNDECIDED__");
    }
    if (!hit.policy) return named(hit, "EndOfTier", "__NO_MATCH__", "");
    Hit out = named(hit, std::string(policy::name(hit.policy->kind)), hit.policy->name, hit.policy->tier);
    out.ns = hit.policy->ns;
    return out;
}

std::vector<Hit>& step_of(Decision& decision, const HitDescriptor& hit) {
    if (hit.kind == HitKind::kFailsafe) return decision.failsafe;
    const bool ingress = hit.direction == Direction::kIngress;
    if (hit.forward) return ingress ? decision.in_port : decision.out_port;
    return ingress ? decision.ingress : decision.egress;
}

Decision decision_of(const Ruleset& ruleset, Verdict verdict, bool unmatched, const std::vector<HitId>& hits) {
    Decision decision;
    decision.verdict = verdict;
    decision.unmatched = unmatched;
    for (const HitId id : hits) {
        const HitDescriptor& hit = ruleset.hit(id);
        if (hit.kind != HitKind::kUnmatched) step_of(decision, hit).push_back(hit_of(hit));
    }
    return decision;
}

void append_number(std::string& out, int number) {
    std::array<char, 16> digits{};
    const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
    out.append(digits.data(), end);
}

void append_member(std::string& out, std::string_view name, std::string_view value) {
    out.append(",\"").append(name).append("\":");
    append_json(out, value);
}

void append_hit(std::string& out, const Hit& hit, int position) {
    out += "{\"kind\":";
    append_json(out, hit.kind);
    append_member(out, "namespace", hit.ns);
    append_member(out, "name", hit.name);
    append_member(out, "tier", hit.tier);
    append_member(out, "action", name(hit.action));
    out += ",\"ruleIndex\":";
    append_number(out, hit.rule_index);
    append_member(out, "policy", std::to_string(position) + '|' + hit.policy);
    out += '}';
}

// Log has no entry in Calico's traces: it neither shows nor counts.
void append_step(std::string& out, std::string_view name, const std::vector<Hit>& hits, bool always) {
    if (hits.empty() && !always) return;
    out.append(",\"").append(name).append("\":[");
    int position = 0;
    for (const Hit& hit : hits) {
        if (hit.action == Action::kLog) continue;
        if (position > 0) out += ',';
        append_hit(out, hit, position++);
    }
    out += ']';
}

void append_decision(std::string& out, std::string_view world, const Decision& decision) {
    out.append("\"").append(world).append("\":{\"action\":");
    append_json(out, name(decision.verdict));
    if (decision.unmatched) out += ",\"unmatched\":true";
    append_step(out, "failsafe", decision.failsafe, false);
    append_step(out, "inPort", decision.in_port, false);
    append_step(out, "egress", decision.egress, true);
    append_step(out, "ingress", decision.ingress, true);
    append_step(out, "outPort", decision.out_port, false);
    out += '}';
}

}  // namespace

reference::Answer answer_of(const Ruleset& ruleset, TraceId id) {
    const classify::Trace& trace = ruleset.trace(id);
    return {decision_of(ruleset, trace.enforced, trace.unmatched, trace.enforced_hits),
            decision_of(ruleset, trace.pending, trace.unmatched, trace.pending_hits)};
}

std::string json_text(const reference::Answer& answer) {
    std::string out;
    append_decision(out, "enforced", answer.enforced);
    out += ',';
    append_decision(out, "pending", answer.pending);
    return out;
}

void append_json(std::string& out, std::string_view text) {
    const auto plain = [](char c) { return c >= ' ' && c < 0x7f && c != '"' && c != '\\'; };
    if (std::all_of(text.begin(), text.end(), plain)) {
        out.append("\"").append(text).append("\"");
        return;
    }
    using Json = nlohmann::json;
    out += Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace drywall::explain

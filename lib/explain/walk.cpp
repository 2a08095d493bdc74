#include "drywall/explain/walk.h"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "conditions.h"
#include "drywall/classify/oracle.h"
#include "why_not.h"

namespace drywall::explain {

namespace {

using ruleset::HitDescriptor;
using ruleset::HitKind;
using ruleset::PolicyRef;
using ruleset::Ruleset;

constexpr const char* kFailsafeTier = "__FAILSAFE__";
constexpr const char* kProfileTier = "__PROFILE__";

// The author's rules of one policy or profile in one direction.
struct Text {
    std::string name;
    std::string file;
    bool staged = false;
    const policy::Policy* policy = nullptr;
    const std::vector<policy::Rule>* rules = nullptr;
};

// A rule of a text is known by the text's name and its position: several rules of the program may stand for it, or none
// when it matches whatever comes there.
using Lowered = std::map<std::pair<std::string, int>, std::vector<classify::RuleIndex>>;

class Walker {
public:
    Walker(const Ruleset& ruleset, const policy::CalicoView& view, const net::Tuple& tuple, bool pending,
           std::span<const HitId> took_part)
        : ruleset_(ruleset),
          program_(ruleset.program()),
          view_(view),
          packet_(packet_of(view, tuple)),
          pending_(pending),
          took_part_(took_part) {
        for (const auto& item : view.policies)
            policies_[{item.value->kind(), item.value->metadata.ns, item.value->metadata.name}] = item.value;
    }

    [[nodiscard]] std::vector<WalkedStep> all() const {
        const net::Tuple& tuple = packet_.tuple;
        const auto always_open = [&](classify::RuleIndex rule) { return matches(rule); };
        if (std::any_of(program_.failsafe.begin(), program_.failsafe.end(), always_open)) return {};
        const classify::Lane& lane = program_.lanes[tuple.ingress_port];
        const classify::Party* source = party_of({tuple.family, tuple.source});
        const classify::Party* destination = party_of({tuple.family, tuple.destination});
        std::vector<WalkedStep> steps;
        const auto step = [&](const classify::Walks& walks, Direction direction, std::string name) {
            steps.push_back({std::move(name), {}, {}});
            const classify::Walk& walk = program_.walks[index(pending_ ? walks.pending : walks.enforced)];
            return take(walk, direction, steps.back()) == Verdict::kAllow;
        };
        if (lane.ingress_port && !step(*lane.ingress_port, Direction::kIngress, "ingress port")) return steps;
        if (source != nullptr && !step(source->egress, Direction::kEgress, "egress of the source")) return steps;
        if (destination != nullptr && !step(destination->ingress, Direction::kIngress, "ingress of the destination"))
            return steps;
        if (lane.egress_port) (void)step(*lane.egress_port, Direction::kEgress, "egress port");
        return steps;
    }

private:
    [[nodiscard]] bool matches(classify::RuleIndex rule) const { return meets(rule) && holds(rule); }

    // Its condition on what the connection says, if it has one.
    [[nodiscard]] bool holds(classify::RuleIndex rule) const {
        const HitId hit = program_.rules[index(rule)].hit;
        if (!classify::is_conditional(hit)) return true;
        return std::find(took_part_.begin(), took_part_.end(), classify::without_condition(hit)) != took_part_.end();
    }

    // Addresses, ports and the like.
    [[nodiscard]] bool meets(classify::RuleIndex rule) const {
        return classify::matches(program_, program_.rules[index(rule)], packet_.tuple);
    }

    // Nothing to match stands for a rule that always does.
    [[nodiscard]] bool matches_any(const std::vector<classify::RuleIndex>& rules) const {
        return rules.empty() || std::any_of(rules.begin(), rules.end(), [&](auto rule) { return matches(rule); });
    }

    [[nodiscard]] const classify::Party* party_of(const net::Address& address) const {
        for (const classify::Party& party : program_.parties)
            for (const net::Prefix& prefix : party.addresses)
                if (prefix.contains(address)) return &party;
        return nullptr;
    }

    Verdict take(const classify::Walk& walk, Direction direction, WalkedStep& step) const {
        for (const classify::Tier& tier : walk.tiers) {
            WalkedTier walked;
            const Action decided = take(tier, walk.otherwise_hit, direction, walked);
            if (!walked.policies.empty()) step.tiers.push_back(std::move(walked));
            if (decided == Action::kAllow) return Verdict::kAllow;
            if (decided == Action::kDeny) return Verdict::kDeny;
        }
        if (!take_profile(walk.otherwise_hit, direction, step)) step.otherwise = name(walk.otherwise);
        return walk.otherwise;
    }

    // A profile's rule without conditions is no rule of the program: it is what is left after the last tier.
    bool take_profile(HitId otherwise, Direction direction, WalkedStep& step) const {
        const HitDescriptor& hit = ruleset_.hit(otherwise);
        const std::optional<Text> text =
            hit.kind == HitKind::kProfile ? text_of(hit.profile, direction) : std::optional<Text>();
        if (!text) return false;
        if (step.tiers.empty() || step.tiers.back().tier != kProfileTier) step.tiers.push_back({kProfileTier, {}, {}});
        step.tiers.back().end.clear();
        return take(*text, {{{text->name, hit.rule_index}, {}}}, step.tiers.back()).has_value();
    }

    // What the tier says: kPass when it leads on.
    Action take(const classify::Tier& tier, HitId otherwise, Direction direction, WalkedTier& walked) const {
        Lowered lowered;
        if (const HitDescriptor& last = ruleset_.hit(otherwise); last.kind == HitKind::kProfile)
            lowered[{name_of(last), last.rule_index}];
        for (const classify::RuleIndex rule : tier.rules) {
            const HitId id = program_.rules[index(rule)].hit;
            if (id == classify::kNoHit) {
                if (matches(rule)) return Action::kPass;  // a failsafe port in a chain before the tiers
                continue;
            }
            const HitDescriptor& hit = ruleset_.hit(id);
            if (hit.kind == HitKind::kHostFailsafe) {
                if (matches(rule)) return opened(hit, walked);
                continue;
            }
            lowered[{name_of(hit), hit.rule_index}].push_back(rule);
        }
        for (const Text& text : texts_of(tier, direction)) {
            walked.tier = text.policy != nullptr ? text.policy->tier : kProfileTier;
            if (const std::optional<Action> decided = take(text, lowered, walked)) return *decided;
        }
        walked.end = name(tier.end);
        return tier.end;
    }

    static Action opened(const HitDescriptor& hit, WalkedTier& walked) {
        walked.tier = kFailsafeTier;
        WalkedPolicy open{"hep:" + hit.service, {}, false, {}};
        open.rules.push_back({hit.rule_index, Action::kAllow, true, {}, {}});
        walked.policies.push_back(std::move(open));
        return Action::kAllow;
    }

    std::optional<Action> take(const Text& text, const Lowered& lowered, WalkedTier& walked) const {
        WalkedPolicy& policy = walked.policies.emplace_back();
        policy.name = text.name;
        policy.file = text.file;
        policy.staged = text.staged;
        for (std::size_t i = 0; i < text.rules->size(); ++i) {
            const policy::Rule& rule = (*text.rules)[i];
            const auto found = lowered.find({text.name, static_cast<int>(i)});
            const bool matched = found != lowered.end() && matches_any(found->second);
            const bool met = found != lowered.end() && std::any_of(found->second.begin(), found->second.end(),
                                                                   [&](auto each) { return meets(each); });
            std::string why;
            if (!matched) why = met ? not_shown(found->second) : reason(rule, text);
            policy.rules.push_back({static_cast<int>(i), rule.action, matched, std::move(why), rule.spot});
            if (matched && rule.action != Action::kLog) return rule.action;
        }
        return std::nullopt;
    }

    // Of rules whose addresses and ports match: what they ask for besides.
    [[nodiscard]] std::string not_shown(const std::vector<classify::RuleIndex>& rules) const {
        for (const classify::RuleIndex rule : rules) {
            const HitId id = program_.rules[index(rule)].hit;
            if (id == classify::kNoHit || !classify::is_conditional(id) || !meets(rule)) continue;
            const inspect::Condition& asked = ruleset_.condition(*ruleset_.hit(id).condition);
            const bool names = std::holds_alternative<inspect::NameCondition>(asked);
            return (names ? "domains: the connection is not shown to go " : "http: the connection does not show ") +
                   condition_text(asked);
        }
        return {};
    }

    [[nodiscard]] std::string reason(const policy::Rule& rule, const Text& text) const {
        static const policy::Policy global;  // rules of a profile are scoped as those of a global policy
        if (text.policy != nullptr) return why_not(rule, *text.policy, packet_, view_);
        if (rule.action == Action::kLog || rule.action == Action::kPass) return "Log and Pass do nothing in a profile";
        return why_not(rule, global, packet_, view_);
    }

    static std::string name_of(const HitDescriptor& hit) {
        return hit.policy ? hit.policy->text() : "pro:" + hit.profile;
    }

    // The policies of the tier, in the order of evaluation. Its end knows them all; a tier that has none knows those
    // that have rules.
    [[nodiscard]] std::vector<Text> texts_of(const classify::Tier& tier, Direction direction) const {
        std::vector<Text> texts;
        const auto add = [&](std::optional<Text> text) {
            if (text && (texts.empty() || texts.back().name != text->name)) texts.push_back(*std::move(text));
        };
        if (tier.end_hit != classify::kNoHit) {
            for (const PolicyRef& ref : ruleset_.hit(tier.end_hit).armed_by) add(text_of(ref, direction));
            return texts;
        }
        for (const classify::RuleIndex rule : tier.rules) {
            const HitId id = program_.rules[index(rule)].hit;
            if (id == classify::kNoHit) continue;
            const HitDescriptor& hit = ruleset_.hit(id);
            if (hit.policy)
                add(text_of(*hit.policy, direction));
            else if (hit.kind == HitKind::kProfile)
                add(text_of(hit.profile, direction));
        }
        return texts;
    }

    [[nodiscard]] std::optional<Text> text_of(const PolicyRef& ref, Direction direction) const {
        const auto found = policies_.find({ref.kind, ref.ns, ref.name});
        if (found == policies_.end()) return std::nullopt;
        const policy::Policy& policy = *found->second;
        return Text{ref.text(), policy.metadata.place.file, ref.staged, &policy,
                    direction == Direction::kIngress ? &policy.ingress : &policy.egress};
    }

    [[nodiscard]] std::optional<Text> text_of(const std::string& profile, Direction direction) const {
        const auto found = view_.profiles.find(profile);
        if (found == view_.profiles.end()) return std::nullopt;
        return Text{"pro:" + profile, found->second->metadata.place.file, false, nullptr,
                    direction == Direction::kIngress ? &found->second->ingress : &found->second->egress};
    }

    const Ruleset& ruleset_;
    const classify::Program& program_;
    const policy::CalicoView& view_;
    Packet packet_;
    bool pending_;
    std::span<const HitId> took_part_;
    std::map<std::tuple<policy::Kind, std::string, std::string>, const policy::Policy*> policies_;
};

}  // namespace

std::vector<WalkedStep> walked(const Ruleset& ruleset, const policy::CalicoView& view, const net::Tuple& tuple,
                               bool pending, std::span<const HitId> took_part) {
    return Walker(ruleset, view, tuple, pending, took_part).all();
}

}  // namespace drywall::explain

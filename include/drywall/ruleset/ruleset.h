// Ruleset: one generation. Resources resolved into the enforced and the pending world, lowered to numbers, compiled,
// checked against the oracle, explainable.
//
// Threads: immutable once built; workers classify, the stats core and the control side read descriptors.
// Life:    built by the control side, published through runtime, freed after every worker's quiescent state.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "drywall/base/drop_reason.h"
#include "drywall/base/ids.h"
#include "drywall/base/result.h"
#include "drywall/base/verdict.h"
#include "drywall/classify/classifier.h"
#include "drywall/classify/program.h"
#include "drywall/net/packet_meta.h"
#include "drywall/policy/convert.h"
#include "drywall/policy/resources.h"
#include "drywall/policy/surroundings.h"
#include "drywall/reference/connection_facts.h"
#include "drywall/ruleset/decision.h"

namespace drywall::ruleset {

// A policy as hits name it.
struct PolicyRef {
    policy::Kind kind{};
    std::string tier;
    std::string ns;  // empty for cluster-wide kinds
    std::string name;
    bool staged = false;
    auto operator<=>(const PolicyRef&) const = default;
    // Calico's v3.32 form: "gnp:web", "snp:prod/web"
    [[nodiscard]] std::string text() const;
};

enum class HitKind : std::uint8_t {
    kRule,            // rule `rule_index` of `policy`
    kEndOfTier,       // the tier's default, armed by the policies in `armed_by`; `policy` is the last of them
    kProfile,         // rule `rule_index` of an endpoint's `profile`
    kNoProfile,       // no policy and no profile had an answer, or the profile does not exist: deny
    kForwardDefault,  // a port's HostEndpoint without a forward policy in this direction: allow
    kHostFailsafe,    // Calico's failsafe ports of a protected host
    kFailsafe,        // the appliance's transit failsafe list, entry `rule_index`
    kUnmatched,       // no endpoint on either side is declared
    kUndecided,       // what decides was not shown yet (a request, a name): rules with conditions wait for it
};

[[nodiscard]] std::string_view name(HitKind kind) noexcept;

// Where on an endpoint's way a policy stands. Only HostEndpoints have the first two, which have no end of tier.
enum class Chain : std::uint8_t {
    kUntracked,  // doNotTrack
    kPreDnat,    // preDNAT
    kTiers,      // everything else
};

// What a HitId stands for.
struct HitDescriptor {
    HitKind kind = HitKind::kUnmatched;
    std::optional<PolicyRef> policy;
    std::string profile;
    Direction direction = Direction::kIngress;
    bool forward = false;  // judged at a port's own HostEndpoint
    Chain chain = Chain::kTiers;
    int rule_index = -1;  // 0-based; -1: a default
    Action action = Action::kDeny;
    std::vector<PolicyRef> armed_by;  // kEndOfTier: every policy of the tier that applied and did not decide
    std::string service;              // kHostFailsafe, kFailsafe: "tcp/22"
    std::optional<inspect::ConditionId> condition;  // the rule allows only where this holds
    // Equal across generations for the same policy and the same content: what counters are kept by. A rule keeps it
    // when other rules come and go around it. Staged and enforced twins differ. Unique within a generation.
    std::string identity;
    // The identity that this hit has once every staged policy is promoted; `identity` itself where no staged policy is
    // involved. What a staged rule counted in the pending world, its twin counts as enforced after the promotion.
    std::string enforced_twin;

    // Calico's string without the leading position: "default|gnp:web|allow|0". What Calico has no word for:
    // "__FORWARD__|hep:__NO_MATCH__|allow|-1", "__FAILSAFE__|hep:tcp/22|allow|0" (protected host),
    // "__FAILSAFE__|cfg:tcp/22|allow|0" (the appliance's list), "__UNMATCHED__|cfg:unmatched|allow|-1".
    [[nodiscard]] std::string text() const;
};

// Whether a trace is decided by what a connection says, and what hangs on it.
enum class Inspection : std::uint8_t {
    kNone,     // addresses and ports decided
    kObserve,  // it passes whatever it says; what the pending world, or counting, makes of it depends on that
    kEnforce,  // it passes until it says something that is not allowed
};

// A verdict ready for the packet path.
struct TraceVerdict {
    Verdict enforced = Verdict::kDeny;
    Verdict pending = Verdict::kDeny;
    DropReason reason = DropReason::kPolicyDeny;  // kNone when enforced allows
    bool untracked = false;  // enforced allows by an untracked policy: no connection is opened, replies are new
    Inspection inspection = Inspection::kNone;  // else both verdicts are those until then: allow
};

// A declared endpoint, as the connectivity matrix and flow records name it.
struct EndpointInfo {
    policy::ResourceId id;
    policy::Labels labels;
    std::vector<net::Address> addresses;
};

using Surroundings = policy::Surroundings;

// Whether what policy denies is dropped. kObserve: everything passes, and is judged, counted and told as ever.
enum class Enforcement : std::uint8_t { kEnforce, kObserve };

// What is understood, but can't be enforced as written, in either world: a condition on what a connection says in a
// policy that tracks none (doNotTrack). kRefused, with the place of every such rule.
[[nodiscard]] Status check_supported(const policy::CalicoView& view);

class Ruleset;

// What a generation can be made from beside its inventory: it makes the making cheaper, and changes nothing of what is
// made.
struct Predecessor {
    const Ruleset* ruleset = nullptr;         // the self-check looks first at what is different from it
    classify::CompileCache* cache = nullptr;  // of the compiles before, and for the next one
};

class Ruleset {
public:
    // Resolves, lowers, compiles and self-checks; check_supported() is part of it. REQUIRES: policy::check(inventory)
    // succeeded.
    [[nodiscard]] static Result<std::shared_ptr<const Ruleset>> build(Generation generation,
                                                                      const policy::Inventory& inventory,
                                                                      const Surroundings& surroundings,
                                                                      const classify::Budget& budget = {},
                                                                      const Predecessor& before = {});

    // The same tables under another number, made without compiling: what a revert publishes, and what is published
    // while the safety is open. Only the verdicts are copied.
    [[nodiscard]] std::shared_ptr<const Ruleset> again(Generation generation, Enforcement enforcement) const;

    [[nodiscard]] Generation generation() const noexcept { return generation_; }
    [[nodiscard]] Enforcement enforcement() const noexcept { return enforcement_; }

    // Packet path. REQUIRES: as Classifier::lookup.
    void classify(std::span<const net::Tuple> tuples, std::span<TraceId> traces) const noexcept {
        tables_->classifier.lookup(tuples, traces);
    }
    [[nodiscard]] TraceId classify(const net::Tuple& tuple) const noexcept { return tables_->classifier.lookup(tuple); }
    // What happens to the packet. While nothing is enforced, trace() still says what policy decided.
    [[nodiscard]] const TraceVerdict& verdict(TraceId trace) const noexcept { return verdicts_[index(trace)]; }
    // Policy denies what nevertheless passes, because nothing is enforced.
    [[nodiscard]] bool only_observed(TraceId id) const noexcept { return verdict(id).enforced != trace(id).enforced; }

    // What classify() answers is among the first of them; the others are what resolve() answers.
    [[nodiscard]] std::size_t trace_count() const noexcept { return verdicts_.size(); }
    [[nodiscard]] const classify::Trace& trace(TraceId id) const noexcept { return tables_->traces[index(id)]; }

    // Does any trace of this generation depend on what connections say?
    [[nodiscard]] bool inspects() const noexcept { return !tables_->decisions.roots.empty(); }
    // Packet path. The trace of a connection that shows what `truth(ConditionId) -> Truth` knows.
    // REQUIRES: classify() answered `trace`, and verdict(trace).inspection is not kNone
    template <typename TruthOf>
    [[nodiscard]] Resolution resolve(TraceId trace, TruthOf truth) const noexcept {
        return tables_->decisions.resolve(trace, truth);
    }
    // Control side: the trace of a connection that has shown these facts. What it has not shown holds nowhere.
    // REQUIRES: classify() answered `trace`; `workspace` was grown for conditions()
    [[nodiscard]] TraceId resolve(TraceId trace, const reference::ConnectionFacts& facts,
                                  inspect::ConditionWorkspace& workspace) const;
    // Control side: by ConditionId, whether it holds for a connection that has shown these facts.
    // REQUIRES: as the resolve() before
    [[nodiscard]] std::vector<bool> conditions_met(const reference::ConnectionFacts& facts,
                                                   inspect::ConditionWorkspace& workspace) const;
    // To match what connections say with. REQUIRES: inspects()
    [[nodiscard]] const inspect::Conditions& conditions() const noexcept { return *tables_->conditions; }
    [[nodiscard]] const inspect::Condition& condition(inspect::ConditionId id) const noexcept {
        return tables_->condition_list[index(id)];
    }
    // A trace as the classifier answers it: with the conditional hits of all rules that may decide.
    [[nodiscard]] const classify::Trace& undecided_trace(TraceId id) const noexcept {
        return tables_->classifier.traces()[index(id)];
    }
    [[nodiscard]] std::span<const HitDescriptor> hits() const noexcept { return tables_->hits; }
    // Of the program's rules and of undecided_trace(), a conditional hit stands for its rule. REQUIRES: not kNoHit
    [[nodiscard]] const HitDescriptor& hit(HitId id) const noexcept {
        return tables_->hits[index(classify::without_condition(id))];
    }
    [[nodiscard]] std::span<const EndpointInfo> endpoints() const noexcept { return tables_->endpoints; }
    [[nodiscard]] const EndpointInfo* endpoint_of(const net::Address& address) const noexcept;
    [[nodiscard]] const classify::Program& program() const noexcept { return tables_->program; }
    [[nodiscard]] const classify::Footprint& footprint() const noexcept { return tables_->classifier.footprint(); }
    [[nodiscard]] const Surroundings& surroundings() const noexcept { return tables_->surroundings; }

    // The staged policies to which a difference between the two worlds of this trace is owed: those by which the worlds
    // part (a staged rule, a staged end of a tier, or the replacement or removal of the enforced policy that takes part
    // now), and the one that then decides. Empty exactly when both verdicts are equal.
    [[nodiscard]] std::vector<PolicyRef> responsible(TraceId id) const;

    // The enforced world alone as text: every trace-independent part of it (walks, rules, sets, parties). Equal texts
    // enforce equally; staged resources can't change one byte of it.
    [[nodiscard]] std::string enforced_image() const;

private:
    // What rulesets that differ only in their number share.
    struct Tables {
        explicit Tables(classify::Classifier compiled) noexcept : classifier(std::move(compiled)) {}
        classify::Classifier classifier;
        classify::Program program;
        Surroundings surroundings;
        std::vector<HitDescriptor> hits;
        std::span<const classify::Trace> traces;  // the classifier's, or those of `decided`
        std::vector<classify::Trace> decided;
        std::vector<DropReason> reasons;  // by trace, or empty: what those die of that deny; kNone: of the usual
        Decisions decisions;
        std::vector<Inspection> inspections;  // by trace of the classifier, or empty
        std::vector<inspect::Condition> condition_list;
        std::optional<inspect::Conditions> conditions;
        std::vector<EndpointInfo> endpoints;
        std::vector<std::pair<net::Address, std::size_t>> endpoint_by_address;  // sorted
        std::vector<std::pair<PolicyRef, PolicyRef>>
            overlays;                    // staged policy, the enforced one it replaces or removes
        std::vector<std::string> tiers;  // names, in the order of evaluation
    };

    Ruleset(Generation generation, Enforcement enforcement, std::shared_ptr<const Tables> tables);
    [[nodiscard]] std::vector<TraceVerdict> make_verdicts() const;
    friend class Builder;

    Generation generation_;
    Enforcement enforcement_;
    std::shared_ptr<const Tables> tables_;
    std::vector<TraceVerdict> verdicts_;
};

}  // namespace drywall::ruleset

#include "drywall/ruleset/ruleset.h"

#include <algorithm>
#include <utility>

#include "decision_trees.h"
#include "drywall/base/out_of_memory.h"
#include "endpoints.h"
#include "hits.h"
#include "lowering.h"
#include "selector_book.h"
#include "self_check.h"
#include "walks.h"
#include "world.h"

namespace drywall::ruleset {

namespace {

Status check_surroundings(const Surroundings& surroundings) {
    if (surroundings.port_names.empty())
        return Error::of(ErrorKind::kInvalid, "the appliance has no ports",
                         "declare at least one in the configuration");
    for (std::size_t i = 0; i < surroundings.failsafe.size(); ++i) {
        const Surroundings::Failsafe& entry = surroundings.failsafe[i];
        if (entry.to.empty())
            return Error::of(ErrorKind::kInvalid,
                             "failsafe entry " + std::to_string(i) + " (" + service_text(entry.protocol, entry.port) +
                                 ") names no destination: it would open every machine behind the appliance",
                             "write the addresses that must stay reachable");
    }
    return Done{};
}

std::string prefixes_text(const std::vector<net::Prefix>& prefixes) {
    std::string text;
    for (const net::Prefix& prefix : prefixes) text += prefix.text() + " ";
    return text;
}

void add_failsafe(const Surroundings& surroundings, Lowering& lowering, HitTable& hits, classify::Program& program) {
    int entry = 0;
    for (const Surroundings::Failsafe& open : surroundings.failsafe) {
        const HitId hit = hits.failsafe(entry++, service_text(open.protocol, open.port),
                                        fingerprint(prefixes_text(open.to) + "from " + prefixes_text(open.from)));
        program.failsafe.push_back(lowering.always_open(open.protocol, open.port, open.to, open.from, hit));
    }
}

bool is_untracked(const classify::Trace& trace, std::span<const HitDescriptor> hits) {
    return trace.enforced == Verdict::kAllow &&
           std::any_of(trace.enforced_hits.begin(), trace.enforced_hits.end(), [hits](HitId id) {
               const HitDescriptor& hit = hits[index(id)];
               return hit.chain == Chain::kUntracked && hit.action == Action::kAllow;
           });
}

}  // namespace

// What resolving and lowering make, before anything is compiled.
struct Lowered {
    classify::Program program;
    std::vector<HitDescriptor> hits;
    std::vector<EndpointInfo> endpoints;
    std::vector<std::string> tiers;
    std::vector<std::pair<PolicyRef, PolicyRef>> overlays;
    std::vector<inspect::Condition> conditions;
    HitId undecided{};  // only with conditions
};

// Http and domains rules of one connection, in both worlds, in all outcomes.
constexpr std::size_t kMostLeaves = std::size_t{1} << 20;

class Builder {
public:
    static Result<Lowered> lower(const policy::Inventory& inventory, const Surroundings& surroundings) {
        const policy::CalicoView view = policy::calico_view(inventory);
        if (Status status = check_supported(view); !status) return std::move(status).error();
        Result<Population> population = populate(view, surroundings);
        if (!population) return std::move(population).error();
        Worlds worlds = arrange(view, surroundings.pending_as_calico);

        Lowered lowered;
        HitTable hits;
        SelectorBook selectors(population->labels);
        Lowering lowering(lowered.program, view, *population, selectors, hits);
        add_failsafe(surroundings, lowering, hits, lowered.program);
        WalkBuilder(lowered.program, worlds, *population, lowering, hits, surroundings.pending_as_calico)
            .build(selectors, surroundings);
        if (!selectors.status()) return selectors.status().error();
        lowered.program.unmatched = surroundings.unmatched;
        lowered.program.unmatched_hit = hits.unmatched(surroundings.unmatched);

        lowered.conditions = lowering.take_conditions();
        if (!lowered.conditions.empty()) lowered.undecided = hits.undecided();
        lowered.hits = hits.take();
        for (Subject& subject : population->subjects) lowered.endpoints.push_back(std::move(subject.info));
        for (WorldTier& tier : worlds.tiers) lowered.tiers.push_back(std::move(tier.name));
        lowered.overlays = std::move(worlds.overlays);
        return lowered;
    }

    static Result<std::shared_ptr<const Ruleset>> assemble(Generation generation, Lowered lowered,
                                                           const Surroundings& surroundings,
                                                           classify::Classifier classifier) {
        const auto tables = std::make_shared<Ruleset::Tables>(std::move(classifier));
        tables->traces = tables->classifier.traces();
        if (Status status = add_decisions(lowered, *tables); !status) return std::move(status).error();
        tables->program = std::move(lowered.program);
        tables->surroundings = surroundings;
        tables->hits = std::move(lowered.hits);
        tables->endpoints = std::move(lowered.endpoints);
        tables->tiers = std::move(lowered.tiers);
        tables->overlays = std::move(lowered.overlays);
        for (std::size_t i = 0; i < tables->endpoints.size(); ++i)
            for (const net::Address& address : tables->endpoints[i].addresses)
                tables->endpoint_by_address.emplace_back(address, i);
        std::sort(tables->endpoint_by_address.begin(), tables->endpoint_by_address.end());
        return std::shared_ptr<const Ruleset>(new Ruleset(generation, Enforcement::kEnforce, tables));
    }

private:
    static Status add_decisions(Lowered& lowered, Ruleset::Tables& tables) {
        if (lowered.conditions.empty()) return Done{};
        Result<Decided> decided =
            decide(tables.classifier.traces(), lowered.hits, lowered.conditions, lowered.undecided, kMostLeaves);
        if (!decided) return std::move(decided).error();
        Result<inspect::Conditions> conditions = inspect::Conditions::compile(lowered.conditions);
        if (!conditions) return std::move(conditions).error();
        tables.decided = std::move(decided->traces);
        tables.traces = tables.decided;
        tables.reasons = std::move(decided->reasons);
        tables.inspections = std::move(decided->inspections);
        tables.decisions = std::move(decided->decisions);
        tables.conditions.emplace(std::move(*conditions));
        tables.condition_list = std::move(lowered.conditions);
        return Done{};
    }
};

Ruleset::Ruleset(Generation generation, Enforcement enforcement, std::shared_ptr<const Tables> tables)
    : generation_(generation), enforcement_(enforcement), tables_(std::move(tables)), verdicts_(make_verdicts()) {}

std::shared_ptr<const Ruleset> Ruleset::again(Generation generation, Enforcement enforcement) const {
    return std::shared_ptr<const Ruleset>(new Ruleset(generation, enforcement, tables_));
}

std::vector<TraceVerdict> Ruleset::make_verdicts() const {
    std::vector<TraceVerdict> verdicts;
    verdicts.reserve(tables_->traces.size());
    for (std::size_t id = 0; id < tables_->traces.size(); ++id) {
        const classify::Trace& trace = tables_->traces[id];
        TraceVerdict verdict{.enforced = trace.enforced,
                             .pending = trace.pending,
                             .reason = trace.unmatched ? DropReason::kUnmatched : DropReason::kPolicyDeny,
                             .untracked = is_untracked(trace, tables_->hits)};
        if (!tables_->reasons.empty() && tables_->reasons[id] != DropReason::kNone)
            verdict.reason = tables_->reasons[id];
        if (id < tables_->inspections.size()) verdict.inspection = tables_->inspections[id];
        if (enforcement_ == Enforcement::kObserve) {
            verdict.enforced = Verdict::kAllow;
            if (verdict.inspection != Inspection::kNone) verdict.inspection = Inspection::kObserve;
        }
        if (verdict.enforced == Verdict::kAllow) verdict.reason = DropReason::kNone;
        verdicts.push_back(verdict);
    }
    return verdicts;
}

Result<std::shared_ptr<const Ruleset>> Ruleset::build(Generation generation, const policy::Inventory& inventory,
                                                      const Surroundings& surroundings, const classify::Budget& budget,
                                                      const Predecessor& before) {
    return unless_out_of_memory("compile the policies", [&]() -> Result<std::shared_ptr<const Ruleset>> {
        if (Status status = check_surroundings(surroundings); !status) return std::move(status).error();
        Result<Lowered> lowered = Builder::lower(inventory, surroundings);
        if (!lowered) return std::move(lowered).error();
        Result<classify::Classifier> classifier = classify::Classifier::compile(lowered->program, budget, before.cache);
        if (!classifier) return std::move(classifier).error();
        const classify::Program* const program_before =
            before.ruleset == nullptr ? nullptr : &before.ruleset->program();
        if (Status status = self_check(lowered->program, *classifier, program_before, index(generation)); !status)
            return std::move(status).error();
        return Builder::assemble(generation, std::move(*lowered), surroundings, std::move(*classifier));
    });
}

}  // namespace drywall::ruleset

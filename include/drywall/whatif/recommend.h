// Recommend: staged policies (stagedAction: Learn) from flows that were allowed although no explicit rule asked for it:
// the few readable rules over labels, nets and ports that cover what was seen, and no more.
//
// Threads: a pure function of its arguments.
// Exact:   a rule admits no (source, destination, service) of declared endpoints that was not seen, but between
//          endpoints with the same labels: no selector tells these apart, and what is admitted with them is told.
//          Addresses that nobody declared are written as nets of exactly these addresses.
// Checked: the result is compiled beside what is in force; a seen flow that would be denied nevertheless is told.
// Never:   enforces anything. Learn is evaluated in the pending world, and promoted by nobody but a person.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "drywall/base/result.h"
#include "drywall/base/verdict.h"
#include "drywall/policy/resources.h"
#include "drywall/ruleset/ruleset.h"
#include "drywall/whatif/recorded_flows.h"

namespace drywall::whatif {

struct RecommendOptions {
    // Whose policies are asked for: an endpoint ("prod/web-1", "hostendpoint/db"), a label ("app=web"), a namespace.
    // Empty: everyone's.
    std::string scope;
    std::optional<WallTime> since;  // flows that ended before it take no part
    bool denied = false;            // flows that ends of tiers denied are covered as well
};

// What stands behind a rule.
struct Evidence {
    Amount amount;
    std::optional<WallTime> first;
    std::optional<WallTime> last;

    void add(const RecordedFlow& flow);
    void add(const Evidence& other);
};

struct RecommendedPolicy {
    policy::Policy policy;
    std::vector<Evidence> ingress;  // by rule
    std::vector<Evidence> egress;
    std::vector<std::string> endpoints;  // that it selects: ResourceId::text()
    std::vector<std::string> silent;     // of them those that nothing was seen of: their labels are those of others
    // Pairs that were not seen and are admitted with others of the same labels: "prod/web-2 -> prod/db tcp/5432". At
    // most kMostTold; `admitted_unseen_count` says how many there are.
    std::vector<std::string> admitted_unseen;
    std::uint64_t admitted_unseen_count = 0;
};

struct NotCovered {
    RecordedFlow flow;
    std::string why;
};

struct Recommendation {
    std::vector<RecommendedPolicy> policies;  // by namespace and name
    Amount covered;                           // by these policies
    Amount decided;                           // explicit rules decide them already, in one of the worlds
    Amount denied;                            // denied by default now, and left so (RecommendOptions::denied)
    Amount outside;                           // of endpoints that were not asked about, or before `since`
    std::vector<NotCovered> not_covered;      // at most kMostTold of them
    Amount not_covered_amount;
};

inline constexpr std::size_t kMostTold = 50;

// kInvalid or kNotFound: a scope that is nothing, or more than one thing.
// REQUIRES: `ruleset` was built from `inventory`.
[[nodiscard]] Result<Recommendation> recommend(const policy::Inventory& inventory, const ruleset::Ruleset& ruleset,
                                               std::span<const RecordedFlow> flows, const RecommendOptions& options);

// The policies as YAML that `drywall validate` and `drywall apply` take, with their evidence as comments.
[[nodiscard]] std::string yaml_of(const RecommendedPolicy& policy);

}  // namespace drywall::whatif

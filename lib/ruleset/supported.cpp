// What is understood, but can't be enforced as written.
#include <utility>

#include "drywall/ruleset/ruleset.h"

namespace drywall::ruleset {

namespace {

// Complains about conditions on what connections say among the rules of one direction.
void check_rules(const policy::ResourceId& id, const policy::Metadata& metadata, const std::vector<policy::Rule>& rules,
                 Direction direction, std::vector<Complaint>& complaints) {
    for (std::size_t i = 0; i < rules.size(); ++i) {
        const bool domains = !rules[i].destination.domains.empty();
        if (!rules[i].http && !domains) continue;
        complaints.push_back(
            {.place = rules[i].spot.in(metadata.place),
             .message = id.text() + ", " + std::string(name(direction)) + " rule " + std::to_string(i) +
                        (domains ? ": rules with domains" : ": http rules") +
                        " can't stand in a policy with doNotTrack: it follows no connections, so nothing is read of "
                        "them",
             .hint = "move the rule to a policy without doNotTrack, or write what it may allow by addresses and ports",
             .about = {.kind = std::string(policy::document_kind(id.kind)), .ns = id.ns, .name = id.name}});
    }
}

}  // namespace

Status check_supported(const policy::CalicoView& view) {
    std::vector<Complaint> complaints;
    for (const auto& [id, policy] : view.policies) {
        if (!policy->do_not_track) continue;
        if (policy->ingress_type) check_rules(id, policy->metadata, policy->ingress, Direction::kIngress, complaints);
        if (policy->egress_type) check_rules(id, policy->metadata, policy->egress, Direction::kEgress, complaints);
    }
    if (complaints.empty()) return Done{};
    return Error{ErrorKind::kRefused, std::move(complaints)};
}

}  // namespace drywall::ruleset

#include <string>
#include <utility>
#include <vector>

#include "amount_json.h"
#include "drywall/explain/protocols.h"
#include "drywall/loader/resources.h"
#include "drywall/whatif/json.h"

namespace drywall::whatif {

namespace {

std::string text_of(const std::optional<WallTime>& time) { return time ? time_text(*time) : std::string(); }

void add_evidence(Json& rules, Direction direction, const std::vector<Evidence>& evidence) {
    for (std::size_t i = 0; i < evidence.size(); ++i) {
        Json rule{{"direction", name(direction)}, {"index", i}};
        rule.update(amount_json(evidence[i].amount));
        rule["first"] = text_of(evidence[i].first);
        rule["last"] = text_of(evidence[i].last);
        rules.push_back(std::move(rule));
    }
}

Json policy_json(const RecommendedPolicy& recommended) {
    const policy::Policy& policy = recommended.policy;
    const std::string yaml = yaml_of(recommended);
    Json rules = Json::array();
    add_evidence(rules, Direction::kIngress, recommended.ingress);
    add_evidence(rules, Direction::kEgress, recommended.egress);
    return {{"kind", policy::name(policy.kind())},
            {"namespace", policy.metadata.ns},
            {"name", policy.metadata.name},
            {"resource", Json::parse(loader::to_json(policy::Resource(policy)), nullptr, false)},
            {"yaml", yaml},
            {"rules", std::move(rules)},
            {"endpoints", recommended.endpoints},
            {"silent", recommended.silent},
            {"admitted_unseen", recommended.admitted_unseen},
            {"admitted_unseen_count", recommended.admitted_unseen_count}};
}

Json not_covered_json(const NotCovered& left) {
    Json out{{"source_ip", left.flow.source.text()},
             {"dest_ip", left.flow.destination.text()},
             {"protocol", explain::protocol_name(left.flow.protocol)}};
    if (net::is_icmp(left.flow.protocol)) {
        out["icmp_type"] = left.flow.destination_port >> 8U;
        out["icmp_code"] = left.flow.destination_port & 0xffU;
    } else {
        out["dest_port"] = left.flow.destination_port;
    }
    out["num_connections_started"] = left.flow.connections;
    out["why"] = left.why;
    return out;
}

}  // namespace

Json json_of(const Recommendation& recommendation, Generation generation, std::uint64_t lost) {
    Json policies = Json::array();
    for (const RecommendedPolicy& one : recommendation.policies) policies.push_back(policy_json(one));
    Json not_covered = Json::array();
    for (const NotCovered& one : recommendation.not_covered) not_covered.push_back(not_covered_json(one));
    return {{"generation", index(generation)},
            {"policies", std::move(policies)},
            {"covered", amount_json(recommendation.covered)},
            {"decided", amount_json(recommendation.decided)},
            {"denied", amount_json(recommendation.denied)},
            {"outside", amount_json(recommendation.outside)},
            {"not_covered", std::move(not_covered)},
            {"not_covered_amount", amount_json(recommendation.not_covered_amount)},
            {"lost", lost}};
}

}  // namespace drywall::whatif

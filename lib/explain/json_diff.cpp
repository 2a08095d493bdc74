#include <algorithm>
#include <set>

#include "drywall/explain/requests.h"
#include "drywall/explain/semantic_diff.h"

namespace drywall::explain {

namespace {

// A region's prefixes and endpoints that are listed; the rest is counted.
constexpr std::size_t kMostPrefixes = 100;

const ruleset::EndpointInfo* endpoint_at(const net::Prefix& prefix, const Regime& before, const Regime& after) {
    if (prefix.length != prefix.address.bits()) return nullptr;
    if (const auto* found = after.ruleset->endpoint_of(prefix.address)) return found;
    return before.ruleset->endpoint_of(prefix.address);
}

Json region_json(const AddressRegion& region, const Regime& before, const Regime& after) {
    Json endpoints = Json::array();
    Json nets = Json::array();
    Json except = Json::array();
    std::set<policy::ResourceId> named;
    std::size_t left_out = 0;
    for (const net::Prefix& prefix : region.in) {
        if (nets.size() + endpoints.size() >= kMostPrefixes) {
            ++left_out;
        } else if (const auto* endpoint = endpoint_at(prefix, before, after)) {
            if (named.insert(endpoint->id).second) endpoints.push_back(endpoint->id.text());
        } else {
            nets.push_back(prefix.text());
        }
    }
    for (const net::Prefix& prefix : region.except)
        if (except.size() < kMostPrefixes)
            except.push_back(prefix.text());
        else
            ++left_out;
    return {{"endpoints", std::move(endpoints)},
            {"nets", std::move(nets)},
            {"except", std::move(except)},
            {"left_out", left_out}};
}

Json packet_json(const net::Tuple& tuple, const Regime& regime) {
    return {{"text", packet_text(tuple)},
            {"protocol", tuple.protocol},
            {"source_ip", net::Address{tuple.family, tuple.source}.text()},
            {"source_port", tuple.source_port},
            {"dest_ip", net::Address{tuple.family, tuple.destination}.text()},
            {"dest_port", tuple.destination_port},
            {"ingress_port", regime.ruleset->surroundings().port_names[tuple.ingress_port]}};
}

Json shown_json(const ShownDifference& shown) {
    const ShownText asked = shown_text(shown.facts);
    return {{"http", asked.http},           {"sni", asked.sni},
            {"domain", asked.domain},       {"options", asked.options()},
            {"before", name(shown.before)}, {"after", name(shown.after)},
            {"before_by", shown.before_by}, {"after_by", shown.after_by}};
}

Json difference_json(const Difference& difference, const Regime& before, const Regime& after) {
    Json services = Json::array();
    for (const ServiceRegion& service : difference.services) services.push_back(service.text());
    Json ports = Json::array();
    for (const std::uint16_t lane : difference.lanes) ports.push_back(after.ruleset->surroundings().port_names[lane]);
    Json shown = Json::array();
    for (const ShownDifference& one : difference.shown) shown.push_back(shown_json(one));
    return {{"before", name(difference.before)},
            {"after", name(difference.after)},
            {"newly_denied", difference.newly_denied},
            {"newly_allowed", difference.newly_allowed},
            {"before_asks", difference.before_asks},
            {"after_asks", difference.after_asks},
            {"shown", std::move(shown)},
            {"sources", region_json(difference.sources, before, after)},
            {"destinations", region_json(difference.destinations, before, after)},
            {"services", std::move(services)},
            {"ingress_ports", std::move(ports)},
            {"before_by", difference.before_by},
            {"after_by", difference.after_by},
            {"example", packet_json(difference.example, after)}};
}

Json regime_json(const Regime& regime) {
    return {{"generation", index(regime.ruleset->generation())}, {"world", name(regime.world)}};
}

}  // namespace

Json json_of(const SemanticDiff& diff, const Regime& before, const Regime& after) {
    Json differences = Json::array();
    for (const Difference& difference : diff.differences)
        differences.push_back(difference_json(difference, before, after));
    return {{"from", regime_json(before)},       {"to", regime_json(after)},
            {"newly_denied", diff.newly_denied}, {"newly_allowed", diff.newly_allowed},
            {"left_out", diff.left_out},         {"differences", std::move(differences)}};
}

}  // namespace drywall::explain

#include "drywall/explain/validate.h"

#include <algorithm>
#include <map>
#include <string>
#include <tuple>

#include "drywall/explain/site.h"
#include "drywall/explain/warnings.h"
#include "drywall/policy/convert.h"

namespace drywall::explain {

std::string_view name(Severity severity) noexcept { return severity == Severity::kError ? "error" : "warning"; }

namespace {

std::vector<std::vector<policy::Rule>*> rule_lists_of(policy::Resource& resource) {
    if (auto* policy = std::get_if<policy::Policy>(&resource)) return {&policy->ingress, &policy->egress};
    if (auto* profile = std::get_if<policy::Profile>(&resource)) return {&profile->ingress, &profile->egress};
    return {};
}

// Rules that can't be applied yet are no mistakes of whoever wrote them: warnings, and what else there is to say is
// said as if they matched without http and domains.
std::vector<Complaint> set_aside_layer7(std::vector<policy::Resource>& resources) {
    std::vector<policy::Rule*> rules;
    for (policy::Resource& resource : resources)
        for (std::vector<policy::Rule>* list : rule_lists_of(resource))
            for (policy::Rule& rule : *list)
                if (rule.http || !rule.destination.domains.empty()) rules.push_back(&rule);
    if (rules.empty()) return {};
    const policy::Inventory inventory = inventory_of(resources);
    const Status supported = ruleset::check_supported(policy::calico_view(inventory));
    std::vector<Complaint> warnings;
    if (!supported) warnings = supported.error().complaints;
    for (Complaint& warning : warnings) warning.message += "; applying it is refused";
    for (policy::Rule* rule : rules) {
        rule->http.reset();
        rule->destination.domains.clear();
    }
    return warnings;
}

}  // namespace

std::vector<Problem> validate(std::span<const loader::Source> sources, const loader::Settings& settings) {
    std::vector<Problem> problems;
    const auto add = [&](Severity severity, const std::vector<Complaint>& complaints) {
        for (const Complaint& complaint : complaints) problems.push_back({severity, complaint});
    };
    const std::vector<std::string> ports = surroundings_of(settings).port_names;
    Gathered gathered =
        gather_what_is_sound(sources, policy::initial_inventory(), settings.ports_assumed ? nullptr : &ports, false);
    add(Severity::kWarning, gathered.sound.warnings);
    if (gathered.error) {
        add(Severity::kError, gathered.error->complaints);
    } else {
        add(Severity::kWarning, set_aside_foreign_interfaces(gathered.sound.resources, settings));
        add(Severity::kWarning, set_aside_layer7(gathered.sound.resources));
        const Result<Site> site = build_site(std::move(gathered.sound.resources), settings);
        if (site)
            add(Severity::kWarning, warnings(*site->ruleset, policy::calico_view(*site->inventory)));
        else
            add(Severity::kError, site.error().complaints);
    }

    std::map<std::string, std::size_t> place_of;
    for (std::size_t i = 0; i < sources.size(); ++i) place_of.try_emplace(sources[i].name, i);
    const auto key = [&](const Problem& problem) {
        const auto found = place_of.find(problem.complaint.place.file);
        return std::tuple(found == place_of.end() ? sources.size() : found->second, problem.complaint.place.line,
                          problem.complaint.place.column);
    };
    std::stable_sort(problems.begin(), problems.end(),
                     [&](const Problem& a, const Problem& b) { return key(a) < key(b); });
    return problems;
}

}  // namespace drywall::explain

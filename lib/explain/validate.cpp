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

void forget_http(std::vector<policy::Rule>& rules) {
    for (policy::Rule& rule : rules) rule.http.reset();
}

// Rules that can't be applied yet are no mistakes of whoever wrote them: warnings, and what else there is to say is
// said as if they matched without http.
std::vector<Complaint> set_aside_http(std::vector<policy::Resource>& resources) {
    const policy::Inventory inventory = inventory_of(resources);
    const Status supported = ruleset::check_supported(policy::calico_view(inventory));
    if (supported) return {};
    for (policy::Resource& resource : resources) {
        if (auto* policy = std::get_if<policy::Policy>(&resource)) {
            forget_http(policy->ingress);
            forget_http(policy->egress);
        } else if (auto* profile = std::get_if<policy::Profile>(&resource)) {
            forget_http(profile->ingress);
            forget_http(profile->egress);
        }
    }
    std::vector<Complaint> warnings = supported.error().complaints;
    for (Complaint& warning : warnings) warning.message += "; applying it is refused";
    return warnings;
}

}  // namespace

std::vector<Problem> validate(std::span<const loader::Source> sources, const loader::Settings& settings) {
    std::vector<Problem> problems;
    const auto add = [&](Severity severity, const std::vector<Complaint>& complaints) {
        for (const Complaint& complaint : complaints) problems.push_back({severity, complaint});
    };
    const std::vector<std::string> ports = surroundings_of(settings).port_names;
    Result<loader::Loaded> loaded =
        gather(sources, policy::initial_inventory(), settings.ports_assumed ? nullptr : &ports, false);
    if (loaded) {
        add(Severity::kWarning, loaded->warnings);
        add(Severity::kWarning, set_aside_foreign_interfaces(loaded->resources, settings));
        add(Severity::kWarning, set_aside_http(loaded->resources));
        const Result<Site> site = build_site(std::move(loaded->resources), settings);
        if (site)
            add(Severity::kWarning, warnings(*site->ruleset, policy::calico_view(*site->inventory)));
        else
            add(Severity::kError, site.error().complaints);
    } else {
        // Warnings of what can be read, although not all can.
        add(Severity::kError, loaded.error().complaints);
        for (const loader::Source& source : sources)
            add(Severity::kWarning, loader::load_what_is_sound(source).sound.warnings);
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

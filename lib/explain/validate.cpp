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

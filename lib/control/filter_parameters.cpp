#include "filter_parameters.h"

#include <algorithm>
#include <chrono>

namespace drywall::control {

namespace {

constexpr std::string_view kTurnedRound = "not-";

}  // namespace

std::vector<observe::FlowTerm> filter_terms(const explain::Query& query, std::span<const observe::FlowFlag> flags) {
    std::vector<observe::FlowTerm> terms;
    for (const auto& [name, value] : query) {
        const bool negated = name.starts_with(kTurnedRound);
        const std::string flag = negated ? name.substr(kTurnedRound.size()) : name;
        if (std::ranges::find(flags, std::string_view(flag), &observe::FlowFlag::name) == flags.end()) continue;
        terms.push_back({flag, value, negated});
    }
    return terms;
}

FilterParameters::FilterParameters(std::span<const observe::FlowFlag> flags,
                                   std::initializer_list<std::string_view> others) {
    for (const observe::FlowFlag& flag : flags) negated_.push_back(std::string(kTurnedRound) + std::string(flag.name));
    for (const observe::FlowFlag& flag : flags) names_.push_back(flag.name);
    names_.insert(names_.end(), negated_.begin(), negated_.end());
    names_.insert(names_.end(), others.begin(), others.end());
}

Result<std::optional<observe::WallTime>> moment_parameter(const explain::Query& query, const std::string& name) {
    const auto found = query.find(name);
    if (found == query.end()) return std::optional<observe::WallTime>();
    const Result<observe::WallTime> when = observe::moment(found->second, std::chrono::system_clock::now());
    if (!when) return when.error();
    return std::optional(*when);
}

std::string server_event(std::string_view name, const Json& data, std::optional<std::uint64_t> id) {
    std::string text = "event: " + std::string(name) + '\n';
    if (id) text += "id: " + std::to_string(*id) + '\n';
    return text + "data: " + write(data) + '\n';
}

}  // namespace drywall::control

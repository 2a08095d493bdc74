#include <array>
#include <charconv>
#include <utility>
#include <vector>

#include "json.h"

namespace drywall::control {

namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> out;
    for (std::size_t at = text.find(separator); at != std::string_view::npos; at = text.find(separator)) {
        out.push_back(text.substr(0, at));
        text.remove_prefix(at + 1);
    }
    out.push_back(text);
    return out;
}

int number(std::string_view text) {
    int value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

// Goldmane's PolicyKind names for Calico's short kinds; the last three are Drywall's own.
std::string kind_name(std::string_view kind) {
    constexpr auto kKinds = std::to_array<std::pair<std::string_view, std::string_view>>({
        {"gnp", "GlobalNetworkPolicy"},
        {"sgnp", "StagedGlobalNetworkPolicy"},
        {"pro", "Profile"},
        {"eot", "EndOfTier"},
        {"hep", "HostEndpoint"},
        {"cfg", "Configuration"},
    });
    for (const auto& [known, full] : kKinds)
        if (known == kind) return std::string(full);
    return std::string(kind);
}

Json policy_json(std::string_view subject, std::string_view tier) {
    const std::size_t colon = subject.find(':');
    const std::string_view kind = colon == std::string_view::npos ? subject : subject.substr(0, colon);
    std::string_view name = colon == std::string_view::npos ? std::string_view{} : subject.substr(colon + 1);
    std::string_view ns;
    if (const std::size_t slash = name.find('/'); slash != std::string_view::npos) {
        ns = name.substr(0, slash);
        name.remove_prefix(slash + 1);
    }
    // Names in double underscores are marks ("__PROFILE__"), not tiers.
    return {{"kind", kind_name(kind)}, {"name", name}, {"namespace", ns}, {"tier", tier.starts_with("__") ? "" : tier}};
}

}  // namespace

Json json_of_hit(const std::string& text) {
    const std::vector<std::string_view> fields = split(text, '|');
    if (fields.size() != 5) return {{"text", text}};
    Json policy = policy_json(fields[2], fields[1]);
    Json hit;
    if (number(fields[4]) == -1 && !fields[1].starts_with("__")) {
        hit = {{"kind", "EndOfTier"}, {"name", ""}, {"namespace", ""}, {"tier", policy["tier"]}};
        hit["trigger"] = std::move(policy);
    } else {
        hit = std::move(policy);
        hit["trigger"] = nullptr;
    }
    hit["action"] = fields[3];
    hit["policy_index"] = number(fields[0]);
    hit["rule_index"] = number(fields[4]);
    hit["text"] = text;
    return hit;
}

}  // namespace drywall::control

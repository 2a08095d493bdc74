#include "drywall/policy/resources.h"

#include <algorithm>
#include <array>

namespace drywall::policy {
namespace {

struct KindText {
    Kind kind;
    std::string_view name;
    std::string_view plural;
    std::string_view short_name;  // calicoctl's and kubectl's; ours where they have none
    bool namespaced;
};

constexpr std::array kKinds{
    KindText{Kind::kTier, "Tier", "Tiers", "tier", false},
    KindText{Kind::kGlobalNetworkPolicy, "GlobalNetworkPolicy", "GlobalNetworkPolicies", "gnp", false},
    KindText{Kind::kStagedGlobalNetworkPolicy, "StagedGlobalNetworkPolicy", "StagedGlobalNetworkPolicies", "sgnp",
             false},
    KindText{Kind::kGlobalNetworkSet, "GlobalNetworkSet", "GlobalNetworkSets", "gns", false},
    KindText{Kind::kHostEndpoint, "HostEndpoint", "HostEndpoints", "hep", false},
    KindText{Kind::kWorkloadEndpoint, "WorkloadEndpoint", "WorkloadEndpoints", "wep", true},
};

const KindText& text_of(Kind kind) noexcept {
    const auto* found = std::find_if(kKinds.begin(), kKinds.end(), [&](const KindText& k) { return k.kind == kind; });
    return found == kKinds.end() ? kKinds.front() : *found;
}

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), [](char c) { return lower(c); });
    return out;
}

bool same_letters(std::string_view a, std::string_view b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

Kind kind_of(const Resource& resource) noexcept {
    struct {
        Kind operator()(const Tier&) const { return Kind::kTier; }
        Kind operator()(const Policy& policy) const {
            return policy.staged() ? Kind::kStagedGlobalNetworkPolicy : Kind::kGlobalNetworkPolicy;
        }
        Kind operator()(const GlobalNetworkSet&) const { return Kind::kGlobalNetworkSet; }
        Kind operator()(const HostEndpoint&) const { return Kind::kHostEndpoint; }
        Kind operator()(const WorkloadEndpoint&) const { return Kind::kWorkloadEndpoint; }
    } visitor;
    return std::visit(visitor, resource);
}

}  // namespace

std::string_view name(Kind kind) noexcept { return text_of(kind).name; }
std::string_view short_name(Kind kind) noexcept { return text_of(kind).short_name; }
bool is_namespaced(Kind kind) noexcept { return text_of(kind).namespaced; }

std::optional<Kind> kind_by_name(std::string_view text) noexcept {
    for (const KindText& kind : kKinds)
        for (const std::string_view known : {kind.name, kind.plural, kind.short_name})
            if (same_letters(known, text)) return kind.kind;
    return std::nullopt;
}

const std::vector<Kind>& all_kinds() noexcept {
    static const std::vector<Kind> kinds = [] {
        std::vector<Kind> out;
        for (const KindText& kind : kKinds) out.push_back(kind.kind);
        return out;
    }();
    return kinds;
}

std::string ResourceId::text() const {
    std::string out = lower(policy::name(kind)) + '/';
    if (!ns.empty()) out += ns + '/';
    return out + name;
}

const Metadata& metadata_of(const Resource& resource) {
    return std::visit([](const auto& r) -> const Metadata& { return r.metadata; }, resource);
}

ResourceId id_of(const Resource& resource) {
    const Metadata& metadata = metadata_of(resource);
    const Kind kind = kind_of(resource);
    return {kind, is_namespaced(kind) ? metadata.ns : std::string(), metadata.name};
}

Inventory initial_inventory() {
    Tier tier;
    tier.metadata.name = kDefaultTier;
    auto resource = std::make_shared<const Resource>(std::move(tier));
    Inventory inventory;
    inventory.emplace(id_of(*resource), resource);
    return inventory;
}

Policy promoted(const Policy& staged) {
    Policy enforced = staged;
    enforced.staged_action.reset();
    return enforced;
}

Labels effective_labels(const WorkloadEndpoint& endpoint) {
    Labels labels;
    // pcns. and pcsa. labels come from namespaces and service accounts only: written by hand, they would forge them.
    for (const auto& [key, value] : endpoint.metadata.labels)
        if (!key.starts_with("pcns.") && !key.starts_with("pcsa.")) labels.emplace(key, value);
    labels["projectcalico.org/namespace"] = endpoint.metadata.ns;
    if (endpoint.orchestrator.empty()) {
        labels.erase("projectcalico.org/orchestrator");
    } else {
        labels["projectcalico.org/orchestrator"] = endpoint.orchestrator;
    }
    return labels;
}

}  // namespace drywall::policy

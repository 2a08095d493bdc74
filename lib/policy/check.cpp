// The checks that need more than one resource.
#include <algorithm>
#include <array>

#include "drywall/base/nearest.h"
#include "drywall/policy/convert.h"
#include "drywall/policy/resources.h"

namespace drywall::policy {
namespace {

constexpr std::size_t kMaxComplaints = 1000;

// Calico's tiers that always exist there: they keep their order and default action.
struct FixedTier {
    std::string_view name;
    double order;
    Action default_action;
};
constexpr std::array kFixedTiers{
    FixedTier{kDefaultTier, kDefaultTierOrder, Action::kDeny},
    FixedTier{kAdminTier, 1'000, Action::kPass},
    FixedTier{kBaselineTier, 10'000'000, Action::kPass},
};

constexpr std::string_view kEveryInterface = "*";

std::string calico_name(Action action) { return action == Action::kPass ? "Pass" : "Deny"; }

class Checker {
public:
    Checker(const Inventory& inventory, const std::vector<std::string>* own_ports)
        : inventory_(inventory), own_ports_(own_ports) {}

    Status run() {
        for (const FixedTier& fixed : kFixedTiers) {
            if (inventory_.contains({Kind::kTier, {}, std::string(fixed.name)})) continue;
            complain({Kind::kTier, {}, std::string(fixed.name)}, {},
                     "tier '" + std::string(fixed.name) + "' is missing", "it always exists and can't be deleted");
        }
        for (const auto& [id, resource] : inventory_) {
            std::visit([this, &id = id](const auto& r) { check(id, r); }, *resource);
        }
        if (complaints_.empty()) return Done{};
        if (not_kept_ > 0) {
            complaints_.push_back(
                {{}, "and " + std::to_string(not_kept_) + " more problems that are not listed", {}, {}});
        }
        return Error{ErrorKind::kInvalid, std::move(complaints_)};
    }

private:
    void complain(const ResourceId& id, const Place& place, std::string message, std::string hint = {}) {
        if (complaints_.size() >= kMaxComplaints) {
            ++not_kept_;
            return;
        }
        complaints_.push_back(
            {place, std::move(message), std::move(hint), {std::string(document_kind(id.kind)), id.ns, id.name}});
    }

    void check(const ResourceId& id, const Tier& tier) {
        for (const FixedTier& fixed : kFixedTiers) {
            if (fixed.name != id.name) continue;
            if (tier.order == fixed.order && tier.default_action == fixed.default_action) continue;
            complain(id, tier.metadata.place, "tier '" + id.name + "' can't be changed",
                     "its order is " + std::to_string(static_cast<long>(fixed.order)) + " and its defaultAction is " +
                         calico_name(fixed.default_action));
        }
    }

    void check(const ResourceId& id, const Policy& policy) {
        check_tier(id, policy.metadata, policy.tier, policy.tier_spot);
    }

    void check(const ResourceId& id, const AdminPolicy& policy) {
        check_tier(id, policy.metadata, std::string(tier_of(policy)), {});
    }

    void check_tier(const ResourceId& id, const Metadata& metadata, const std::string& tier, Spot spot) {
        if (inventory_.contains({Kind::kTier, {}, tier})) return;
        const std::string meant = did_you_mean(tier, tiers());
        complain(id, spot.in(metadata.place), id.text() + ": tier '" + tier + "' is not defined",
                 (meant.empty() ? "" : meant + " ") + "defined tiers are " + tier_names());
    }

    template <typename Other>
    void check(const ResourceId&, const Other&) {}

    void check(const ResourceId& id, const HostEndpoint& endpoint) {
        claim(id, endpoint.metadata, endpoint.expected_ips);
        check_port(id, endpoint);
    }

    void check(const ResourceId& id, const WorkloadEndpoint& endpoint) {
        claim(id, endpoint.metadata, endpoint.ip_networks);
    }

    // A pod that is over, or on its host's network, has no address of its own.
    void check(const ResourceId& id, const Pod& pod) {
        if (is_endpoint(pod)) claim(id, pod.metadata, pod.addresses);
    }

    // Calico's own: a dump may hold it, and it says the same there.
    void check(const ResourceId& id, const Profile& profile) {
        if (id.name != kDefaultAllowProfile) return;
        const auto allows = [](const std::vector<Rule>& rules) {
            Rule allow;
            allow.action = Action::kAllow;
            return rules == std::vector{allow};
        };
        if (allows(profile.ingress) && allows(profile.egress) && profile.labels_to_apply.empty()) return;
        complain(id, profile.metadata.place, "profile '" + id.name + "' can't be changed",
                 "it allows both ways and applies no labels; give your own profile another name");
    }

    // One address, one endpoint: two would give one packet two policies and two verdicts. Of HostEndpoints that claim
    // the same address, or the same port, the one with the lowest name governs, as in Calico.
    void claim(const ResourceId& id, const Metadata& metadata, const std::vector<net::Address>& addresses) {
        for (const net::Address& address : addresses) {
            const auto [owner, fresh] = owners_.try_emplace(address, &id);
            if (fresh || owner->second == &id) continue;
            if (owner->second->kind == Kind::kHostEndpoint && id.kind == Kind::kHostEndpoint) continue;
            complain(id, metadata.place,
                     "address " + address.text() + " belongs to both " + owner->second->text() + " and " + id.text(),
                     "give each endpoint its own");
        }
    }

    void check_port(const ResourceId& id, const HostEndpoint& endpoint) {
        if (own_ports_ == nullptr || endpoint.interface_name.empty()) return;
        if (endpoint.interface_name == kEveryInterface) return;
        const bool own =
            std::find(own_ports_->begin(), own_ports_->end(), endpoint.interface_name) != own_ports_->end();
        if (!own) return check_foreign_interface(id, endpoint);
        if (!endpoint.expected_ips.empty()) {
            complain(id, endpoint.metadata.place,
                     id.text() + ": '" + endpoint.interface_name + "' is a port of this appliance and has no addresses",
                     "remove expectedIPs, or declare the host that owns them as an endpoint of its own");
        }
    }

    // An interface elsewhere is fine beside addresses: they say what to protect. Alone it protects nothing.
    void check_foreign_interface(const ResourceId& id, const HostEndpoint& endpoint) {
        if (!endpoint.expected_ips.empty()) return;
        std::string ports;
        for (const std::string& port : *own_ports_) ports += (ports.empty() ? "" : ", ") + port;
        complain(id, endpoint.metadata.place,
                 id.text() + ": interface '" + endpoint.interface_name + "' is not a port of this appliance",
                 "add expectedIPs, or name one of its ports: " + ports);
    }

    [[nodiscard]] std::vector<std::string_view> tiers() const {
        std::vector<std::string_view> names;
        for (const auto& [id, resource] : inventory_)
            if (id.kind == Kind::kTier) names.push_back(id.name);
        return names;
    }

    [[nodiscard]] std::string tier_names() const {
        std::string names;
        for (const std::string_view name : tiers()) names.append(names.empty() ? "" : ", ").append(name);
        return names;
    }

    const Inventory& inventory_;
    const std::vector<std::string>* own_ports_;
    std::map<net::Address, const ResourceId*> owners_;
    std::vector<Complaint> complaints_;
    std::size_t not_kept_ = 0;
};

}  // namespace

Status check(const Inventory& inventory) { return Checker(inventory, nullptr).run(); }

Status check(const Inventory& inventory, const std::vector<std::string>& own_ports) {
    return Checker(inventory, &own_ports).run();
}

}  // namespace drywall::policy

#include "kin.h"

#include <utility>

namespace drywall::whatif {

namespace {

// What Calico puts on endpoints beside their own labels is no part of what people call them, but for the namespace and
// the service account.
bool is_written_by_people(std::string_view key) {
    return !key.starts_with("pcns.") && !key.starts_with("pcsa.") && key != "projectcalico.org/orchestrator";
}

}  // namespace

Kinship::Kinship(const policy::CalicoView& view) {
    for (const auto& [id, workload] : view.workloads) add(id, view.labels_of(*workload), workload->ip_networks, false);
    for (const auto& [id, host] : view.hosts)
        if (!host->expected_ips.empty()) add(id, view.labels_of(*host), host->expected_ips, false);
    for (const auto& [id, set] : view.sets) add(id, view.labels_of(*set), {}, true);
}

void Kinship::add(policy::ResourceId id, policy::Labels labels, std::vector<net::Address> addresses, bool is_set) {
    std::erase_if(labels, [](const auto& label) { return !is_written_by_people(label.first); });
    const auto [known, fresh] = by_labels_.try_emplace(labels, static_cast<KinId>(kin_.size()));
    if (fresh) {
        const auto ns = labels.find(kNamespaceLabel);
        kin_.push_back({labels, ns == labels.end() ? std::string() : ns->second, {}, false, false});
    }
    Kin& kin = kin_[known->second];
    (is_set ? kin.has_set : kin.has_endpoint) = true;
    kin.parties.push_back(parties_.size());
    for (const net::Address& address : addresses) by_address_.emplace(address, parties_.size());
    parties_.push_back({std::move(id), std::move(addresses), known->second});
}

std::optional<std::size_t> Kinship::party_of(const net::Address& address) const {
    const auto found = by_address_.find(address);
    if (found == by_address_.end()) return std::nullopt;
    return found->second;
}

}  // namespace drywall::whatif

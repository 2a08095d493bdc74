// An inventory in Calico's terms alone.
#include <algorithm>
#include <set>
#include <type_traits>
#include <utility>

#include "conversion.h"
#include "drywall/policy/convert.h"

namespace drywall::policy {
namespace {

using View = CalicoView;

class Viewer {
public:
    explicit Viewer(const Inventory& inventory) : inventory_(inventory) {}

    View run() {
        for (const auto& [id, resource] : inventory_)
            std::visit([this, &id = id](const auto& r) { add(id, r); }, *resource);
        add_implied();
        for (auto& [name, backends] : view_.services) {
            std::sort(backends.begin(), backends.end());
            backends.erase(std::unique(backends.begin(), backends.end()), backends.end());
        }
        return std::move(view_);
    }

private:
    template <typename T>
    const T* own(T value) {
        view_.owned.push_back(std::make_shared<const Resource>(std::move(value)));
        return std::get_if<T>(view_.owned.back().get());
    }

    void add(const ResourceId& id, const Policy& policy) { view_.policies.push_back({id, &policy}); }
    void add(const ResourceId& id, const KubernetesNetworkPolicy& policy) {
        view_.policies.push_back({id, own(converted(policy))});
    }
    void add(const ResourceId& id, const AdminPolicy& policy) {
        view_.policies.push_back({id, own(converted(policy))});
    }

    void add(const ResourceId& id, const Tier& tier) { view_.tiers.push_back({id, &tier}); }
    void add(const ResourceId& id, const NetworkSet& set) { view_.sets.push_back({id, &set}); }
    void add(const ResourceId& id, const HostEndpoint& host) { view_.hosts.push_back({id, &host}); }
    void add(const ResourceId& id, const FelixConfiguration& felix) { view_.felix.push_back({id, &felix}); }

    void add(const ResourceId& id, const WorkloadEndpoint& endpoint) { view_.workloads.push_back({id, &endpoint}); }
    // A cluster has no pod without its namespace and service account, so they are there even when no one gave them. A
    // WorkloadEndpoint may be anyone's: a profile that it names and nobody declared does not exist, and denies.
    void add(const ResourceId& id, const Pod& pod) {
        auto endpoint = converted(pod);
        if (!endpoint) return;
        namespaces_.insert(id.ns);
        accounts_.emplace(id.ns, endpoint->service_account);
        view_.workloads.push_back({id, own(std::move(*endpoint))});
    }

    // What is declared wins over what was converted, whichever comes first.
    void add(const ResourceId& id, const Profile& profile) { view_.profiles[id.name] = &profile; }
    void add(const ResourceId&, const Namespace& ns) { add_converted(converted(ns)); }
    void add(const ResourceId&, const ServiceAccount& account) { add_converted(converted(account)); }
    void add_converted(Profile profile) {
        if (view_.profiles.contains(profile.metadata.name)) return;
        const Profile* kept = own(std::move(profile));
        view_.profiles.emplace(kept->metadata.name, kept);
    }

    void add(const ResourceId& id, const EndpointSlice& slice) {
        const auto service = slice.metadata.labels.find(conversion::kServiceNameLabel);
        if (service == slice.metadata.labels.end() || service->second.empty()) return;
        std::vector<View::Backend>& backends = view_.services[{id.ns, service->second}];
        for (const net::Address& address : slice.addresses) {
            if (slice.ports.empty()) backends.push_back({address, 0, 0});
            for (const NamedPort& port : slice.ports) backends.push_back({address, port.protocol, port.port});
        }
    }
    void add(const ResourceId& id, const Service&) { view_.services.try_emplace({id.ns, id.name}); }
    void add(const ResourceId&, const Node&) {}

    void add_implied() {
        for (const std::string& name : namespaces_) {
            Namespace ns;
            ns.metadata.name = name;
            add_converted(converted(ns));
        }
        for (const auto& [ns, name] : accounts_) {
            ServiceAccount account;
            account.metadata.ns = ns;
            account.metadata.name = name;
            add_converted(converted(account));
        }
        Profile open;
        open.metadata.name = kDefaultAllowProfile;
        open.ingress.emplace_back().action = Action::kAllow;
        open.egress.emplace_back().action = Action::kAllow;
        add_converted(std::move(open));
    }

    const Inventory& inventory_;
    View view_;
    std::set<std::string> namespaces_;
    std::set<std::pair<std::string, std::string>> accounts_;
};

void inherit(const std::map<std::string, const Profile*>& profiles, const std::string& name, Labels& labels) {
    const auto profile = profiles.find(name);
    if (profile == profiles.end()) return;
    for (const auto& [key, value] : profile->second->labels_to_apply) labels.emplace(key, value);
}

}  // namespace

Labels CalicoView::labels_of(const WorkloadEndpoint& endpoint) const {
    Labels labels = effective_labels(endpoint);
    for (const std::string& profile : endpoint.profiles) inherit(profiles, profile, labels);
    return labels;
}

Labels CalicoView::labels_of(const HostEndpoint& endpoint) const {
    Labels labels = endpoint.metadata.labels;
    for (const std::string& profile : endpoint.profiles) inherit(profiles, profile, labels);
    return labels;
}

Labels CalicoView::labels_of(const NetworkSet& set) const {
    Labels labels = set.metadata.labels;
    if (set.global) return labels;
    labels[std::string(conversion::kNamespaceLabel)] = set.metadata.ns;
    inherit(profiles, conversion::namespace_profile(set.metadata.ns), labels);
    return labels;
}

CalicoView calico_view(const Inventory& inventory) { return Viewer(inventory).run(); }

}  // namespace drywall::policy

#include "shrink.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

namespace drywall::test {
namespace {

// The ways to make one value a little simpler. Each is tried on a copy of the whole it is part of.
template <typename Whole>
class Ways {
public:
    explicit Ways(const Whole& whole) : whole_(whole) {}

    // Applies `edit` to a copy, and keeps the copy.
    template <typename Edit>
    void with(const Edit& edit) {
        Whole copy = whole_;
        edit(copy);
        found_.push_back(std::move(copy));
    }
    [[nodiscard]] const Whole& whole() const { return whole_; }
    [[nodiscard]] std::vector<Whole> found() && { return std::move(found_); }

private:
    const Whole& whole_;
    std::vector<Whole> found_;
};

// `part` names the member in a copy: [](auto& w) -> auto& { return w.labels; }
template <typename Whole, typename Part>
void without_elements(Ways<Whole>& ways, const Part& part) {
    for (std::size_t i = 0; i < part(ways.whole()).size(); ++i)
        ways.with(
            [&](Whole& copy) { part(copy).erase(std::next(part(copy).begin(), static_cast<std::ptrdiff_t>(i))); });
}

template <typename Whole, typename Part>
void without(Ways<Whole>& ways, const Part& part) {
    using Value = std::remove_cvref_t<decltype(part(ways.whole()))>;
    if (!(part(ways.whole()) == Value{})) ways.with([&](Whole& copy) { part(copy) = Value{}; });
}

template <typename Whole, typename Side>
void simpler_side(Ways<Whole>& ways, const Side& side) {
    const auto elements = [&](auto member) {
        without_elements(
            ways, [&](auto& whole) -> auto& { return side(whole).*member; });
    };
    const auto value = [&](auto member) {
        without(
            ways, [&](auto& whole) -> auto& { return side(whole).*member; });
    };
    using E = policy::EntityRule;
    elements(&E::nets), elements(&E::not_nets);
    elements(&E::ports), elements(&E::named_ports), elements(&E::not_ports), elements(&E::not_named_ports);
    value(&E::selector), value(&E::not_selector), value(&E::namespace_selector);
    value(&E::service_accounts), value(&E::services);
}

template <typename Whole, typename Rules>
void simpler_rules(Ways<Whole>& ways, const Rules& rules) {
    without_elements(ways, rules);
    for (std::size_t i = 0; i < rules(ways.whole()).size(); ++i) {
        const auto value = [&](auto member) {
            without(
                ways, [&](auto& whole) -> auto& { return rules(whole)[i].*member; });
        };
        using R = policy::Rule;
        value(&R::ip_version), value(&R::not_protocol), value(&R::icmp), value(&R::not_icmp), value(&R::annotations);
        const policy::Rule& rule = rules(ways.whole())[i];
        const bool numbers = !rule.source.ports.empty() || !rule.source.not_ports.empty() ||
                             !rule.destination.ports.empty() || !rule.destination.not_ports.empty();
        if (!numbers && !rule.icmp) value(&R::protocol);
        simpler_side(
            ways, [&](auto& whole) -> auto& { return rules(whole)[i].source; });
        simpler_side(
            ways, [&](auto& whole) -> auto& { return rules(whole)[i].destination; });
    }
}

template <typename T>
struct Parts {
    static void simpler(Ways<T>&) {}
};

template <>
struct Parts<policy::Policy> {
    static void simpler(Ways<policy::Policy>& ways) {
        simpler_rules(
            ways, [](auto& policy) -> auto& { return policy.ingress; });
        simpler_rules(
            ways, [](auto& policy) -> auto& { return policy.egress; });
        without(
            ways, [](auto& policy) -> auto& { return policy.selector; });
        without(
            ways, [](auto& policy) -> auto& { return policy.namespace_selector; });
        without(
            ways, [](auto& policy) -> auto& { return policy.service_account_selector; });
        without(
            ways, [](auto& policy) -> auto& { return policy.order; });
        without(
            ways, [](auto& policy) -> auto& { return policy.do_not_track; });
        without(
            ways, [](auto& policy) -> auto& { return policy.pre_dnat; });
        if (!ways.whole().do_not_track && !ways.whole().pre_dnat)
            without(
                ways, [](auto& policy) -> auto& { return policy.apply_on_forward; });
        if (ways.whole().ingress_type && ways.whole().egress_type) {
            without(
                ways, [](auto& policy) -> auto& { return policy.ingress_type; });
            without(
                ways, [](auto& policy) -> auto& { return policy.egress_type; });
        }
    }
};

template <typename Endpoint>
void simpler_endpoint(Ways<Endpoint>& ways) {
    without_elements(
        ways, [](auto& endpoint) -> auto& { return endpoint.metadata.labels; });
    without_elements(
        ways, [](auto& endpoint) -> auto& { return endpoint.ports; });
}

template <>
struct Parts<policy::WorkloadEndpoint> {
    static void simpler(Ways<policy::WorkloadEndpoint>& ways) {
        simpler_endpoint(ways);
        without_elements(
            ways, [](auto& endpoint) -> auto& { return endpoint.profiles; });
        without(
            ways, [](auto& endpoint) -> auto& { return endpoint.service_account; });
        if (ways.whole().ip_networks.size() > 1)
            without_elements(
                ways, [](auto& endpoint) -> auto& { return endpoint.ip_networks; });
    }
};

template <>
struct Parts<policy::HostEndpoint> {
    static void simpler(Ways<policy::HostEndpoint>& ways) {
        simpler_endpoint(ways);
        without_elements(
            ways, [](auto& endpoint) -> auto& { return endpoint.profiles; });
        if (ways.whole().expected_ips.size() > 1)
            without_elements(
                ways, [](auto& endpoint) -> auto& { return endpoint.expected_ips; });
    }
};

template <>
struct Parts<policy::Pod> {
    static void simpler(Ways<policy::Pod>& ways) {
        simpler_endpoint(ways);
        without_elements(
            ways, [](auto& pod) -> auto& { return pod.addresses; });
    }
};

template <>
struct Parts<policy::NetworkSet> {
    static void simpler(Ways<policy::NetworkSet>& ways) {
        without_elements(
            ways, [](auto& set) -> auto& { return set.nets; });
        without_elements(
            ways, [](auto& set) -> auto& { return set.metadata.labels; });
    }
};

template <>
struct Parts<policy::Profile> {
    static void simpler(Ways<policy::Profile>& ways) {
        simpler_rules(
            ways, [](auto& profile) -> auto& { return profile.ingress; });
        simpler_rules(
            ways, [](auto& profile) -> auto& { return profile.egress; });
        without_elements(
            ways, [](auto& profile) -> auto& { return profile.labels_to_apply; });
    }
};

template <>
struct Parts<policy::FelixConfiguration> {
    static void simpler(Ways<policy::FelixConfiguration>& ways) {
        without(
            ways, [](auto& felix) -> auto& { return felix.failsafe_inbound; });
        without(
            ways, [](auto& felix) -> auto& { return felix.failsafe_outbound; });
    }
};

template <typename Whole, typename Rules>
void simpler_peers(Ways<Whole>& ways, const Rules& rules, bool may_be_empty) {
    without_elements(ways, rules);
    for (std::size_t i = 0; i < rules(ways.whole()).size(); ++i) {
        without_elements(
            ways, [&](auto& whole) -> auto& { return rules(whole)[i].ports; });
        if (may_be_empty || rules(ways.whole())[i].peers.size() > 1)
            without_elements(
                ways, [&](auto& whole) -> auto& { return rules(whole)[i].peers; });
    }
}

template <>
struct Parts<policy::KubernetesNetworkPolicy> {
    static void simpler(Ways<policy::KubernetesNetworkPolicy>& ways) {
        simpler_peers(
            ways, [](auto& policy) -> auto& { return policy.ingress; }, true);
        simpler_peers(
            ways, [](auto& policy) -> auto& { return policy.egress; }, true);
        without(
            ways, [](auto& policy) -> auto& { return policy.pod_selector; });
    }
};

template <>
struct Parts<policy::AdminPolicy> {
    static void simpler(Ways<policy::AdminPolicy>& ways) {
        simpler_peers(
            ways, [](auto& policy) -> auto& { return policy.ingress; }, false);
        simpler_peers(
            ways, [](auto& policy) -> auto& { return policy.egress; }, false);
        without(
            ways, [](auto& policy) -> auto& { return policy.subject_namespaces; });
        without(
            ways, [](auto& policy) -> auto& { return policy.subject_pods; });
    }
};

template <>
struct Parts<policy::EndpointSlice> {
    static void simpler(Ways<policy::EndpointSlice>& ways) {
        without_elements(
            ways, [](auto& slice) -> auto& { return slice.addresses; });
        without_elements(
            ways, [](auto& slice) -> auto& { return slice.ports; });
    }
};

std::vector<policy::Resource> simpler(const policy::Resource& resource) {
    return std::visit(
        []<typename T>(const T& value) {
            Ways<T> ways(value);
            Parts<T>::simpler(ways);
            std::vector<policy::Resource> found;
            for (T& way : std::move(ways).found()) found.emplace_back(std::move(way));
            return found;
        },
        resource);
}

std::vector<Scene> simpler(const Scene& scene, const policy::ResourceId& id) {
    std::vector<Scene> scenes;
    const auto resource = scene.inventory.at(id);
    Scene bare = scene;
    bare.inventory.erase(id);
    scenes.push_back(bare);
    for (policy::Resource& way : simpler(*resource)) {
        scenes.push_back(scene);
        scenes.back().add(std::move(way));
    }
    return scenes;
}

std::vector<Scene> simpler_surroundings(const Scene& scene) {
    Ways<Scene> ways(scene);
    without_elements(
        ways, [](auto& whole) -> auto& { return whole.surroundings.failsafe; });
    without(
        ways, [](auto& whole) -> auto& { return whole.surroundings.pending_as_calico; });
    return std::move(ways).found();
}

// The first of the simpler scenes that still fails takes the place of `scene`.
bool step(Scene& scene, const std::vector<Scene>& simpler, const std::function<bool(const Scene&)>& fails) {
    for (const Scene& candidate : simpler) {
        if (!fails(candidate)) continue;
        scene = candidate;
        return true;
    }
    return false;
}

}  // namespace

Scene shrink(Scene scene, const std::function<bool(const Scene&)>& fails) {
    for (bool progress = true; progress;) {
        progress = step(scene, simpler_surroundings(scene), fails);
        std::vector<policy::ResourceId> ids;
        for (const auto& [id, resource] : scene.inventory) ids.push_back(id);
        for (const policy::ResourceId& id : ids)
            while (scene.inventory.contains(id) && step(scene, simpler(scene, id), fails)) progress = true;
    }
    return scene;
}

}  // namespace drywall::test

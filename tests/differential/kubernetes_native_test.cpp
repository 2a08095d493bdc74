// Kubernetes' NetworkPolicy twice: by its own definition, and converted to Calico's terms and judged by the reference.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "drywall/reference/evaluator.h"
#include "random_scene.h"

namespace drywall::test {
namespace {

using policy::Kind;
using policy::KubernetesNetworkPolicy;
using policy::KubernetesPeer;
using policy::KubernetesPort;
using policy::KubernetesRule;
using policy::LabelSelector;
using policy::Pod;

// Pods, namespaces and NetworkPolicies of a scene, and nothing else.
Scene only_kubernetes(Scene scene) {
    std::erase_if(scene.inventory, [](const auto& entry) {
        const Kind kind = entry.first.kind;
        return kind != Kind::kTier && kind != Kind::kNamespace && kind != Kind::kPod &&
               kind != Kind::kKubernetesNetworkPolicy;
    });
    scene.surroundings.failsafe.clear();
    return scene;
}

template <typename Labels>
bool selects(const LabelSelector& selector, const Labels& labels) {
    using Operator = policy::LabelRequirement::Operator;
    for (const auto& [key, value] : selector.match_labels) {
        const auto found = labels.find(key);
        if (found == labels.end() || found->second != value) return false;
    }
    for (const policy::LabelRequirement& wanted : selector.match_expressions) {
        const auto found = labels.find(wanted.key);
        const bool has = found != labels.end();
        const bool in =
            has && std::find(wanted.values.begin(), wanted.values.end(), found->second) != wanted.values.end();
        switch (wanted.op) {
            case Operator::kIn:
                if (!in) return false;
                break;
            case Operator::kNotIn:
                if (in) return false;
                break;
            case Operator::kExists:
                if (!has) return false;
                break;
            case Operator::kDoesNotExist:
                if (has) return false;
                break;
        }
    }
    return true;
}

// A cluster as Kubernetes' own documents describe it.
class Native {
public:
    explicit Native(const Scene& scene) {
        for (const auto& [id, resource] : scene.inventory) {
            if (const auto* pod = std::get_if<Pod>(resource.get())) pods_.push_back(pod);
            if (const auto* policy = std::get_if<KubernetesNetworkPolicy>(resource.get())) policies_.push_back(policy);
            if (const auto* ns = std::get_if<policy::Namespace>(resource.get()))
                namespaces_[id.name] = ns->metadata.labels;
        }
    }

    [[nodiscard]] const Pod* at(const net::Address& address) const {
        for (const Pod* pod : pods_)
            if (!pod->host_network && !pod->finished &&
                std::find(pod->addresses.begin(), pod->addresses.end(), address) != pod->addresses.end())
                return pod;
        return nullptr;
    }

    // A pod that no policy selects is open; one that some select takes what any of their rules allows.
    [[nodiscard]] bool allows(const Pod& pod, Direction direction, const net::Tuple& packet) const {
        bool isolated = false;
        for (const KubernetesNetworkPolicy* policy : policies_) {
            const bool ingress = direction == Direction::kIngress;
            if (policy->metadata.ns != pod.metadata.ns || !selects(policy->pod_selector, pod.metadata.labels)) continue;
            if (!(ingress ? policy->ingress_type : policy->egress_type)) continue;
            isolated = true;
            for (const KubernetesRule& rule : ingress ? policy->ingress : policy->egress)
                if (matches(rule, *policy, direction, packet)) return true;
        }
        return !isolated;
    }

private:
    [[nodiscard]] policy::Labels labels_of_namespace(const std::string& name) const {
        const auto found = namespaces_.find(name);
        policy::Labels labels = found == namespaces_.end() ? policy::Labels{} : found->second;
        labels["kubernetes.io/metadata.name"] = name;
        return labels;
    }

    [[nodiscard]] bool matches(const KubernetesRule& rule, const KubernetesNetworkPolicy& policy, Direction direction,
                               const net::Tuple& packet) const {
        const net::Address peer{packet.family, direction == Direction::kIngress ? packet.source : packet.destination};
        const auto is_peer = [&](const KubernetesPeer& wanted) { return matches(wanted, policy, peer); };
        const auto is_port = [&](const KubernetesPort& wanted) { return matches(wanted, packet); };
        return (rule.peers.empty() || std::any_of(rule.peers.begin(), rule.peers.end(), is_peer)) &&
               (rule.ports.empty() || std::any_of(rule.ports.begin(), rule.ports.end(), is_port));
    }

    [[nodiscard]] bool matches(const KubernetesPeer& peer, const KubernetesNetworkPolicy& policy,
                               const net::Address& address) const {
        if (peer.ip_block) {
            const auto& except = peer.ip_block->except;
            return peer.ip_block->cidr.contains(address) &&
                   std::none_of(except.begin(), except.end(), [&](const auto& net) { return net.contains(address); });
        }
        const Pod* pod = at(address);
        if (pod == nullptr) return false;
        const bool its_namespace = peer.namespace_selector
                                       ? selects(*peer.namespace_selector, labels_of_namespace(pod->metadata.ns))
                                       : pod->metadata.ns == policy.metadata.ns;
        return its_namespace && (!peer.pod_selector || selects(*peer.pod_selector, pod->metadata.labels));
    }

    [[nodiscard]] bool matches(const KubernetesPort& port, const net::Tuple& packet) const {
        if (port.protocol != packet.protocol) return false;
        if (!port.named_port.empty()) {
            const Pod* pod = at({packet.family, packet.destination});
            if (pod == nullptr) return false;
            const policy::NamedPort wanted{port.named_port, packet.protocol, packet.destination_port};
            return std::find(pod->ports.begin(), pod->ports.end(), wanted) != pod->ports.end();
        }
        if (!port.port) return true;
        return *port.port <= packet.destination_port && packet.destination_port <= port.end_port.value_or(*port.port);
    }

    std::vector<const Pod*> pods_;
    std::vector<const KubernetesNetworkPolicy*> policies_;
    std::map<std::string, policy::Labels> namespaces_;
};

Verdict by_definition(const Native& native, const Scene& scene, const net::Tuple& packet) {
    const Pod* source = native.at({packet.family, packet.source});
    const Pod* destination = native.at({packet.family, packet.destination});
    if (source == nullptr && destination == nullptr) return scene.surroundings.unmatched;
    const bool sent = source == nullptr || native.allows(*source, Direction::kEgress, packet);
    const bool taken = destination == nullptr || native.allows(*destination, Direction::kIngress, packet);
    return sent && taken ? Verdict::kAllow : Verdict::kDeny;
}

TEST(KubernetesNetworkPolicy, MeansAfterItsConversionWhatKubernetesSaysItMeans) {
    std::size_t isolated = 0;
    for (std::uint64_t seed = 1; seed <= 400; ++seed) {
        const Scene scene = only_kubernetes(random_scene(seed));
        const Native native(scene);
        const reference::Evaluator evaluator(scene.inventory, scene.surroundings);
        for (const net::Tuple& packet : random_packets(scene, seed, 100)) {
            const reference::Decision decision = evaluator.judge(packet).enforced;
            ASSERT_EQ(decision.verdict, by_definition(native, scene, packet))
                << "seed " << seed << ", " << text(packet) << "\n"
                << text(scene);
            isolated += !decision.ingress.empty() && decision.ingress.front().kind == "KubernetesNetworkPolicy" ? 1 : 0;
        }
    }
    EXPECT_GT(isolated, 1000u) << "the scenes are too tame to try anything";
}

}  // namespace
}  // namespace drywall::test

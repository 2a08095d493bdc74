// Kubernetes' policies as text: what is read, what is refused, and that it is written as it was read.
#include <gtest/gtest.h>

#include <memory>

#include "drywall/loader/resources.h"
#include "texts.h"

namespace drywall::loader {
namespace {

using policy::AdminPolicy;
using policy::KubernetesNetworkPolicy;
using policy::LabelSelector;

std::string knp(const std::string& spec) {
    return "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: prod}\nspec: " +
           spec + "\n";
}

std::string sknp(const std::string& spec) {
    return "apiVersion: projectcalico.org/v3\nkind: StagedKubernetesNetworkPolicy\nmetadata: {name: p, namespace: "
           "prod}\nspec: " +
           spec + "\n";
}

std::string admin(const std::string& spec) {
    return "apiVersion: policy.networking.k8s.io/v1alpha1\nkind: AdminNetworkPolicy\nmetadata: {name: p}\nspec: " +
           spec + "\n";
}

std::string cluster(const std::string& spec) {
    return "apiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\nmetadata: {name: p}\nspec: " +
           spec + "\n";
}

std::string baseline(const std::string& name, const std::string& spec) {
    return "apiVersion: policy.networking.k8s.io/v1alpha1\nkind: BaselineAdminNetworkPolicy\nmetadata: {name: " + name +
           "}\nspec: " + spec + "\n";
}

std::string ingress(const std::string& rule) { return "{podSelector: {}, ingress: [" + rule + "]}"; }
std::string admin_rule(const std::string& direction, const std::string& rule) {
    return "{priority: 1, subject: {namespaces: {}}, " + direction + ": [" + rule + "]}";
}
std::string cluster_rule(const std::string& direction, const std::string& rule) {
    return "{tier: Admin, priority: 1, subject: {namespaces: {}}, " + direction + ": [" + rule + "]}";
}

template <typename T>
T loaded(const std::string& text) {
    const auto resources = load_resources({"p.yaml", text});
    EXPECT_TRUE(resources) << text << resources.error().text();
    if (!resources || resources->size() != 1) return {};
    return std::get<T>(resources->front());
}

void expect_refused(const std::string& text, const std::string& message) {
    const std::string got = complaints(text);
    EXPECT_NE(got.find(message), std::string::npos) << text << "got: " << got;
    EXPECT_NE(got.find("p.yaml:"), std::string::npos) << got;
}

void expect_written_as_read(const std::string& text) {
    const auto first = load_resources({"p.yaml", text});
    ASSERT_TRUE(first) << text << first.error().text();
    const std::string yaml = to_yaml(first->front());
    const auto second = load_resources({"again.yaml", yaml});
    ASSERT_TRUE(second) << yaml << second.error().text();
    EXPECT_EQ(to_json(second->front()), to_json(first->front())) << yaml;
    const auto json = load_resources({"again.json", to_json(first->front())});
    ASSERT_TRUE(json) << json.error().text();
    EXPECT_EQ(to_yaml(json->front()), yaml);
}

constexpr const char* kFull = R"(
  podSelector:
    matchLabels: {app: web}
    matchExpressions:
    - {key: env, operator: In, values: [a, b]}
    - {key: example.com/zone, operator: NotIn, values: [c]}
    - {key: x, operator: Exists}
    - {key: gone, operator: DoesNotExist, values: []}
  policyTypes: [Ingress, Egress]
  ingress:
  - ports:
    - {protocol: UDP, port: 53}
    - {port: 8000, endPort: 8100}
    - {protocol: SCTP}
    - {port: http}
    from:
    - podSelector: {}
      namespaceSelector: {matchLabels: {env: prod}}
    - ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}
  - {}
  egress:
  - to:
    - ipBlock: {cidr: 2001:db8::/32}
)";

TEST(LoadKubernetes, ReadsEveryFieldOfANetworkPolicy) {
    const auto policy = loaded<KubernetesNetworkPolicy>(knp(kFull));
    EXPECT_EQ(policy.metadata.name, "p");
    EXPECT_EQ(policy.metadata.ns, "prod");
    EXPECT_EQ(policy.pod_selector.match_labels.at("app"), "web");
    ASSERT_EQ(policy.pod_selector.match_expressions.size(), 4U);
    EXPECT_EQ(policy.pod_selector.match_expressions[1].key, "example.com/zone");
    EXPECT_TRUE(policy.ingress_type && policy.egress_type);
    ASSERT_EQ(policy.ingress.size(), 2U);
    ASSERT_EQ(policy.ingress[0].ports.size(), 4U);
    EXPECT_EQ(policy.ingress[0].ports[0].protocol, 17);
    EXPECT_EQ(policy.ingress[0].ports[1].end_port, 8100);
    EXPECT_FALSE(policy.ingress[0].ports[2].port);
    EXPECT_EQ(policy.ingress[0].ports[3].named_port, "http");
    ASSERT_EQ(policy.ingress[0].peers.size(), 2U);
    EXPECT_TRUE(policy.ingress[0].peers[0].pod_selector);
    EXPECT_EQ(policy.ingress[0].peers[1].ip_block->except.at(0).text(), "10.1.0.0/16");
    EXPECT_GT(policy.ingress[0].spot.line, 4);
    EXPECT_EQ(policy.egress.at(0).peers.at(0).ip_block->cidr.text(), "2001:db8::/32");
}

TEST(LoadKubernetes, TypesFollowFromTheRulesExceptInTheStagedKind) {
    const std::string egress = "{podSelector: {}, egress: [{}]}";
    EXPECT_TRUE(loaded<KubernetesNetworkPolicy>(knp(egress)).egress_type);
    EXPECT_TRUE(loaded<KubernetesNetworkPolicy>(knp(egress)).ingress_type);
    EXPECT_FALSE(loaded<KubernetesNetworkPolicy>(knp("{podSelector: {}}")).egress_type);
    EXPECT_FALSE(loaded<KubernetesNetworkPolicy>(sknp(egress)).egress_type);
    EXPECT_TRUE(loaded<KubernetesNetworkPolicy>(sknp(egress)).ingress_type);
    EXPECT_FALSE(loaded<KubernetesNetworkPolicy>(knp("{podSelector: {}, policyTypes: [Egress]}")).ingress_type);
}

TEST(LoadKubernetes, HostBitsOfABlockAreDropped) {
    const auto policy = loaded<KubernetesNetworkPolicy>(knp(ingress("{from: [{ipBlock: {cidr: 10.1.2.3/8}}]}")));
    EXPECT_EQ(policy.ingress.at(0).peers.at(0).ip_block->cidr.text(), "10.0.0.0/8");
}

TEST(LoadKubernetes, AStagedPolicyHasAnAction) {
    EXPECT_EQ(loaded<KubernetesNetworkPolicy>(sknp("{}")).staged_action, policy::StagedAction::kSet);
    EXPECT_EQ(loaded<KubernetesNetworkPolicy>(sknp("{stagedAction: Delete}")).staged_action,
              policy::StagedAction::kDelete);
    expect_refused(sknp("{stagedAction: Delete, policyTypes: [Ingress]}"), "can't stand beside stagedAction: Delete");
    expect_refused(sknp("{stagedAction: Del}"), "stagedAction can't be");
    expect_refused(knp("{podSelector: {}, stagedAction: Set}"), "unknown field 'stagedAction'");
}

TEST(LoadKubernetes, RefusesWhatKubernetesRefuses) {
    expect_refused(knp("{podSelctor: {}}"), "did you mean 'podSelector'?");
    expect_refused(knp("{podSelector: {matchLabels: {-a: b}}}"), "can't be a label");
    expect_refused(knp("{podSelector: {matchLabels: {a: b/c}}}"), "can't be the value of label 'a'");
    expect_refused(knp("{podSelector: {matchExpressions: [{key: a, operator: in, values: [b]}]}}"),
                   "operator can't be");
    expect_refused(knp("{podSelector: {matchExpressions: [{key: a, operator: In}]}}"), "need at least one value");
    expect_refused(knp("{podSelector: {matchExpressions: [{key: a, operator: In, values: []}]}}"), "need at least one");
    expect_refused(knp("{podSelector: {matchExpressions: [{key: a, operator: Exists, values: [b]}]}}"), "no values");
    expect_refused(knp("{podSelector: {matchExpressions: [{operator: Exists}]}}"), "key is missing");
    expect_refused(knp("{podSelector: {}, policyTypes: [ingress]}"), "did you mean 'Ingress'?");
    expect_refused(knp("{podSelector: {}, policyTypes: [Ingress, Egress, Ingress]}"), "at most 2");
    expect_refused(knp(ingress("{ports: [{port: 0}]}")), "port");
    expect_refused(knp(ingress("{ports: [{port: 65536}]}")), "port");
    expect_refused(knp(ingress("{ports: [{port: \"80\"}]}")), "write a port's number without quotes");
    expect_refused(knp(ingress("{ports: [{port: HTTP}]}")), "can't be the name of a port");
    expect_refused(knp(ingress("{ports: [{protocol: tcp}]}")), "did you mean 'TCP'?");
    expect_refused(knp(ingress("{ports: [{protocol: ICMP}]}")), "write one of TCP, UDP, SCTP");
    expect_refused(knp(ingress("{ports: [{endPort: 90}]}")), "needs a numeric port beside it");
    expect_refused(knp(ingress("{ports: [{port: http, endPort: 90}]}")), "needs a numeric port beside it");
    expect_refused(knp(ingress("{ports: [{port: 90, endPort: 80}]}")), "is below port 90");
    expect_refused(knp(ingress("{from: [{}]}")), "names no peer");
    expect_refused(knp(ingress("{from: [{podSelector: {}, ipBlock: {cidr: 10.0.0.0/8}}]}")), "ipBlock stands alone");
    expect_refused(knp(ingress("{from: [{ipBlock: {}}]}")), "cidr is missing");
    expect_refused(knp(ingress("{from: [{ipBlock: {cidr: 10.0.0.1}}]}")), "is not a network");
    expect_refused(knp(ingress("{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [11.0.0.0/16]}}]}")), "is not a part of");
    expect_refused(knp(ingress("{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.0.0.0/8]}}]}")), "is not a part of");
    expect_refused(knp(ingress("{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.0.0.0/40]}}]}")), "is not a network");
    expect_refused(knp(ingress("{to: [{podSelector: {}}]}")), "unknown field 'to'");
}

TEST(LoadKubernetes, AllProblemsComeAtOnce) {
    const std::string got =
        complaints(knp("{podSelector: {matchLabels: {a: b/c}}, ingress: [{ports: [{port: 0}], "
                       "from: [{ipBlock: {cidr: 10.0.0.0/33}}, {}]}]}"));
    for (const char* part :
         {"value of label", "ports[0].port", "'10.0.0.0/33' is not a network", "from[1] names no peer"})
        EXPECT_NE(got.find(part), std::string::npos) << part << "\n" << got;
}

constexpr const char* kAdminRules = R"(
  subject: {pods: {namespaceSelector: {}, podSelector: {matchLabels: {app: web}}}}
  ingress:
  - name: from-all
    action: Allow
    from:
    - namespaces: {}
    - pods: {namespaceSelector: {matchLabels: {env: p}}, podSelector: {}}
    ports:
    - portNumber: {port: 80}
    - portNumber: {protocol: UDP, port: 53}
    - portRange: {protocol: SCTP, start: 1, end: 9}
    - namedPort: http
  egress:
  - action: Deny
    to:
    - networks: [10.0.0.0/8, "2001:db8::/32"]
    - nodes: {matchLabels: {role: edge}}
)";

TEST(LoadKubernetes, ReadsEveryFieldOfAnAdminNetworkPolicy) {
    const auto policy = loaded<AdminPolicy>(admin(std::string("\n  priority: 1000") + kAdminRules));
    EXPECT_EQ(policy.form, AdminPolicy::Form::kAdmin);
    EXPECT_EQ(policy.priority, 1000);
    EXPECT_TRUE(policy.subject_pods);
    ASSERT_EQ(policy.ingress.size(), 1U);
    EXPECT_EQ(policy.ingress[0].name, "from-all");
    EXPECT_EQ(policy.ingress[0].action, Action::kAllow);
    EXPECT_EQ(policy.ingress[0].peers.size(), 2U);
    ASSERT_EQ(policy.ingress[0].ports.size(), 4U);
    EXPECT_EQ(policy.ingress[0].ports[0].protocol, 6);
    EXPECT_EQ(policy.ingress[0].ports[2].range, (policy::PortRange{1, 9}));
    EXPECT_TRUE(policy.ingress[0].ports[3].any);
    ASSERT_EQ(policy.egress.size(), 1U);
    EXPECT_EQ(policy.egress[0].peers[0].networks.size(), 2U);
    EXPECT_EQ(policy.egress[0].peers[1].unsupported_fields, (std::vector<std::string>{"nodes"}));
}

TEST(LoadKubernetes, TheBaselineIsNamedDefaultAndPassesNothing) {
    EXPECT_EQ(loaded<AdminPolicy>(baseline("default", kAdminRules)).form, AdminPolicy::Form::kBaselineAdmin);
    expect_refused(baseline("other", kAdminRules), "default");
    expect_refused(
        baseline("default", "{subject: {namespaces: {}}, ingress: [{action: Pass, from: [{namespaces: {}}]}]}"),
        "action can't be 'Pass'");
    expect_refused(baseline("default", "{priority: 1, subject: {namespaces: {}}}"), "unknown field 'priority'");
}

constexpr const char* kCluster = R"(
  tier: Baseline
  priority: 0
  subject: {namespaces: {matchLabels: {env: p}}}
  ingress:
  - action: Accept
    from: [{pods: {podSelector: {}}}]
    protocols:
    - tcp: {destinationPort: {number: 80}}
    - udp: {destinationPort: {range: {start: 1, end: 9}}}
    - sctp: {}
    - destinationNamedPort: http
  - action: Pass
    from: [{namespaces: {}}]
  egress:
  - action: Accept
    to: [{domainNames: ["*.example.com"]}]
)";

TEST(LoadKubernetes, ReadsEveryFieldOfAClusterNetworkPolicy) {
    const auto policy = loaded<AdminPolicy>(cluster(kCluster));
    EXPECT_EQ(policy.form, AdminPolicy::Form::kCluster);
    EXPECT_TRUE(policy.baseline_tier);
    EXPECT_EQ(policy.subject_namespaces.match_labels.at("env"), "p");
    EXPECT_FALSE(policy.subject_pods);
    ASSERT_EQ(policy.ingress.size(), 2U);
    EXPECT_EQ(policy.ingress[0].action, Action::kAllow);
    ASSERT_EQ(policy.ingress[0].ports.size(), 4U);
    EXPECT_EQ(policy.ingress[0].ports[1].range, (policy::PortRange{1, 9}));
    EXPECT_FALSE(policy.ingress[0].ports[2].range);
    EXPECT_EQ(policy.ingress[0].ports[3].named_port, "http");
    EXPECT_FALSE(policy.ingress[0].ports[3].any);
    EXPECT_EQ(policy.egress.at(0).peers.at(0).domain_names, (std::vector<std::string>{"*.example.com"}));
}

TEST(LoadKubernetes, RefusesAdminPoliciesThatKubernetesRefuses) {
    expect_refused(admin("{priority: 1001, subject: {namespaces: {}}}"), "spec.priority");
    expect_refused(admin("{subject: {namespaces: {}}}"), "spec.priority is missing");
    expect_refused(admin("{priority: 1}"), "spec.subject is missing");
    expect_refused(admin("{priority: 1, subject: {}}"), "write exactly one of namespaces, pods");
    expect_refused(admin("{priority: 1, subject: {namespaces: {}, pods: {namespaceSelector: {}, podSelector: {}}}}"),
                   "write exactly one of namespaces, pods");
    expect_refused(admin("{priority: 1, subject: {pods: {podSelector: {}}}}"), "namespaceSelector is missing");
    expect_refused(admin(admin_rule("ingress", "{action: Accept, from: [{namespaces: {}}]}")), "action can't be");
    expect_refused(admin(admin_rule("ingress", "{action: Allow}")), "from is missing");
    expect_refused(admin(admin_rule("ingress", "{action: Allow, from: []}")), "names no peer");
    expect_refused(admin(admin_rule("ingress", "{action: Allow, from: [{}]}")), "write exactly one of");
    expect_refused(admin(admin_rule("ingress", "{action: Allow, from: [{networks: [10.0.0.0/8]}]}")), "unknown field");
    expect_refused(admin(admin_rule("egress", "{action: Allow, to: [{networks: []}]}")), "networks is empty");
    expect_refused(admin(admin_rule("egress", "{action: Allow, to: [{networks: [ten]}]}")), "'ten' is not a network");
    expect_refused(admin(admin_rule("egress", "{action: Deny, to: [{domainNames: [a.b]}]}")), "may only be allowed");
    expect_refused(
        admin(admin_rule("egress", "{action: Deny, to: [{networks: [10.0.0.0/8]}], ports: [{namedPort: http}]}")),
        "have no named ports");
    expect_refused(admin(admin_rule("ingress", "{action: Allow, from: [{namespaces: {}}], ports: [{}]}")), "is empty");
    expect_refused(
        admin(admin_rule("ingress",
                         "{action: Allow, from: [{namespaces: {}}], ports: [{portRange: {start: 9, end: 1}}]}")),
        "must be above start");
    expect_refused(
        admin(admin_rule("ingress", "{name: " + std::string(101, 'a') + ", action: Allow, from: [{namespaces: {}}]}")),
        "longer than 100");
    std::string many;
    for (int i = 0; i < 101; ++i) many += "{action: Allow, from: [{namespaces: {}}]},";
    expect_refused(admin(admin_rule("ingress", many)), "at most 100");
    expect_refused(cluster("{tier: admin, priority: 1, subject: {namespaces: {}}}"), "did you mean 'Admin'?");
    expect_refused(cluster("{priority: 1, subject: {namespaces: {}}}"), "spec.tier is missing");
    expect_refused(cluster(cluster_rule("ingress", "{action: Allow, from: [{namespaces: {}}]}")), "action can't be");
    expect_refused(cluster(cluster_rule("ingress",
                                        "{action: Deny, from: [{namespaces: {}}], protocols: [{tcp: {}, udp: "
                                        "{}}]}")),
                   "more than one field");
}

TEST(LoadKubernetes, PoliciesAreWrittenAsTheyWereRead) {
    expect_written_as_read(knp(kFull));
    expect_written_as_read(sknp(kFull));
    expect_written_as_read(knp("{}"));
    expect_written_as_read(sknp("{stagedAction: Delete}"));
    expect_written_as_read(sknp("{stagedAction: Learn, egress: [{}]}"));
    expect_written_as_read(admin(std::string("\n  priority: 7") + kAdminRules));
    expect_written_as_read(baseline("default", kAdminRules));
    expect_written_as_read(cluster(kCluster));
}

TEST(LoadKubernetes, TheExamplesCanBeApplied) {
    for (const char* name : {"kubernetes-1-namespace", "kubernetes-2-guard-rails", "kubernetes-3-staged"}) {
        const auto sources = read_sources(std::string(DRYWALL_CONFIG_DIR "/examples/") + name + ".yaml");
        ASSERT_TRUE(sources) << sources.error().text();
        const auto resources = load_resources(sources->front());
        ASSERT_TRUE(resources) << resources.error().text();
        policy::Inventory inventory = policy::initial_inventory();
        for (const policy::Resource& resource : *resources)
            inventory[policy::id_of(resource)] = std::make_shared<const policy::Resource>(resource);
        const Status checked = policy::check(inventory);
        EXPECT_TRUE(checked) << name << ": " << checked.error().text();
    }
}

}  // namespace
}  // namespace drywall::loader

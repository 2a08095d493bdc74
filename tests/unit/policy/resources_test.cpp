#include "drywall/policy/resources.h"

#include <gtest/gtest.h>

namespace drywall::policy {
namespace {

net::Address address(std::string_view text) { return net::Address::parse(text).value(); }

template <typename T>
T named(std::string name, int line = 0) {
    T resource;
    resource.metadata.name = std::move(name);
    resource.metadata.place = {"site.yaml", line, 9};
    return resource;
}

Inventory with(std::vector<Resource> resources) {
    Inventory inventory = initial_inventory();
    for (Resource& resource : resources) {
        auto shared = std::make_shared<const Resource>(std::move(resource));
        inventory[id_of(*shared)] = shared;
    }
    return inventory;
}

std::string complaint(const Inventory& inventory) {
    const Status status = check(inventory);
    return status ? "" : status.error().text();
}

TEST(Kinds, AreFoundByNamePluralAndShortNameInAnyLetterCase) {
    EXPECT_EQ(kind_by_name("gnp"), Kind::kGlobalNetworkPolicy);
    EXPECT_EQ(kind_by_name("GlobalNetworkPolicies"), Kind::kGlobalNetworkPolicy);
    EXPECT_EQ(kind_by_name("stagedglobalnetworkpolicy"), Kind::kStagedGlobalNetworkPolicy);
    EXPECT_EQ(kind_by_name("TIER"), Kind::kTier);
    EXPECT_EQ(kind_by_name("wep"), Kind::kWorkloadEndpoint);
    EXPECT_EQ(kind_by_name("gizmo"), std::nullopt);
    for (const Kind kind : all_kinds()) {
        EXPECT_EQ(kind_by_name(name(kind)), kind);
        EXPECT_EQ(kind_by_name(short_name(kind)), kind);
    }
}

TEST(ResourceIds, ReadAsKindNamespaceName) {
    Policy staged = named<Policy>("web");
    EXPECT_EQ(id_of(staged).text(), "globalnetworkpolicy/web");
    staged.staged_action = StagedAction::kSet;
    EXPECT_EQ(id_of(staged).text(), "stagedglobalnetworkpolicy/web");
    auto endpoint = named<WorkloadEndpoint>("web-1");
    endpoint.metadata.ns = "prod";
    EXPECT_EQ(id_of(endpoint).text(), "workloadendpoint/prod/web-1");
}

TEST(EffectiveLabels, ForceNamespaceAndOrchestratorAndDropForgedPrefixes) {
    auto endpoint = named<WorkloadEndpoint>("web-1");
    endpoint.metadata.ns = "prod";
    endpoint.orchestrator = "k8s";
    endpoint.metadata.labels = {{"app", "web"},
                                {"pcns.env", "prod"},  // C13
                                {"pcsa.role", "admin"},
                                {"projectcalico.org/namespace", "forged"},
                                {"projectcalico.org/orchestrator", "forged"}};
    EXPECT_EQ(
        effective_labels(endpoint),
        (Labels{{"app", "web"}, {"projectcalico.org/namespace", "prod"}, {"projectcalico.org/orchestrator", "k8s"}}));
}

TEST(Promotion, KeepsNameAndContentAndDropsTheStagedAction) {
    auto staged = named<Policy>("web");
    staged.staged_action = StagedAction::kLearn;
    staged.selector = "app == 'web'";
    staged.order = 7;
    const Policy enforced = promoted(staged);
    EXPECT_FALSE(enforced.staged());
    EXPECT_EQ(enforced.metadata.name, "web");
    EXPECT_EQ(enforced.selector, staged.selector);
    EXPECT_EQ(enforced.order, staged.order);
}

TEST(Check, AFreshInventoryIsFine) { EXPECT_EQ(complaint(initial_inventory()), ""); }

TEST(Check, V21PolicyInAMissingTierIsRefusedAndTheTiersThatExistAreNamed) {
    auto policy = named<Policy>("web", 14);
    policy.tier = "secruity";
    EXPECT_EQ(complaint(with({named<Tier>("security"), policy})),
              "site.yaml:14:9: globalnetworkpolicy/web: tier 'secruity' is not defined; did you mean 'security'? "
              "defined tiers are default, kube-admin, kube-baseline, security");
}

TEST(Check, V22TierThatStillHoldsAStagedPolicyCannotGo) {
    auto staged = named<Policy>("web");
    staged.tier = "security";
    staged.staged_action = StagedAction::kSet;
    Inventory inventory = with({named<Tier>("security"), staged});
    EXPECT_EQ(complaint(inventory), "");
    inventory.erase({Kind::kTier, {}, "security"});
    EXPECT_NE(complaint(inventory).find("tier 'security' is not defined"), std::string::npos);
}

TEST(Check, V23TheDefaultTierKeepsItsOrderAndDefaultAction) {
    auto tier = named<Tier>("default");
    tier.default_action = Action::kPass;
    EXPECT_NE(complaint(with({tier})).find("tier 'default' can't be changed"), std::string::npos);
    tier.default_action = Action::kDeny;
    EXPECT_EQ(complaint(with({tier})), "");
    tier.order = 5;
    EXPECT_NE(complaint(with({tier})).find("its order is 1000000"), std::string::npos);
    Inventory without = initial_inventory();
    without.clear();
    EXPECT_NE(complaint(without).find("tier 'default' is missing"), std::string::npos);
}

TEST(Check, KubernetesTiersKeepTheirOrderAndDefaultAction) {
    auto tier = named<Tier>("kube-admin");
    tier.order = 1000;
    tier.default_action = Action::kPass;
    EXPECT_EQ(complaint(with({tier})), "");
    tier.default_action = Action::kDeny;
    EXPECT_NE(complaint(with({tier})).find("its defaultAction is Pass"), std::string::npos);
}

TEST(Check, AnAddressBelongsToOneEndpointAndBothAreNamed) {
    auto host = named<HostEndpoint>("db", 3);
    host.expected_ips = {address("10.0.0.1"), address("10.0.0.1")};
    auto workload = named<WorkloadEndpoint>("web", 9);
    workload.metadata.ns = "prod";
    workload.ip_networks = {address("10.0.0.1")};
    EXPECT_EQ(complaint(with({host})), "");
    EXPECT_EQ(
        complaint(with({host, workload})),
        "site.yaml:9:9: address 10.0.0.1 belongs to both hostendpoint/db and workloadendpoint/prod/web; give each "
        "endpoint its own");
}

TEST(Check, AMissingProfileIsNoMistakeItDenies) {
    auto host = named<HostEndpoint>("db", 3);
    host.profiles = {std::string(kDefaultAllowProfile), "kns.prod"};
    EXPECT_EQ(complaint(with({host})), "");
}

TEST(Check, CalicosOwnProfileMayBeDeclaredButNotChanged) {
    auto profile = named<Profile>(std::string(kDefaultAllowProfile), 3);
    Rule allow;
    allow.action = Action::kAllow;
    profile.ingress = profile.egress = {allow};
    EXPECT_EQ(complaint(with({profile})), "");
    profile.egress.front().action = Action::kDeny;
    EXPECT_NE(complaint(with({profile})).find("can't be changed"), std::string::npos);
}

TEST(Check, APodsAddressBelongsToOneEndpointToo) {
    auto pod = named<Pod>("web", 4);
    pod.metadata.ns = "prod";
    pod.addresses = {address("10.0.0.1")};
    auto host = named<HostEndpoint>("db", 3);
    host.expected_ips = {address("10.0.0.1")};
    EXPECT_NE(complaint(with({host, pod})).find("belongs to both hostendpoint/db and pod/prod/web"), std::string::npos);
    pod.host_network = true;  // the address is the node's
    EXPECT_EQ(complaint(with({host, pod})), "");
}

TEST(Check, FixedTiersCannotGoAndThoseOfOlderCalicosArePlainOnes) {
    for (const char* name : {"default", "kube-admin", "kube-baseline"}) {
        Inventory inventory = initial_inventory();
        inventory.erase({Kind::kTier, {}, name});
        EXPECT_NE(complaint(inventory).find(std::string("tier '") + name + "' is missing"), std::string::npos);
    }
    auto old = named<Tier>("adminnetworkpolicy");
    old.order = 7;
    EXPECT_EQ(complaint(with({old})), "");
}

TEST(Check, ANamespacedStagedPolicyHoldsItsTierToo) {
    auto staged = named<Policy>("web", 8);
    staged.metadata.ns = "prod";
    staged.enforced_kind = Kind::kNetworkPolicy;
    staged.staged_action = StagedAction::kSet;
    staged.tier = "security";
    Inventory inventory = with({named<Tier>("security"), staged});
    EXPECT_EQ(complaint(inventory), "");
    inventory.erase({Kind::kTier, {}, "security"});
    const Status status = check(inventory);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().complaints.front().about, (Subject{"StagedNetworkPolicy", "prod", "web"}));
}

TEST(Check, OneHostEndpointStandsForAllPortsThatHaveNone) {
    const std::vector<std::string> ports{"inside", "outside"};
    auto all = named<HostEndpoint>("all");
    all.interface_name = "*";
    EXPECT_TRUE(check(with({all}), ports));
    auto rival = named<HostEndpoint>("rival");
    rival.interface_name = "*";
    EXPECT_TRUE(check(with({all, rival}), ports)) << "the lowest name governs";
    rival.expected_ips = {address("10.0.0.1")};  // all interfaces of one protected host
    EXPECT_TRUE(check(with({all, rival}), ports));
}

TEST(Check, APodSharesItsAddressOnlyWithPodsThatHaveNoneOfTheirOwn) {
    auto pod = named<Pod>("web", 3);
    pod.metadata.ns = "prod";
    pod.addresses = {address("10.0.0.1")};
    auto other = pod;
    other.metadata.name = "web-2";
    EXPECT_NE(complaint(with({pod, other})).find("belongs to both pod/prod/web and pod/prod/web-2"), std::string::npos);
    other.finished = true;
    EXPECT_EQ(complaint(with({pod, other})), "");
    other.finished = false;
    other.host_network = true;
    EXPECT_EQ(complaint(with({pod, other})), "");
}

TEST(Check, AnAdminPolicyNeedsItsTier) {
    auto policy = named<AdminPolicy>("guard", 3);
    policy.form = AdminPolicy::Form::kCluster;
    Inventory inventory = with({policy});
    EXPECT_EQ(complaint(inventory), "");
    inventory.erase({Kind::kTier, {}, "kube-admin"});
    EXPECT_NE(complaint(inventory).find("tier 'kube-admin' is not defined"), std::string::npos);
}

TEST(Check, AHostEndpointOfAPortHasNoAddressesAndMayHaveRivals) {
    const std::vector<std::string> ports{"inside", "outside"};
    auto port = named<HostEndpoint>("a-port");
    port.interface_name = "inside";
    EXPECT_TRUE(check(with({port}), ports));
    auto rival = named<HostEndpoint>("b-port");
    rival.interface_name = "inside";
    EXPECT_TRUE(check(with({port, rival}), ports)) << "the lowest name governs";
    port.expected_ips = {address("10.0.0.1")};
    EXPECT_NE(check(with({port}), ports).error().text().find("has no addresses"), std::string::npos);
}

TEST(Check, AnInterfaceElsewhereNeedsAddresses) {
    const std::vector<std::string> ports{"inside", "outside"};
    auto host = named<HostEndpoint>("db");
    host.interface_name = "eth0";
    EXPECT_NE(check(with({host}), ports).error().text().find("name one of its ports: inside, outside"),
              std::string::npos);
    host.expected_ips = {address("10.0.0.1")};
    EXPECT_TRUE(check(with({host}), ports));
}

TEST(Check, AThousandComplaintsComeTogetherAndTheRestIsCounted) {
    std::vector<Resource> policies;
    for (int i = 0; i < 1005; ++i) {
        auto policy = named<Policy>("p" + std::to_string(i));
        policy.tier = "nowhere";
        policies.emplace_back(policy);
    }
    const Status status = check(with(std::move(policies)));
    ASSERT_FALSE(status);
    ASSERT_EQ(status.error().complaints.size(), 1001U);
    EXPECT_EQ(status.error().complaints.back().text(), "and 5 more problems that are not listed");
}

}  // namespace
}  // namespace drywall::policy

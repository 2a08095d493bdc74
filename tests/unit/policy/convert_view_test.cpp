#include <gtest/gtest.h>

#include "convert_words.h"

namespace drywall::policy {
namespace {

Pod pod(const std::string& ns, const std::string& name, const std::string& ip) {
    Pod out;
    out.metadata = named(ns, name);
    out.service_account = "default";
    out.addresses = {address(ip)};
    return out;
}

Profile profile(std::string name, Labels labels) {
    Profile out;
    out.metadata = named("", std::move(name));
    out.labels_to_apply = std::move(labels);
    return out;
}

TEST(CalicoView, APodIsAnEndpointOfItsNamespaceAndServiceAccount) {
    Inventory inventory = initial_inventory();
    Pod web = pod("prod", "web-1", "10.0.0.1");
    web.metadata.labels = {{"app", "web"}, {"pcns.env", "forged"}};
    web.ports = {{"http", 6, 8080}};
    put(inventory, web);
    const CalicoView view = calico_view(inventory);
    ASSERT_EQ(view.workloads.size(), 1U);
    EXPECT_EQ(view.workloads[0].id, (ResourceId{Kind::kPod, "prod", "web-1"}));
    const WorkloadEndpoint& endpoint = *view.workloads[0].value;
    EXPECT_EQ(endpoint.ip_networks, web.addresses);
    EXPECT_EQ(endpoint.ports, web.ports);
    EXPECT_EQ(endpoint.profiles, (std::vector<std::string>{"kns.prod", "ksa.prod.default"}));
    EXPECT_EQ(view.labels_of(endpoint), (Labels{{"app", "web"},
                                                {"pcns.kubernetes.io/metadata.name", "prod"},
                                                {"pcns.projectcalico.org/name", "prod"},
                                                {"pcsa.projectcalico.org/name", "default"},
                                                {"projectcalico.org/namespace", "prod"},
                                                {"projectcalico.org/orchestrator", "k8s"},
                                                {"projectcalico.org/serviceaccount", "default"}}));
}

TEST(CalicoView, PodsWithoutAnAddressOfTheirOwnAreNoEndpoints) {
    Pod host = pod("prod", "agent", "10.0.0.1");
    host.host_network = true;
    Pod done = pod("prod", "job", "10.0.0.2");
    done.finished = true;
    Pod fresh = pod("prod", "new", "10.0.0.3");
    fresh.addresses.clear();
    for (const Pod& one : {host, done, fresh}) EXPECT_FALSE(converted(one)) << one.metadata.name;
}

TEST(CalicoView, NamespacesAndServiceAccountsGiveTheirLabels) {
    Inventory inventory;
    Namespace ns;
    ns.metadata = named("", "prod");
    ns.metadata.labels = {{"env", "p"}, {"kubernetes.io/metadata.name", "liar"}};
    put(inventory, ns);
    ServiceAccount account;
    account.metadata = named("prod", "default");
    account.metadata.labels = {{"role", "db"}};
    put(inventory, account);
    put(inventory, pod("prod", "web-1", "10.0.0.1"));
    const CalicoView view = calico_view(inventory);
    const Labels labels = view.labels_of(*view.workloads.at(0).value);
    EXPECT_EQ(labels.at("pcns.env"), "p");
    EXPECT_EQ(labels.at("pcns.kubernetes.io/metadata.name"), "prod");
    EXPECT_EQ(labels.at("pcsa.role"), "db");
    EXPECT_EQ(view.profiles.at("kns.prod")->ingress.at(0).action, Action::kAllow);
    EXPECT_EQ(view.profiles.at("kns.prod")->egress.at(0).action, Action::kAllow);
    EXPECT_TRUE(view.profiles.at("ksa.prod.default")->ingress.empty());
}

TEST(CalicoView, AWorkloadEndpointBringsNoNamespaceIntoBeing) {
    Inventory inventory;
    WorkloadEndpoint endpoint;
    endpoint.metadata = named("prod", "w");
    endpoint.profiles = {"kns.prod"};
    put(inventory, endpoint);
    const CalicoView view = calico_view(inventory);
    EXPECT_FALSE(view.profiles.contains("kns.prod")) << "it would allow what nobody allowed";
    EXPECT_EQ(view.labels_of(*view.workloads.at(0).value), (Labels{{"projectcalico.org/namespace", "prod"}}));
}

TEST(CalicoView, AnExplicitProfileWinsOverAConvertedOne) {
    Inventory inventory;
    put(inventory, pod("prod", "web-1", "10.0.0.1"));
    put(inventory, profile("kns.prod", {{"pcns.env", "mine"}}));
    const CalicoView view = calico_view(inventory);
    EXPECT_EQ(view.labels_of(*view.workloads.at(0).value).at("pcns.env"), "mine");
    EXPECT_TRUE(view.profiles.contains("projectcalico-default-allow"));
}

TEST(CalicoView, OwnLabelsWinThenTheFirstProfileThatHasTheKey) {
    Inventory inventory;
    put(inventory, profile("one", {{"k", "1"}, {"own", "1"}}));
    put(inventory, profile("two", {{"k", "3"}}));
    HostEndpoint host;
    host.metadata = named("", "h");
    host.metadata.labels = {{"own", "2"}};
    host.profiles = {"one", "missing", "two"};
    put(inventory, host);
    const CalicoView view = calico_view(inventory);
    EXPECT_EQ(view.labels_of(*view.hosts.at(0).value), (Labels{{"k", "1"}, {"own", "2"}}));
}

TEST(CalicoView, ANetworkSetHasItsNamespacesLabelsAndAGlobalOneHasNot) {
    Inventory inventory;
    Namespace ns;
    ns.metadata = named("", "prod");
    ns.metadata.labels = {{"env", "p"}};
    put(inventory, ns);
    NetworkSet local;
    local.metadata = named("prod", "s");
    local.global = false;
    put(inventory, local);
    NetworkSet global;
    global.metadata = named("", "g");
    put(inventory, global);
    const CalicoView view = calico_view(inventory);
    ASSERT_EQ(view.sets.size(), 2U);
    for (const auto& set : view.sets) {
        const Labels labels = view.labels_of(*set.value);
        EXPECT_EQ(selects("pcns.env == 'p' && projectcalico.org/namespace == 'prod'", labels), !set.value->global);
        EXPECT_EQ(labels.empty(), set.value->global);
    }
}

TEST(CalicoView, PoliciesOfEveryKindAreThere) {
    Inventory inventory = initial_inventory();
    KubernetesNetworkPolicy knp;
    knp.metadata = named("dev", "k");
    put(inventory, knp);
    knp.staged_action = StagedAction::kSet;
    put(inventory, knp);
    AdminPolicy admin;
    admin.metadata = named("", "a");
    put(inventory, admin);
    Policy plain;
    plain.metadata = named("", "p");
    put(inventory, plain);
    const CalicoView view = calico_view(inventory);
    ASSERT_EQ(view.policies.size(), 4U);
    for (const auto& policy : view.policies) EXPECT_EQ(policy.id.kind, policy.value->kind());
    EXPECT_EQ(view.tiers.size(), 3U);
    EXPECT_FALSE(view.profiles.contains("kns.dev")) << "only a pod brings its namespace into being";
}

TEST(CalicoView, BackendsOfAServiceComeFromItsEndpointSlices) {
    Inventory inventory;
    EndpointSlice slice;
    slice.metadata = named("prod", "web-abc");
    slice.metadata.labels = {{"kubernetes.io/service-name", "web"}};
    slice.addresses = {address("10.0.0.2"), address("10.0.0.1")};
    slice.ports = {{"http", 6, 8080}, {"dns", 17, 53}};
    put(inventory, slice);
    slice.metadata.name = "web-def";
    put(inventory, slice);
    slice.metadata = named("prod", "orphan");
    put(inventory, slice);
    EndpointSlice bare;
    bare.metadata = named("prod", "bare");
    bare.metadata.labels = {{"kubernetes.io/service-name", "headless"}};
    bare.addresses = {address("10.0.0.3")};
    put(inventory, bare);
    Service idle;
    idle.metadata = named("prod", "idle");
    put(inventory, idle);
    const CalicoView view = calico_view(inventory);
    using Backends = std::vector<CalicoView::Backend>;
    EXPECT_EQ(view.services.at({"prod", "web"}), (Backends{{address("10.0.0.1"), 6, 8080},
                                                           {address("10.0.0.1"), 17, 53},
                                                           {address("10.0.0.2"), 6, 8080},
                                                           {address("10.0.0.2"), 17, 53}}));
    EXPECT_EQ(view.services.at({"prod", "headless"}), (Backends{{address("10.0.0.3"), 0, 0}}));
    EXPECT_TRUE(view.services.at({"prod", "idle"}).empty());
    EXPECT_EQ(view.services.size(), 3U);
}

}  // namespace
}  // namespace drywall::policy

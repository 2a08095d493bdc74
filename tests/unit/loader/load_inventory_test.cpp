// Pods and what is around them, as dumps of a cluster have them.
#include <gtest/gtest.h>

#include "drywall/loader/resources.h"
#include "texts.h"

namespace drywall::loader {
namespace {

template <typename T>
T loaded(const std::string& text) {
    const auto resources = load_resources({"p.yaml", text});
    EXPECT_TRUE(resources) << text << resources.error().text();
    if (!resources || resources->size() != 1) return {};
    return std::get<T>(resources->front());
}

std::string object(const std::string& kind, const std::string& rest) {
    return "apiVersion: v1\nkind: " + kind + "\nmetadata: {name: x, namespace: prod}\n" + rest;
}

constexpr const char* kPod = R"(
apiVersion: v1
kind: Pod
metadata:
  name: web-7d4b9c-x2x1z
  generateName: web-7d4b9c-
  namespace: prod
  labels: {app: web, pod-template-hash: 7d4b9c}
  creationTimestamp: "2026-08-22T10:00:00Z"
  deletionTimestamp: null
  ownerReferences:
  - {apiVersion: apps/v1, kind: ReplicaSet, name: web-7d4b9c, controller: true}
  uid: 1f2e
spec:
  nodeName: node-1
  serviceAccountName: web
  restartPolicy: Always
  tolerations:
  - {key: node.kubernetes.io/not-ready, operator: Exists, tolerationSeconds: 300}
  initContainers:
  - name: setup
    image: busybox
    ports: [{name: setup, containerPort: 1}]
  - name: proxy
    restartPolicy: Always
    ports: [{name: metrics, containerPort: 9090, protocol: TCP}]
  containers:
  - name: web
    image: nginx
    ports:
    - {name: http, containerPort: 8080, protocol: TCP}
    - {name: dns, containerPort: 5353, protocol: UDP}
    - {containerPort: 9999}
    resources: {limits: {cpu: 500m}}
status:
  phase: Running
  hostIP: 192.0.2.1
  podIP: 10.0.0.1
  podIPs:
  - ip: 10.0.0.1
  - ip: 2001:db8::1
  containerStatuses:
  - {name: web, ready: true, state: {running: {}}, lastState: {}}
)";

TEST(LoadInventory, ADumpOfAPodIsReadForWhatMatters) {
    const auto pod = loaded<policy::Pod>(kPod);
    EXPECT_EQ(pod.metadata.name, "web-7d4b9c-x2x1z");
    EXPECT_EQ(pod.metadata.labels.at("app"), "web");
    EXPECT_EQ(pod.node, "node-1");
    EXPECT_EQ(pod.service_account, "web");
    EXPECT_FALSE(pod.host_network);
    EXPECT_FALSE(pod.finished);
    ASSERT_EQ(pod.addresses.size(), 2U);
    EXPECT_EQ(pod.addresses[1].text(), "2001:db8::1");
    EXPECT_EQ(pod.ports, (std::vector<policy::NamedPort>{{"http", 6, 8080}, {"dns", 17, 5353}, {"metrics", 6, 9090}}));
}

TEST(LoadInventory, APodMayBeWrittenInThreeLines) {
    const auto pod = loaded<policy::Pod>(object("Pod", "status: {podIP: 10.0.0.1}"));
    EXPECT_EQ(pod.service_account, "default");
    EXPECT_EQ(pod.addresses.at(0).text(), "10.0.0.1");
    EXPECT_TRUE(loaded<policy::Pod>(object("Pod", "")).addresses.empty());
    EXPECT_TRUE(loaded<policy::Pod>(object("Pod", "status: {podIP: \"\", podIPs: null}")).addresses.empty());
}

TEST(LoadInventory, PodsThatAreOverOrOnTheHostAreMarked) {
    EXPECT_TRUE(loaded<policy::Pod>(object("Pod", "status: {phase: Succeeded}")).finished);
    EXPECT_TRUE(loaded<policy::Pod>(object("Pod", "status: {phase: Failed}")).finished);
    EXPECT_FALSE(loaded<policy::Pod>(object("Pod", "status: {phase: Pending}")).finished);
    EXPECT_TRUE(loaded<policy::Pod>(object("Pod", "spec: {hostNetwork: true}")).host_network);
}

TEST(LoadInventory, WhatMattersIsReadStrictly) {
    const auto refused = [](const std::string& text, const std::string& message) {
        const std::string got = complaints(text);
        EXPECT_NE(got.find(message), std::string::npos) << text << "\ngot: " << got;
    };
    refused(object("Pod", "status: {podIP: 10.0.0.256}"), "status.podIP: '10.0.0.256' is not an address");
    refused(object("Pod", "status: {podIPs: [{ip: 10.0.0.0/8}]}"),
            "status.podIPs[0].ip: '10.0.0.0/8' is not an address");
    refused(object("Pod", "status: {podIPs: 10.0.0.1}"), "must be a list");
    refused(object("Pod", "status: {phase: running}"), "did you mean 'Running'?");
    refused(object("Pod", "spec: {hostNetwork: \"yes\"}"), "spec.hostNetwork");
    refused(object("Pod", "spec: {containers: [{ports: [{name: http, containerPort: 0}]}]}"), "containerPort");
    refused(object("Pod", "spec: {containers: [{ports: [{name: http}]}]}"), "containerPort is missing");
    refused(object("Pod", "spec: {containers: [{ports: [{name: http, containerPort: 1, protocol: icmp}]}]}"),
            "protocol");
    refused(object("Pod", "spec: []"), "spec must be a mapping");
    refused(object("Pod", "spec: {nodeName: a, nodeName: b}"), "nodeName");
    refused(
        "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: s}\naddressType: IPv4\n"
        "endpoints: [{addresses: [\"2001:db8::1\"]}]",
        "is not of the slice's addressType IPv4");
    refused("apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: s}\n", "addressType is missing");
}

TEST(LoadInventory, NamespacesAndServiceAccountsAreTheirLabels) {
    const auto ns = loaded<policy::Namespace>(
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: prod, labels: {env: p}}\nspec: {finalizers: [kubernetes]}\n"
        "status: {phase: Active}\n");
    EXPECT_EQ(ns.metadata.labels.at("env"), "p");
    const auto account = loaded<policy::ServiceAccount>(
        object("ServiceAccount", "secrets: [{name: token}]\nautomountServiceAccountToken: false\n"));
    EXPECT_EQ(account.metadata.ns, "prod");
}

TEST(LoadInventory, ANodeIsItsAddresses) {
    const auto node = loaded<policy::Node>(
        "apiVersion: v1\nkind: Node\nmetadata: {name: node-1}\nspec: {podCIDR: 10.0.0.0/24}\nstatus: {addresses: "
        "[{type: InternalIP, address: 192.0.2.1}, {type: Hostname, address: node-1}, {type: ExternalIP, address: "
        "\"2001:db8::9\"}]}\n");
    ASSERT_EQ(node.addresses.size(), 2U);
    EXPECT_EQ(node.addresses[1].text(), "2001:db8::9");
}

constexpr const char* kService = R"(
spec:
  clusterIP: 10.96.0.7
  clusterIPs: [10.96.0.7]
  selector: {app: web}
  ports:
  - {name: http, port: 80, protocol: TCP, targetPort: 8080, nodePort: 30080}
  - {name: dns, port: 53, protocol: UDP, targetPort: dns}
  type: NodePort
status: {loadBalancer: {}}
)";

TEST(LoadInventory, AServiceIsItsSelectorAndPorts) {
    const auto service = loaded<policy::Service>(object("Service", kService));
    EXPECT_EQ(service.selector.at("app"), "web");
    EXPECT_EQ(service.cluster_ips, (std::vector<std::string>{"10.96.0.7"}));
    EXPECT_EQ(service.ports, (std::vector<policy::Service::Port>{{"http", 6, 80, "8080"}, {"dns", 17, 53, "dns"}}));
}

std::string slice(const std::string& rest) {
    return "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: web-abc, namespace: prod, labels: "
           "{kubernetes.io/service-name: web}}\n" +
           rest;
}

TEST(LoadInventory, AnEndpointSliceIsItsReadyAddresses) {
    const auto out = loaded<policy::EndpointSlice>(
        slice("addressType: IPv4\nendpoints:\n- {addresses: [10.0.0.1], conditions: {ready: true}, nodeName: n}\n"
              "- {addresses: [10.0.0.2], conditions: {ready: false}}\n- {addresses: [10.0.0.3]}\n"
              "ports: [{name: http, port: 8080, protocol: TCP}, {name: \"\", protocol: UDP, port: null}]\n"));
    ASSERT_EQ(out.addresses.size(), 2U);
    EXPECT_EQ(out.addresses[1].text(), "10.0.0.3");
    EXPECT_EQ(out.ports, (std::vector<policy::NamedPort>{{"http", 6, 8080}, {"", 17, 0}}));
    EXPECT_TRUE(
        loaded<policy::EndpointSlice>(slice("addressType: IPv4\nendpoints: null\nports: null\n")).ports.empty());
    EXPECT_TRUE(loaded<policy::EndpointSlice>(slice("addressType: FQDN\nendpoints: [{addresses: [a.example]}]"))
                    .addresses.empty());
}

TEST(LoadInventory, AListOfKubectlIsReadWhole) {
    const auto resources = load_resources(
        {"dump.yaml",
         "apiVersion: v1\nkind: List\nmetadata: {resourceVersion: \"\"}\nitems:\n- {apiVersion: v1, kind: Pod, "
         "metadata: "
         "{name: a}, status: {podIP: 10.0.0.1}}\n- {apiVersion: v1, kind: Namespace, metadata: {name: default}}\n"});
    ASSERT_TRUE(resources) << resources.error().text();
    EXPECT_EQ(resources->size(), 2U);
}

TEST(LoadInventory, WhatWasKeptIsWrittenAsItWasRead) {
    const std::vector<std::string> texts{
        kPod,
        object("Pod", "spec: {hostNetwork: true}\nstatus: {phase: Failed, podIP: 10.0.0.1}"),
        object("ServiceAccount", ""),
        object("Service", kService),
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: prod, labels: {env: p}}\n",
        "apiVersion: v1\nkind: Node\nmetadata: {name: node-1}\nstatus: {addresses: [{type: InternalIP, address: "
        "192.0.2.1}]}",
        slice("addressType: IPv4\nendpoints: [{addresses: [10.0.0.1]}]\nports: [{name: \"\", protocol: UDP, port: "
              "null}]"),
    };
    for (const std::string& text : texts) {
        const auto first = load_resources({"p.yaml", text});
        ASSERT_TRUE(first) << text << first.error().text();
        const auto second = load_resources({"again.yaml", to_yaml(first->front())});
        ASSERT_TRUE(second) << to_yaml(first->front()) << second.error().text();
        EXPECT_EQ(to_json(second->front()), to_json(first->front())) << text;
    }
}

}  // namespace
}  // namespace drywall::loader

// The envelope, the kinds beside policies, and YAML's traps.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "drywall/loader/resources.h"
#include "texts.h"
#include "yaml_document.h"

namespace drywall::loader {
namespace {

using policy::Kind;

template <typename T>
T loaded(const std::string& text) {
    const auto resources = load_resources({"p.yaml", text});
    EXPECT_TRUE(resources) << text << resources.error().text();
    if (!resources || resources->size() != 1) return {};
    return std::get<T>(resources->front());
}

void expect_complaint(const std::string& text, const std::string& message) {
    const std::string got = complaints(text);
    EXPECT_NE(got.find(message), std::string::npos) << text << "\n--- got: " << got;
}

std::vector<std::string> ids(const std::string& text) {
    const auto resources = load_resources({"p.yaml", text});
    EXPECT_TRUE(resources) << resources.error().text();
    std::vector<std::string> out;
    if (resources)
        for (const policy::Resource& resource : *resources) out.push_back(policy::id_of(resource).text());
    return out;
}

TEST(LoadResources, ReadsTiersAndFillsInWhatCalicosClientFillsIn) {
    const auto tier = loaded<policy::Tier>(resource_text("Tier", "{name: acme}", "{}"));
    EXPECT_EQ(tier.order, 1'000'000);
    EXPECT_EQ(tier.default_action, Action::kDeny);
    const auto pass = loaded<policy::Tier>(resource_text("Tier", "{name: acme}", "{order: 5, defaultAction: Pass}"));
    EXPECT_EQ(pass.order, 5);
    EXPECT_EQ(pass.default_action, Action::kPass);
    expect_complaint(resource_text("Tier", "{name: a.b}", "{}"), "can't be the name of a Tier");
    expect_complaint(resource_text("Tier", "{name: a}", "{defaultAction: Allow}"), "write one of Deny, Pass");
}

TEST(LoadResources, V13NetworkSetsAcceptBareAddressesAndHostBits) {
    const auto set = loaded<policy::NetworkSet>(
        resource_text("GlobalNetworkSet", "{name: s}", "{nets: [10.0.0.1, 10.0.0.1/24, \"2001:db8::1\"]}"));
    ASSERT_EQ(set.nets.size(), 3U);
    EXPECT_EQ(set.nets[0].text(), "10.0.0.1/32");
    EXPECT_EQ(set.nets[1].text(), "10.0.0.0/24");
    EXPECT_EQ(set.nets[2].text(), "2001:db8::1/128");
    expect_complaint(resource_text("GlobalNetworkSet", "{name: s}", "{nets: [10.0.0.0/33]}"), "neither an address");
    expect_complaint(resource_text("GlobalNetworkSet", "{name: s, labels: {projectcalico.org/namespace: x}}", "{}"),
                     "can't carry the label");
}

TEST(LoadResources, NetworkSetsHoldDomains) {
    for (const char* kind : {"GlobalNetworkSet", "NetworkSet"}) {
        const auto set = loaded<policy::NetworkSet>(resource_text(
            kind, "{name: s}", "{nets: [10.0.0.1], allowedEgressDomains: ['*.Example.com', example.com]}"));
        EXPECT_EQ(set.allowed_egress_domains, (std::vector<std::string>{"*.example.com", "example.com"}));
        EXPECT_EQ(set.nets.size(), 1U);
        expect_complaint(resource_text(kind, "{name: s}", "{allowedEgressDomains: ['a.*']}"),
                         "spec.allowedEgressDomains: 'a.*' is not a domain");
    }
}

TEST(LoadResources, V30HostEndpointsNeedANodeAndSomethingToMatch) {
    const auto host =
        loaded<policy::HostEndpoint>(resource_text("HostEndpoint", "{name: h}",
                                                   "{node: node-1, interfaceName: eth0, expectedIPs: [10.0.0.1, "
                                                   "\"::1\"], profiles: [projectcalico-default-allow]}"));
    EXPECT_EQ(host.node, "node-1");
    EXPECT_EQ(host.interface_name, "eth0");
    EXPECT_EQ(host.expected_ips.size(), 2U);
    EXPECT_EQ(host.profiles.size(), 1U);
    expect_complaint(resource_text("HostEndpoint", "{name: h}", "{node: node-1}"),
                     "needs interfaceName or expectedIPs");
    expect_complaint(resource_text("HostEndpoint", "{name: h}", "{interfaceName: eth0}"), "spec.node is missing");
    expect_complaint(resource_text("HostEndpoint", "{name: h}", "{node: '', interfaceName: eth0}"), "names no host");
    expect_complaint(resource_text("HostEndpoint", "{name: h}", "{node: node-1, interfaceName: abcdefghijklmnop}"),
                     "at most 15");
    EXPECT_EQ(
        loaded<policy::HostEndpoint>(resource_text("HostEndpoint", "{name: h}", "{node: node-1, interfaceName: '*'}"))
            .interface_name,
        "*");
    expect_complaint(resource_text("HostEndpoint", "{name: h}", "{node: node-1, expectedIPs: [10.0.0.0/24]}"),
                     "is not an address");
}

TEST(LoadResources, ReadsWorkloadEndpointsAndTheirNamespaceDefaultsToDefault) {
    const auto endpoint = loaded<policy::WorkloadEndpoint>(resource_text(
        "WorkloadEndpoint", "{name: web-1, labels: {app: web}}",
        "{node: node-1, orchestrator: cni, containerID: c1, ipNetworks: [10.0.0.1/32, \"2001:db8::1/128\"], "
        "interfaceName: cali0, mac: \"02:00:00:00:00:01\", ipv4Gateway: 10.0.0.254}"));
    EXPECT_EQ(endpoint.metadata.ns, "default");
    EXPECT_EQ(endpoint.ip_networks.size(), 2U);
    EXPECT_EQ(endpoint.mac, "02:00:00:00:00:01");
    EXPECT_EQ(endpoint.container_id, "c1");
    expect_complaint(resource_text("WorkloadEndpoint", "{name: w}", "{ipNetworks: [10.0.0.0/24]}"),
                     "address of one endpoint");
    expect_complaint(resource_text("WorkloadEndpoint", "{name: w}", "{mac: 02-00}"), "is not a MAC address");
    expect_complaint(resource_text("WorkloadEndpoint", "{name: w}", "{ipv6Gateway: 10.0.0.1}"),
                     "spec.ipv6Gateway must be an IPv6 address");
}

TEST(LoadResources, ReadsThePortsThatEndpointsDeclare) {
    using policy::NamedPort;
    const std::string ports = "ports: [{name: http, protocol: TCP, port: 8080}, {name: dns, protocol: UDP, port: 53}]";
    const std::vector<NamedPort> expected{{"http", 6, 8080}, {"dns", 17, 53}};
    EXPECT_EQ(loaded<policy::HostEndpoint>(
                  resource_text("HostEndpoint", "{name: h}", "{node: n1, expectedIPs: [10.0.0.1], " + ports + "}"))
                  .ports,
              expected);
    const auto workload = [](const std::string& spec) { return resource_text("WorkloadEndpoint", "{name: w}", spec); };
    EXPECT_EQ(loaded<policy::WorkloadEndpoint>(workload("{" + ports + "}")).ports, expected);
    EXPECT_TRUE(loaded<policy::WorkloadEndpoint>(workload("{ports: [{protocol: TCP, port: 80, hostPort: 8080}]}"))
                    .ports.empty());
    expect_complaint(workload("{ports: [{protocol: TCP, port: 80}]}"), "needs a name; or a hostPort");
    expect_complaint(workload("{ports: [{name: Http, protocol: TCP, port: 80}]}"), "can't be the name of a port");
    expect_complaint(workload("{ports: [{name: http, protocol: ICMP, port: 80}]}"), "needs protocol TCP, UDP or SCTP");
    expect_complaint(workload("{ports: [{name: http, port: 80}]}"), "needs a protocol");
    expect_complaint(workload("{ports: [{name: http, protocol: TCP, port: 0}]}"), "1-65535");
}

TEST(LoadResources, SaysWhatAWireCannotDoForAWorkload) {
    const auto warnings = [](const std::string& spec) {
        const auto loaded = load_with_warnings({"p.yaml", resource_text("WorkloadEndpoint", "{name: w}", spec)});
        EXPECT_TRUE(loaded) << loaded.error().text();
        return loaded && loaded->warnings.size() == 1 ? loaded->warnings.front().message : "";
    };
    const std::string nat = "ipNATs: [{internalIP: 10.0.0.1, externalIP: 192.0.2.1}]";
    EXPECT_NE(warnings("{ipNetworks: [10.0.0.1/32], " + nat + "}").find("192.0.2.1"), std::string::npos);
    EXPECT_EQ(warnings("{ipNetworks: [10.0.0.1/32, 192.0.2.1/32], " + nat + "}"), "");
    EXPECT_NE(warnings("{allowSpoofedSourcePrefixes: [10.0.0.0/8]}"), "");
    EXPECT_NE(warnings("{qosControls: {ingressMaxConnections: 5}}"), "");
    EXPECT_EQ(warnings("{qosControls: {dscp: 20}}"), "");
    expect_complaint(resource_text("WorkloadEndpoint", "{name: w}", "{" + nat + "}"), "is not one of spec.ipNetworks");
    expect_complaint(resource_text("WorkloadEndpoint", "{name: w}", "{qosControls: {ingresBandwidth: 1}}"),
                     "did you mean 'ingressBandwidth'?");
}

TEST(LoadResources, ReadsProfilesAndNetworkSetsOfANamespace) {
    const auto profile = loaded<policy::Profile>(
        resource_text("Profile", "{name: kns.prod}",
                      "{ingress: [{action: Allow}], egress: [{action: Deny}], labelsToApply: {pcns.env: prod}}"));
    EXPECT_EQ(profile.ingress.size(), 1U);
    EXPECT_EQ(profile.egress.front().action, Action::kDeny);
    EXPECT_EQ(profile.labels_to_apply, (policy::Labels{{"pcns.env", "prod"}}));
    expect_complaint(resource_text("Profile", "{name: p}", "{labelsToApply: {a: 'x y'}}"), "can't be the value");
    const auto set =
        loaded<policy::NetworkSet>(resource_text("NetworkSet", "{name: s, namespace: prod}", "{nets: [10.0.0.1]}"));
    EXPECT_FALSE(set.global);
    EXPECT_EQ(set.metadata.ns, "prod");
    expect_complaint(resource_text("NetworkSet", "{name: s, labels: {projectcalico.org/namespace: x}}", "{}"),
                     "can't carry the label");
}

TEST(LoadResources, ReadsFailsafePortsAndTellsAbsentFromNone) {
    const auto felix = loaded<policy::FelixConfiguration>(
        resource_text("FelixConfiguration", "{name: default}",
                      "{failsafeInboundHostPorts: [{protocol: TCP, port: 22, net: 10.0.0.0/8}, {protocol: UDP, port: "
                      "68}], failsafeOutboundHostPorts: [], vxlanEnabled: true, bpfLogLevel: Debug}"));
    ASSERT_TRUE(felix.failsafe_inbound && felix.failsafe_outbound);
    ASSERT_EQ(felix.failsafe_inbound->size(), 2U);
    EXPECT_EQ(felix.failsafe_inbound->front(), (policy::FailsafePort{6, 22, net::Prefix::parse_loose("10.0.0.0/8")}));
    EXPECT_TRUE(felix.failsafe_outbound->empty());
    EXPECT_FALSE(loaded<policy::FelixConfiguration>(resource_text("FelixConfiguration", "{name: default}", "{}"))
                     .failsafe_inbound);
    const auto with = [](const std::string& spec) {
        return resource_text("FelixConfiguration", "{name: default}", spec);
    };
    expect_complaint(with("{failsafeInboundHostPort: []}"), "did you mean 'failsafeInboundHostPorts'?");
    expect_complaint(with("{failsafeInboundHostPorts: [{protocol: tcp, port: 22}]}"), "did you mean 'TCP'?");
    expect_complaint(with("{failsafeInboundHostPorts: [{protocol: TCP}]}"), "port is missing");
    expect_complaint(with("{failsafeInboundHostPorts: [{protocol: TCP, port: 22, net: x}]}"), "neither an address");
    expect_complaint(with("{nodeSelector: has(x), failsafeInboundHostPorts: []}"), "nodeSelector is not supported yet");
}

TEST(LoadResources, WarnsOfFelixFieldsThatHaveNoEffectHere) {
    const auto warnings = [](const std::string& name, const std::string& spec) {
        const auto loaded =
            load_with_warnings({"p.yaml", resource_text("FelixConfiguration", "{name: " + name + "}", spec)});
        EXPECT_TRUE(loaded) << loaded.error().text();
        return loaded ? loaded->warnings.size() : 0;
    };
    EXPECT_EQ(warnings("default", "{logPrefix: x, iptablesFilterDenyAction: Reject}"), 2U);
    EXPECT_EQ(warnings("default", "{iptablesFilterDenyAction: Drop, wireguardEnabled: true}"), 0U);
    EXPECT_EQ(warnings("node.n1", "{}"), 0U);
    EXPECT_EQ(warnings("other", "{}"), 1U);
}

TEST(LoadResources, AKubernetesEndpointsNameAgreesWithItsFieldsWhenAllAreThere) {
    const std::string spec = "{node: node-1, orchestrator: k8s, pod: web-1, endpoint: eth0}";
    EXPECT_EQ(
        loaded<policy::WorkloadEndpoint>(resource_text("WorkloadEndpoint", "{name: node--1-k8s-web--1-eth0}", spec))
            .pod,
        "web-1");
    expect_complaint(resource_text("WorkloadEndpoint", "{name: web-1}", spec), "'node--1-k8s-web--1-eth0'");
    EXPECT_EQ(
        loaded<policy::WorkloadEndpoint>(resource_text("WorkloadEndpoint", "{namespace: prod}", spec)).metadata.name,
        "node--1-k8s-web--1-eth0");
    EXPECT_EQ(loaded<policy::WorkloadEndpoint>(
                  resource_text("WorkloadEndpoint", "{}", "{node: n1, orchestrator: cni, containerID: c, endpoint: e}"))
                  .metadata.name,
              "n1-cni-c-e");
    expect_complaint(resource_text("WorkloadEndpoint", "{}", "{node: n1}"), "metadata.name is missing");
    loaded<policy::WorkloadEndpoint>(
        resource_text("WorkloadEndpoint", "{name: web-1}", "{orchestrator: k8s, pod: web-1}"));
}

TEST(LoadResources, NamespacesAreForNamespacedKindsOnly) {
    expect_complaint(resource_text("Tier", "{name: t, namespace: prod}", "{}"), "is cluster-wide and has no namespace");
    expect_complaint(resource_text("WorkloadEndpoint", "{name: w, namespace: a.b}", "{}"), "can't be a namespace");
}

TEST(LoadResources, KindsThatAreNotThereAreRefusedByName) {
    expect_complaint(resource_text("IPPool", "{name: p}", "{}"),
                     "p.yaml:2:7: kind 'IPPool' is not supported; supported kinds are Tier, GlobalNetworkPolicy");
    expect_complaint("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n",
                     "kind 'Deployment' is not supported");
    expect_complaint("apiVersion: policy/v1\nkind: NetworkPolicy\nmetadata: {name: d}\n",
                     "apiVersion must be projectcalico.org/v3 or networking.k8s.io/v1, not 'policy/v1'");
    expect_complaint(resource_text("GlobalNetworkPolcy", "{name: p}", "{}"), "did you mean 'GlobalNetworkPolicy'?");
    expect_complaint(resource_text("globalnetworkpolicy", "{name: p}", "{}"), "did you mean 'GlobalNetworkPolicy'?");
    expect_complaint("kind: Tier\nmetadata: {name: t}\n", "apiVersion is missing");
    expect_complaint("apiVersion: crd.projectcalico.org/v1\nkind: Tier\nmetadata: {name: t}\n",
                     "apiVersion must be projectcalico.org/v3, not 'crd.projectcalico.org/v1'");
    expect_complaint("- a\n- b\n", "a resource must be a mapping, not a list");
}

TEST(LoadResources, ReadsManyDocumentsListsAndJson) {
    EXPECT_EQ(ids("# only a comment\n"), std::vector<std::string>{});
    EXPECT_EQ(ids("---\n" + policy_text("{}", "a") + "---\n# nothing\n---\n" + policy_text("{}", "b") + "...\n"),
              (std::vector<std::string>{"globalnetworkpolicy/a", "globalnetworkpolicy/b"}));
    const std::string json =
        "{\"apiVersion\":\"v1\",\"kind\":\"List\",\"metadata\":{\"resourceVersion\":\"\"},\"items\":[\n"
        "\t{\"apiVersion\":\"projectcalico.org/"
        "v3\",\"kind\":\"Tier\",\"metadata\":{\"name\":\"t\"},\"spec\":{\"order\":5}},\n"
        "\t{\"apiVersion\":\"projectcalico.org/"
        "v3\",\"kind\":\"GlobalNetworkSet\",\"metadata\":{\"name\":\"s\"},\"spec\":{\"nets\":[\"10.0.0.1\"]}}]}";
    EXPECT_EQ(ids(json), (std::vector<std::string>{"tier/t", "globalnetworkset/s"}));
    EXPECT_EQ(ids("apiVersion: projectcalico.org/v3\nkind: TierList\nitems:\n- apiVersion: projectcalico.org/v3\n  "
                  "kind: Tier\n"
                  "  metadata: {name: t}\n"),
              (std::vector<std::string>{"tier/t"}));
    expect_complaint("apiVersion: projectcalico.org/v3\nkind: IPPoolList\nitems: []\n",
                     "kind 'IPPool' is not supported");
    EXPECT_EQ(ids("apiVersion: projectcalico.org/v3\nkind: ProfileList\nitems: []\n"), std::vector<std::string>{});
    expect_complaint("apiVersion: v1\nkind: List\nitems: {}\n", "items must be a list");
}

TEST(LoadResources, IgnoresWhatServersWriteIntoObjects) {
    const auto tier = loaded<policy::Tier>(
        "apiVersion: projectcalico.org/v3\nkind: Tier\nmetadata:\n  name: t\n  uid: a-b\n  resourceVersion: \"12\"\n"
        "  creationTimestamp: null\n  generation: 3\n  managedFields: [{manager: kubectl}]\nstatus: {conditions: "
        "[]}\nspec: {}\n");
    EXPECT_EQ(tier.metadata.name, "t");
}

TEST(LoadResources, ANameTakenTwiceIsAnError) {
    expect_complaint(policy_text("{}", "a") + "---\n" + policy_text("{}", "a"),
                     "p.yaml:8:18: globalnetworkpolicy/a is declared twice; the first is on line 3");
    EXPECT_EQ(
        ids(policy_text("{}", "foo") + "---\n" + policy_text("{}", "default.foo") + "---\n" + staged_text("{}")).size(),
        3U);
}

TEST(LoadResources, LabelsAreTextAndFollowKubernetesRules) {
    const auto with = [](const std::string& label) {
        return resource_text("Tier", "{name: t, labels: {" + label + "}}", "{}");
    };
    for (const char* ambiguous : {"yes", "1", "true", "null", "~", "1.5", "0x1f", "022", "1_000", "off", "1e3"}) {
        EXPECT_NE(complaints(with("a: " + std::string(ambiguous))), "") << ambiguous;
    }
    expect_complaint(with("a: yes"), "put it in quotes: \"yes\"");
    EXPECT_EQ(loaded<policy::Tier>(with("a: \"yes\", b: '1', c: v1.2.3, d: \"\"")).metadata.labels.size(), 4U);
    expect_complaint(with("\"a b\": x"), "can't be a label");
    expect_complaint(with("a: \"x y\""), "can't be the value of label 'a'");
    expect_complaint(with("a: " + std::string(64, 'x')), "can't be the value");
    expect_complaint(with("Up.org/a: x"), "can't be a label");
    EXPECT_EQ(loaded<policy::Tier>(with("example.org/a_B: X-1")).metadata.labels.size(), 1U);
}

TEST(LoadResources, AnnotationsAreFreeTextUpToALimit) {
    EXPECT_EQ(
        complaints(resource_text("Tier", "{name: t, annotations: {a: \"" + std::string(200'000, 'x') + "\"}}", "{}")),
        "");
    expect_complaint(resource_text("Tier", "{name: t, annotations: {a: \"" + std::string(262'144, 'x') + "\"}}", "{}"),
                     "metadata.annotations is larger than 256 KiB");
    expect_complaint(resource_text("Tier", "{name: t, annotations: {\"a b\": x}}", "{}"), "can't be an annotation");
}

TEST(YamlDocument, RefusesWhatReadersDisagreeAbout) {
    expect_complaint("kind: Tier\nkind: Tier\n", "p.yaml:2:1: key 'kind' is written twice; the first is on line 1");
    expect_complaint("{\"a\": 1, \"a\": 2}", "p.yaml:1:10: key 'a' is written twice");
    expect_complaint("a: &x 1\n", "anchors are not accepted");
    expect_complaint("a: *x\n", "p.yaml:1:4");
    expect_complaint("a: &x {b: 1}\nc: *x\n", "anchors are not accepted");
    expect_complaint("<<: {a: 1}\n", "merge keys are not accepted");
    expect_complaint("a: !!int \"1\"\n", "tags are not accepted");
    expect_complaint("a: !custom {}\n", "tags are not accepted");
    expect_complaint("? [a]\n: b\n", "a key must be text");
    expect_complaint("~: b\n", "a key must be text");
    expect_complaint("{a: 1} {b: 2}\n", "p.yaml:1:8: text follows the end of the document");
    expect_complaint("a: 1\n---\nb: [1\n", "not YAML");
    expect_complaint("a:\n\t- b\n", "not YAML");
    expect_complaint("a: 1\n  b: 2\n", "p.yaml:2:4");
}

TEST(YamlDocument, ReadsJsonsEscapesOfCharactersBeyondTheBasicPlane) {
    const std::string text =
        R"({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a", "annotations": {"k": "\ud83d\ude00 \\ud83d\u00e9"}}})";
    const auto loaded = load_resources({"a.json", text});
    ASSERT_TRUE(loaded) << loaded.error().text();
    EXPECT_EQ(policy::metadata_of(loaded->front()).annotations.at("k"), "\xf0\x9f\x98\x80 \\ud83d\xc3\xa9");
    EXPECT_FALSE(load_resources({"b.json", R"({"apiVersion": "v1", "kind": "\ud83d"})"}));
}

TEST(LoadResources, OneLetterNamesAreText) {
    for (const char* name : {"y", "n"}) {
        const auto loaded = load_resources(
            {"a.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: " + std::string(name) + "}\n"});
        ASSERT_TRUE(loaded) << loaded.error().text();
        EXPECT_EQ(policy::metadata_of(loaded->front()).name, name);
    }
}

TEST(YamlDocument, RefusesWhatIsNotUtf8Text) {
    expect_complaint("a: \xff\n", "p.yaml:1:4: not UTF-8 text");
    expect_complaint("a: b\nc: \xc0\xaf\n", "p.yaml:2:4: not UTF-8 text");
    expect_complaint("a: \xed\xa0\x80\n", "not UTF-8 text");
    expect_complaint(std::string("a: \0b\n", 6), "a control character");
    expect_complaint("a: \x1b[31m\n", "a control character");
    expect_complaint(
        "\xff\xfe"
        "a",
        "not UTF-8 text");
}

TEST(YamlDocument, BoundsSizeDepthAndNumber) {
    expect_complaint(std::string(kMaxSourceBytes + 1, ' '), "larger than 8 MiB");
    const auto nested = [](std::size_t depth) { return "a: " + std::string(depth, '[') + std::string(depth, ']'); };
    expect_complaint(nested(33), "nested deeper than 32 levels");
    EXPECT_EQ(complaints(nested(30)).find("nested"), std::string::npos);
    EXPECT_TRUE(complaints(std::string(200'000, '[')).starts_with("p.yaml:1:"));
    Complaints few("p.yaml");
    EXPECT_FALSE(parse_yaml("[1, 2, 3]", few, 4).empty());
    EXPECT_TRUE(parse_yaml("[1, 2, 3, 4]", few, 4).empty());
    EXPECT_EQ(std::move(few).error().text(), "p.yaml:1:11: more than 4 values; split the file");
}

class SourceFiles : public testing::Test {
protected:
    void SetUp() override {
        const std::string pattern = testing::TempDir() + "drywall-loader-XXXXXX";
        std::vector<char> path(pattern.begin(), pattern.end());
        path.push_back('\0');
        ASSERT_NE(mkdtemp(path.data()), nullptr);
        directory_ = path.data();
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    void write(const std::string& name, const std::string& text) const { std::ofstream(directory_ / name) << text; }

    std::filesystem::path directory_;
};

TEST_F(SourceFiles, OfADirectoryAreReadInTheOrderOfTheirNames) {
    write("b.yaml", "b");
    write("a.json", "a");
    write("c.yml", "c");
    write("notes.txt", "no");
    std::filesystem::create_directory(directory_ / "sub.yaml");
    const auto sources = read_sources(directory_.string());
    ASSERT_TRUE(sources);
    ASSERT_EQ(sources->size(), 3U);
    EXPECT_EQ((*sources)[0].text + (*sources)[1].text + (*sources)[2].text, "abc");
    EXPECT_EQ((*sources)[0].name, (directory_ / "a.json").string());
}

TEST_F(SourceFiles, ThatCannotBeReadAreNamed) {
    const auto missing = read_sources((directory_ / "none.yaml").string());
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().kind, ErrorKind::kNotFound);
    EXPECT_EQ(missing.error().text(),
              (directory_ / "none.yaml").string() + ": can't be read: No such file or directory");
    write("large.yaml", std::string(kMaxSourceBytes + 1, ' '));
    EXPECT_FALSE(read_sources((directory_ / "large.yaml").string()));
}

}  // namespace
}  // namespace drywall::loader

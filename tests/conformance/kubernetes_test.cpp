// Kubernetes' policies in Calico's terms: cases K1 to K14, from YAML text to the verdict of a compiled ruleset.
//
// The cast: pods web (10.0.0.1), api (10.0.0.2) in the namespace prod (env: p), pod dev (10.1.0.1) in dev (env: d), the
// NetworkSet partners (192.0.2.0/24) of dev, and a stranger, 203.0.113.9.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "drywall/loader/resources.h"
#include "drywall/policy/resources.h"
#include "drywall/ruleset/ruleset.h"

namespace drywall {
namespace {

using testing::HasSubstr;

constexpr std::string_view kWeb = "10.0.0.1";
constexpr std::string_view kApi = "10.0.0.2";
constexpr std::string_view kDev = "10.1.0.1";
constexpr std::string_view kPartner = "192.0.2.7";
constexpr std::string_view kStranger = "203.0.113.9";
constexpr std::uint8_t kIcmp = 1;
constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;

std::string document(const std::string& version, const std::string& kind, const std::string& metadata,
                     const std::string& rest) {
    return "---\napiVersion: " + version + "\nkind: " + kind + "\nmetadata: {" + metadata + "}\n" + rest + "\n";
}

std::string pod(const std::string& ns, const std::string& name, std::string_view address) {
    return document("v1", "Pod", "name: " + name + ", namespace: " + ns + ", labels: {app: " + name + "}",
                    "spec: {containers: [{ports: [{name: http, containerPort: 8080}]}]}\nstatus: {podIP: " +
                        std::string(address) + "}");
}

std::string cast() {
    return document("v1", "Namespace", "name: prod, labels: {env: p}", "") +
           document("v1", "Namespace", "name: dev, labels: {env: d}", "") + pod("prod", "web", kWeb) +
           pod("prod", "api", kApi) + pod("dev", "dev", kDev) +
           document("projectcalico.org/v3", "NetworkSet", "name: partners, namespace: dev, labels: {app: dev}",
                    "spec: {nets: [192.0.2.0/24]}");
}

std::string knp(const std::string& spec, const std::string& name = "k") {
    return document("networking.k8s.io/v1", "NetworkPolicy", "name: " + name + ", namespace: prod", "spec: " + spec);
}

// A policy for web that allows what the one ingress rule says.
std::string allowing(const std::string& rule) {
    return knp("{podSelector: {matchLabels: {app: web}}, ingress: [" + rule + "]}");
}

std::string sknp(const std::string& spec) {
    return document("projectcalico.org/v3", "StagedKubernetesNetworkPolicy", "name: k, namespace: prod",
                    "spec: " + spec);
}

std::string cnp(const std::string& tier, const std::string& rules) {
    return document(
        "policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy", "name: c",
        "spec: {tier: " + tier + ", priority: 1, subject: {namespaces: {matchLabels: {env: p}}}, " + rules + "}");
}

struct Packet {
    std::string_view from;
    std::string_view to = kWeb;
    std::uint8_t protocol = kTcp;
    std::uint16_t port = 80;
};

net::Tuple tuple(const Packet& packet) {
    const net::Address source = net::Address::parse(packet.from).value();
    const net::Address destination = net::Address::parse(packet.to).value();
    net::Tuple out;
    out.source = source.bytes;
    out.destination = destination.bytes;
    out.family = source.family;
    out.protocol = packet.protocol;
    out.source_port = packet.protocol == kIcmp ? 0 : 40000;
    out.destination_port = packet.protocol == kIcmp ? 8 << 8 : packet.port;
    return out;
}

class Site {
public:
    // The cast, and what the text adds.
    explicit Site(const std::string& text) {
        policy::Inventory inventory = policy::initial_inventory();
        const auto resources = loader::load_resources({"site.yaml", cast() + text});
        EXPECT_TRUE(resources) << text << (resources ? "" : resources.error().text());
        if (!resources) return;
        for (const policy::Resource& resource : *resources)
            inventory[policy::id_of(resource)] = std::make_shared<const policy::Resource>(resource);
        const Status checked = policy::check(inventory);
        EXPECT_TRUE(checked) << (checked ? "" : checked.error().text());
        policy::Surroundings surroundings;
        surroundings.port_names = {"left", "right"};
        surroundings.peer_of = {PortId{1}, PortId{0}};
        auto built = ruleset::Ruleset::build(Generation{1}, inventory, surroundings);
        EXPECT_TRUE(built) << (built ? "" : built.error().text());
        if (built) ruleset_ = *built;
    }

    [[nodiscard]] bool allows(const Packet& packet) const { return verdict(packet).enforced == Verdict::kAllow; }
    [[nodiscard]] bool would_allow(const Packet& packet) const { return verdict(packet).pending == Verdict::kAllow; }

    // Hits of the enforced world, egress of the source before ingress of the destination.
    [[nodiscard]] std::vector<std::string> hits(const Packet& packet) const {
        std::vector<std::string> out;
        if (!ruleset_) return out;
        for (const HitId id : ruleset_->trace(ruleset_->classify(tuple(packet))).enforced_hits)
            out.push_back(ruleset_->hit(id).text());
        return out;
    }

private:
    [[nodiscard]] ruleset::TraceVerdict verdict(const Packet& packet) const {
        return ruleset_ ? ruleset_->verdict(ruleset_->classify(tuple(packet))) : ruleset::TraceVerdict{};
    }

    std::shared_ptr<const ruleset::Ruleset> ruleset_;
};

std::string refusal(const std::string& text) {
    const auto resources = loader::load_resources({"site.yaml", text});
    return resources ? "" : resources.error().text();
}

TEST(Kubernetes, APolicyWithoutRulesIsTheNamespacesDefaultDeny_K1) {
    const Site site(knp("{podSelector: {}, policyTypes: [Ingress]}"));
    EXPECT_FALSE(site.allows({.from = kStranger}));
    EXPECT_FALSE(site.allows({.from = kWeb, .to = kApi}));
    EXPECT_TRUE(site.allows({.from = kWeb, .to = kStranger}));
    EXPECT_TRUE(site.allows({.from = kWeb, .to = kDev}));
    EXPECT_THAT(site.hits({.from = kStranger}), testing::ElementsAre("default|knp:prod/k|deny|-1"));
}

TEST(Kubernetes, PortsOfEachProtocolAreOneRule_K2) {
    const Site site(
        allowing("{from: [{podSelector: {}}], ports: [{port: 80}, {protocol: TCP, port: 81}, {protocol: UDP, "
                 "port: 53}]}"));
    const std::string profile = "__PROFILE__|pro:kns.prod|allow|0";
    for (const std::uint16_t port : {80, 81}) {
        EXPECT_THAT(site.hits({.from = kApi, .port = port}),
                    testing::ElementsAre(profile, "default|knp:prod/k|allow|0"));
    }
    EXPECT_THAT(site.hits({.from = kApi, .protocol = kUdp, .port = 53}),
                testing::ElementsAre(profile, "default|knp:prod/k|allow|1"));
    for (const std::uint16_t port : {79, 82}) EXPECT_FALSE(site.allows({.from = kApi, .port = port}));
    EXPECT_FALSE(site.allows({.from = kApi, .protocol = kUdp, .port = 80}));
}

TEST(Kubernetes, AProtocolWithoutAPortIsAllOfItsPorts_K3) {
    const Site site(allowing("{ports: [{protocol: UDP}]}"));
    EXPECT_TRUE(site.allows({.from = kStranger, .protocol = kUdp, .port = 1}));
    EXPECT_TRUE(site.allows({.from = kStranger, .protocol = kUdp, .port = 65535}));
    EXPECT_FALSE(site.allows({.from = kStranger, .port = 1}));
    EXPECT_FALSE(site.allows({.from = kStranger, .protocol = kIcmp}));
}

TEST(Kubernetes, NoPortsIsAnyProtocolWithIcmp_K4) {
    const Site site(allowing("{from: [{podSelector: {}}]}"));
    EXPECT_TRUE(site.allows({.from = kApi, .protocol = kIcmp}));
    EXPECT_TRUE(site.allows({.from = kApi, .protocol = 47}));
    EXPECT_TRUE(site.allows({.from = kApi, .protocol = kUdp, .port = 9}));
}

TEST(Kubernetes, NoPeersIsAnyone_K5) {
    for (const char* rule : {"{from: [], ports: [{port: 80}]}", "{ports: [{port: 80}]}"}) {
        const Site site(allowing(rule));
        for (const std::string_view source : {kStranger, kApi, kDev, kPartner})
            EXPECT_TRUE(site.allows({.from = source})) << source;
        EXPECT_FALSE(site.allows({.from = kStranger, .port = 81}));
    }
}

TEST(Kubernetes, AnEmptyPodSelectorIsThePodsOfTheOwnNamespace_K6) {
    const Site site(allowing("{from: [{podSelector: {}}]}"));
    EXPECT_TRUE(site.allows({.from = kApi}));
    for (const std::string_view source : {kStranger, kDev, kPartner}) EXPECT_FALSE(site.allows({.from = source}));
}

TEST(Kubernetes, AnEmptyNamespaceSelectorIsPodsEverywhereAndNoNetworkSet_K7) {
    const Site site(allowing("{from: [{namespaceSelector: {}}]}"));
    EXPECT_TRUE(site.allows({.from = kApi}));
    EXPECT_TRUE(site.allows({.from = kDev}));
    EXPECT_FALSE(site.allows({.from = kPartner}));
    EXPECT_FALSE(site.allows({.from = kStranger}));
}

TEST(Kubernetes, NamespacesOfAClusterNetworkPolicyHoldNetworkSetsToo_K7b) {
    const Site site(cnp("Admin", "ingress: [{action: Accept, from: [{namespaces: {}}]}]") +
                    knp("{podSelector: {}, policyTypes: [Ingress]}"));
    EXPECT_TRUE(site.allows({.from = kPartner}));
    EXPECT_TRUE(site.allows({.from = kDev}));
    EXPECT_FALSE(site.allows({.from = kStranger}));
}

TEST(Kubernetes, ABlockThatIsNoNetworkIsRefused_K7c) {
    const std::string spec = "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/33}}]}]}";
    for (const std::string& text : {knp(spec), sknp(spec)}) {
        EXPECT_THAT(refusal(text), HasSubstr("'10.0.0.0/33' is not a network"));
        EXPECT_THAT(refusal(text), HasSubstr("site.yaml:5:"));
    }
    EXPECT_THAT(
        refusal(knp("{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.0.0.0/33]}}]}]}")),
        HasSubstr("'10.0.0.0/33' is not a network"));
}

TEST(Kubernetes, AnExceptionIsTakenOutOfItsBlock_K8) {
    const Site site(allowing("{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}}]}"));
    EXPECT_TRUE(site.allows({.from = "10.2.0.1"}));
    EXPECT_TRUE(site.allows({.from = "10.0.255.255"}));
    EXPECT_FALSE(site.allows({.from = "10.1.0.0"}));
    EXPECT_FALSE(site.allows({.from = "10.1.255.255"}));
    EXPECT_FALSE(site.allows({.from = kStranger}));
}

TEST(Kubernetes, AnEndPortMakesARange_K9) {
    const Site site(allowing("{ports: [{port: 8000, endPort: 8100}]}"));
    for (const std::uint16_t port : {8000, 8050, 8100}) EXPECT_TRUE(site.allows({.from = kStranger, .port = port}));
    for (const std::uint16_t port : {7999, 8101}) EXPECT_FALSE(site.allows({.from = kStranger, .port = port}));
}

TEST(Kubernetes, ARuleThatFailsDeniesAllOrIsDropped_K10) {
    for (const char* peer : {"{networks: [10.0.0.0/33]}", "{nodes: {}}"}) {
        const Site denied(cnp("Admin", std::string("egress: [{action: Deny, to: [") + peer + "]}]"));
        EXPECT_FALSE(denied.allows({.from = kWeb, .to = kStranger}));
        EXPECT_THAT(denied.hits({.from = kWeb, .to = kStranger}), testing::ElementsAre("kube-admin|kcnp:c|deny|0"));
        EXPECT_TRUE(denied.allows({.from = kStranger}));  // the other direction is not touched
        const Site dropped(cnp("Admin", std::string("egress: [{action: Accept, to: [") + peer + "]}]") +
                           knp("{podSelector: {}, policyTypes: [Egress]}"));
        EXPECT_FALSE(dropped.allows({.from = kWeb, .to = kStranger}));
    }
    const Site names(cnp("Admin", "egress: [{action: Accept, to: [{domainNames: [example.com]}]}]"));
    EXPECT_TRUE(names.allows({.from = kWeb, .to = kStranger}));  // nothing is left of it
}

TEST(Kubernetes, AClusterNetworkPolicyWithIngressRulesLeavesEgressAlone_K11) {
    const Site site(cnp("Admin", "ingress: [{action: Deny, from: [{namespaces: {}}]}]"));
    EXPECT_THAT(site.hits({.from = kWeb, .to = kStranger}), testing::ElementsAre("__PROFILE__|pro:kns.prod|allow|0"));
    EXPECT_FALSE(site.allows({.from = kDev}));
    EXPECT_TRUE(site.allows({.from = kStranger}));
}

TEST(Kubernetes, TheBaselineComesAfterTheDefaultTier_K12) {
    const std::string baseline = cnp("Baseline", "ingress: [{action: Accept, from: [{namespaces: {}}]}]");
    const Site site(baseline + knp("{podSelector: {}, policyTypes: [Ingress]}"));
    EXPECT_FALSE(site.allows({.from = kDev}));
    EXPECT_THAT(site.hits({.from = kDev}),
                testing::ElementsAre("__PROFILE__|pro:kns.dev|allow|0", "default|knp:prod/k|deny|-1"));
    EXPECT_TRUE(Site(baseline).allows({.from = kDev}));
    const Site deny(cnp("Baseline", "ingress: [{action: Deny, from: [{namespaces: {}}]}]") + allowing("{}"));
    EXPECT_TRUE(deny.allows({.from = kDev}));
}

TEST(Kubernetes, APassOfTheAdminTierLeavesItToNetworkPolicies_K13) {
    const std::string pass = cnp("Admin",
                                 "ingress: [{action: Pass, from: [{namespaces: {matchLabels: {env: d}}}]}, "
                                 "{action: Accept, from: [{namespaces: {}}]}]");
    const Site site(pass + knp("{podSelector: {}, policyTypes: [Ingress]}"));
    EXPECT_FALSE(site.allows({.from = kDev}));
    EXPECT_THAT(site.hits({.from = kDev}),
                testing::ElementsAre("__PROFILE__|pro:kns.dev|allow|0", "kube-admin|kcnp:c|pass|0",
                                     "default|knp:prod/k|deny|-1"));
    EXPECT_TRUE(site.allows({.from = kApi}));
}

TEST(Kubernetes, ANetworkPolicyHasOrder1000_K14) {
    const auto calicos = [](const char* order) {
        return document("projectcalico.org/v3", "NetworkPolicy", "name: calicos, namespace: prod",
                        std::string("spec: {order: ") + order + ", ingress: [{action: Deny}]}");
    };
    EXPECT_FALSE(Site(calicos("999") + allowing("{}")).allows({.from = kStranger}));
    EXPECT_TRUE(Site(calicos("1001") + allowing("{}")).allows({.from = kStranger}));
}

TEST(Kubernetes, AStagedPolicyIsPendingOnlyAndItsEgressIsInertWithoutTypes_G17) {
    const Site site(sknp("{egress: [{ports: [{port: 443}]}]}"));
    EXPECT_TRUE(site.allows({.from = kStranger}));
    EXPECT_FALSE(site.would_allow({.from = kStranger}));
    EXPECT_TRUE(site.would_allow({.from = kWeb, .to = kStranger}));
}

TEST(Kubernetes, ANamedPortIsTheOneThatThePodDeclares) {
    const Site site(allowing("{ports: [{port: http}]}"));
    EXPECT_TRUE(site.allows({.from = kStranger, .port = 8080}));
    EXPECT_FALSE(site.allows({.from = kStranger, .port = 80}));
    EXPECT_FALSE(site.allows({.from = kStranger, .protocol = kUdp, .port = 8080}));
}

TEST(Kubernetes, AdminNetworkPoliciesDecideBeforeAndTheBaselineAfterNetworkPolicies) {
    const std::string admin =
        document("policy.networking.k8s.io/v1alpha1", "AdminNetworkPolicy", "name: a",
                 "spec: {priority: 5, subject: {namespaces: {}}, ingress: [{action: Deny, from: "
                 "[{pods: {namespaceSelector: {}, podSelector: {matchLabels: {app: dev}}}}], ports: "
                 "[{portNumber: {port: 80}}]}]}");
    const std::string baseline =
        document("policy.networking.k8s.io/v1alpha1", "BaselineAdminNetworkPolicy", "name: default",
                 "spec: {subject: {namespaces: {}}, ingress: [{action: Deny, from: [{namespaces: {}}]}]}");
    const Site site(admin + baseline + allowing("{}"));
    EXPECT_FALSE(site.allows({.from = kDev}));
    EXPECT_TRUE(site.allows({.from = kDev, .port = 81}));
    EXPECT_FALSE(site.allows({.from = kDev, .to = kApi, .port = 81}));  // no NetworkPolicy selects api
    EXPECT_TRUE(site.allows({.from = kStranger, .to = kApi}));
    EXPECT_TRUE(site.allows({.from = kPartner}));  // a pods peer is no network set
}

}  // namespace
}  // namespace drywall

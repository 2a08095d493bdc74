// What Calico's own validation refuses and accepts, case by case, and the selectors' cases S20 and S21, which belong to
// the fields around them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "drywall/loader/resources.h"
#include "drywall/policy/resources.h"

namespace drywall::loader {
namespace {

using policy::Inventory;
using policy::Policy;
using policy::Resource;
using testing::HasSubstr;

std::string document(const std::string& kind, const std::string& spec, const std::string& metadata = "{name: p}") {
    return "apiVersion: projectcalico.org/v3\nkind: " + kind + "\nmetadata: " + metadata + "\nspec: " + spec + "\n";
}
std::string gnp(const std::string& spec) { return document("GlobalNetworkPolicy", spec); }
std::string ingress(const std::string& rule) { return gnp("{ingress: [" + rule + "]}"); }
std::string egress(const std::string& rule) { return gnp("{egress: [" + rule + "]}"); }

std::vector<Resource> loaded(const std::string& text) {
    auto resources = load_resources({"p.yaml", text});
    EXPECT_TRUE(resources) << text << resources.error().text();
    return resources ? std::move(resources).value() : std::vector<Resource>{};
}
Policy policy(const std::string& text) { return std::get<Policy>(loaded(text).at(0)); }

// "" when it is accepted.
std::string refusal(const std::string& text) {
    const auto resources = load_resources({"p.yaml", text});
    if (resources) return "";
    for (const Complaint& complaint : resources.error().complaints) EXPECT_GT(complaint.place.line, 0);
    return resources.error().text();
}

std::string checked(const std::vector<std::string>& texts, const std::string& without_tier = "") {
    Inventory inventory = policy::initial_inventory();
    for (const std::string& text : texts) {
        for (Resource& resource : loaded(text)) {
            const auto id = policy::id_of(resource);
            inventory[id] = std::make_shared<const Resource>(std::move(resource));
        }
    }
    inventory.erase({policy::Kind::kTier, {}, without_tier});
    const Status status = policy::check(inventory);
    return status ? "" : status.error().text();
}

std::string many(int n, const std::string& item) {
    std::string list = "[";
    for (int i = 0; i < n; ++i) list += (i == 0 ? "" : ", ") + item;
    return list + "]";
}

TEST(Validation, GlobalIsTheWholeNamespaceSelectorOrNothing_S20) {
    EXPECT_THAT(refusal(ingress("{action: Allow, source: {namespaceSelector: \"global() && x == 'y'\"}}")),
                HasSubstr("global() can't be combined"));
    EXPECT_EQ(refusal(ingress("{action: Allow, source: {namespaceSelector: global()}}")), "");
}

TEST(Validation, TheLettersOfGlobalAreRefusedEvenInsideAValue_S21) {
    EXPECT_THAT(refusal(gnp("{selector: \"note == 'global('\"}")), HasSubstr("can't contain 'global('"));
}

TEST(Validation, WithoutRulesAPolicyIsOfIngress_V1) {
    EXPECT_TRUE(policy(gnp("{}")).ingress_type);
    EXPECT_FALSE(policy(gnp("{}")).egress_type);
}

TEST(Validation, EgressRulesAloneMakeItOfEgress_V2) {
    EXPECT_FALSE(policy(egress("{action: Deny}")).ingress_type);
    EXPECT_TRUE(policy(egress("{action: Deny}")).egress_type);
}

TEST(Validation, RulesOfBothMakeItOfBoth_V3) {
    const Policy both = policy(gnp("{ingress: [{action: Deny}], egress: [{action: Deny}]}"));
    EXPECT_TRUE(both.ingress_type && both.egress_type);
}

// The types that were inferred are written into what is shown, and are explicit when that is edited and applied.
TEST(Validation, RulesAddedToAStoredPolicyWithoutTouchingItsTypesAreInert_V4) {
    const std::string stored = to_yaml(loaded(gnp("{}")).at(0));
    EXPECT_THAT(stored, HasSubstr("types:\n  - Ingress\n"));
    const Policy edited = policy(stored + "  egress:\n  - action: Deny\n");
    EXPECT_EQ(edited.egress.size(), 1U);
    EXPECT_FALSE(edited.egress_type);
}

TEST(Validation, NumericPortsNeedAProtocol_V5) {
    EXPECT_THAT(refusal(ingress("{action: Allow, destination: {ports: [80]}}")),
                HasSubstr("needs protocol TCP, UDP or SCTP"));
}

TEST(Validation, NamedPortsNeedNone_V6) {
    const Policy named = policy(ingress("{action: Allow, destination: {ports: [http]}}"));
    EXPECT_EQ(named.ingress.at(0).destination.named_ports, std::vector<std::string>{"http"});
    EXPECT_EQ(named.ingress.at(0).protocol, std::nullopt);
}

TEST(Validation, ProtocolsWithoutPortsTakeNoneNotEvenNamedOnes_V7) {
    for (const char* ports : {"80", "http"}) {
        EXPECT_THAT(
            refusal(ingress("{action: Allow, protocol: ICMP, destination: {ports: [" + std::string(ports) + "]}}")),
            HasSubstr("the rule's protocol has no ports"));
    }
}

TEST(Validation, ProtocolsAreSpelledAsCalicoSpellsThem_V8) {
    EXPECT_THAT(refusal(ingress("{action: Allow, protocol: tcp}")), HasSubstr("did you mean 'TCP'?"));
    EXPECT_EQ(policy(ingress("{action: Allow, protocol: \"6\"}")).ingress.at(0).protocol, 6);
    EXPECT_NE(refusal(ingress("{action: Allow, protocol: 0}")), "");
    EXPECT_NE(refusal(ingress("{action: Allow, protocol: 256}")), "");
}

TEST(Validation, IcmpNeedsItsProtocolAndAType_V9) {
    EXPECT_NE(refusal(ingress("{action: Allow, icmp: {type: 8}}")), "");
    EXPECT_NE(refusal(ingress("{action: Allow, protocol: ICMP, icmp: {type: 255}}")), "");
    EXPECT_NE(refusal(ingress("{action: Allow, protocol: ICMP, icmp: {code: 1}}")), "");
}

TEST(Validation, NotIcmpNeedsNoProtocol_V10) {
    EXPECT_EQ(refusal(ingress("{action: Allow, notICMP: {type: 3, code: 1}}")), "");
}

TEST(Validation, IcmpV6IsNotOfIpVersion4_V11) {
    EXPECT_THAT(refusal(ingress("{action: Allow, protocol: ICMPv6, ipVersion: 4}")), HasSubstr("ICMPv6 is IPv6's"));
    EXPECT_THAT(refusal(ingress("{action: Allow, notProtocol: ICMP, ipVersion: 6}")), HasSubstr("ICMP is IPv4's"));
}

TEST(Validation, NetworksOfARuleAreOfOneFamily_V12) {
    EXPECT_THAT(refusal(ingress("{action: Allow, source: {nets: [10.0.0.0/8], notNets: [\"2001:db8::/32\"]}}")),
                HasSubstr("one rule per family"));
    EXPECT_NE(refusal(ingress("{action: Allow, source: {nets: [10.0.0.0/8]}, destination: {nets: [\"::/0\"]}}")), "");
}

TEST(Validation, RulesTakeNetworksAndSetsTakeAddressesToo_V13) {
    EXPECT_NE(refusal(ingress("{action: Allow, source: {nets: [10.0.0.1]}}")), "");
    EXPECT_NE(refusal(ingress("{action: Allow, source: {nets: [10.0.0.1/24]}}")), "");
    EXPECT_EQ(refusal(document("GlobalNetworkSet", "{nets: [10.0.0.1, 10.0.0.1/24]}")), "");
    EXPECT_EQ(refusal(document("NetworkSet", "{nets: [10.0.0.1, 10.0.0.1/24]}")), "");
}

TEST(Validation, NotNetsOfEverythingAreRefusedInAnySpelling_V14) {
    for (const char* net : {"0.0.0.0/0", "'0:0:0::/0'", "'::/0'"}) {
        EXPECT_THAT(refusal(ingress("{action: Allow, source: {notNets: [" + std::string(net) + "]}}")),
                    HasSubstr("excludes every address"));
    }
}

TEST(Validation, PortsAreNumbersInOrder_V15) {
    for (const char* port : {"0", "'2000:1000'", "1000-2000", "65536"}) {
        EXPECT_THAT(
            refusal(ingress("{action: Allow, protocol: TCP, destination: {ports: [" + std::string(port) + "]}}")),
            HasSubstr("is not a port"));
    }
}

TEST(Validation, NamesOfPortsAreShortAndLowerCase_V16) {
    for (const char* port : {"abcdefghijklmnop", "Http"}) {
        EXPECT_THAT(
            refusal(ingress("{action: Allow, protocol: TCP, destination: {ports: [" + std::string(port) + "]}}")),
            HasSubstr("neither a port nor a port's name"));
    }
    EXPECT_EQ(refusal(ingress("{action: Allow, protocol: TCP, destination: {ports: [abcdefghijklmno]}}")), "");
}

TEST(Validation, DoNotTrackNeedsApplyOnForward_V17) {
    EXPECT_THAT(refusal(gnp("{doNotTrack: true}")), HasSubstr("needs applyOnForward: true"));
    EXPECT_EQ(refusal(gnp("{doNotTrack: true, applyOnForward: true}")), "");
}

TEST(Validation, PreDnatIsOfIngressOnly_V18) {
    EXPECT_NE(refusal(gnp("{preDNAT: true, applyOnForward: true, egress: [{action: Deny}]}")), "");
    EXPECT_NE(refusal(gnp("{preDNAT: true, applyOnForward: true, types: [Egress]}")), "");
    EXPECT_EQ(refusal(gnp("{preDNAT: true, applyOnForward: true, ingress: [{action: Deny}]}")), "");
}

TEST(Validation, DoNotTrackAndPreDnatExcludeEachOther_V19) {
    EXPECT_THAT(refusal(gnp("{doNotTrack: true, preDNAT: true, applyOnForward: true}")),
                HasSubstr("can't both be true"));
}

TEST(Validation, ATypeStandsOnce_V20) {
    EXPECT_THAT(refusal(gnp("{types: [Ingress, Ingress]}")), HasSubstr("names Ingress twice"));
}

TEST(Validation, APolicysTierExists_V21) {
    EXPECT_THAT(checked({gnp("{tier: secruity}")}), HasSubstr("defined tiers are default, kube-admin, kube-baseline"));
    EXPECT_EQ(checked({gnp("{tier: security}"), document("Tier", "{}", "{name: security}")}), "");
}

TEST(Validation, ATierThatHoldsAStagedPolicyCannotGo_V22) {
    const std::string tier = document("Tier", "{}", "{name: security}");
    for (const char* kind :
         {"GlobalNetworkPolicy", "NetworkPolicy", "StagedGlobalNetworkPolicy", "StagedNetworkPolicy"}) {
        EXPECT_THAT(checked({tier, document(kind, "{tier: security}")}, "security"),
                    HasSubstr("tier 'security' is not defined"));
    }
    EXPECT_EQ(checked({tier}, "security"), "");
}

TEST(Validation, TheDefaultTierCannotBeChanged_V23) {
    EXPECT_THAT(checked({document("Tier", "{defaultAction: Pass}", "{name: default}")}),
                HasSubstr("tier 'default' can't be changed"));
}

TEST(Validation, ADeletionSaysNothingButItsTier_V24) {
    for (const char* kind : {"StagedGlobalNetworkPolicy", "StagedNetworkPolicy"}) {
        EXPECT_THAT(refusal(document(kind, "{stagedAction: Delete, selector: has(a)}")),
                    HasSubstr("must be empty with stagedAction: Delete"));
        EXPECT_EQ(refusal(document(kind, "{stagedAction: Delete, tier: security}")), "");
    }
}

TEST(Validation, AServiceIsTheFarEndOfARule_V25) {
    const std::string services = "{services: {name: x, namespace: shop}}";
    EXPECT_THAT(refusal(document("NetworkPolicy", "{ingress: [{action: Allow, destination: " + services + "}]}")),
                HasSubstr("services is not allowed"));
    EXPECT_NE(refusal(egress("{action: Allow, source: " + services + "}")), "");
    EXPECT_EQ(refusal(ingress("{action: Allow, source: " + services + "}")), "");
    EXPECT_EQ(refusal(egress("{action: Allow, destination: " + services + "}")), "");
}

TEST(Validation, AServiceInADestinationBringsItsPorts_V26) {
    EXPECT_THAT(
        refusal(egress("{action: Allow, protocol: TCP, destination: {services: {name: x, namespace: shop}, ports: "
                       "[80]}}")),
        HasSubstr("can't be combined with ports"));
    EXPECT_EQ(
        refusal(ingress("{action: Allow, protocol: TCP, source: {services: {name: x, namespace: shop}, ports: [80]}}")),
        "");
}

TEST(Validation, HttpIsOfIngressRulesThatAllow_V27) {
    EXPECT_THAT(refusal(ingress("{action: Deny, http: {methods: [GET]}}")), HasSubstr("needs action Allow"));
    EXPECT_THAT(refusal(egress("{action: Allow, http: {methods: [GET]}}")), HasSubstr("for ingress rules only"));
    EXPECT_EQ(refusal(ingress("{action: Allow, http: {methods: [GET], paths: [{prefix: /}]}}")), "");
}

TEST(Validation, ListsAndTextsHaveLimits_V28) {
    const auto selector = [](std::size_t length) {
        return gnp("{selector: \"a == '" + std::string(length - 7, 'x') + "'\"}");
    };
    EXPECT_THAT(refusal(gnp("{ingress: " + many(1025, "{action: Deny}") + "}")), HasSubstr("at most 1024"));
    EXPECT_EQ(refusal(gnp("{ingress: " + many(1024, "{action: Deny}") + "}")), "");
    EXPECT_THAT(refusal(selector(1025)), HasSubstr("longer than 1024"));
    EXPECT_EQ(refusal(selector(1024)), "");
    EXPECT_THAT(refusal(ingress("{action: Deny, source: {nets: " + many(257, "10.0.0.0/8") + "}}")),
                HasSubstr("at most 256"));
    EXPECT_EQ(refusal(ingress("{action: Deny, source: {nets: " + many(256, "10.0.0.0/8") + "}}")), "");
    EXPECT_THAT(refusal(ingress("{action: Deny, protocol: TCP, source: {ports: " + many(51, "80") + "}}")),
                HasSubstr("at most 50"));
    EXPECT_EQ(refusal(ingress("{action: Deny, protocol: TCP, source: {ports: " + many(50, "80") + "}}")), "");
}

TEST(Validation, UnknownFieldsAreRefused_V29) {
    EXPECT_THAT(refusal(ingress("{action: Allow, srouce: {}}")), HasSubstr("did you mean 'source'?"));
}

TEST(Validation, AHostEndpointHasANodeAndSomethingToMatch_V30) {
    EXPECT_NE(refusal(document("HostEndpoint", "{node: n1}")), "");
    EXPECT_NE(refusal(document("HostEndpoint", "{interfaceName: eth0}")), "");
    EXPECT_EQ(refusal(document("HostEndpoint", "{node: n1, interfaceName: eth0}")), "");
    EXPECT_EQ(refusal(document("HostEndpoint", "{node: n1, expectedIPs: [10.0.0.1]}")), "");
}

}  // namespace
}  // namespace drywall::loader

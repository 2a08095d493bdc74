// Policies and their rules as text. Calico's own validation, case by case, is in tests/conformance/validation_test.cpp.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "drywall/loader/resources.h"
#include "texts.h"

namespace drywall::loader {
namespace {

using policy::Policy;

Policy loaded(const std::string& text) {
    const auto resources = load_resources({"p.yaml", text});
    EXPECT_TRUE(resources) << text << resources.error().text();
    if (!resources || resources->size() != 1) return {};
    return std::get<Policy>(resources->front());
}

struct Refusal {
    const char* number;
    std::string text;
    const char* message;
};

void expect_refused(const std::vector<Refusal>& rows) {
    for (const Refusal& row : rows) {
        const std::string got = complaints(row.text);
        EXPECT_NE(got.find(row.message), std::string::npos) << row.number << "\n" << row.text << got;
        EXPECT_NE(got.find("p.yaml:"), std::string::npos) << row.number << ": a place is missing: " << got;
    }
}

TEST(LoadPolicy, ReadsEveryField) {
    const Policy policy = loaded(R"(
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata:
  name: web-to-db
  labels: {team: shop}
  annotations: {example.org/why: "CHG-1234"}
spec:
  tier: security
  order: -1.5
  selector: app == 'db'
  types: [Ingress, Egress]
  applyOnForward: true
  ingress:
  - action: Allow
    ipVersion: 4
    protocol: TCP
    source: {nets: [10.0.0.0/8], notNets: [10.1.0.0/16], selector: app == 'web', notSelector: has(x), ports: [1024]}
    destination: {ports: [80, "81", 1000:2000], notPorts: [1500]}
    metadata: {annotations: {note: first}}
  egress:
  - action: Log
  - action: Pass
    protocol: ICMPv6
    icmp: {type: 128, code: 0}
    notICMP: {type: 1}
)");
    EXPECT_EQ(policy.metadata.name, "web-to-db");
    EXPECT_EQ(policy.metadata.labels.at("team"), "shop");
    EXPECT_EQ(policy.metadata.annotations.at("example.org/why"), "CHG-1234");
    EXPECT_EQ(policy.metadata.place, (Place{"p.yaml", 5, 9}));
    EXPECT_EQ(policy.tier, "security");
    EXPECT_EQ(policy.order, -1.5);
    EXPECT_TRUE(policy.ingress_type && policy.egress_type && policy.apply_on_forward);
    ASSERT_EQ(policy.ingress.size(), 1U);
    const policy::Rule& rule = policy.ingress.front();
    EXPECT_EQ(rule.action, Action::kAllow);
    EXPECT_EQ(rule.ip_version, net::Family::kIPv4);
    EXPECT_EQ(rule.protocol, 6);
    EXPECT_EQ(rule.source.nets, (std::vector{*net::Prefix::parse_strict("10.0.0.0/8")}));
    EXPECT_EQ(rule.source.not_nets, (std::vector{*net::Prefix::parse_strict("10.1.0.0/16")}));
    EXPECT_EQ(rule.source.selector, "app == 'web'");
    EXPECT_EQ(rule.source.not_selector, "has(x)");
    EXPECT_EQ(rule.source.ports, (std::vector<policy::PortRange>{{1024, 1024}}));
    EXPECT_EQ(rule.destination.ports, (std::vector<policy::PortRange>{{80, 80}, {81, 81}, {1000, 2000}}));
    EXPECT_EQ(rule.destination.not_ports, (std::vector<policy::PortRange>{{1500, 1500}}));
    EXPECT_EQ(rule.annotations.at("note"), "first");
    ASSERT_EQ(policy.egress.size(), 2U);
    EXPECT_EQ(policy.egress[1].icmp, (policy::Icmp{128, 0}));
    EXPECT_EQ(policy.egress[1].not_icmp, (policy::Icmp{1, std::nullopt}));
    EXPECT_FALSE(policy.staged());
}

TEST(LoadPolicy, AcceptsWhatTheConformanceCasesAccept) {
    EXPECT_EQ(loaded(rule_text("{action: Allow, protocol: \"6\"}")).ingress.front().protocol, 6);  // V8
    EXPECT_EQ(loaded(rule_text("{action: Allow, protocol: 255}")).ingress.front().protocol, 255);
    EXPECT_TRUE(loaded(rule_text("{action: Deny, notICMP: {type: 3, code: 1}}")).ingress.front().not_icmp);  // V10
    EXPECT_EQ(loaded(policy_text("{selector: ' '}")).selector, " ");                                         // S11
    EXPECT_EQ(loaded(rule_text("{action: Allow, source: {selector: ' '}}")).ingress.front().source.selector, " ");
    EXPECT_FALSE(loaded(rule_text("{action: Allow, source: {selector: ''}}")).ingress.front().source.selector);
    EXPECT_EQ(loaded(policy_text("{order: 0}")).order, 0.0);
    EXPECT_FALSE(loaded(policy_text("{}")).order);
}

TEST(LoadPolicy, RefusesWhatWouldNotBeEnforcedAsWritten) {
    expect_refused({
        {"", policy_text("{namespaceSelector: a = 'b'}"), "spec.namespaceSelector: column 3 of the selector"},
        {"", policy_text("{serviceAccountSelector: 'global()'}"), "can't contain 'global('"},
        {"", policy_text("{performanceHints: [Always]}"), "write one of AssumeNeededOnEveryNode"},
        {"", policy_text("{performanceHints: [AssumeNeededOnEveryNode, AssumeNeededOnEveryNode]}"), "twice"},
        {"", rule_text("{action: Allow, source: {serviceAccounts: {names: [A B]}}}"), "name of a service account"},
        {"", rule_text("{action: Allow, source: {serviceAccounts: {name: [a]}}}"), "did you mean 'names'?"},
        {"", rule_text("{action: Allow, source: {services: {namespace: a}}}"), "services.name is missing"},
        {"", rule_text("{action: Allow, source: {services: {name: a}}}"), "services.namespace is missing"},
        {"", rule_text("{action: Allow, source: {services: {name: a, namespace: b}, nets: [10.0.0.0/8]}}"),
         "can't be combined with nets"},
        {"", rule_text("{action: Allow, source: {services: {name: a, namespace: b}, namespaceSelector: all()}}"),
         "can't be combined with namespaceSelector"},
        {"", rule_text("{action: Allow, http: {paths: [{exact: /a, prefix: /b}]}}"), "either 'exact' or 'prefix'"},
        {"", rule_text("{action: Allow, http: {paths: [{exact: a}]}}"), "is not a path"},
        {"", rule_text("{action: Allow, http: {paths: [{prefix: '/a?b'}]}}"), "is not a path"},
        {"", rule_text("{action: Allow, http: {methods: [GET, GET]}}"), "names 'GET' twice"},
        {"", rule_text("{action: Allow, protocol: UDP, http: {methods: [GET]}}"), "needs protocol TCP"},
        {"", rule_text("{action: Allow, protocol: TCP, destination: {ports: [022]}}"), "is not a port"},
        {"", rule_text("{action: Allow, protocol: TCP, destination: {ports: [a--b]}}"), "no two in a row"},
        {"", resource_text("NetworkPolicy", "{name: p}", "{namespaceSelector: all()}"),
         "unknown field 'namespaceSelector'"},
        {"", resource_text("NetworkPolicy", "{name: p}", "{applyOnForward: true}"), "unknown field 'applyOnForward'"},
        {"", policy_text("{stagedAction: Set}"), "unknown field 'stagedAction'"},
        {"", policy_text("{types: []}"), "spec.types is empty"},
        {"", policy_text("{types: [ingress]}"), "did you mean 'Ingress'?"},
        {"", policy_text("{selector: app = 'x'}"), "column 5 of the selector: '=' alone"},
        {"", rule_text("{action: allow}"), "did you mean 'Allow'?"},
        {"", rule_text("{}"), "spec.ingress[0].action is missing"},
        {"", staged_text("{stagedAction: Remove}"), "write one of Set, Delete, Learn, Ignore"},
    });
}

TEST(LoadPolicy, FieldsWhoseValueSaysNothingChangeNothing) {
    const Policy policy = loaded(policy_text(
        "{doNotTrack: false, preDNAT: false, namespaceSelector: '', serviceAccountSelector: '', performanceHints: [], "
        "ingress: []}"));
    EXPECT_EQ(to_json(policy), to_json(loaded(policy_text("{}"))));
}

TEST(LoadPolicy, ReadsWhatOnlyGlobalPoliciesHave) {
    const Policy policy =
        loaded(policy_text("{namespaceSelector: env == 'prod', serviceAccountSelector: role == 'x', doNotTrack: true, "
                           "applyOnForward: true, performanceHints: [AssumeNeededOnEveryNode]}"));
    EXPECT_EQ(policy.namespace_selector, "env == 'prod'");
    EXPECT_EQ(policy.service_account_selector, "role == 'x'");
    EXPECT_TRUE(policy.do_not_track && policy.apply_on_forward && !policy.pre_dnat);
    EXPECT_EQ(policy.performance_hints, std::vector<std::string>{"AssumeNeededOnEveryNode"});
}

TEST(LoadPolicy, ReadsNamespacedPoliciesWithEveryKindOfPeer) {
    const Policy policy = loaded(resource_text(
        "StagedNetworkPolicy", "{name: p, namespace: prod}",
        "{serviceAccountSelector: role == 'x', ingress: [{action: Allow, source: {namespaceSelector: 'global( )', "
        "selector: kind == 'partner', serviceAccounts: {names: [a, b], selector: has(c)}}}], egress: [{action: Allow, "
        "destination: {services: {name: db}}}, {action: Allow, destination: {ports: [http, 80, 'dns'], notPorts: "
        "[ssh]}, protocol: TCP}]}"));
    EXPECT_EQ(policy.kind(), policy::Kind::kStagedNetworkPolicy);
    EXPECT_EQ(policy.metadata.ns, "prod");
    ASSERT_EQ(policy.ingress.size(), 1U);
    const policy::EntityRule& source = policy.ingress.front().source;
    EXPECT_EQ(source.namespace_selector, "global()");
    EXPECT_EQ(source.service_accounts, (policy::ServiceAccountMatch{{"a", "b"}, "has(c)"}));
    ASSERT_EQ(policy.egress.size(), 2U);
    EXPECT_EQ(policy.egress[0].destination.services, (policy::ServiceMatch{"db", ""}));
    EXPECT_EQ(policy.egress[1].destination.named_ports, (std::vector<std::string>{"http", "dns"}));
    EXPECT_EQ(policy.egress[1].destination.ports.size(), 1U);
    EXPECT_EQ(policy.egress[1].destination.not_named_ports, std::vector<std::string>{"ssh"});
    EXPECT_EQ(loaded(resource_text("NetworkPolicy", "{name: p}", "{}")).metadata.ns, "default");
}

TEST(LoadPolicy, KeepsHttpAsItIsWritten) {
    const Policy policy = loaded(
        rule_text("{action: Allow, protocol: TCP, http: {methods: [GET, '*'], paths: [{exact: /a}, {prefix: /b}]}}"));
    EXPECT_EQ(policy.ingress.front().http, (policy::HttpMatch{{"GET", "*"}, {{false, "/a"}, {true, "/b"}}}));
}

std::string egress_to(const std::string& destination, const std::string& action = "Allow") {
    return policy_text("{egress: [{action: " + action + ", destination: {" + destination + "}}]}");
}

TEST(LoadPolicy, ReadsDomainsWithoutRegardToCase) {
    const Policy policy = loaded(egress_to("domains: [WWW.Example.com, '*.example.org.', example.com]"));
    EXPECT_EQ(policy.egress.front().destination.domains,
              (std::vector<std::string>{"www.example.com", "*.example.org", "example.com"}));
    EXPECT_TRUE(loaded(egress_to("domains: []")).egress.front().destination.domains.empty());
    const Policy staged =
        loaded(staged_text("{egress: [{action: Allow, protocol: TCP, destination: {domains: [a.b], ports: [443]}}]}"));
    EXPECT_EQ(staged.egress.front().destination.domains, std::vector<std::string>{"a.b"});
    EXPECT_EQ(staged.egress.front().destination.ports.size(), 1U);
}

TEST(LoadPolicy, DomainsAreTheDestinationOfEgressRulesThatAllow) {
    expect_refused({
        {"", egress_to("domains: [a.b]", "Deny"), "spec.egress[0].destination.domains needs action Allow"},
        {"", egress_to("domains: [a.b]", "Pass"), "needs action Allow"},
        {"", egress_to("domains: [a.b]", "Log"), "needs action Allow"},
        {"", policy_text("{egress: [{action: Allow, source: {domains: [a.b]}}]}"),
         "spec.egress[0].source.domains is for the destination of egress rules only"},
        {"", rule_text("{action: Allow, destination: {domains: [a.b]}}"), "for the destination of egress rules only"},
        {"", rule_text("{action: Allow, source: {domains: [a.b]}}"), "for the destination of egress rules only"},
        {"", egress_to("domains: [a.b], nets: [10.0.0.0/8]"),
         "p.yaml:4:56: spec.egress[0].destination.domains can't be combined with nets"},
        {"", egress_to("domains: [a.b], notNets: [10.0.0.0/8]"), "can't be combined with notNets"},
        {"", egress_to("domains: [a.b], selector: all()"), "can't be combined with selector"},
        {"", egress_to("domains: [a.b], notSelector: all()"), "can't be combined with notSelector"},
        {"", egress_to("domains: [a.b], namespaceSelector: all()"), "can't be combined with namespaceSelector"},
        {"", egress_to("domains: [a.b], serviceAccounts: {names: [a]}"), "can't be combined with serviceAccounts"},
        {"", egress_to("domains: [a.b], services: {name: a, namespace: b}"), "can't be combined with services"},
        {"", egress_to("domains: ['*']"), "'*' is not a domain; a domain has '*' only in front, and a name behind it"},
        {"", egress_to("domains: [www.*.com]"), "has '*' only in front"},
        {"", egress_to("domains: [10.0.0.1]"), "does not end in a number, as addresses do"},
        {"", egress_to("domains: [a..b]"), "'a..b' is not a domain"},
        {"", egress_to("domains: [7]"), "a domain in spec.egress[0].destination.domains"},
        {"", egress_to("domains: a.b"), "domains must be a list"},
    });
}

TEST(LoadPolicy, AnIcmpMatchWithoutATypeRestrictsNothing) {
    EXPECT_FALSE(loaded(rule_text("{action: Allow, protocol: ICMP, icmp: {}, notICMP: {}}")).ingress.front().icmp);
}

TEST(LoadPolicy, OnlyUnsupportedKindsMakeARefusalAndNotAnInvalidFile) {
    const std::string pool = resource_text("IPPool", "{name: p}", "{}");
    const auto refused = load_resources({"p.yaml", pool});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::kRefused);
    const auto invalid = load_resources({"p.yaml", pool + "---\n" + policy_text("{odrer: 1}")});
    ASSERT_FALSE(invalid);
    EXPECT_EQ(invalid.error().kind, ErrorKind::kInvalid);
}

std::vector<std::string> warnings(const std::string& text) {
    const auto loaded = load_with_warnings({"p.yaml", text});
    EXPECT_TRUE(loaded) << text << loaded.error().text();
    std::vector<std::string> out;
    if (loaded)
        for (const Complaint& warning : loaded->warnings) out.push_back(warning.text());
    return out;
}

TEST(LoadPolicy, WarnsOfWhatIsAcceptedAndHardlyMeant) {
    using testing::ElementsAre;
    using testing::HasSubstr;
    EXPECT_THAT(warnings(policy_text("{}")), ElementsAre());
    EXPECT_THAT(warnings(policy_text("{selector: , order: null}")),
                ElementsAre(HasSubstr("spec.selector has no value: it counts as absent"),
                            HasSubstr("spec.order has no value: it counts as absent")));
    EXPECT_THAT(warnings("apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: p}\n"),
                ElementsAre(HasSubstr("there is no spec: it selects every endpoint of its scope, and allows nothing")));
    EXPECT_THAT(warnings(rule_text("{action: Allow, destination: {ports: [http]}}")),
                ElementsAre(HasSubstr("looked up among TCP, UDP and SCTP")));
    EXPECT_THAT(warnings(rule_text("{action: Allow, source: {services: {name: a, namespace: b}}}")),
                ElementsAre(HasSubstr("cluster IP do not match")));
    EXPECT_THAT(warnings(rule_text("{action: Log}")), ElementsAre(HasSubstr("the policy only logs ingress")));
    EXPECT_THAT(warnings(policy_text("{types: [Ingress], egress: [{action: Deny}]}")),
                ElementsAre(HasSubstr("the egress rules do nothing")));
    EXPECT_THAT(warnings(rule_text("{action: Allow, protocol: ICMPv6, source: {nets: [10.0.0.0/8]}}")),
                ElementsAre(HasSubstr("can never match: ICMPv6 is IPv6's, and 10.0.0.0/8 is IPv4")));
}

TEST(LoadPolicy, ComplaintsAndWarningsSayWhomTheyAreAbout) {
    const auto wrong =
        load_resources({"p.yaml", resource_text("NetworkPolicy", "{name: web, namespace: prod}", "{ordr: 1}")});
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().complaints.front().about, (Subject{"NetworkPolicy", "prod", "web"}));
    const auto odd = load_with_warnings({"p.yaml", rule_text("{action: Log}")});
    ASSERT_TRUE(odd);
    EXPECT_EQ(odd->warnings.front().about, (Subject{"GlobalNetworkPolicy", "", "p"}));
}

TEST(LoadPolicy, WhatCalicosClientsWriteBesideTheAuthorsWordsIsDropped) {
    const Policy policy =
        loaded(resource_text("GlobalNetworkPolicy",
                             "{name: p, labels: {projectcalico.org/tier: default, a: b}, annotations: "
                             "{projectcalico.org/metadata: '{}', Example.org/Note: kept}}",
                             "{}"));
    EXPECT_EQ(policy.metadata.labels, (policy::Labels{{"a", "b"}}));
    EXPECT_EQ(policy.metadata.annotations, (std::map<std::string, std::string>{{"Example.org/Note", "kept"}}));
}

TEST(LoadPolicy, StagedActionsAreReadAndSetIsTheDefault) {
    using policy::StagedAction;
    EXPECT_EQ(loaded(staged_text("{}")).staged_action, StagedAction::kSet);
    EXPECT_EQ(loaded(staged_text("{stagedAction: Set}")).staged_action, StagedAction::kSet);
    EXPECT_EQ(loaded(staged_text("{stagedAction: Learn}")).staged_action, StagedAction::kLearn);
    EXPECT_EQ(loaded(staged_text("{stagedAction: Ignore}")).staged_action, StagedAction::kIgnore);
    const Policy deletion = loaded(staged_text("{stagedAction: Delete, tier: security}"));  // V24
    EXPECT_EQ(deletion.staged_action, StagedAction::kDelete);
    EXPECT_EQ(deletion.tier, "security");
}

TEST(LoadPolicy, NamesMayHaveTheOldTierPrefixAndStayAsTheyAre) {
    EXPECT_EQ(loaded(policy_text("{}", "default.allow-tcp-6379")).metadata.name, "default.allow-tcp-6379");
    expect_refused({
        {"", policy_text("{}", "a.b.c"), "can't be the name of a GlobalNetworkPolicy"},
        {"", policy_text("{}", "Web"), "use lower-case letters"},
        {"", policy_text("{}", "-web"), "can't be the name"},
        {"", policy_text("{}", "12"), "put it in quotes"},
    });
    EXPECT_EQ(loaded(policy_text("{}", "\"12\"")).metadata.name, "12");
    for (const char* name : {"knp.default.a.b", "ossg.default.x", "default.web"}) {
        EXPECT_EQ(complaints(resource_text("NetworkPolicy", "{name: " + std::string(name) + "}", "{}")), "") << name;
    }
    expect_refused({
        {"", policy_text("{}", "knp.default.a"), "can't be the name of a GlobalNetworkPolicy"},
        {"", resource_text("NetworkPolicy", "{name: knp.other.a}", "{}"), "can't be the name of a NetworkPolicy"},
    });
}

TEST(LoadPolicy, NumbersAreWrittenInOneWayOnly) {
    for (const char* order : {"022", "0x10", "1_000", "0o17", "+1", "1.", ".5", ".inf", ".nan", "1e999", "\"1\"", "ten",
                              "true", "[1]", "1e"}) {
        EXPECT_NE(complaints(policy_text("{order: " + std::string(order) + "}")).find("spec.order must be a number"),
                  std::string::npos)
            << order;
    }
    EXPECT_EQ(loaded(policy_text("{order: 1e3}")).order, 1000);
    EXPECT_EQ(loaded(policy_text("{order: -0.5}")).order, -0.5);
    for (const char* flag : {"yes", "True", "TRUE", "on", "1", "\"true\""}) {
        EXPECT_NE(complaints(policy_text("{applyOnForward: " + std::string(flag) + "}")).find("must be true or false"),
                  std::string::npos)
            << flag;
    }
}

TEST(LoadPolicy, EveryComplaintNamesItsLineAndColumn) {
    EXPECT_EQ(complaints("apiVersion: projectcalico.org/v3\n"
                         "kind: GlobalNetworkPolicy\n"
                         "metadata:\n"
                         "  name: web\n"
                         "spec:\n"
                         "  ordr: 5\n"
                         "  ingress:\n"
                         "  - action: Allow\n"
                         "    sourse: {}\n"),
              "p.yaml:6:3: unknown field 'ordr' in spec; did you mean 'order'?\n"
              "p.yaml:9:5: unknown field 'sourse' in spec.ingress[0]; did you mean 'source'?");
}

TEST(LoadPolicy, ComplaintsCarryNoControlCharacters) {
    for (const char* spec : {R"({"\e[31mkey": 1})", R"({tier: "\e[31m"})", R"({types: ["\e[31m"]})"}) {
        const std::string text = complaints(policy_text(spec));
        EXPECT_NE(text, "") << spec;
        EXPECT_EQ(text.find('\x1b'), std::string::npos) << text;
    }
}

TEST(LoadPolicy, AThousandComplaintsComeTogetherAndTheRestIsCounted) {
    std::string spec = "{";
    for (int i = 0; i < 1234; ++i) spec += "zzz" + std::to_string(i) + ": 1, ";
    const auto resources = load_resources({"p.yaml", policy_text(spec + "}")});
    ASSERT_FALSE(resources);
    ASSERT_EQ(resources.error().complaints.size(), 1001U);
    EXPECT_NE(resources.error().text().find("p.yaml: and 234 more problems that are not listed"), std::string::npos);
}

}  // namespace
}  // namespace drywall::loader

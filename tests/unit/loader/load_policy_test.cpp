// Policies and their rules as text. V1-V30 are the conformance cases of Calico's validation.
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

TEST(LoadPolicy, V1ToV3TypesFollowFromTheRulesWhenTheyAreNotWritten) {
    struct Row {
        const char* number;
        const char* spec;
        bool ingress;
        bool egress;
    };
    const std::vector<Row> rows{
        {"V1", "{order: 1}", true, false},
        {"V2", "{egress: [{action: Deny}]}", false, true},
        {"V3", "{ingress: [{action: Deny}], egress: [{action: Deny}]}", true, true},
        {"V4", "{types: [Ingress], egress: [{action: Deny}]}", true, false},
        {"", "{ingress: [{action: Deny}]}", true, false},
        {"", "{types: [Egress, Ingress]}", true, true},
    };
    for (const Row& row : rows) {
        const Policy policy = loaded(policy_text(row.spec));
        EXPECT_EQ(policy.ingress_type, row.ingress) << row.number << row.spec;
        EXPECT_EQ(policy.egress_type, row.egress) << row.number << row.spec;
    }
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

TEST(LoadPolicy, RefusesWhatTheConformanceCasesRefuse) {
    const auto many = [](int n, const std::string& item) {
        std::string list = "[";
        for (int i = 0; i < n; ++i) list += (i == 0 ? "" : ", ") + item;
        return list + "]";
    };
    const std::string long_selector = "a == '" + std::string(1018, 'x') + "'";  // 1025 characters
    expect_refused({
        {"S20", rule_text("{action: Allow, source: {namespaceSelector: \"global() && x == 'y'\"}}"),
         "not supported yet"},
        {"S21", policy_text("{selector: \"note == 'global('\"}"), "can't contain 'global('"},
        {"V5", rule_text("{action: Allow, destination: {ports: [80]}}"), "needs protocol TCP, UDP or SCTP"},
        {"V6", rule_text("{action: Allow, destination: {ports: [http]}}"), "named ports are not supported yet"},
        {"V7", rule_text("{action: Allow, protocol: ICMP, destination: {ports: [80]}}"),
         "needs protocol TCP, UDP or SCTP"},
        {"V8", rule_text("{action: Allow, protocol: tcp}"), "did you mean 'TCP'?"},
        {"V8", rule_text("{action: Allow, protocol: 0}"), "can't be '0'"},
        {"V8", rule_text("{action: Allow, protocol: 256}"), "can't be '256'"},
        {"V9", rule_text("{action: Allow, icmp: {type: 8}}"), "needs protocol ICMP or ICMPv6"},
        {"V9", rule_text("{action: Allow, protocol: ICMP, icmp: {type: 255}}"), "0-254"},
        {"V9", rule_text("{action: Allow, protocol: ICMP, icmp: {code: 1}}"), "needs a type"},
        {"V11", rule_text("{action: Allow, ipVersion: 4, protocol: ICMPv6}"), "ICMPv6 is IPv6's"},
        {"V11", rule_text("{action: Allow, ipVersion: 6, notProtocol: 1}"), "ICMP is IPv4's"},
        {"V12", rule_text("{action: Allow, source: {nets: [10.0.0.0/8], notNets: [\"2001:db8::/32\"]}}"),
         "is IPv6, but the rule already has 10.0.0.0/8"},
        {"V12", rule_text("{action: Allow, ipVersion: 6, destination: {nets: [10.0.0.0/8]}}"),
         "is IPv4, but the rule already has ipVersion: 6"},
        {"V13", rule_text("{action: Allow, source: {nets: [10.0.0.1]}}"), "write 10.0.0.1/32"},
        {"V13", rule_text("{action: Allow, source: {nets: [10.0.0.1/24]}}"), "write 10.0.0.0/24"},
        {"V14", rule_text("{action: Allow, source: {notNets: [0.0.0.0/0]}}"), "excludes every address"},
        {"V14", rule_text("{action: Allow, source: {notNets: [\"0:0:0::/0\"]}}"), "excludes every address"},
        {"V15", rule_text("{action: Allow, protocol: TCP, destination: {ports: [0]}}"), "is not a port"},
        {"V15", rule_text("{action: Allow, protocol: TCP, destination: {ports: [\"2000:1000\"]}}"),
         "from the lower to the higher"},
        {"V15", rule_text("{action: Allow, protocol: TCP, destination: {ports: [1000-2000]}}"),
         "write a port in 1-65535 or a range"},
        {"V15", rule_text("{action: Allow, protocol: TCP, destination: {ports: [65536]}}"), "is not a port"},
        {"V16", rule_text("{action: Allow, protocol: TCP, destination: {ports: [Http]}}"),
         "named ports are not supported yet"},
        {"V17", policy_text("{doNotTrack: true}"), "doNotTrack is not supported yet"},
        {"V18", policy_text("{preDNAT: true, applyOnForward: true, types: [Egress]}"), "preDNAT is not supported yet"},
        {"V19", policy_text("{doNotTrack: true, preDNAT: true}"), "preDNAT is not supported yet"},
        {"V20", policy_text("{types: [Ingress, Ingress]}"), "names Ingress twice"},
        {"V24", staged_text("{stagedAction: Delete, selector: has(a)}"),
         "spec.selector must be empty with stagedAction: Delete"},
        {"V24", staged_text("{stagedAction: Delete, types: [Ingress]}"), "spec.types must be empty"},
        {"V25", rule_text("{action: Allow, destination: {services: {name: x, namespace: y}}}"),
         "services is not supported yet"},
        {"V27", rule_text("{action: Deny, http: {methods: [GET]}}"), "http is not supported yet"},
        {"V28", policy_text("{ingress: " + many(1025, "{action: Deny}") + "}"), "at most 1024"},
        {"V28", policy_text("{selector: \"" + long_selector + "\"}"), "longer than 1024"},
        {"V28", rule_text("{action: Deny, source: {nets: " + many(257, "10.0.0.0/8") + "}}"), "at most 256"},
        {"V28", rule_text("{action: Deny, protocol: TCP, source: {ports: " + many(51, "80") + "}}"), "at most 50"},
        {"V29", rule_text("{action: Allow, srouce: {}}"),
         "unknown field 'srouce' in spec.ingress[0]; did you mean 'source'?"},
    });
}

TEST(LoadPolicy, RefusesWhatWouldNotBeEnforcedAsWritten) {
    expect_refused({
        {"", policy_text("{namespaceSelector: a == 'b'}"), "spec.namespaceSelector is not supported yet"},
        {"", policy_text("{serviceAccountSelector: a == 'b'}"), "is not supported yet"},
        {"", rule_text("{action: Allow, source: {serviceAccounts: {}}}"), "serviceAccounts is not supported yet"},
        {"", policy_text("{stagedAction: Set}"), "unknown field 'stagedAction'"},
        {"", policy_text("{selector: }"), "spec.selector has no value"},
        {"", policy_text("{types: []}"), "spec.types is empty"},
        {"", policy_text("{types: [ingress]}"), "did you mean 'Ingress'?"},
        {"", policy_text("{selector: app = 'x'}"), "column 5 of the selector: '=' alone"},
        {"", rule_text("{action: allow}"), "did you mean 'Allow'?"},
        {"", rule_text("{}"), "spec.ingress[0].action is missing"},
        {"", staged_text("{stagedAction: Remove}"), "write one of Set, Delete, Learn, Ignore"},
        {"", "apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: p}\n", "spec is missing"},
    });
}

TEST(LoadPolicy, AcceptsUnsupportedFieldsWhoseValueSaysNothing) {
    const Policy policy = loaded(policy_text(
        "{doNotTrack: false, preDNAT: false, namespaceSelector: '', performanceHints: [AssumeNeededOnEveryNode]}"));
    EXPECT_EQ(to_json(policy), to_json(loaded(policy_text("{}"))));
}

TEST(LoadPolicy, OnlyUnsupportedFieldsMakeARefusalAndNotAnInvalidFile) {
    const auto refused = load_resources({"p.yaml", policy_text("{doNotTrack: true}")});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::kRefused);
    const auto invalid = load_resources({"p.yaml", policy_text("{doNotTrack: true, odrer: 1}")});
    ASSERT_FALSE(invalid);
    EXPECT_EQ(invalid.error().kind, ErrorKind::kInvalid);
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

TEST(LoadPolicy, AtMostTwentyComplaintsComeTogether) {
    std::string spec = "{";
    for (int i = 0; i < 100; ++i) spec += "zzz" + std::to_string(i) + ": 1, ";
    const auto resources = load_resources({"p.yaml", policy_text(spec + "}")});
    ASSERT_FALSE(resources);
    EXPECT_EQ(resources.error().complaints.size(), 20U);
}

}  // namespace
}  // namespace drywall::loader

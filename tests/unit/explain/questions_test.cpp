// What trace and matrix answer: the classifier's verdicts, in both worlds, with reasons.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiled_site.h"
#include "drywall/explain/matrix.h"
#include "drywall/explain/protocols.h"
#include "drywall/explain/requests.h"
#include "drywall/explain/trace.h"

namespace drywall::explain {
namespace {

using test::kEndpoints;
using test::kStagedClosed;
using test::kWebToDb;
using test::site_of;
using test::with;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kPortPolicy = R"(apiVersion: projectcalico.org/v3
kind: HostEndpoint
metadata: {name: left-port, labels: {port: left}}
spec: {node: wire, interfaceName: left}
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: nothing-from-the-left}
spec:
  selector: port == 'left'
  applyOnForward: true
  types: [Ingress]
)";

TraceQuery ask(std::string source, std::string destination, std::uint16_t port = 8080) {
    TraceQuery query;
    query.source = std::move(source);
    query.destination = std::move(destination);
    query.destination_port = port;
    return query;
}

const Cell& cell(const Matrix& matrix, std::string_view source, std::string_view destination) {
    const auto place = [&](std::string_view name) {
        for (std::size_t i = 0; i < matrix.endpoints.size(); ++i)
            if (matrix.endpoints[i].ends_with(name)) return i;
        ADD_FAILURE() << name << " is not in the matrix";
        return std::size_t{0};
    };
    return matrix.cells.at(place(source)).at(place(destination));
}

TEST(Trace, TellsBothWorldsAndWhoOwesTheDifference) {
    const Site site = site_of({kEndpoints, kWebToDb, kStagedClosed});
    const auto answer = explain(*site.ruleset, ask("10.0.0.1", "10.1.0.1"));
    ASSERT_TRUE(answer) << answer.error().text();
    ASSERT_EQ(answer->decisions.size(), 1U);
    const TraceDecision& decision = answer->decisions.front();
    EXPECT_THAT(decision.ingress_ports, ElementsAre("left", "right"));
    EXPECT_EQ(decision.enforced, Verdict::kAllow);
    EXPECT_EQ(decision.pending, Verdict::kDeny);
    EXPECT_EQ(decision.reason, DropReason::kNone);
    EXPECT_EQ(decision.enforced_hits.back().step, "ingress of the destination");
    EXPECT_EQ(decision.enforced_hits.back().text, "0|default|gnp:web-to-db|allow|0");
    EXPECT_THAT(decision.pending_hits.back().text, HasSubstr("sgnp:closed"));
    EXPECT_THAT(decision.responsible, ElementsAre("sgnp:closed"));
}

TEST(Trace, ADeniedConnectionHasADropReason) {
    const Site site = site_of({kEndpoints, kWebToDb});
    const auto answer = explain(*site.ruleset, ask("10.0.0.1", "10.1.0.1", 22));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->decisions.front().reason, DropReason::kPolicyDeny);
    EXPECT_EQ(answer->decisions.front().enforced_hits.back().kind, "end-of-tier");
}

TEST(Trace, EndpointsMayBeNamed) {
    const Site site = site_of({kEndpoints, kWebToDb});
    for (const std::string name : {"web", "prod/web"}) {
        const auto answer = explain(*site.ruleset, ask(name, "db"));
        ASSERT_TRUE(answer) << answer.error().text();
        EXPECT_EQ(answer->decisions.front().enforced, Verdict::kAllow);
    }
    const auto unknown = explain(*site.ruleset, ask("webb", "db"));
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().kind, ErrorKind::kNotFound);
}

TEST(Trace, APortThatMakesADifferenceIsToldApart) {
    const Site site = site_of({kEndpoints, kPortPolicy});
    const auto both = explain(*site.ruleset, ask("web", "db"));
    ASSERT_TRUE(both) << both.error().text();
    ASSERT_EQ(both->decisions.size(), 2U);
    EXPECT_THAT(both->decisions[0].ingress_ports, ElementsAre("left"));
    EXPECT_EQ(both->decisions[0].enforced, Verdict::kDeny);
    EXPECT_EQ(both->decisions[0].enforced_hits.back().step, "ingress port");
    EXPECT_EQ(both->decisions[1].enforced, Verdict::kAllow);

    TraceQuery right = ask("web", "db");
    right.ingress_port = "right";
    EXPECT_EQ(explain(*site.ruleset, right)->decisions.size(), 1U);
    right.ingress_port = "up";
    EXPECT_THAT(explain(*site.ruleset, right).error().text(), HasSubstr("left, right"));
}

TEST(Trace, QuestionsThatNoPacketCouldAskAreRefused) {
    const Site site = site_of({kEndpoints});
    EXPECT_FALSE(explain(*site.ruleset, ask("10.0.0.1", "2001:db8::1")));
    EXPECT_FALSE(explain(*site.ruleset, ask("10.0.0.1", "10.1.0.1", 0)));
}

TEST(Trace, StrangersAreUnmatched) {
    const Site site = site_of({kEndpoints});
    const auto answer = explain(*site.ruleset, ask("192.0.2.1", "2.2.2.2"));
    ASSERT_TRUE(answer);
    EXPECT_TRUE(answer->decisions.front().unmatched);
    EXPECT_EQ(answer->source_name, "");
}

TEST(Services, AreTheEdgesThatRulesDrawAndTheRest) {
    const Site site = site_of({kEndpoints, with(kWebToDb, "[8080]", "['80:90', 85]")});
    std::vector<std::string> texts;
    for (const Service& service : services_of(site.ruleset->program())) texts.push_back(service.text());
    EXPECT_THAT(
        texts, ElementsAre("tcp/80-84", "tcp/85", "tcp/86-90", "tcp/other", "udp/other", "icmp/other", "icmpv6/other"));
}

TEST(Services, AreWrittenAsTheyAreRead) {
    EXPECT_EQ(parse_service("tcp/8080")->text(), "tcp/8080");
    EXPECT_EQ(parse_service("icmp/8/0")->text(), "icmp/8/0");
    EXPECT_EQ(parse_service("udp")->text(), "udp/other");
    EXPECT_EQ(parse_service("47")->text(), "47");
    for (const char* wrong : {"tcp/0", "tcp/65536", "tcp/http", "nothing/80", "47/80", "icmp/256", ""})
        EXPECT_FALSE(parse_service(wrong)) << wrong;
}

TEST(Matrix, SaysMixedWhereOnlySomeServicesPass) {
    const Site site = site_of({kEndpoints, kWebToDb, kStagedClosed});
    const Matrix matrix = connectivity(*site.ruleset, {});
    const Cell& to_db = cell(matrix, "web", "db");
    EXPECT_EQ(to_db.enforced, Reach::kMixed);
    EXPECT_THAT(to_db.enforced_allowed, ElementsAre("tcp/8080"));
    EXPECT_EQ(to_db.pending, Reach::kDeny);
    EXPECT_TRUE(to_db.differs);
    EXPECT_EQ(cell(matrix, "db", "web").enforced, Reach::kAllow);
    EXPECT_FALSE(cell(matrix, "db", "web").differs);
    EXPECT_EQ(cell(matrix, "web", "web").enforced, Reach::kNone);
}

TEST(Matrix, OneServiceAloneIsYesOrNo) {
    const Site site = site_of({kEndpoints, kWebToDb});
    const MatrixQuery query{.service = *parse_service("tcp/8080"), .max_endpoints = 60, .group_by = {}};
    EXPECT_EQ(cell(connectivity(*site.ruleset, query), "web", "db").enforced, Reach::kAllow);
    const MatrixQuery other{.service = *parse_service("tcp"), .max_endpoints = 60, .group_by = {}};
    EXPECT_EQ(cell(connectivity(*site.ruleset, other), "web", "db").enforced, Reach::kDeny);
}

TEST(Matrix, APortThatMakesADifferenceMakesItMixed) {
    const Site site = site_of({kEndpoints, kPortPolicy});
    EXPECT_EQ(cell(connectivity(*site.ruleset, {}), "web", "db").enforced, Reach::kMixed);
}

TEST(Matrix, SaysHowManyEndpointsItLeftOut) {
    const Site site = site_of({kEndpoints});
    const Matrix matrix = connectivity(*site.ruleset, {.service = {}, .max_endpoints = 1, .group_by = {}});
    EXPECT_EQ(matrix.endpoints.size(), 1U);
    EXPECT_EQ(matrix.endpoints_left_out, 1U);
}

TEST(Matrix, GroupsAreRowsByALabelsValue) {
    const Site site = site_of({kEndpoints, kWebToDb});
    const Matrix by_app =
        connectivity(*site.ruleset, {.service = *parse_service("tcp/8080"), .max_endpoints = 60, .group_by = "app"});
    EXPECT_THAT(by_app.endpoints, ElementsAre("db", "web"));
    EXPECT_EQ(cell(by_app, "web", "db").enforced, Reach::kAllow);
    EXPECT_EQ(cell(by_app, "web", "web").enforced, Reach::kNone);
    const Matrix by_tier = connectivity(*site.ruleset, {.service = {}, .max_endpoints = 60, .group_by = "tier"});
    EXPECT_THAT(by_tier.endpoints, ElementsAre("(none)"));
    EXPECT_EQ(by_tier.cells[0][0].enforced, Reach::kMixed);
}

TEST(Requests, AreReadStrictly) {
    EXPECT_EQ(matrix_request({{"service", "udp/53"}, {"group-by", "app"}}, 256)->query.group_by, "app");
    EXPECT_FALSE(matrix_request({{"view", "both"}}, 256));
    EXPECT_FALSE(matrix_request({{"limit", "257"}}, 256));
    EXPECT_FALSE(trace_request({{"source", "a"}}));
    EXPECT_EQ(
        trace_request({{"source", "a"}, {"destination", "b"}, {"protocol", "icmp"}, {"type", "3"}})->destination_port,
        3 << 8);
}

TEST(Protocols, HaveNamesAndNumbers) {
    EXPECT_EQ(protocol_number("TCP"), 6);
    EXPECT_EQ(protocol_number("47"), 47);
    EXPECT_EQ(protocol_name(58), "icmpv6");
    for (const char* wrong : {"0", "256", "tcpp", "", "-1"}) EXPECT_FALSE(protocol_number(wrong)) << wrong;
}

TEST(Matrix, WhatDependsOnWhatIsSaidIsNeitherAllowedNorDenied) {
    const std::string asking = with(kWebToDb, "destination: {ports: [8080]}",
                                    "destination: {ports: [8080]}\n      http: {methods: [GET], paths: [{exact: /a}]}");
    const Site site = site_of({kEndpoints, asking});
    const auto service = parse_service("tcp/8080");
    ASSERT_TRUE(service);
    const Matrix one = connectivity(*site.ruleset, {.service = *service, .group_by = {}});
    EXPECT_EQ(cell(one, "web", "db").enforced, Reach::kDepends);
    ASSERT_EQ(cell(one, "web", "db").enforced_depends.size(), 1U);
    EXPECT_EQ(cell(one, "web", "db").enforced_depends[0].asks,
              std::vector<std::string>{"ingress of the destination: GET of /a"});
    EXPECT_FALSE(cell(one, "web", "db").differs);
    const Matrix all = connectivity(*site.ruleset, {});
    EXPECT_EQ(cell(all, "web", "db").enforced, Reach::kMixed) << "the other ports are denied";
    EXPECT_EQ(cell(all, "web", "db").enforced_allowed, std::vector<std::string>{});
    EXPECT_EQ(json_of(all, MatrixView::kEnforced)["rows"][1]["cells"][0]["depends"][0]["service"], "tcp/8080");
}

TEST(Matrix, AStagedPolicyThatAsksForSomethingElseDiffers) {
    const std::string staged = with(with(kWebToDb, "kind: G", "kind: StagedG"), "destination: {ports: [8080]}",
                                    "destination: {ports: [8080]}\n      http: {methods: [GET]}");
    const Site site = site_of({kEndpoints, kWebToDb, staged});
    const Matrix all = connectivity(*site.ruleset, {});
    const Cell& to_db = cell(all, "web", "db");
    EXPECT_TRUE(to_db.differs);
    EXPECT_EQ(to_db.enforced_depends.size(), 0U);
    EXPECT_EQ(to_db.pending_depends.size(), 1U);
}

}  // namespace
}  // namespace drywall::explain

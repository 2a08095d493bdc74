// Questions as JSON lines: what is answered, and what a line that can't be answered is told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "compiled_site.h"
#include "drywall/explain/eval.h"
#include "drywall/explain/selector_query.h"
#include "drywall/reference/evaluator.h"

namespace drywall::explain {
namespace {

using Json = nlohmann::ordered_json;
using test::kEndpoints;
using test::kStagedClosed;
using test::kWebToDb;
using test::site_of;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kHosts = R"(apiVersion: projectcalico.org/v3
kind: HostEndpoint
metadata: {name: files, labels: {app: files}}
spec: {node: files, expectedIPs: [10.2.0.1, "2001:db8::2"], profiles: [projectcalico-default-allow]}
---
apiVersion: projectcalico.org/v3
kind: HostEndpoint
metadata: {name: left-port, labels: {port: left}}
spec: {node: wire, interfaceName: left}
---
apiVersion: projectcalico.org/v3
kind: WorkloadEndpoint
metadata: {name: wire-k8s-cache--1-eth0, namespace: prod}
spec: {node: wire, orchestrator: k8s, pod: cache-1, ipNetworks: [10.0.0.9/32], profiles: [projectcalico-default-allow]}
)";

constexpr const char* kLogThenPass = R"(apiVersion: projectcalico.org/v3
kind: Tier
metadata: {name: first}
spec: {order: 10}
---
apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: {name: first.look}
spec:
  tier: first
  selector: app == 'db'
  types: [Ingress]
  ingress: [{action: Log}, {action: Pass}]
)";

std::string line_of(Evaluation& evaluation, const std::string& query) {
    std::string out;
    evaluation.answer(query, out);
    return out;
}

Json ask(Evaluation& evaluation, const std::string& query) { return Json::parse(line_of(evaluation, query)); }

std::string error_of(const std::string& query) {
    static const Site site = site_of({kEndpoints, kWebToDb, kHosts});
    Evaluation evaluation(site);
    const Json answer = ask(evaluation, query);
    return answer.contains("error") && answer.size() == 2 ? answer["error"].get<std::string>()
                                                          : "no error: " + answer.dump();
}

TEST(Eval, AnswersInBothWorldsWithCalicosStrings) {
    const Site site = site_of({kEndpoints, kWebToDb, kStagedClosed});
    Evaluation evaluation(site);
    EXPECT_EQ(
        line_of(evaluation, R"({"id":"q1","src":"10.0.0.1","dst":"10.1.0.1","protocol":"TCP","dstPort":8080})"),
        R"({"id":"q1","enforced":{"action":"allow","egress":[{"kind":"Profile","namespace":"","name":"projectcalico-default-allow","tier":"__PROFILE__","action":"allow","ruleIndex":0,"policy":"0|__PROFILE__|pro:projectcalico-default-allow|allow|0"}],"ingress":[{"kind":"GlobalNetworkPolicy","namespace":"","name":"web-to-db","tier":"default","action":"allow","ruleIndex":0,"policy":"0|default|gnp:web-to-db|allow|0"}]},"pending":{"action":"deny","egress":[{"kind":"Profile","namespace":"","name":"projectcalico-default-allow","tier":"__PROFILE__","action":"allow","ruleIndex":0,"policy":"0|__PROFILE__|pro:projectcalico-default-allow|allow|0"}],"ingress":[{"kind":"StagedGlobalNetworkPolicy","namespace":"","name":"closed","tier":"default","action":"deny","ruleIndex":0,"policy":"0|default|sgnp:closed|deny|0"}]}})"
        "\n");
    EXPECT_EQ(evaluation.asked(), 1U);
    EXPECT_EQ(evaluation.wrong(), 0U);
}

TEST(Eval, AnEndOfTierIsNamedAndLogIsNotListed) {
    const Site site = site_of({kEndpoints, kWebToDb, kLogThenPass});
    Evaluation evaluation(site);
    const Json ingress =
        ask(evaluation, R"({"src":"prod/web","dst":"prod/db","protocol":6,"dstPort":22})")["enforced"]["ingress"];
    ASSERT_EQ(ingress.size(), 2U);
    EXPECT_EQ(ingress[0]["policy"], "0|first|gnp:first.look|pass|1");
    EXPECT_EQ(ingress[1]["policy"], "1|default|gnp:web-to-db|deny|-1");
    EXPECT_EQ(ingress[1]["ruleIndex"], -1);
}

TEST(Eval, TheIdComesBackAsItWas) {
    const Site site = site_of({kEndpoints});
    Evaluation evaluation(site);
    for (const char* id : {"7", "-7", "1.50", "123456789012345678901234567890", R"("a")", R"("a \"b\"\n")", "null"}) {
        const std::string rest = R"(,"src":"10.0.0.1","dst":"10.1.0.1","protocol":6})";
        EXPECT_THAT(line_of(evaluation, R"({"id":)" + std::string(id) + rest),
                    StartsWith(R"({"id":)" + std::string(id) + R"(,"enforced")"));
        EXPECT_THAT(line_of(evaluation, R"({"src":1,"id":)" + std::string(id) + "}"),
                    StartsWith(R"({"id":)" + std::string(id) + R"(,"error")"));
    }
    EXPECT_THAT(line_of(evaluation, R"({"src":"10.0.0.1","dst":"10.1.0.1","protocol":6})"),
                StartsWith(R"({"id":null,"enforced")"));
}

TEST(Eval, EndpointsAreKnownByTheirNamesPodsAndHosts) {
    const Site site = site_of({kEndpoints, kWebToDb, kHosts});
    Evaluation evaluation(site);
    for (const char* name : {"prod/cache-1", "prod/wire-k8s-cache--1-eth0", "10.0.0.9", "files", "hostendpoint/files",
                             "workloadendpoint/prod/web"}) {
        const Json answer =
            ask(evaluation, R"({"dst":"prod/db","protocol":"udp","dstPort":53,"src":")" + std::string(name) + "\"}");
        EXPECT_FALSE(answer.contains("error")) << answer;
        EXPECT_FALSE(answer["enforced"].contains("unmatched"));
    }
    EXPECT_EQ(ask(evaluation, R"({"src":"2001:db8::1","dst":"files","protocol":"tcp"})")["enforced"]["ingress"].size(),
              1U)
        << "the address of the other's family is taken";
}

TEST(Eval, ProtocolsAreNamesInAnyCaseOrNumbers) {
    const Site site = site_of({kEndpoints, kWebToDb});
    Evaluation evaluation(site);
    for (const char* protocol : {"\"tcp\"", "\"TCP\"", "\"Tcp\"", "6", "\"6\""})
        EXPECT_EQ(ask(evaluation, R"({"src":"prod/web","dst":"prod/db","dstPort":8080,"protocol":)" +
                                      std::string(protocol) + "}")["enforced"]["action"],
                  "allow");
}

TEST(Eval, AppliancePortsShowWhereTheyTakePart) {
    const Site site = site_of({kEndpoints, kHosts});
    Evaluation evaluation(site);
    const std::string start = R"({"src":"prod/web","dst":"prod/db","protocol":6,"dstPort":1)";
    EXPECT_TRUE(ask(evaluation, start + R"(,"inPort":"left"})")["enforced"].contains("inPort"));
    EXPECT_FALSE(ask(evaluation, start + R"(,"inPort":"right"})")["enforced"].contains("inPort"));
    EXPECT_TRUE(ask(evaluation, start + R"(,"outPort":"left"})")["enforced"].contains("outPort"));
    EXPECT_TRUE(ask(evaluation, start + R"(,"inPort":"left","outPort":"right"})")["enforced"].contains("inPort"));
}

TEST(Eval, StrangersAreUnmatchedAndTheConfigurationDecides) {
    const auto settings = loader::load_settings({"drywall.yaml", "posture: closed\n"}, loader::Purpose::kQuestions);
    ASSERT_TRUE(settings) << settings.error().text();
    const Site site = site_of({kEndpoints}, *settings);
    Evaluation evaluation(site);
    EXPECT_THAT(line_of(evaluation, R"({"src":"192.0.2.1","dst":"192.0.2.2","protocol":47})"),
                HasSubstr(R"("enforced":{"action":"deny","unmatched":true,"egress":[],"ingress":[]})"));
}

TEST(Eval, EveryMistakeIsToldOnItsLine) {
    const std::string start = R"({"src":"10.0.0.1","dst":"10.1.0.1","protocol":6)";
    EXPECT_THAT(error_of("{"), StartsWith("not JSON"));
    EXPECT_THAT(error_of(R"({"id":1} x)"), StartsWith("not JSON"));
    EXPECT_THAT(error_of("[]"), StartsWith("a query is a JSON object"));
    EXPECT_THAT(error_of("7"), StartsWith("a query is a JSON object"));
    EXPECT_THAT(error_of("{}"), StartsWith("src is missing"));
    EXPECT_THAT(error_of(R"({"src":"10.0.0.1","protocol":6})"), StartsWith("dst is missing"));
    EXPECT_THAT(error_of(R"({"src":"10.0.0.1","dst":"10.1.0.1"})"), StartsWith("protocol is missing"));
    EXPECT_THAT(error_of(start + R"(,"sport":1})"), StartsWith("unknown key 'sport'"));
    EXPECT_THAT(error_of(start + R"(,"src":"10.0.0.2"})"), HasSubstr("twice"));
    EXPECT_THAT(error_of(start + R"(,"srcPort":65536})"), HasSubstr("0 to 65535"));
    EXPECT_THAT(error_of(start + R"(,"srcPort":-1})"), HasSubstr("0 to 65535"));
    EXPECT_THAT(error_of(start + R"(,"dstPort":"80"})"), HasSubstr("dstPort must be a number"));
    EXPECT_THAT(error_of(start + R"(,"dstPort":80.5})"), HasSubstr("not a number with a fraction"));
    EXPECT_THAT(error_of(start + R"(,"dstPort":[80]})"), HasSubstr("not a list"));
    EXPECT_THAT(error_of(start + R"(,"icmpType":256})"), HasSubstr("0 to 255"));
    EXPECT_THAT(error_of(start + R"(,"icmpCode":true})"), HasSubstr("not a boolean"));
    EXPECT_THAT(error_of(start + R"(,"id":{"src":1}})"), HasSubstr("id must be a string or a number"));
    EXPECT_THAT(error_of(R"({"src":"10.0.0.1","dst":"10.1.0.1","protocol":"tpc"})"), HasSubstr("not 'tpc'"));
    EXPECT_THAT(error_of(R"({"src":"10.0.0.1","dst":"10.1.0.1","protocol":0})"), HasSubstr("1 to 255"));
    EXPECT_THAT(error_of(R"({"src":"10.0.0.1","dst":"10.1.0.1","protocol":256})"), HasSubstr("1 to 255"));
    EXPECT_THAT(error_of(R"({"src":7,"dst":"10.1.0.1","protocol":6})"), HasSubstr("src must be a string"));
    EXPECT_THAT(error_of(R"({"src":"prod/nobody","dst":"10.1.0.1","protocol":6})"),
                StartsWith("src: 'prod/nobody' is neither"));
    EXPECT_THAT(error_of(R"({"src":"10.0.0.1","dst":"10.1.0","protocol":6})"), StartsWith("dst: '10.1.0' is neither"));
    EXPECT_THAT(error_of(R"({"src":"10.0.0.1","dst":"2001:db8::1","protocol":6})"),
                HasSubstr("no address family in common"));
    EXPECT_THAT(error_of(start + R"(,"inPort":"up"})"), HasSubstr("its ports are left, right"));
    EXPECT_THAT(error_of(start + R"(,"inPort":"left","outPort":"left"})"),
                HasSubstr("nothing that enters by left leaves by left"));
    EXPECT_THAT(error_of(std::string(std::size_t{65} << 10, ' ') + "{}"), HasSubstr("longer than"));
    EXPECT_THAT(error_of(std::string(30'000, '[')), StartsWith("not JSON"));
}

TEST(Eval, NullIsAsGoodAsNothing) {
    const Site site = site_of({kEndpoints, kWebToDb});
    Evaluation evaluation(site);
    EXPECT_EQ(ask(evaluation,
                  R"({"src":"prod/web","dst":"prod/db","protocol":6,"dstPort":8080,"icmpType":null,"inPort":null})")
                  ["enforced"]["action"],
              "allow");
}

TEST(Eval, ABlankLineIsNoQuestion) {
    const Site site = site_of({kEndpoints});
    Evaluation evaluation(site);
    EXPECT_EQ(line_of(evaluation, " \t\r"), "");
    EXPECT_EQ(evaluation.asked(), 0U);
}

TEST(Eval, TheReferenceAnswersTheSame) {
    const Site site = site_of({kEndpoints, kWebToDb, kStagedClosed, kHosts, kLogThenPass});
    const reference::Evaluator reference(*site.inventory, site.ruleset->surroundings());
    Evaluation compiled(site);
    Evaluation walked(site, [&](const net::Tuple& tuple, const drywall::reference::ConnectionFacts& facts) {
        return reference.judge(tuple, facts);
    });
    for (const char* source : {"prod/web", "prod/db", "192.0.2.1", "files"})
        for (const char* destination : {"prod/web", "prod/db", "192.0.2.9", "files"})
            for (const char* rest : {R"("protocol":6,"dstPort":8080})", R"("protocol":"tcp","dstPort":22})",
                                     R"("protocol":1,"icmpType":3})", R"("protocol":6,"outPort":"left"})"}) {
                const std::string query =
                    R"({"src":")" + std::string(source) + R"(","dst":")" + destination + "\"," + rest;
                EXPECT_EQ(line_of(compiled, query), line_of(walked, query)) << query;
            }
}

std::string selector_answer(const std::string& query) {
    std::string out;
    answer_selector(query, out);
    return out;
}

TEST(SelectorQuery, TellsMatchOrTheColumnOfTheMistake) {
    EXPECT_EQ(selector_answer(R"({"id":1,"selector":"app == 'x'","labels":{"app":"x"}})"),
              "{\"id\":1,\"valid\":true,\"match\":true}\n");
    EXPECT_EQ(selector_answer(R"q({"id":"b","selector":"!has(app)","labels":{"app":"x"}})q"),
              "{\"id\":\"b\",\"valid\":true,\"match\":false}\n");
    EXPECT_EQ(selector_answer(R"({"id":2,"selector":""})"), "{\"id\":2,\"valid\":true,\"match\":true}\n");
    const Json wrong = Json::parse(selector_answer(R"({"id":3,"selector":"a = 'b'","labels":{}})"));
    EXPECT_EQ(wrong["valid"], false);
    EXPECT_EQ(wrong["column"], 3);
    EXPECT_FALSE(wrong["error"].get<std::string>().starts_with("column"));
}

TEST(SelectorQuery, ALineThatIsNoQueryIsTold) {
    EXPECT_THAT(selector_answer("{"), StartsWith(R"({"id":null,"error":"not JSON)"));
    EXPECT_THAT(selector_answer("[]"), HasSubstr("a query is a JSON object"));
    EXPECT_THAT(selector_answer(R"({"id":4})"), StartsWith(R"({"id":4,"error":"selector is missing)"));
    EXPECT_THAT(selector_answer(R"q({"id":4,"selector":"all()","label":{}})q"), HasSubstr("unknown key 'label'"));
    EXPECT_THAT(selector_answer(R"q({"id":4,"selector":"all()","labels":{"a":1}})q"),
                HasSubstr("label 'a' must be a string"));
    EXPECT_EQ(selector_answer("  "), "");
}

}  // namespace
}  // namespace drywall::explain

// The operator's command: what it understands, what it prints, and what it tells the shell.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "arguments.h"
#include "client.h"
#include "commands.h"
#include "commands_impact.h"
#include "fields.h"
#include "render.h"
#include "served.h"
#include "story.h"
#include "table.h"

namespace drywall::cli {
namespace {

using control::test::kEndpoints;
using control::test::kStagedClosed;
using control::test::kWebToDb;
using control::test::Served;
using control::test::with;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// A command line's world: a served site, a directory for files, and what was printed.
class Shell {
public:
    Invocation invocation(Format format = Format::kTable) {
        out.str({});
        err.str({});
        return {out, err, format, false, false, served.socket()};
    }
    std::string file(const std::string& name, const std::string& text) {
        std::string path = (served.directory.path() / name).string();
        std::ofstream(path) << text;
        return path;
    }

    Served served;
    std::ostringstream out;
    std::ostringstream err;
};

Json json(const char* text) { return Json::parse(text); }

TEST(HostAndPort, ReadsAddressesNamesAndBrackets) {
    struct Case {
        const char* text;
        const char* host;
        const char* port;
    };
    for (const Case& one : {Case{"10.1.0.9:443", "10.1.0.9", "443"}, Case{"10.1.0.9", "10.1.0.9", ""},
                            Case{"[2001:db8::1]:443", "2001:db8::1", "443"}, Case{"[2001:db8::1]", "2001:db8::1", ""},
                            Case{"2001:db8::1", "2001:db8::1", ""}, Case{"prod/web-1:80", "prod/web-1", "80"}}) {
        const auto read = parse_host_and_port(one.text);
        ASSERT_TRUE(read) << one.text;
        EXPECT_EQ(read->host, one.host);
        EXPECT_EQ(read->port, one.port);
    }
    for (const char* wrong : {"", ":80", "web:", "web:http", "[2001:db8::1", "[]:80", "[2001:db8::1]80"})
        EXPECT_FALSE(parse_host_and_port(wrong)) << wrong;
}

TEST(ResourcePath, TakesKindAndNameInEveryUsualForm) {
    EXPECT_EQ(*resource_path("", "", ""), "/v1/resources");
    EXPECT_EQ(*resource_path("gnp", "", ""), "/v1/resources/gnp");
    EXPECT_EQ(*resource_path("gnp", "web", ""), "/v1/resources/gnp/web");
    EXPECT_EQ(*resource_path("gnp/web", "", ""), "/v1/resources/gnp/web");
    EXPECT_EQ(*resource_path("wep", "web", "prod"), "/v1/resources/wep/prod/web");
    EXPECT_EQ(*resource_path("wep", "prod/web", ""), "/v1/resources/wep/prod/web");
    EXPECT_EQ(*resource_path("gnp", "a b?", ""), "/v1/resources/gnp/a%20b%3F");
    EXPECT_FALSE(resource_path("gnp/", "", ""));
    EXPECT_FALSE(resource_path("wep", "a/b/c", ""));
}

TEST(Table, AlignsByWhatIsSeen) {
    Table table({{"NAME"}, {"N", Table::Align::kRight}, {"LAST"}});
    table.add({{"±"}, {"7"}, {"x"}});
    table.add({{"long-name", Color::kBad}, {"12"}, {""}});
    EXPECT_EQ(table.text(false), "NAME        N  LAST\n±           7  x\nlong-name  12\n");
    EXPECT_EQ(table.text(true, false), "±           7  x\n\x1b[31mlong-name\x1b[0m  12\n");
}

TEST(Client, ErrorsOfTheDaemonKeepTheirPlaces) {
    const Error error = error_of(
        400,
        R"({"code":"invalid","message":"m","complaints":[{"file":"a.yaml","line":3,"column":5,"message":"bad","hint":"mend it"}]})");
    EXPECT_EQ(error.kind, ErrorKind::kInvalid);
    EXPECT_EQ(error.text(), "a.yaml:3:5: bad; mend it");
    EXPECT_EQ(error_of(409, R"({"code":"conflict","message":"m"})").kind, ErrorKind::kConflict);
    EXPECT_EQ(error_of(502, "<html>").kind, ErrorKind::kUnavailable);
    EXPECT_EQ(error_of(400, R"({"code":1,"complaints":[7,{"line":"x"}]})").complaints.size(), 1U);
}

TEST(Client, AFileThatIsNotUtf8IsNamed) {
    const auto bundle = bundle_of({{"good.yaml", "a: b"}, {"bad.yaml", "a: \xff"}});
    ASSERT_FALSE(bundle);
    EXPECT_EQ(bundle.error().complaints.front().place.file, "bad.yaml");
}

TEST(Fields, WhatIsMissingReadsAsEmpty) {
    const Json some = json(R"({"a": {"b": 3, "c": ["x", 1]}, "d": -1})");
    EXPECT_EQ(number_at(some, "/a/b"), 3U);
    EXPECT_EQ(text_at(some, "/a/c"), "x,1");
    EXPECT_EQ(text_at(some, "/a/b/c"), "");
    EXPECT_EQ(number_at(some, "/d"), 0U);
    EXPECT_FALSE(flag_at(some, "/a"));
}

TEST(Render, MatrixHasGlyphsALegendAndWhatGlyphsCantSay) {
    const std::string text = render_matrix(
        json(R"({"view":"enforced","endpoints":["workloadendpoint/prod/web","workloadendpoint/prod/db"],"rows":[
        {"source":"workloadendpoint/prod/web","cells":[{"reach":"none"},{"reach":"mixed","allowed":["tcp/8080"]}]},
        {"source":"workloadendpoint/prod/db","cells":[{"reach":"deny"},{"reach":"none"}]}]})"),
        {});
    EXPECT_THAT(text, StartsWith("   FROM \\ TO  1  2\n1  prod/web   -  ±\n2  prod/db    X  -\n"));
    EXPECT_THAT(text, HasSubstr(". allow"));
    EXPECT_THAT(text, HasSubstr("± prod/web -> prod/db: only tcp/8080"));
}

TEST(Render, DiffSaysWhatWouldBeLostAndGained) {
    const std::string text = render_matrix(json(R"({"view":"diff","endpoints":["w/a","w/b"],"rows":[
        {"source":"w/a","cells":[{"enforced":"none","differs":false},{"enforced":"mixed","pending":"mixed",
          "differs":true,"enforced_allowed":["tcp/1","tcp/2"],"pending_allowed":["tcp/2","tcp/3"]}]}]})"),
                                           {});
    EXPECT_THAT(text, HasSubstr("# a -> b: would lose tcp/1; would gain tcp/3"));
}

TEST(Render, StagedRulesHaveNoEnforcedCount) {
    const std::string text = render_stats(
        json(R"({"rules":[{"rule":"default|sgnp:closed|deny|-1","direction":"ingress","staged":true,"current":true,
        "enforced":{"packets":0},"pending":{"packets":7},"would_deny":{"packets":7}},
        {"rule":"default|gnp:old|allow|0","direction":"ingress","current":false}]})"),
        {.staged = false, .drops = false, .ports = false}, {});
    EXPECT_THAT(text, HasSubstr("default|sgnp:closed|deny|-1  ingress           -        7           7\n"));
    EXPECT_THAT(text, Not(HasSubstr("gnp:old")));
}

TEST(Render, ImpactShowsRequestsByExample) {
    const std::string text = render_impact(
        json(R"({"exact":true,"policies":[{"policy":"sgnp/web","alone":{"requests":{"observed":7,"newly_denied":3,
        "newly_allowed":0,"uncertain":1,"complete":false,"left_out":2,"examples":[{"effect":"newly-denied","kind":"http",
        "method":"GET","path":"/admin","host":"shop","source":{"name":"","ip":"10.0.0.1"},"dest":{"name":"w/db","ip":"10.1.0.1"},
        "protocol":"tcp","dest_port":80,"then_by":"default|gnp:web|deny|1"}]}},
        "counted":{"would_deny_requests":3,"would_allow_requests":0}}]})"),
        {});
    EXPECT_THAT(text, HasSubstr("of 7 would newly DENY 3, newly ALLOW 0, uncertain 1 (not all are on record)\n"));
    EXPECT_THAT(
        text, HasSubstr("newly-denied        10.0.0.1 -> w/db tcp/80 GET /admin of shop, by default|gnp:web|deny|1\n"));
    EXPECT_THAT(text, HasSubstr("and 2 more requests; --limit shows more\n"));
    EXPECT_THAT(text, HasSubstr("would deny 3 requests; would allow 0 requests\n"));
}

TEST(Render, RequestsHaveColumnsWhereThereAreAny) {
    const char* stats = R"({"rules":[{"rule":"default|gnp:web|allow|0","direction":"ingress","current":true,
        "enforced":{"packets":3},"pending":{"packets":3},"would_deny":{"packets":0},"requests":7,"would_deny_requests":2}],
        "staged":[{"policy":"sgnp:asks","tier":"default","would_deny":{"packets":0},"would_allow":{"packets":0},
        "would_deny_requests":2,"would_allow_requests":0}],"inspected":1,"resets_sent":4,"requests_untold":5})";
    const std::string text = render_stats(json(stats), {.drops = false, .ports = false}, {});
    EXPECT_THAT(text, HasSubstr("WOULD-DENY  REQUESTS  WOULD-DENY-REQUESTS\n"));
    EXPECT_THAT(text, HasSubstr("           0         7                    2\n"));
    EXPECT_THAT(text, HasSubstr("WOULD-ALLOW  WOULD-DENY-REQUESTS  WOULD-ALLOW-REQUESTS\n"));
    EXPECT_THAT(text, HasSubstr("1 connections are being read; resets sent 4; requests without a record 5\n"));
    const std::string none = render_stats(json(R"({"rules":[],"staged":[],"inspected":0,"resets_sent":0})"), {}, {});
    EXPECT_THAT(none, Not(HasSubstr("REQUESTS")));
    EXPECT_THAT(none, Not(HasSubstr("being read")));
}

TEST(Render, FlowsNameTheHitThatDecided) {
    const std::string text = render_flows(
        json(R"({"flows":[{"end_time":"2026-11-22T12:15:07.123Z","source_name":"web","source_namespace":"prod",
        "source_ip":"10.0.0.1","dest_ip":"10.1.0.1","protocol":"tcp","dest_port":8080,"action":"allow",
        "pending_action":"deny","num_connections_started":3,"policies":{"enforced":[],
        "pending":[{"text":"0|default|sgnp:closed|deny|-1"}]}}],"lost":2})"),
        false, {});
    EXPECT_EQ(text,
              "12:15:07  prod/web        10.1.0.1        tcp     8080  allow  deny         "
              "default|sgnp:closed|deny|-1      3\n");
    EXPECT_EQ(render_flow_losses(json(R"({"lost":2,"evicted":1})")), "LOST 2  FORGOTTEN 1\n");
}

TEST(Drywall, AppliesGetsPromotesAndDeletes) {
    Shell shell;
    const std::string path = shell.file("closed.yaml", kStagedClosed);
    EXPECT_EQ(apply(shell.invocation(), {.files = {path}}), Exit::kOk);
    EXPECT_EQ(shell.out.str(),
              "stagedglobalnetworkpolicy/closed created\ngeneration 1 -> 2; nothing enforced changed\n");
    EXPECT_EQ(apply(shell.invocation(), {.files = {path}}), Exit::kOk);
    EXPECT_THAT(shell.out.str(), HasSubstr("closed unchanged\ngeneration 2 stays"));

    EXPECT_EQ(get(shell.invocation(Format::kWide), {.kind = "gnp", .name = {}, .ns = {}, .files = {}}), Exit::kOk);
    EXPECT_EQ(shell.out.str(), "NAME       TIER     ORDER  SELECTOR\nweb-to-db  default  100    app == 'db'\n");

    EXPECT_EQ(promote(shell.invocation(), {.name = "closed", .kind = {}, .ns = {}}), Exit::kOk);
    EXPECT_THAT(shell.out.str(), HasSubstr("globalnetworkpolicy/closed created\n"));
    EXPECT_THAT(shell.out.str(), HasSubstr("what is enforced changed"));
    EXPECT_EQ(remove(shell.invocation(), {.kind = "gnp/closed", .name = {}, .ns = {}, .files = {}}), Exit::kOk);
    EXPECT_EQ(shell.out.str(), "globalnetworkpolicy/closed deleted\ngeneration 3 -> 4; what is enforced changed\n");
}

TEST(Drywall, ExitCodesTellWhatWentWrong) {
    Shell shell;
    const std::string bad = shell.file("bad.yaml", with(kWebToDb, "Allow", "Alow"));
    EXPECT_EQ(apply(shell.invocation(), {.files = {bad}}), Exit::kInvalid);
    EXPECT_EQ(shell.out.str(), "");
    EXPECT_THAT(shell.err.str(), StartsWith(bad + ":9:15: "));
    EXPECT_EQ(apply(shell.invocation(), {.files = {"/no/such/file.yaml"}}), Exit::kInvalid);
    const std::string good = shell.file("good.yaml", kStagedClosed);
    EXPECT_EQ(apply(shell.invocation(), {.files = {good}, .change = {.if_generation = "7"}}), Exit::kConflict);
    EXPECT_EQ(remove(shell.invocation(), {.kind = "tier", .name = "default", .ns = {}, .files = {}}), Exit::kRefused);
    EXPECT_EQ(remove(shell.invocation(), {.kind = "tier", .name = {}, .ns = {}, .files = {}}), Exit::kUsage);
    EXPECT_EQ(get(shell.invocation(), {.kind = "gnp", .name = "no", .ns = {}, .files = {}}), Exit::kNegative);
}

TEST(Drywall, SaysWhyItCantReachTheDaemon) {
    std::ostringstream out;
    std::ostringstream err;
    EXPECT_EQ(status({out, err, Format::kTable, false, false, "/no/such/socket"}), Exit::kUnreachable);
    EXPECT_THAT(err.str(), HasSubstr("can't reach drywalld at /no/such/socket: No such file"));
}

TEST(Drywall, TraceAnswersTheShellToo) {
    Shell shell;
    TraceArguments question;
    question.protocol = "tcp";
    question.source = "web";
    question.destination = "db:8080";
    EXPECT_EQ(trace(shell.invocation(), question), Exit::kOk) << shell.err.str();
    EXPECT_THAT(shell.out.str(), HasSubstr("enforced  ALLOW"));
    question.destination = "10.1.0.1:22";
    EXPECT_EQ(trace(shell.invocation(), question), Exit::kNegative);
    EXPECT_THAT(shell.out.str(), HasSubstr("dropped as policy_deny"));
    question.destination = "db:http";
    EXPECT_EQ(trace(shell.invocation(), question), Exit::kUsage);
}

TEST(Drywall, TheRestOfTheQuestionsAreAnswered) {
    Shell shell;
    EXPECT_EQ(status(shell.invocation()), Exit::kOk);
    EXPECT_THAT(shell.out.str(), HasSubstr("1 enforced, 0 staged"));
    EXPECT_EQ(stats(shell.invocation(), {}), Exit::kOk);
    EXPECT_EQ(matrix(shell.invocation(), {}), Exit::kOk);
    EXPECT_THAT(shell.out.str(), HasSubstr("prod/web -> prod/db: only tcp/8080"));
    EXPECT_EQ(flows(shell.invocation(), {}), Exit::kOk);
    EXPECT_THAT(shell.out.str(), StartsWith("TIME"));
    EXPECT_EQ(shell.err.str(), "LOST 0\n");
    EXPECT_EQ(version(shell.invocation()), Exit::kOk);
    EXPECT_EQ(get(shell.invocation(Format::kName), {}), Exit::kOk);
    EXPECT_THAT(shell.out.str(), HasSubstr("workloadendpoint/prod/web\n"));
    EXPECT_EQ(get(shell.invocation(Format::kYaml), {}), Exit::kOk);
    EXPECT_THAT(shell.out.str(), StartsWith("apiVersion: v1\nkind: List\n"));
}

}  // namespace
}  // namespace drywall::cli

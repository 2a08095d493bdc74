// What was asked for inside of connections, over the API and on the command line: filtered, and followed.
#include <sstream>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "commands_layer7.h"
#include "drywall/control/denial_watch.h"
#include "served.h"

namespace drywall::control {
namespace {

using cli::Exit;
using cli::Format;
using nlohmann::json;
using test::Served;
using testing::HasSubstr;
using testing::Not;

telemetry::Request request(const std::string& method, const std::string& path, DropReason drop = DropReason::kNone) {
    telemetry::Request made;
    made.method = telemetry::ShortText<24>(method);
    made.host = telemetry::ShortText<255>("shop");
    made.path = telemetry::ShortText<255>(path);
    made.drop = drop;
    made.tuple.protocol = net::protocol::kTcp;
    made.tuple.source = net::Address::parse("10.0.0.1")->bytes;
    made.tuple.source_port = 40000;
    made.tuple.destination = net::Address::parse("10.1.0.1")->bytes;
    made.tuple.destination_port = 8080;
    return made;
}

void ask(Served& served, const std::string& method, const std::string& path, DropReason drop = DropReason::kNone) {
    telemetry::Request made = request(method, path, drop);
    const auto ruleset = served.site->state().ruleset;
    made.generation = ruleset->generation();
    made.trace = ruleset->classify(made.tuple);
    inspect::ConditionWorkspace workspace;
    if (ruleset->inspects() && workspace.grow_for(ruleset->conditions()))
        made.trace = ruleset->resolve(
            made.trace, {.http = reference::HttpRequest{method, path}, .names = {}, .tls = {}}, workspace);
    served.flows.on_request(made, ruleset.get());
}

std::vector<std::string> paths_of(const httplib::Result& answer) {
    std::vector<std::string> out;
    if (!answer || answer->status != 200) return {answer ? answer->body : "no answer"};
    const json whole = json::parse(answer->body);
    for (const json& one : whole["requests"]) out.push_back(one["path"]);
    return out;
}

using Paths = std::vector<std::string>;

TEST(RequestsApi, AnswersThoseThatAreMeant) {
    Served served;
    ask(served, "GET", "/shop/1");
    ask(served, "PUT", "/shop/2");
    ask(served, "GET", "/admin", DropReason::kHttpDenied);
    auto client = served.view_client();
    EXPECT_EQ(paths_of(client.Get("/v1/requests")), (Paths{"/shop/1", "/shop/2", "/admin"}));
    EXPECT_EQ(paths_of(client.Get("/v1/requests?path=/shop&method=GET")), Paths{"/shop/1"});
    EXPECT_EQ(paths_of(client.Get("/v1/requests?not-method=GET")), Paths{"/shop/2"});
    EXPECT_EQ(paths_of(client.Get("/v1/requests?denied=true")), Paths{"/admin"});
    EXPECT_EQ(paths_of(client.Get("/v1/requests?from-name=web&to-port=8080&limit=1")), Paths{"/admin"});
    EXPECT_EQ(paths_of(client.Get("/v1/requests?from-ip=10.9.0.0/16")), Paths{});
    EXPECT_EQ(paths_of(client.Get("/v1/requests?since=1h")).size(), 3U);
    EXPECT_EQ(paths_of(client.Get("/v1/requests?since=2100-01-01T00:00:00Z")), Paths{});
    EXPECT_EQ(paths_of(client.Get("/v1/requests?would-deny=true")), Paths{});
}

TEST(RequestsApi, SaysWhatItDoesNotUnderstand) {
    Served served;
    for (const char* query : {"path=shop", "since=yesterday", "limit=x", "denied=maybe", "kind=ftp", "in=left"}) {
        const auto answer = served.client().Get(std::string("/v1/requests?") + query);
        ASSERT_TRUE(answer);
        EXPECT_EQ(answer->status, 400) << query << answer->body;
    }
    for (const char* query : {"timeout=0s", "count=x", "since=1h", "path=shop"})
        EXPECT_EQ(served.client().Get(std::string("/v1/requests/watch?") + query)->status, 400) << query;
}

TEST(RequestsApi, FollowsWhatComesUntilEnoughCame) {
    Served served;
    ask(served, "GET", "/before");
    std::thread asking([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(300));
        for (const char* path : {"/a", "/other", "/b", "/c"}) ask(served, "GET", path);
    });
    const auto answer = served.view_client().Get("/v1/requests/watch?count=2&not-path=/other");
    asking.join();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->get_header_value("Content-Type"), "text/event-stream");
    EXPECT_THAT(answer->body, HasSubstr("event: begin\n"));
    EXPECT_THAT(answer->body, HasSubstr(R"("path":"/a")"));
    EXPECT_THAT(answer->body, HasSubstr(R"("path":"/b")"));
    for (const char* other : {"/before", "/other", "/c"})
        EXPECT_THAT(answer->body, Not(HasSubstr(R"("path":")" + std::string(other)))) << other;
    EXPECT_THAT(answer->body, HasSubstr("event: end\ndata: {\"why\":\"count\",\"requests\":2,\"missed\":0}\n"));
}

TEST(RequestsApi, EndsWhenItsTimeIsOver) {
    Served served;
    const auto answer = served.client().Get("/v1/requests/watch?timeout=50ms");
    ASSERT_TRUE(answer);
    EXPECT_THAT(answer->body, HasSubstr(R"({"why":"timeout","requests":0,"missed":0})"));
}

constexpr const char* kStagedAsks = R"(apiVersion: projectcalico.org/v3
kind: StagedGlobalNetworkPolicy
metadata: {name: asks}
spec:
  order: 10
  selector: app == 'db'
  types: [Ingress]
  ingress:
    - action: Allow
      protocol: TCP
      destination: {ports: [8080]}
      http: {methods: [GET]}
    - action: Deny
)";

TEST(RequestsApi, ImpactAndCheckForetellWhatWouldBeDenied) {
    Served served;
    auto client = served.client();
    ASSERT_EQ(client.Post("/v1/resources?force=true", kStagedAsks, "application/yaml")->status, 200);
    ask(served, "GET", "/fine");
    ask(served, "PUT", "/bad");
    const auto impact = client.Get("/v1/impact?name=asks");
    ASSERT_EQ(impact->status, 200) << impact->body;
    const json whole = json::parse(impact->body);
    for (const char* way : {"alone", "in_combination"}) {
        const json& requests = whole["policies"][0][way]["requests"];
        EXPECT_EQ(requests["observed"], 2) << way;
        EXPECT_EQ(requests["newly_denied"], 1) << way;
        EXPECT_EQ(requests["complete"], true);
        EXPECT_EQ(requests["examples"][0]["path"], "/bad") << way;
        EXPECT_EQ(requests["examples"][0]["effect"], "newly-denied");
        EXPECT_EQ(requests["examples"][0]["dest_port"], 8080);
    }
    EXPECT_EQ(json::parse(client.Get("/v1/impact?limit=0")->body)["together"]["requests"]["left_out"], 1);
    for (const char* which : {"?name=asks", ""}) {
        const json check = json::parse(client.Get(std::string("/v1/check") + which)->body);
        EXPECT_EQ(check["verdict"], "NOT SAFE") << check;
        EXPECT_EQ(check["would_deny_requests"], 1);
        EXPECT_EQ(check["impact"]["requests"]["examples"][0]["method"], "PUT");
    }
}

TEST(DenialWatch, PutsPathsToTheRulesBeforeAsTheyWereSent) {
    const std::string enforced = drywall::test::with(kStagedAsks, "StagedGlobalNetworkPolicy", "GlobalNetworkPolicy");
    test::Site site{{test::kEndpoints, drywall::test::with(enforced, "methods: [GET]", "paths: [{exact: /a}]")}};
    const auto before = site->state().ruleset;
    ASSERT_TRUE(before->inspects());
    observe::FlowLog log;
    DenialWatch watch(log);
    const Generation since{index(before->generation()) + 1};
    watch.begin(since, before);
    for (const char* path : {"/a?b", "/a"}) {  // the first was sent as /a%3fb, and was denied before
        telemetry::Request denied = request("GET", path, DropReason::kHttpDenied);
        denied.generation = since;
        denied.tuple.source_port = path == std::string("/a") ? 40001 : 40000;
        watch.on_request(denied, nullptr);
    }
    EXPECT_EQ(watch.seen().connections, 1U);
    EXPECT_EQ(watch.seen().examples, std::vector<std::string>{"tcp 10.0.0.1:40001 -> 10.1.0.1:8080 GET /a"});
    EXPECT_EQ(log.requests().query({}).size(), 2U) << "and hands every record on";
}

struct RequestsShell {
    cli::Invocation invocation(Format format = Format::kTable) {
        out.str({});
        err.str({});
        return {out, err, format, false, false, served.socket()};
    }
    Served served;
    std::ostringstream out;
    std::ostringstream err;
};

TEST(RequestsCommand, ShowsThoseThatAreMeant) {
    RequestsShell shell;
    EXPECT_EQ(show_requests(shell.invocation(), {}), Exit::kOk);
    EXPECT_THAT(shell.out.str(), HasSubstr("nothing of that kind was asked"));
    ask(shell.served, "GET", "/shop/1");
    ask(shell.served, "GET", "/admin", DropReason::kHttpDenied);
    cli::RequestsArguments arguments;
    arguments.terms = {{"path", "/shop"}};
    EXPECT_EQ(show_requests(shell.invocation(), arguments), Exit::kOk);
    EXPECT_THAT(shell.out.str(), HasSubstr("GET /shop/1"));
    EXPECT_THAT(shell.out.str(), Not(HasSubstr("/admin")));
    arguments = {};
    arguments.denied = true;
    EXPECT_EQ(show_requests(shell.invocation(Format::kJsonLines), arguments), Exit::kOk);
    EXPECT_EQ(json::parse(shell.out.str())["path"], "/admin");
}

TEST(RequestsCommand, RefusesInTheWordsOfFlagsBeforeAnybodyIsAsked) {
    std::ostringstream out;
    std::ostringstream err;
    const cli::Invocation nobody{out, err, Format::kTable, false, false, "/nowhere/api.sock"};
    cli::RequestsArguments arguments;
    arguments.terms = {{"path", "shop"}};
    EXPECT_EQ(show_requests(nobody, arguments), Exit::kUsage);
    arguments = {};
    arguments.since = "yesterday";
    EXPECT_EQ(show_requests(nobody, arguments), Exit::kUsage);
    EXPECT_THAT(err.str(), HasSubstr("'yesterday' is no moment"));
    EXPECT_EQ(watch_requests(nobody, {.terms = {{"in", "left"}}, .mistake = {}, .timeout = {}}, {}), Exit::kUsage);
    EXPECT_THAT(err.str(), HasSubstr("requests can't be filtered by 'in'"));
}

TEST(RequestsCommand, WatchesUntilEnoughCame) {
    RequestsShell shell;
    std::thread asking([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(300));
        ask(shell.served, "GET", "/fine");
        ask(shell.served, "GET", "/admin", DropReason::kHttpDenied);
    });
    const cli::WatchArguments arguments{.terms = {}, .mistake = {}, .count = 1, .timeout = "20s"};
    EXPECT_EQ(watch_requests(shell.invocation(), arguments, {.denied = true}), Exit::kOk);
    asking.join();
    EXPECT_THAT(shell.out.str(), HasSubstr("TIME "));
    EXPECT_THAT(shell.out.str(), HasSubstr("GET /admin"));
    EXPECT_THAT(shell.out.str(), Not(HasSubstr("/fine")));
    EXPECT_EQ(shell.err.str(), "1 request\n");
}

}  // namespace
}  // namespace drywall::control

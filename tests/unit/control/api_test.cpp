// What the API answers, without a socket.
#include "api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "drywall/observe/flow_json.h"
#include "json.h"
#include "story.h"

namespace drywall::control {
namespace {

using test::kEndpoints;
using test::kStagedClosed;
using test::kWebToDb;
using test::Site;
using test::with;
using testing::HasSubstr;

Json parsed(const ApiResponse& response) {
    Json json = Json::parse(response.body, nullptr, false);
    EXPECT_FALSE(json.is_discarded()) << response.body;
    return json;
}

// The API over a site, asked by words.
class Asked {
public:
    explicit Asked(std::vector<std::string> texts = {kEndpoints, kWebToDb, kStagedClosed}) : site(std::move(texts)) {}

    ApiResponse get(std::string path, std::map<std::string, std::string> query = {}) {
        return api.handle({.method = "GET", .path = std::move(path), .query = std::move(query)});
    }
    ApiResponse send(std::string method, std::string path, std::string body = {},
                     std::map<std::string, std::string> query = {}) {
        return api.handle(
            {.method = std::move(method), .path = std::move(path), .query = std::move(query), .body = std::move(body)});
    }

    Site site;
    observe::FlowLog flows;
    Api api{*site, flows};
};

std::string bundle(const std::string& name, const std::string& text) {
    return write({{"files", Json::array({{{"name", name}, {"text", text}}})}});
}

telemetry::FlowEvent opened(const ruleset::Ruleset& ruleset) {
    telemetry::FlowEvent event;
    event.flow = 1;
    event.tuple.source = net::Address::parse("10.0.0.1")->bytes;
    event.tuple.destination = net::Address::parse("10.1.0.1")->bytes;
    event.tuple.protocol = 6;
    event.tuple.destination_port = 8080;
    event.trace = ruleset.classify(event.tuple);
    event.generation = ruleset.generation();
    return event;
}

flow::CensusEntry open_now(const ruleset::Ruleset& ruleset, std::uint16_t source_port) {
    flow::CensusEntry entry;
    entry.tuple = opened(ruleset).tuple;
    entry.tuple.source_port = source_port;
    entry.state = flow::FlowState::kEstablished;
    entry.generation = ruleset.generation();
    entry.forward = {3, 300};
    entry.reverse = {2, 2000U + source_port};
    return entry;
}

TEST(Api, AnswersWhoIsThere) {
    Asked asked;
    EXPECT_EQ(asked.get("/_ping").body, "OK\n");
    EXPECT_EQ(parsed(asked.get("/v1/version"))["api"], "v1");
    EXPECT_EQ(asked.send("HEAD", "/_ping").status, 200);
}

TEST(Api, UnknownPathsAndMethodsAreJsonErrorsToo) {
    Asked asked;
    EXPECT_EQ(asked.get("/v2/status").status, 404);
    EXPECT_EQ(parsed(asked.get("/nothing"))["code"], "not-found");
    const ApiResponse wrong_method = asked.send("PUT", "/v1/resources");
    EXPECT_EQ(wrong_method.status, 405);
    EXPECT_EQ(wrong_method.allow, "GET, POST");
    EXPECT_EQ(parsed(wrong_method)["code"], "method-not-allowed");
    EXPECT_EQ(asked.get("/v1/resources/").status, 404);
}

TEST(Api, AMisspelledParameterIsNotIgnored) {
    Asked asked;
    const ApiResponse response = asked.get("/v1/flows", {{"pendin", "deny"}});
    EXPECT_EQ(response.status, 400);
    EXPECT_THAT(response.body, HasSubstr("pendin"));
    EXPECT_EQ(asked.get("/v1/flows", {{"pending", "maybe"}}).status, 400);
    EXPECT_EQ(asked.get("/v1/flows", {{"limit", "-1"}}).status, 400);
    EXPECT_EQ(asked.get("/v1/matrix", {{"view", "past"}}).status, 400);
}

TEST(Api, ErrorsPointIntoTheFileThatTheSenderNamed) {
    Asked asked;
    const ApiResponse response =
        asked.send("POST", "/v1/resources", bundle("site/policy.yaml", with(kWebToDb, "Allow", "Alow")));
    EXPECT_EQ(response.status, 400);
    const Json complaint = parsed(response)["complaints"][0];
    EXPECT_EQ(complaint["file"], "site/policy.yaml");
    EXPECT_EQ(complaint["line"], 9);
    EXPECT_EQ(complaint["column"], 15);
    EXPECT_FALSE(complaint["message"].get<std::string>().empty());
}

TEST(Api, TakesABundleOrABareDocument) {
    Asked asked({kEndpoints});
    EXPECT_EQ(parsed(asked.send("POST", "/v1/resources", bundle("a.yaml", kWebToDb)))["changes"][0]["outcome"],
              "created");
    const Json second =
        parsed(asked.send("POST", "/v1/resources", with(kWebToDb, "8080", "80"), {{"source", "b.yaml"}}));
    EXPECT_EQ(second["changes"][0]["id"], "globalnetworkpolicy/web-to-db");
    EXPECT_EQ(second["changes"][0]["outcome"], "configured");
    EXPECT_EQ(second["generation_before"], 2);
    EXPECT_EQ(second["generation"], 3);
    EXPECT_EQ(second["enforced_changed"], true);
    EXPECT_THAT(asked.send("POST", "/v1/resources", "kind: [", {{"source", "b.yaml"}}).body, HasSubstr("b.yaml"));
}

TEST(Api, BundlesThatAreNoneAreRefused) {
    Asked asked;
    for (const char* body : {R"({"files": 1})", R"({"files": [1]})", R"({"files": [{"name": "a"}]})", "", "{}"})
        EXPECT_EQ(asked.send("POST", "/v1/resources", body).status, 400) << body;
}

TEST(Api, GenerationsGuardAgainstLostUpdates) {
    Asked asked;
    const ApiResponse late =
        asked.send("POST", "/v1/resources", with(kWebToDb, "8080", "80"), {{"if-generation", "7"}});
    EXPECT_EQ(late.status, 409);
    EXPECT_EQ(parsed(late)["code"], "conflict");
    EXPECT_EQ(
        asked.api.handle({.method = "DELETE", .path = "/v1/resources/gnp/web-to-db", .if_generation = "1"}).status,
        200);
    EXPECT_EQ(asked.send("DELETE", "/v1/resources/sgnp/closed", {}, {{"if-generation", "x"}}).status, 400);
}

TEST(Api, ResourcesComeAsJsonAndAsYamlThatCanBeAppliedAgain) {
    Asked asked;
    const Json all = parsed(asked.get("/v1/resources"));
    EXPECT_EQ(all["kind"], "List");
    EXPECT_EQ(all["items"].size(), 7U);  // three of them are the tiers that always exist
    EXPECT_EQ(parsed(asked.get("/v1/resources/gnp/web-to-db"))["spec"]["order"], 100);
    EXPECT_EQ(parsed(asked.get("/v1/resources/wep/prod/web"))["metadata"]["namespace"], "prod");

    const ApiResponse yaml = asked.get("/v1/resources", {{"format", "yaml"}});
    EXPECT_EQ(yaml.content_type, "application/yaml");
    const Json again = parsed(asked.send("POST", "/v1/resources", yaml.body));
    ASSERT_EQ(again["changes"].size(), 7U) << again;
    for (const Json& change : again["changes"]) EXPECT_EQ(change["outcome"], "unchanged");
}

TEST(Api, WhatIsNotThereSaysWhatThereIs) {
    Asked asked;
    EXPECT_EQ(asked.get("/v1/resources/gnp/nothing").status, 404);
    const ApiResponse kind = asked.get("/v1/resources/gizmo");
    EXPECT_EQ(kind.status, 400);
    EXPECT_THAT(kind.body, HasSubstr("GlobalNetworkPolicy (gnp)"));
}

TEST(Api, DeletesByNameAndByFile) {
    Asked asked;
    EXPECT_EQ(asked.send("DELETE", "/v1/resources/sgnp/closed").status, 200);
    EXPECT_EQ(asked.send("DELETE", "/v1/resources/sgnp/closed").status, 404);
    EXPECT_EQ(parsed(asked.send("POST", "/v1/delete", kWebToDb))["changes"][0]["outcome"], "deleted");
    for (const char* tier : {"default", "kube-admin", "kube-baseline"})
        EXPECT_EQ(asked.send("DELETE", std::string("/v1/resources/tier/") + tier).status, 422) << tier;
}

TEST(Api, PromotesByName) {
    Asked asked;
    EXPECT_EQ(asked.send("POST", "/v1/promote", "{}").status, 400);
    EXPECT_EQ(asked.send("POST", "/v1/promote", R"({"name": "nothing"})").status, 404);
    const Json promoted = parsed(asked.send("POST", "/v1/promote", R"({"name": "closed", "kind": "sgnp"})"));
    EXPECT_EQ(promoted["changes"][0]["id"], "globalnetworkpolicy/closed");
    EXPECT_EQ(promoted["changes"][1]["outcome"], "deleted");
}

TEST(Api, StatusAndStatsShowWhatTheDataplaneCounted) {
    Asked asked;
    runtime::Snapshot snapshot;
    snapshot.drops[DropReason::kPolicyDeny] = {3, 180};
    snapshot.observed[DropReason::kTcpMidStream] = {2, 120};
    snapshot.ports.push_back({.name = "left",
                              .peer = "right",
                              .received = {10, 1000},
                              .forwarded = {},
                              .transmitted = {},
                              .drops = {},
                              .device = {},
                              .link_up = true,
                              .mtu = 9000});
    asked.site.dataplane.set_snapshot(snapshot);

    const Json status = parsed(asked.get("/v1/status"));
    EXPECT_EQ(status["generation"], 1);
    EXPECT_EQ(status["resources"]["StagedGlobalNetworkPolicy"], 1);
    EXPECT_EQ(status["dropped_packets"], 3);
    EXPECT_EQ(status["ports"][0]["received"]["packets"], 10);
    const Json stats = parsed(asked.get("/v1/stats"));
    EXPECT_EQ(stats["drops"].size(), kDropReasons.size());
    EXPECT_EQ(stats["drops"][0]["reason"], "policy_deny");
    EXPECT_EQ(stats["drops"][0]["packets"], 3);
    EXPECT_EQ(stats["observed"], Json::parse(R"({"tcp_mid_stream": {"packets": 2, "bytes": 120}})"));
    EXPECT_EQ(stats["ports"][0]["peer"], "right");
    EXPECT_EQ(stats["ports"][0]["mtu"], 9000);
}

TEST(Api, WithoutADataplaneStatusAnswersAndStatsAreUnavailable) {
    Asked asked;
    asked.site->detach();
    EXPECT_EQ(parsed(asked.get("/v1/status"))["dataplane"], "not running");
    EXPECT_EQ(asked.get("/v1/stats").status, 503);
}

TEST(Api, FlowsCarryTheFieldsThatWhiskerShows) {
    Asked asked;
    const auto ruleset = asked.site->state().ruleset;
    asked.flows.on_event(opened(*ruleset), ruleset.get());
    const Json answer = parsed(asked.get("/v1/flows", {{"pending", "deny"}, {"enforced", "allow"}}));
    const Json flow = answer["flows"][0];
    EXPECT_EQ(flow["action"], "allow");
    EXPECT_EQ(flow["pending_action"], "deny");
    EXPECT_EQ(flow["source_name"], "web");
    EXPECT_EQ(flow["source_namespace"], "prod");
    EXPECT_EQ(flow["dest_port"], 8080);
    EXPECT_EQ(flow["num_connections_live"], 1);
    const Json hit = flow["policies"]["enforced"].back();
    EXPECT_EQ(hit["kind"], "GlobalNetworkPolicy");
    EXPECT_EQ(hit["name"], "web-to-db");
    EXPECT_EQ(hit["tier"], "default");
    EXPECT_EQ(hit["rule_index"], 0);
    const Json staged = flow["policies"]["pending"].back();
    EXPECT_EQ(staged["kind"], "StagedGlobalNetworkPolicy");
    EXPECT_EQ(staged["action"], "deny");
    EXPECT_EQ(answer["lost"], 0);
    EXPECT_EQ(parsed(asked.get("/v1/flows", {{"after", answer["next"].dump()}}))["flows"].size(), 0U);
}

TEST(Api, WhoeverWaitsForFlowsIsAnsweredWhenTheServerStops) {
    Asked asked;
    asked.api.stop_waiting();
    EXPECT_EQ(asked.get("/v1/flows", {{"wait", "30000"}}).status, 200);
    EXPECT_EQ(asked.get("/v1/flows", {{"wait", "30001"}}).status, 400);
}

TEST(Api, MatrixAndTraceAnswerInBothWorlds) {
    Asked asked;
    const Json diff = parsed(asked.get("/v1/matrix", {{"view", "diff"}, {"service", "tcp/8080"}}));
    ASSERT_EQ(diff["endpoints"].size(), 2U);
    EXPECT_THAT(diff.dump(), HasSubstr(R"("enforced":"allow","pending":"deny","differs":true)"));

    const Json trace = parsed(asked.get(
        "/v1/trace", {{"protocol", "tcp"}, {"source", "web"}, {"destination", "10.1.0.1"}, {"port", "8080"}}));
    EXPECT_EQ(trace["dest_name"], "workloadendpoint/prod/db");
    EXPECT_EQ(trace["decisions"][0]["enforced"]["verdict"], "allow");
    EXPECT_EQ(trace["decisions"][0]["pending"]["verdict"], "deny");
    EXPECT_EQ(asked.get("/v1/trace", {{"source", "web"}}).status, 400);
    EXPECT_EQ(asked.get("/v1/trace", {{"source", "web"}, {"destination", "nobody"}, {"port", "1"}}).status, 404);
}

TEST(Json, ReplacesBytesThatAreNoUtf8) {
    const Json json = parsed(error_response(Error::invalid({"caf\xe9.yaml", 1, 2}, "wrong")));
    EXPECT_EQ(json["complaints"][0]["file"], "caf\xef\xbf\xbd.yaml");
}

TEST(Json, TheEndOfATierIsAttributedToItsTrigger) {
    const Json hit = observe::json_of_hit(observe::hit_of("2|security|sgnp:closed|deny|-1"));
    EXPECT_EQ(hit["kind"], "EndOfTier");
    EXPECT_EQ(hit["tier"], "security");
    EXPECT_EQ(hit["name"], "");
    EXPECT_EQ(hit["trigger"]["kind"], "StagedGlobalNetworkPolicy");
    EXPECT_EQ(hit["trigger"]["name"], "closed");
    EXPECT_EQ(hit["policy_index"], 2);
    EXPECT_EQ(hit["rule_index"], -1);
}

TEST(Json, AProfileHasNoTier) {
    const Json hit = observe::json_of_hit(observe::hit_of("0|__PROFILE__|pro:kns.prod|allow|0"));
    EXPECT_EQ(hit["kind"], "Profile");
    EXPECT_EQ(hit["tier"], "");
    EXPECT_TRUE(hit["trigger"].is_null());
}

TEST(Json, TimesAreUtcWithMilliseconds) {
    EXPECT_EQ(time_text(std::chrono::system_clock::time_point(std::chrono::milliseconds(1'000))),
              "1970-01-01T00:00:01.000Z");
}

TEST(Api, ImpactWalksTheOpenConnections) {
    Asked asked;
    const ruleset::Ruleset& ruleset = *asked.site->state().ruleset;
    flow::CensusEntry closed = open_now(ruleset, 40003);
    closed.state = flow::FlowState::kClosed;
    asked.site.dataplane.set_census(
        {.connections = {open_now(ruleset, 40001), closed, open_now(ruleset, 40002)}, .began = {}, .missing = {}});

    const Json answer = parsed(asked.get("/v1/impact", {{"name", "closed"}, {"limit", "1"}}));
    for (const Json& live : {answer["policies"][0]["live"], answer["live"]}) {
        EXPECT_EQ(live["walked"], 3);
        EXPECT_EQ(live["connections"], 2);
        EXPECT_EQ(live["closed"], 1);
        EXPECT_EQ(live["denied_now"], 0);
        EXPECT_EQ(live["cut_by_recheck"], 2);
        EXPECT_EQ(live["cut_by_reset"], 2);
        EXPECT_TRUE(live["missing"].is_null());
        ASSERT_EQ(live["cut"].size(), 1U);
    }
    const Json& most = answer["policies"][0]["live"]["cut"][0];
    EXPECT_EQ(most["source"], (Json{{"name", "workloadendpoint/prod/web"}, {"ip", "10.0.0.1"}}));
    EXPECT_EQ(most["source_port"], 40002);
    EXPECT_EQ(most["dest_port"], 8080);
    EXPECT_EQ(most["protocol"], "tcp");
    EXPECT_EQ(most["ingress_port"], "left");
    EXPECT_EQ(most["state"], "established");
    EXPECT_EQ(most["traffic"]["packets"], 5);
    EXPECT_EQ(most["now_by"], "default|gnp:web-to-db|allow|0");
    EXPECT_EQ(most["then_by"], "default|gnp:closed|deny|0");
}

TEST(Api, CheckIsNotSafeWhileAConnectionIsOpenThatNoRecordTellsOf) {
    Asked asked;
    asked.site.dataplane.set_census(
        {.connections = {open_now(*asked.site->state().ruleset, 40001)}, .began = {}, .missing = {}});
    std::map<std::string, std::string> query{{"name", "closed"}, {"min-time", "0"}, {"min-connections", "0"}};
    const Json answer = parsed(asked.get("/v1/check", query));
    EXPECT_EQ(answer["verdict"], "NOT SAFE");
    EXPECT_EQ(answer["reasons"][0], "1 open connection that no record tells of would be cut");
    query["ack"] = answer["live"]["cut"][0]["flow"].dump();
    EXPECT_EQ(parsed(asked.get("/v1/check", query))["verdict"], "SAFE");
}

TEST(Api, CheckIsNotSafeWhileAWorkerIsMissing) {
    Asked asked;
    asked.site.dataplane.set_census({.connections = {}, .began = {}, .missing = "worker 1 (CPU 3) has stopped"});
    const Json answer =
        parsed(asked.get("/v1/check", {{"name", "closed"}, {"min-time", "0"}, {"min-connections", "0"}}));
    EXPECT_EQ(answer["verdict"], "NOT ENOUGH EVIDENCE");
    EXPECT_THAT(answer["reasons"][0].get<std::string>(), HasSubstr("worker 1 (CPU 3) has stopped"));
    EXPECT_EQ(answer["live"]["missing"], "worker 1 (CPU 3) has stopped");
}

}  // namespace
}  // namespace drywall::control

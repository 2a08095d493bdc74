// What was asked for inside of connections: kept in order, filtered, followed, and taken for a file.
#include "drywall/observe/request_log.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "flow_events.h"

namespace drywall::observe {
namespace {

using namespace std::chrono_literals;
using Built = std::shared_ptr<const ruleset::Ruleset>;
using test::allow;
using test::gnp;
using test::sgnp;

telemetry::Request request(std::string_view path, DropReason drop = DropReason::kNone) {
    telemetry::Request made;
    made.method = telemetry::ShortText<24>("GET");
    made.host = telemetry::ShortText<255>("Shop.example.com:8080");
    made.path = telemetry::ShortText<255>(path);
    made.drop = drop;
    made.tuple.protocol = net::protocol::kTcp;
    made.tuple.source = net::Address::v4(0x0a000001).bytes;
    made.tuple.source_port = 40000;
    made.tuple.destination = net::Address::v4(0x0a010009).bytes;
    made.tuple.destination_port = 80;
    return made;
}

std::vector<std::string> paths(const std::vector<RequestRecord>& records) {
    std::vector<std::string> out;
    for (const RequestRecord& record : records) out.push_back(record.path);
    return out;
}

using Paths = std::vector<std::string>;

Paths found_by(const RequestLog& log, const std::vector<FlowTerm>& terms) {
    const auto filter = RequestFilter::of(terms);
    EXPECT_TRUE(filter) << (filter ? "" : filter.error().text());
    return filter ? paths(log.query({.filter = *filter})) : Paths{};
}

TEST(RequestLog, KeepsTheNewestInTheirOrder) {
    RequestLog log(3);
    for (const char* path : {"/1", "/2", "/3", "/4"}) log.add(request(path), nullptr, WallTime(5s));
    const auto all = log.query({});
    EXPECT_EQ(paths(all), (Paths{"/2", "/3", "/4"}));
    EXPECT_EQ(all.back().sequence, 4U);
    EXPECT_EQ(all.back().connection.destination.text(), "10.1.0.9");
    EXPECT_EQ(log.query({.limit = 1}).front().path, "/4");
    EXPECT_EQ(log.forgotten().requests, 1U);
    EXPECT_EQ(log.forgotten().last, WallTime(5s));
}

TEST(RequestLog, ShowsThoseThatWereDeniedAlone) {
    RequestLog log;
    log.add(request("/fine"), nullptr, {});
    log.add(request("/bad", DropReason::kHttpDenied), nullptr, {});
    const auto denied = log.query({.only_denied = true});
    ASSERT_EQ(denied.size(), 1U);
    EXPECT_EQ(denied[0].path, "/bad");
    EXPECT_EQ(denied[0].drop_reason, DropReason::kHttpDenied);
    EXPECT_FALSE(denied[0].known()) << "its generation was freed";
    EXPECT_TRUE(json_of_request(denied[0])["pending"].is_null());
    EXPECT_TRUE(log.query({.only_differing = true}).empty());
}

TEST(RequestLog, TextsFromTheWireAreMadeHarmless) {
    RequestLog log;
    log.add(request("/a\x1b[31m\xff\n"), nullptr, {});
    log.add(request("/" + std::string(300, 'x')), nullptr, {});
    log.add(request("/fine"), nullptr, {});
    EXPECT_EQ(log.query({})[0].path, "/a?[31m??");
    EXPECT_EQ(log.query({})[1].path, "/" + std::string(254, 'x') + "...") << "cut, and said so";
    EXPECT_FALSE(log.query({})[0].verbatim);
    EXPECT_FALSE(log.query({})[1].verbatim);
    EXPECT_TRUE(log.query({})[2].verbatim);
}

// 10.1.0.9 takes TCP 80 from 10.0.0.1; "asks" would let only GET pass.
class JudgedRequests : public testing::Test {
protected:
    JudgedRequests() {
        test::Cluster cluster;
        cluster.workload("web", "10.0.0.1", {{"app", "web"}}).workload("db", "10.1.0.9", {{"app", "db"}});
        cluster.add(gnp("db").order(10).selects("app == 'db'").ingress(allow().tcp(80)));
        cluster.add(
            sgnp("asks").order(1).selects("app == 'db'").ingress(allow().tcp(80).http()).ingress(test::deny().tcp(80)));
        built_ = built(cluster);
        workspace_ = std::make_unique<inspect::ConditionWorkspace>();
        EXPECT_TRUE(workspace_->grow_for(built_->conditions()));
    }

    telemetry::Request judged(const std::string& method, const std::string& path,
                              DropReason drop = DropReason::kNone) const {
        telemetry::Request made = request(path, drop);
        made.method = telemetry::ShortText<24>(method);
        reference::ConnectionFacts facts;
        facts.http = {.method = method, .target = path};
        made.trace = built_->resolve(built_->classify(made.tuple), facts, *workspace_);
        made.generation = built_->generation();
        return made;
    }

    Built built_;
    std::unique_ptr<inspect::ConditionWorkspace> workspace_;
    RequestLog log_;
};

TEST_F(JudgedRequests, ShowWhatStagedPoliciesWouldDecideOtherwise) {
    log_.add(judged("GET", "/get"), built_.get(), {});
    log_.add(judged("PUT", "/put"), built_.get(), {});
    EXPECT_EQ(paths(log_.query({.only_differing = true})), Paths{"/put"});
    EXPECT_EQ(paths(log_.query({.only_would_deny = true})), Paths{"/put"});
    const auto json = json_of_request(log_.query({}).back());
    EXPECT_EQ(json["enforced"], "allow");
    EXPECT_EQ(json["pending"], "deny");
    EXPECT_EQ(json["enforced_by"], "default|gnp:db|allow|0");
    EXPECT_EQ(json["pending_by"], "default|sgnp:asks|deny|1");
    EXPECT_EQ(json["policies"]["enforced"].back()["name"], "db");
    EXPECT_EQ(json["policies"]["pending"].back()["rule_index"], 1);
    EXPECT_EQ(json["responsible"], nlohmann::ordered_json::array({"sgnp:asks"}));
    EXPECT_EQ(json["source_name"], "workloadendpoint/prod/web");
}

TEST_F(JudgedRequests, WhatWouldChangeIsNotForgottenBecauseMuchElseIsAsked) {
    RequestLog log(2);
    log.add(judged("PUT", "/put"), built_.get(), WallTime(1s));
    for (const char* path : {"/1", "/2", "/3"}) log.add(judged("GET", path), built_.get(), WallTime(2s));
    EXPECT_EQ(paths(log.query({})), (Paths{"/2", "/3"}));
    EXPECT_EQ(paths(log.query({.only_would_deny = true})), Paths{"/put"});
    EXPECT_EQ(paths(log.everything({})), (Paths{"/put", "/2", "/3"}));
    EXPECT_EQ(paths(log.everything(WallTime(2s))), (Paths{"/2", "/3"}));
    log.add(judged("PUT", "/put2"), built_.get(), WallTime(3s));
    EXPECT_EQ(paths(log.everything({})), (Paths{"/put", "/3", "/put2"})) << "each once";
    log.add(judged("PUT", "/put3"), built_.get(), WallTime(3s));
    EXPECT_EQ(paths(log.query({.only_would_deny = true})), (Paths{"/put2", "/put3"})) << "within bounds, too";
}

TEST_F(JudgedRequests, WhatDiedOfSomethingElseThanPolicyWouldNotChange) {
    log_.add(judged("GET", "/get", DropReason::kInspectLimit), built_.get(), {});
    log_.add(judged("PUT", "/put", DropReason::kInspectLimit), built_.get(), {});
    EXPECT_TRUE(log_.query({.only_differing = true}).empty());
    EXPECT_EQ(log_.query({}).front().pending(), Verdict::kDeny) << "it would die then, too";
    EXPECT_EQ(log_.query({.only_denied = true}).size(), 2U);
}

TEST_F(JudgedRequests, WhatPassesBecauseNothingIsEnforcedWouldNotChangeByPromoting) {
    test::Cluster cluster;
    cluster.workload("web", "10.0.0.1", {{"app", "web"}}).workload("db", "10.1.0.9", {{"app", "db"}});
    cluster.add(gnp("db").selects("app == 'db'").ingress(allow().tcp(80).http()));
    built_ = built(cluster)->again(Generation{2}, ruleset::Enforcement::kObserve);
    ASSERT_TRUE(workspace_->grow_for(built_->conditions()));
    log_.add(judged("PUT", "/put"), built_.get(), {});
    const RequestRecord only = log_.query({}).front();
    EXPECT_EQ(only.enforced(), Verdict::kAllow);
    EXPECT_FALSE(only.would_change());
}

TEST_F(JudgedRequests, AreFilteredByWhatWasAskedAndByTheirConnection) {
    log_.add(judged("GET", "/shop/1"), built_.get(), {});
    log_.add(judged("PUT", "/shop"), built_.get(), {});
    log_.add(judged("GET", "/shopping", DropReason::kHttpDenied), built_.get(), {});
    telemetry::Request greeting = request("");
    greeting.kind = telemetry::RequestKind::kTls;
    greeting.tuple.destination_port = 443;
    greeting.host = telemetry::ShortText<255>("api.example.com");
    log_.add(greeting, built_.get(), {});

    EXPECT_EQ(found_by(log_, {{"path", "/shop"}}), (Paths{"/shop/1", "/shop"})) << "whole segments";
    EXPECT_EQ(found_by(log_, {{"path", "/shop/"}}), (Paths{"/shop/1", "/shop"}));
    EXPECT_EQ(found_by(log_, {{"path", "/"}}).size(), 3U);
    EXPECT_EQ(found_by(log_, {{"method", "PUT,POST"}}), Paths{"/shop"});
    EXPECT_EQ(found_by(log_, {{"method", "GET", true}, {"kind", "http"}}), Paths{"/shop"});
    EXPECT_EQ(found_by(log_, {{"host", "shop.example.com"}}).size(), 3U) << "whatever its case and port";
    EXPECT_EQ(found_by(log_, {{"host", "api.*"}}), Paths{""});
    EXPECT_EQ(found_by(log_, {{"kind", "tls"}}), Paths{""});
    EXPECT_EQ(found_by(log_, {{"verdict", "deny"}}), Paths{"/shopping"});
    EXPECT_EQ(found_by(log_, {{"reason", "http_denied"}}), Paths{"/shopping"});
    EXPECT_EQ(found_by(log_, {{"pending", "deny"}, {"verdict", "allow"}}), Paths{"/shop"});
    EXPECT_EQ(found_by(log_, {{"from-name", "web"}, {"to-port", "443"}}), Paths{""});
    EXPECT_EQ(found_by(log_, {{"to-ip", "10.1.0.0/16"}, {"from-port", "40000"}}).size(), 4U);
    EXPECT_TRUE(found_by(log_, {{"from-ip", "10.9.0.0/16"}}).empty());
    EXPECT_EQ(found_by(log_, {{"policy", "sgnp:asks"}}), (Paths{"/shop/1", "/shop", "/shopping"}));
    EXPECT_TRUE(found_by(log_, {{"generation", "77"}}).empty());
}

TEST(RequestFilter, SaysWhatItDoesNotUnderstand) {
    for (const FlowTerm& term : {FlowTerm{"path", "shop"},
                                 {"kind", "ftp"},
                                 {"reason", "tired"},
                                 {"verdict", "maybe"},
                                 {"to-port", "x"},
                                 {"pth", "/shop"},
                                 {"method", ""},
                                 {"host", ""},
                                 {"pending", "no"}}) {
        const auto filter = RequestFilter::of(std::vector{term});
        ASSERT_FALSE(filter) << term.flag;
        EXPECT_NE(filter.error().text().find(term.flag), std::string::npos) << filter.error().text();
    }
}

TEST(RequestLog, AnswersFromAMomentOn) {
    RequestLog log;
    for (const int second : {1, 2, 3}) log.add(request("/" + std::to_string(second)), nullptr, WallTime(second * 1s));
    EXPECT_EQ(paths(log.query({.since = WallTime(2s)})), (Paths{"/2", "/3"}));
}

TEST(RequestLog, IsFollowedWithoutASkip) {
    RequestLog log(4);
    log.add(request("/before"), nullptr, {});
    RequestQuery query{.after_sequence = log.last_sequence(), .limit = 2};
    EXPECT_TRUE(log.wait(query, 1ms).requests.empty());
    for (const char* path : {"/1", "/2", "/3"}) log.add(request(path), nullptr, {});
    RequestAnswer answer = log.wait(query, 1ms);
    EXPECT_EQ(paths(answer.requests), (Paths{"/1", "/2"})) << "the oldest first";
    query.after_sequence = answer.next_sequence;
    answer = log.wait(query, 1ms);
    EXPECT_EQ(paths(answer.requests), Paths{"/3"});
    query.after_sequence = answer.next_sequence;
    for (const char* path : {"/4", "/5", "/6", "/7", "/8", "/9"}) log.add(request(path), nullptr, {});
    answer = log.wait(query, 1ms);
    EXPECT_EQ(paths(answer.requests), (Paths{"/6", "/7"}));
    EXPECT_EQ(answer.missed, 2U) << "and what was forgotten is said";
}

TEST(RequestLog, WakesWhoeverWaitsForWhatIsMeant) {
    RequestLog log;
    const std::vector<FlowTerm> terms{{"path", "/wanted"}};
    const RequestQuery query{.filter = *RequestFilter::of(terms), .limit = 5};
    std::thread adder([&] {
        log.add(request("/other"), nullptr, {});
        log.add(request("/wanted"), nullptr, {});
    });
    const RequestAnswer answer = log.wait(query, 30s);
    adder.join();
    EXPECT_EQ(paths(answer.requests), Paths{"/wanted"});
    EXPECT_EQ(answer.next_sequence, 2U);
}

TEST(RequestLog, KeepsWhatARecorderHasNotTaken) {
    RequestLog log(2);
    log.add(request("/before"), nullptr, {});
    log.hold_for_recorder(true);
    for (const char* path : {"/1", "/2", "/3", "/4"}) log.add(request(path), nullptr, {});
    RequestLog::Taken taken = log.take();
    EXPECT_EQ(paths(taken.requests), (Paths{"/1", "/2", "/3", "/4"}));
    EXPECT_EQ(taken.missed, 0U);
    EXPECT_EQ(log.query({}).size(), 2U) << "only until they were taken";
    EXPECT_TRUE(log.take().requests.empty());
    for (int i = 0; i < 33'000; ++i) log.add(request("/many"), nullptr, {});
    taken = log.take();
    EXPECT_EQ(taken.requests.size() + taken.missed, 33'000U) << "never without bounds";
    EXPECT_GT(taken.missed, 0U);
}

}  // namespace
}  // namespace drywall::observe

// What the API recommends out of what was seen, without a socket.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api.h"
#include "json.h"
#include "story.h"

namespace drywall::control {
namespace {

using test::kEndpoints;
using test::Site;
using testing::HasSubstr;

class Recommending : public testing::Test {
protected:
    ApiResponse ask(std::map<std::string, std::string> query) {
        return api.handle({.method = "GET", .path = "/v1/recommend", .query = std::move(query)});
    }
    void see(const char* source, const char* destination, std::uint16_t port) {
        const auto ruleset = (*site).state().ruleset;
        telemetry::FlowEvent event;
        event.flow = ++connections;
        event.tuple.source = net::Address::parse(source)->bytes;
        event.tuple.destination = net::Address::parse(destination)->bytes;
        event.tuple.protocol = 6;
        event.tuple.destination_port = port;
        event.trace = ruleset->classify(event.tuple);
        event.generation = ruleset->generation();
        flows.on_event(event, ruleset.get());
    }

    std::uint64_t connections = 0;
    Site site{{kEndpoints}};
    observe::FlowLog flows;
    Api api{*site, flows};
};

TEST_F(Recommending, WhatWasSeenBecomesAStagedPolicyWithItsYaml) {
    see("10.0.0.1", "10.1.0.1", 8080);
    const ApiResponse response = ask({{"for", "prod/db"}, {"since", "1h"}});
    ASSERT_EQ(response.status, 200) << response.body;
    const Json answer = Json::parse(response.body);
    ASSERT_EQ(answer["policies"].size(), 1U);
    EXPECT_EQ(answer["policies"][0]["kind"], "StagedNetworkPolicy");
    EXPECT_EQ(answer["policies"][0]["resource"]["spec"]["stagedAction"], "Learn");
    EXPECT_THAT(answer["policies"][0]["yaml"].get<std::string>(), HasSubstr("# learned from 1 connection"));
    EXPECT_EQ(answer["covered"]["connections"], 1);
}

TEST_F(Recommending, ParametersThatMeanNothingAreRefused) {
    EXPECT_EQ(ask({{"for", "nobody"}}).status, 404);
    EXPECT_EQ(ask({{"since", "yesterday"}}).status, 400);
    EXPECT_EQ(ask({{"denied", "perhaps"}}).status, 400);
    EXPECT_EQ(ask({{"till", "now"}}).status, 400);
}

}  // namespace
}  // namespace drywall::control

// What a change would take from connections that were seen, where rules ask what connections say.
#include "drywall/control/lockout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "drywall/explain/site.h"
#include "site_texts.h"

namespace drywall::control {
namespace {

using test::kEndpoints;
using test::kWebToDb;
using test::with;

explain::Site asking(const std::string& http) {
    auto site = explain::build_site(
        test::files({kEndpoints, with(kWebToDb, "destination: {ports: [8080]}",
                                      "destination: {ports: [8080]}" + (http.empty() ? "" : "\n      http: " + http))}),
        loader::settings_for_questions());
    EXPECT_TRUE(site) << site.error().text();
    return *std::move(site);
}

Lockouts lockouts(const std::string& before, const std::string& after, std::vector<ManagementService> management = {}) {
    observe::FlowGroup group;
    group.source = *net::Address::parse("10.0.0.1");
    group.destination = *net::Address::parse("10.1.0.1");
    group.protocol = net::protocol::kTcp;
    group.destination_port = 8080;
    group.connections_started = 3;
    const explain::Site was = asking(before);
    const explain::Site is = asking(after);
    return find_lockouts(*was.ruleset, *is.ruleset, std::vector{group}, management);
}

TEST(Lockout, WhatIsAskedForAsBeforeTakesNothing) {
    EXPECT_EQ(lockouts("{methods: [GET]}", "{methods: [GET]}").endpoints.size(), 0U);
    EXPECT_EQ(lockouts("{methods: [GET]}", "{methods: [GET, POST]}").endpoints.size(), 0U) << "it asks for less";
    EXPECT_EQ(lockouts("{methods: [GET]}", "").endpoints.size(), 0U);
}

// To ask web servers' clients for something is what such rules are for; of who manages the site nobody knows what it
// will say.
TEST(Lockout, WhatIsAskedForInAdditionIsToldAndTakesManagementPathsOnly) {
    for (const char* before : {"", "{methods: [GET, POST]}"}) {
        const Lockouts lost = lockouts(before, "{methods: [GET]}");
        ASSERT_EQ(lost.others.size(), 1U);
        EXPECT_THAT(lost.others[0].denied_by, testing::HasSubstr("(ingress of the destination: GET)"));
        EXPECT_FALSE(lost.any());
        const Lockouts managed = lockouts(before, "{methods: [GET]}", {{net::protocol::kTcp, 8080, {}}});
        EXPECT_EQ(managed.management.size(), 1U);
    }
}

}  // namespace
}  // namespace drywall::control

#include "drywall/observe/request_log.h"

#include <gtest/gtest.h>

#include <string>

namespace drywall::observe {
namespace {

telemetry::Request request(std::string_view path, DropReason drop = DropReason::kNone) {
    telemetry::Request made;
    made.method = telemetry::ShortText<24>("GET");
    made.path = telemetry::ShortText<255>(path);
    made.drop = drop;
    made.tuple.source = net::Address::v4(0x0a000001).bytes;
    made.tuple.destination = net::Address::v4(0x0a010009).bytes;
    made.tuple.destination_port = 80;
    return made;
}

TEST(RequestLog, KeepsTheNewestInTheirOrder) {
    RequestLog log(3);
    for (const char* path : {"/1", "/2", "/3", "/4"}) log.add(request(path), nullptr, {});
    const auto all = log.query({});
    ASSERT_EQ(all.size(), 3U);
    EXPECT_EQ(all.front().path, "/2");
    EXPECT_EQ(all.back().path, "/4");
    EXPECT_EQ(all.back().sequence, 4U);
    EXPECT_EQ(all.back().destination, "10.1.0.9");
    EXPECT_EQ(log.query({.limit = 1}).front().path, "/4");
}

TEST(RequestLog, ShowsThoseThatWereDeniedAlone) {
    RequestLog log;
    log.add(request("/fine"), nullptr, {});
    log.add(request("/bad", DropReason::kHttpDenied), nullptr, {});
    const auto denied = log.query({.only_denied = true});
    ASSERT_EQ(denied.size(), 1U);
    EXPECT_EQ(denied[0].path, "/bad");
    EXPECT_EQ(denied[0].drop_reason, DropReason::kHttpDenied);
    EXPECT_FALSE(denied[0].known) << "its generation was freed";
    EXPECT_TRUE(log.query({.only_differing = true}).empty());
}

TEST(RequestLog, TextsFromTheWireAreMadeHarmless) {
    RequestLog log;
    log.add(request("/a\x1b[31m\xff\n"), nullptr, {});
    log.add(request("/" + std::string(300, 'x')), nullptr, {});
    EXPECT_EQ(log.query({})[0].path, "/a?[31m??");
    EXPECT_EQ(log.query({})[1].path, "/" + std::string(254, 'x') + "...") << "cut, and said so";
}

}  // namespace
}  // namespace drywall::observe

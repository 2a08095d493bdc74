#include "drywall/observe/flow_page.h"

#include <map>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "flow_events.h"

namespace drywall::observe {
namespace {

using telemetry::FlowEventKind;

void see_ports(FlowLog& log, std::uint16_t first, std::uint16_t last) {
    for (std::uint16_t port = first; port <= last; ++port)
        log.on_event(event(FlowEventKind::kDenied, 0, tcp_to(port, port % 2 == 0 ? "10.0.0.1" : "10.0.0.9")), nullptr);
}

TEST(FlowPage, EveryGroupOfTheSpanComesOnceWhateverIsRecordedMeanwhile) {
    TestClock clock;
    FlowLog log(64, 16, clock.clock());  // most groups are forgotten, their past is in the intervals
    const WallTime begin = clock.now();
    see_ports(log, 1, 100);
    clock.pass(std::chrono::seconds(2));
    see_ports(log, 51, 150);
    clock.pass(std::chrono::seconds(2));
    const WallTime until = clock.now();

    std::map<std::uint16_t, std::uint64_t> started;
    PageCursor cursor{begin, until, std::nullopt};
    for (std::size_t pages = 1;; ++pages) {
        ASSERT_LE(pages, 30U);
        see_ports(log, 1, 200);  // too late, and some of it new
        clock.pass(std::chrono::seconds(2));
        const FlowAnswer answer = log.query({.limit = 7, .page = cursor});
        EXPECT_LE(answer.groups.size(), 7U);
        EXPECT_EQ(answer.left_out, 0U);
        for (const FlowGroup& group : answer.groups)
            EXPECT_TRUE(started.emplace(group.destination_port, group.connections_started).second)
                << "twice: " << group.destination_port;
        if (!answer.next_page) break;
        cursor = *answer.next_page;
    }
    EXPECT_EQ(started.size(), 150U);
    for (const auto& [port, count] : started) EXPECT_EQ(count, port > 50 && port <= 100 ? 2U : 1U) << port;
}

TEST(FlowPage, GroupsOfOnePlaceAreNotPulledApart) {
    TestClock clock;
    FlowLog log(64, 16, clock.clock());
    for (const FlowEventKind kind : {FlowEventKind::kDenied, FlowEventKind::kOpened})
        for (std::uint16_t port = 1; port <= 3; ++port) log.on_event(event(kind, port, tcp_to(port)), nullptr);
    clock.pass(std::chrono::seconds(1));
    const FlowAnswer answer = log.query({.limit = 1, .page = PageCursor{{}, clock.now(), {}}});
    ASSERT_EQ(answer.groups.size(), 2U);
    EXPECT_EQ(answer.groups[0].destination_port, answer.groups[1].destination_port);
    ASSERT_TRUE(answer.next_page);
}

TEST(FlowPage, ACursorIsReadBackAsItWasWritten) {
    const WallTime until{std::chrono::milliseconds(1'700'000'000'123)};
    const FlowPlace place{*net::Address::parse("2001:db8::1"), *net::Address::parse("2001:db8::2"), 6, 443};
    for (const PageCursor& cursor : {PageCursor{{}, until, {}}, PageCursor{until - std::chrono::hours(1), until, place},
                                     PageCursor{{}, until, place}}) {
        const auto read = PageCursor::parse(cursor.text());
        ASSERT_TRUE(read) << cursor.text();
        EXPECT_EQ(read->since, cursor.since);
        EXPECT_EQ(read->until, cursor.until);
        EXPECT_EQ(read->after, cursor.after);
    }
}

TEST(FlowPage, WhatIsNoCursorIsRefused) {
    for (const char* text :
         {"", "1", "_", "x_5", "_5_10.0.0.1", "_5_10.0.0.1_10.0.0.2_6", "_5_10.0.0.1_10.0.0.2_6_70000",
          "_5_10.0.0.1_10.0.0.2_6_80_", "_99999999999999999", "1 _5"})
        EXPECT_FALSE(PageCursor::parse(text)) << text;
}

}  // namespace
}  // namespace drywall::observe

// What a worker calls for its packets allocates nothing.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "allocations.h"
#include "client_hello.h"
#include "drywall/inspect/conditions.h"
#include "drywall/inspect/inspector.h"

namespace drywall::inspect {
namespace {

// A segment, to the last finding. How many there were.
std::size_t take(Inspector& inspector, ContextId context, const Segment& segment) {
    std::size_t findings = 0;
    (void)inspector.take(context, segment);
    for (Finding finding; inspector.next(finding);) ++findings;
    return findings;
}

std::span<const std::uint8_t> bytes_of(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

TEST(NoAllocation, OfAnInspector) {
    auto inspector = std::move(Inspector::create({.connections = 8})).value();
    const std::string request = "GET /" + std::string(1000, 'p') + " HTTP/1.1\r\nHost: a\r\n\r\n";
    const ByteVector hello = records_of(client_hello({.server_name = "example.com"}), 50);
    std::size_t findings = 0;
    const std::uint64_t before = test::allocations();
    for (int connection = 0; connection < 4; ++connection) {
        const ContextId http = inspector.open(Protocol::kHttp, 0);
        findings += take(inspector, http, {500, bytes_of(request).subspan(500), 0});
        findings += take(inspector, http, {0, bytes_of(request).first(500), 0});
        Request last;
        findings += inspector.last_request(http, last) ? 1 : 0;
        findings += take(inspector, http, {0, bytes_of("oh no\r\n"), 0});
        const ContextId tls = inspector.open(Protocol::kTls, 0);
        findings += take(inspector, tls, {100, std::span(hello).subspan(100), 0});
        findings += take(inspector, tls, {0, std::span(hello).first(100), 0});
        inspector.acknowledge(tls, 1000);
        inspector.close(tls);
        inspector.close(http);
    }
    EXPECT_EQ(test::allocations(), before);
    EXPECT_EQ(findings, 12U);
}

TEST(NoAllocation, OfMatching) {
    std::vector<Condition> all;
    for (int i = 0; i < 200; ++i) {
        all.emplace_back(HttpCondition{{"GET"}, {{true, "/a/" + std::to_string(i)}}});
        all.emplace_back(NameCondition{{"*.s" + std::to_string(i) + ".example"}});
    }
    const auto conditions = std::move(Conditions::compile(all)).value();
    ConditionWorkspace workspace;
    ASSERT_TRUE(workspace.grow_for(conditions));
    std::size_t holding = 0;
    const std::uint64_t before = test::allocations();
    for (int round = 0; round < 10; ++round) {
        workspace.request.clear();
        workspace.server_name.clear();
        (void)conditions.match_request("GET", "/a/7/x", workspace.scratch, workspace.request);
        (void)conditions.match_name("www.s7.example", workspace.scratch, workspace.server_name);
        for (std::uint32_t i = 0; i < conditions.size(); ++i) {
            holding += conditions.holds(ConditionId{i}, workspace.request) ? 1 : 0;
            holding += conditions.holds(ConditionId{i}, workspace.server_name) ? 1 : 0;
        }
    }
    EXPECT_EQ(test::allocations(), before);
    EXPECT_EQ(holding, 20U);
}

}  // namespace
}  // namespace drywall::inspect

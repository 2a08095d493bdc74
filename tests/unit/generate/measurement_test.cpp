#include "drywall/generate/measurement.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "drywall/generate/self_test.h"

namespace drywall::generate {
namespace {

StreamResult stream(loader::Expect expect, std::uint64_t sent, std::uint64_t received, bool tracked = true) {
    StreamResult out;
    out.expect = expect;
    out.tracked = tracked;
    out.sent.packets = sent;
    out.received.packets = received;
    for (std::uint64_t i = 0; i < received; ++i) out.latency.record(1000);
    return out;
}

TEST(Measured, CountsWhatIsNotToBeDenied) {
    TrialResult result;
    result.skipped = 5;
    result.streams = {stream(loader::Expect::kAllow, 100, 90), stream(loader::Expect::kAny, 50, 49),
                      stream(loader::Expect::kDeny, 1000, 3), stream(loader::Expect::kAllow, 7, 0, false)};
    const Measured measured = measured_of(result);
    EXPECT_EQ(measured.due, 155U);
    EXPECT_EQ(measured.lost, 11U);
    EXPECT_EQ(measured.skipped, 5U);
    EXPECT_DOUBLE_EQ(measured.loss_ratio(), 11.0 / 150);
    EXPECT_DOUBLE_EQ(measured.failure_ratio(), 16.0 / 155);
    EXPECT_EQ(latency_of(result).count(), 139U);
    EXPECT_TRUE(can_be_measured(result));
    result.streams = {stream(loader::Expect::kDeny, 1, 0), stream(loader::Expect::kAllow, 1, 0, false)};
    EXPECT_FALSE(can_be_measured(result));
    EXPECT_EQ(measured_of(TrialResult{}).failure_ratio(), 1.0);
}

TEST(Measured, ConnectionsThatWereNotEstablishedAreLost) {
    ConnectionsResult one;
    one.opened = 100;
    one.established = 90;  // the rest refused, timed out, or still without an answer
    one.refused = 3;
    one.reset = 2;
    one.failed = 1;
    one.skipped = 7;
    ConnectionsResult denied = one;
    denied.expect = loader::Expect::kDeny;
    TrialResult result;
    result.connections = {one, denied};
    const Measured measured = measured_connections_of(result);
    EXPECT_EQ(measured.due, 107U);
    EXPECT_EQ(measured.lost, 13U);
    EXPECT_EQ(measured.skipped, 7U);
}

Json report() {
    MeasurementHead head;
    head.command = "ndr";
    head.started = "2026-11-30T00:00:00Z";
    head.fingerprint.profile = "a|b.yaml";
    head.fingerprint.profile_hash = "0123456789abcdef";
    head.ceiling = 1e6;
    head.senders = 2;
    return measurement_of(head,
                          {{"near", "packets/s", Better::kHigher, 0, {1.7e6, 1.8e6}},
                           {"far", "packets/s", Better::kHigher, 0, {1.6e6}},
                           {"latency, \"p50\"", "ns", Better::kLower, 0, {1e9}}},
                          Json::object());
}

TEST(Measurement, MarksWhatTheGeneratorLimits) {
    const Json json = report();
    EXPECT_TRUE(json.at("figures")[0].at("generator_limited").get<bool>());
    EXPECT_FALSE(json.at("figures")[1].at("generator_limited").get<bool>()) << "1.6 x 1.2 < 2";
    EXPECT_FALSE(json.at("figures")[2].at("generator_limited").get<bool>()) << "no rate";
}

TEST(Measurement, AsMarkdown) {
    const std::string text = markdown_of(report());
    EXPECT_NE(text.find("| near | packets/s | 1.75e+06 (generator-limited) |"), std::string::npos) << text;
    EXPECT_NE(text.find("| profile | a\\|b.yaml |"), std::string::npos) << text;
}

TEST(Measurement, AsCsv) {
    const std::string text = csv_of(report());
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 4);
    EXPECT_NE(text.find(",\"latency, \"\"p50\"\"\",ns,lower,1e+09,"), std::string::npos) << text;
}

}  // namespace
}  // namespace drywall::generate

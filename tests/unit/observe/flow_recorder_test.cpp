// Flows on disk: what was counted is there after a restart, in bounded space, and nobody waits for it.
#include "drywall/observe/flow_recorder.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "drywall/observe/flow_json.h"
#include "flow_events.h"

namespace drywall::observe {
namespace {

using namespace std::chrono_literals;
using telemetry::FlowEventKind;

class RecordedFlows : public testing::Test {
public:
    RecordedFlows(const RecordedFlows&) = delete;
    RecordedFlows& operator=(const RecordedFlows&) = delete;
    ~RecordedFlows() override { std::filesystem::remove_all(folder_); }

protected:
    RecordedFlows() {
        std::string pattern = (std::filesystem::temp_directory_path() / "drywall-flows-XXXXXX").string();
        folder_ = ::mkdtemp(pattern.data());
    }

    [[nodiscard]] FlowHistorySettings history(std::uint64_t max_bytes = 64 << 20) const {
        return {.file = folder_ / "flows.db", .keep = 48h, .max_bytes = max_bytes, .fine = 1h};
    }
    [[nodiscard]] std::unique_ptr<FlowRecorder> recorder(FlowLog& log, std::uint64_t max_bytes = 64 << 20) const {
        return std::make_unique<FlowRecorder>(log, history(max_bytes), std::nullopt, clock_.clock());
    }
    // A connection a second, to the same service.
    void open(FlowLog& log, std::uint64_t count, std::uint16_t port = 80) {
        for (; count > 0; --count) {
            log.on_event(event(FlowEventKind::kDenied, 0, tcp_to(port)), nullptr);
            clock_.pass(1s);
        }
    }
    [[nodiscard]] static std::uint64_t started(const FlowAnswer& answer) {
        std::uint64_t sum = 0;
        for (const FlowGroup& group : answer.groups) sum += group.connections_started;
        return sum;
    }

    std::filesystem::path folder_;
    TestClock clock_;
};

TEST(FlowInterval, SurvivesItsBytes) {
    const auto ruleset = built(web_and_db());
    TestClock clock;
    FlowLog log(16, 16, clock.clock());
    log.on_event(judged(counted(FlowEventKind::kOpened, 1, {1, 60}, {}), *ruleset), ruleset.get());
    net::Tuple six = tcp_to(22);
    six.family = net::Family::kIPv6;
    six.source = net::Address::parse("2001:db8::1")->bytes;
    log.on_event(judged(event(FlowEventKind::kDenied, 0, six), *ruleset), ruleset.get());
    log.on_lost(3);
    clock.pass(100ms);
    const auto intervals = log.take_intervals(true);
    ASSERT_EQ(intervals.size(), 1U);
    const auto back = decode(encode(*intervals[0]));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->number, intervals[0]->number);
    EXPECT_EQ(back->lost, 3U);
    EXPECT_EQ(back->end, intervals[0]->end);
    ASSERT_EQ(back->records.size(), 2U);
    for (std::size_t i = 0; i < 2; ++i)
        EXPECT_EQ(json_of_flow(FlowGroup(back->records[i])).dump(),
                  json_of_flow(FlowGroup(intervals[0]->records[i])).dump());
}

TEST(FlowInterval, DamagedBytesAreNoInterval) {
    TestClock clock;
    FlowLog log(16, 16, clock.clock());
    for (std::uint16_t port = 1; port < 9; ++port)
        log.on_event(event(FlowEventKind::kOpened, port, tcp_to(port)), nullptr);
    const std::string bytes = encode(*log.take_intervals(true).at(0));
    for (std::size_t length = 0; length < bytes.size(); ++length)
        EXPECT_FALSE(decode(std::string_view(bytes).substr(0, length))) << length;
    for (std::size_t at = 0; at < bytes.size(); ++at) {  // whatever it says then: no crash, no endless memory
        std::string damaged = bytes;
        damaged[at] = static_cast<char>(damaged[at] ^ 0xff);
        (void)decode(damaged);
    }
    EXPECT_FALSE(decode(bytes + "x"));
}

TEST_F(RecordedFlows, SpansReachBackBeyondARestart) {
    const WallTime begin = clock_.now();
    {
        FlowLog log(16, 16, clock_.clock());
        const auto disk = recorder(log);
        open(log, 10);
        disk->work();
        open(log, 5);  // the destructor writes what is left
    }
    FlowLog log(16, 16, clock_.clock());
    const auto disk = recorder(log);
    open(log, 3);
    EXPECT_EQ(started(log.query({.since = begin})), 18U);
    EXPECT_EQ(started(log.query({.since = begin + 5s, .until = begin + 12s})), 7U);
    EXPECT_EQ(log.query({.since = begin}).reaches_back_to, std::nullopt);
    EXPECT_TRUE(log.query({.since = begin - 1h}).reaches_back_to.has_value());
    EXPECT_EQ(log.query({.since = begin}).archive_trouble, "");
}

TEST_F(RecordedFlows, WhatLeftMemoryIsReadFromDiskAndNothingTwice) {
    FlowLog log(FlowLogSettings{.max_groups = 16, .max_connections = 16, .max_recent_records = 4}, clock_.clock());
    const auto disk = recorder(log);
    const WallTime begin = clock_.now();
    for (int round = 0; round < 20; ++round) {
        open(log, 2);
        disk->work();
        EXPECT_EQ(started(log.query({.since = begin})), 2U * (static_cast<unsigned>(round) + 1));
    }
    EXPECT_EQ(log.query({}).unrecorded, 0U);
}

TEST_F(RecordedFlows, OldSecondsBecomeMinutesAndCountTheSame) {
    FlowLog log(16, 16, clock_.clock());
    const auto disk = recorder(log);
    const WallTime begin = clock_.now();
    for (int minute = 0; minute < 5; ++minute) {
        open(log, 60);
        disk->work();
    }
    clock_.pass(2h);
    open(log, 1, 443);
    for (int round = 0; round < 20; ++round) disk->work();
    std::size_t intervals = 0;
    disk->read(begin, clock_.now(), UINT64_MAX, [&](const FlowInterval&) { return ++intervals > 0; });
    EXPECT_LE(intervals, 8U);  // of 301
    EXPECT_EQ(started(log.query({.since = begin})), 301U);
    EXPECT_EQ(started(log.query({.since = begin, .until = begin + 2h})), 300U);
}

TEST_F(RecordedFlows, TheFileStaysWithinItsBoundAndLosesTheOldest) {
    constexpr std::uint64_t kBound = 1 << 20;
    FlowLog log(FlowLogSettings{.max_groups = 100'000, .max_connections = 16, .max_recent_records = 100},
                clock_.clock());
    const auto disk = recorder(log, kBound);
    std::uint32_t address = 0;
    for (int second = 0; second < 60; ++second) {
        for (int i = 0; i < 1000; ++i) {
            net::Tuple tuple = tcp_to(80);
            tuple.source = net::Address::v4(0x0b000000 + ++address).bytes;
            log.on_event(event(FlowEventKind::kDenied, 0, tuple), nullptr);
        }
        clock_.pass(1s);
        disk->work();
    }
    EXPECT_LE(std::filesystem::file_size(folder_ / "flows.db"), kBound);
    const FlowAnswer answer = log.query({.limit = 100'000, .since = clock_.now() - 5s});
    EXPECT_GE(started(answer), 4000U);  // the youngest are there
    EXPECT_TRUE(log.query({.since = clock_.now() - 60s}).reaches_back_to.has_value());
    EXPECT_EQ(answer.unrecorded, 0U);
    EXPECT_EQ(answer.archive_trouble, "");
}

TEST_F(RecordedFlows, WhatNoDiskTakesIsCountedAndSaid) {
    FlowLog log(FlowLogSettings{.max_groups = 16, .max_connections = 16, .max_recent_records = 8}, clock_.clock());
    std::ofstream(folder_ / "flows.db") << "this is no database, and long enough to be seen as what it is: text";
    const auto disk = recorder(log);
    open(log, 5);
    disk->work();
    const FlowAnswer answer = log.query({.since = clock_.now() - 1h});
    EXPECT_EQ(started(answer), 5U);  // memory goes on
    EXPECT_EQ(answer.unrecorded, 5U);
    EXPECT_NE(answer.archive_trouble.find("flows.db"), std::string::npos) << answer.archive_trouble;
}

TEST_F(RecordedFlows, ARecorderThatStandsStillLosesOnlyWhatIsCounted) {
    FlowLog log(FlowLogSettings{.max_groups = 16, .max_connections = 16, .max_recent_records = 10}, clock_.clock());
    const auto disk = recorder(log);
    open(log, 101);
    disk->work();
    const FlowAnswer answer = log.query({.since = WallTime{}});
    EXPECT_EQ(started(answer) + answer.unrecorded, 101U);
    EXPECT_GT(answer.unrecorded, 80U);
}

TEST_F(RecordedFlows, LinesAreFlowsAndTheFilesAreBounded) {
    FlowLog log(16, 16, clock_.clock());
    const std::filesystem::path file = folder_ / "flows.jsonl";
    FlowRecorder lines(log, std::nullopt, FlowFileSettings{.file = file, .max_bytes = 3000, .files = 3},
                       clock_.clock());
    for (int i = 0; i < 30; ++i) {
        open(log, 1);
        lines.work();
    }
    std::size_t read = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
        EXPECT_LE(entry.file_size(), 3000U);
        std::ifstream in(entry.path());
        for (std::string line; std::getline(in, line); ++read)
            EXPECT_TRUE(flow_of_json(nlohmann::ordered_json::parse(line))) << line;
    }
    EXPECT_GT(read, 5U);
    EXPECT_TRUE(std::filesystem::exists(file.string() + ".2"));
    EXPECT_FALSE(std::filesystem::exists(file.string() + ".3"));
}

TEST_F(RecordedFlows, EveryRequestIsALineBesideThoseOfFlows) {
    FlowLog log(16, 16, clock_.clock());
    const std::filesystem::path file = folder_ / "flows.jsonl";
    telemetry::Request asked;
    asked.tuple = tcp_to(80);
    asked.method = telemetry::ShortText<24>("GET");
    asked.host = telemetry::ShortText<255>("shop");
    log.on_request(asked, nullptr);  // before anybody recorded
    {
        FlowRecorder lines(log, std::nullopt, FlowFileSettings{.file = file}, clock_.clock());
        open(log, 1);
        for (int i = 0; i < 600; ++i) {
            asked.path = telemetry::ShortText<255>("/" + std::to_string(i));
            log.on_request(asked, nullptr);
            if (i % 2 == 0) lines.work();
        }
    }
    std::vector<nlohmann::ordered_json> requests;
    std::size_t flows = 0;
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) {
        const auto json = nlohmann::ordered_json::parse(line);
        if (is_request_line(json))
            requests.push_back(json);
        else
            flows += flow_of_json(json) ? 1 : 0;
    }
    EXPECT_EQ(flows, 1U);
    ASSERT_EQ(requests.size(), 600U) << "each once";
    EXPECT_EQ(requests[7]["path"], "/7");
    EXPECT_EQ(requests[7]["host"], "shop");
    EXPECT_EQ(requests[7]["dest_port"], 80);
    EXPECT_FALSE(flow_of_json(requests[7])) << "and it is no flow";
    EXPECT_EQ(log.query({}).unrecorded, 0U);
}

TEST_F(RecordedFlows, RequestsThatNoFileTookAreCounted) {
    FlowLog log(16, 16, clock_.clock());
    FlowRecorder lines(log, std::nullopt, FlowFileSettings{.file = folder_ / "gone" / "flows.jsonl"}, clock_.clock());
    for (int i = 0; i < 300; ++i) log.on_request({}, nullptr);
    lines.work();
    EXPECT_EQ(log.query({}).unrecorded, 300U);
}

}  // namespace
}  // namespace drywall::observe

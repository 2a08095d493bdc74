// Dropped packets over the API and on the command line: counted, watched, captured; and who may not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <thread>

#include "commands_drops.h"
#include "drywall/io/capture.h"
#include "drywall/store/generation_store.h"
#include "event_stream.h"
#include "packets.h"
#include "raw_connection.h"
#include "served.h"
#include "story.h"
#include "temporary_folder.h"

namespace drywall::control {
namespace {

using cli::Exit;
using cli::Format;
using cli::Json;
using test::FakeDrops;
using test::RawConnection;
using test::Served;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const drywall::test::Packet kToDatabase = drywall::test::tcp().syn().from("10.0.0.1", 40000).to("10.1.0.1", 22);

runtime::DroppedPacket dropped(Served& served, const drywall::test::Packet& packet, DropReason reason,
                               PortId port = PortId{0}) {
    runtime::DroppedPacket out;
    const drywall::test::Bytes bytes = packet.bytes();
    out.time = std::chrono::system_clock::time_point(std::chrono::seconds(1'780'000'000));
    out.ruleset = served.site->state().ruleset;
    out.generation = out.ruleset->generation();
    out.reason = reason;
    out.ingress = port;
    out.length = static_cast<std::uint32_t>(bytes.size());
    out.bytes = bytes;
    if (reason == DropReason::kPolicyDeny) out.trace = out.ruleset->classify(packet.tuple());
    return out;
}

// Two that policy denied and one that is not IP, by the other port.
void let_three_die(Served& served) {
    served.site.dataplane.drops->add(
        {dropped(served, kToDatabase, DropReason::kPolicyDeny),
         dropped(served, drywall::test::ether(0x88cc).payload(50), DropReason::kNonIp, PortId{1}),
         dropped(served, kToDatabase.to("10.1.0.1", 443), DropReason::kPolicyDeny)});
}

std::vector<cli::Event> events_of(const std::string& body) {
    std::vector<cli::Event> out;
    cli::EventStream().take(body, [&](const cli::Event& event) { out.push_back(event); });
    return out;
}

std::vector<std::string> names_of(const std::vector<cli::Event>& events) {
    std::vector<std::string> out;
    for (const cli::Event& event : events) out.push_back(event.name);
    return out;
}

TEST(DropsApi, CountsEveryReasonByPortAndSaysWhatToCheckNext) {
    Served served;
    runtime::Snapshot snapshot;
    snapshot.ports.resize(2);
    snapshot.ports[0].name = "left";
    snapshot.ports[1].name = "right";
    snapshot.ports[1].drops[DropReason::kNonIp] = snapshot.drops[DropReason::kNonIp] = {3, 180};
    served.site.dataplane.set_snapshot(snapshot);
    const auto answer = served.view_client().Get("/v1/drops");
    ASSERT_TRUE(answer && answer->status == 200);
    const Json json = Json::parse(answer->body);
    EXPECT_EQ(json["version"], kDropReasonsVersion);
    ASSERT_EQ(json["reasons"].size(), kDropReasons.size());
    const Json non_ip = json["reasons"][2];
    EXPECT_EQ(non_ip["reason"], "non_ip");
    EXPECT_EQ(non_ip["packets"], 3);
    EXPECT_EQ(non_ip["ports"], Json::parse(R"({"right": {"packets": 3, "bytes": 180}})"));
    EXPECT_THAT(non_ip["next"].get<std::string>(), HasSubstr("ether type"));
}

TEST(DropsApi, AWatchBeginsShowsAndEndsByCount) {
    Served served;
    let_three_die(served);
    const auto answer = served.client().Get("/v1/drops/watch?reason=policy_deny&count=2&snaplen=20");
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 200);
    const auto events = events_of(answer->body);
    ASSERT_THAT(names_of(events), ElementsAre("begin", "drop", "drop", "end"));
    EXPECT_EQ(events[0].data["ports"], Json::parse(R"(["left", "right"])"));
    EXPECT_EQ(events[1].data["dest_port"], 22);
    EXPECT_EQ(events[1].data["frame"].get<std::string>().size(), 40U);
    EXPECT_EQ(events[2].data["dest_port"], 443);
    EXPECT_EQ(events[3].data["why"], "count");
    EXPECT_EQ(events[3].data["drops"], 2);
    EXPECT_EQ(events[3].data["looked_at"], 3);
    EXPECT_EQ(served.site.dataplane.drops->asked_for, 20U);
    while (served.site.dataplane.drops->watching > 0) std::this_thread::yield();  // nobody looks any more
}

TEST(DropsApi, AWatchEndsByTimeAndTellsWhatWasMissed) {
    Served served;
    let_three_die(served);
    served.site.dataplane.drops->missed = 5;
    const auto answer = served.client().Get("/v1/drops/watch?timeout=1ms");
    ASSERT_TRUE(answer);
    const auto events = events_of(answer->body);
    ASSERT_THAT(names_of(events), ElementsAre("begin", "drop", "drop", "drop", "missed", "end"));
    EXPECT_EQ(events[5].data["why"], "timeout");
    EXPECT_EQ(events[5].data["missed"], 5);
    EXPECT_FALSE(events[1].data.contains("frame")) << "bytes are shown to who asks for them";
}

TEST(DropsApi, AWatchEndsWithTheDataplane) {
    Served served;
    served.site.dataplane.drops->ended = true;
    const auto answer = served.client().Get("/v1/drops/watch");
    ASSERT_TRUE(answer);
    EXPECT_EQ(events_of(answer->body).back().data["why"], "stopped");
}

TEST(DropsApi, OneWhoGoesLooksNoMore) {
    Served served;
    const std::shared_ptr<FakeDrops> drops = served.site.dataplane.drops;
    {
        const RawConnection raw(served.socket());
        raw.send("GET /v1/drops/watch HTTP/1.1\r\nHost: d\r\n\r\n");
        EXPECT_THAT(raw.receive_some(), testing::StartsWith("HTTP/1.1 200"));
        EXPECT_EQ(drops->watching, 1);
    }
    while (drops->watching > 0) std::this_thread::yield();  // the sign of life finds that nobody is there
}

TEST(DropsApi, PacketsAreNotShownOnTheViewSocket) {
    Served served;
    const auto answer = served.view_client().Get("/v1/drops/watch?count=1");
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 403);
    EXPECT_THAT(answer->body, HasSubstr("control socket only"));
}

TEST(DropsApi, NobodyLooksWhileTheDataplaneDoesNotRun) {
    Served served;
    served.site->detach();
    const auto answer = served.client().Get("/v1/drops/watch?count=1");
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 503);
    EXPECT_EQ(served.client().Get("/v1/drops")->status, 503);
}

TEST(DropsApi, MistakesAreRefusedBeforeAnybodyLooks) {
    Served served;
    for (const char* query : {"reason=nonsense", "to-port=http", "snaplen=257", "count=x", "timeout=soon",
                              "pending=deny", "timeout=25h", "not-snaplen=1"}) {
        const auto answer = served.client().Get(std::string("/v1/drops/watch?") + query);
        ASSERT_TRUE(answer) << query;
        EXPECT_EQ(answer->status, 400) << query;
    }
    EXPECT_EQ(served.site.dataplane.drops->asked_for, 0U);
}

TEST(DropsAudit, WhoLooksIsOnRecordWithWhatWasAskedFor) {
    const drywall::test::TemporaryFolder folder;
    auto store = store::GenerationStore::open({.directory = folder.path() / "state"});
    ASSERT_TRUE(store);
    test::FakePublisher dataplane;
    auto controller = Controller::create(test::two_ports(), {}, **store, {});
    ASSERT_TRUE(controller);
    (*controller)->attach(dataplane);
    ASSERT_TRUE((*controller)->watch_drops(64, {4711, 0, 0}, "from-ip=10.0.0.1 snaplen=64"));
    const store::AuditEntry entry = (*store)->audit(1)->front();
    EXPECT_EQ(entry.verb, "watch-drops");
    EXPECT_EQ(entry.outcome, "started");
    EXPECT_EQ(entry.words, "from-ip=10.0.0.1 snaplen=64");
    EXPECT_EQ(entry.author.uid, 0U);

    dataplane.fail_with(Error::of(ErrorKind::kUnavailable, "4 are looking already"));
    EXPECT_FALSE((*controller)->watch_drops(64, {4711, 0, 0}, ""));
    EXPECT_EQ((*store)->audit(1)->front().outcome, "failed");
}

TEST(EventStream, PutsEventsTogetherHoweverTheyArrive) {
    const std::string text = "event: begin\ndata: {\"ports\":[\"a\"]}\n\n: alive\n\nevent: end\ndata: no json\n\n";
    std::vector<cli::Event> events;
    cli::EventStream stream;
    for (const char c : text) stream.take({&c, 1}, [&](const cli::Event& event) { events.push_back(event); });
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(events[0].name, "begin");
    EXPECT_EQ(events[0].data["ports"][0], "a");
    EXPECT_EQ(events[1].name, "end");
    EXPECT_TRUE(events[1].data.is_null());
}

struct DropsShell {
    cli::Invocation invocation(Format format = Format::kTable) {
        out.str({});
        err.str({});
        return {out, err, format, false, false, served.socket()};
    }
    Served served;
    std::ostringstream out;
    std::ostringstream err;
};

TEST(DropsCommand, ShowsWhatDiedAndWhatToCheckNext) {
    DropsShell shell;
    EXPECT_EQ(drops(shell.invocation(), {}), Exit::kOk);
    EXPECT_EQ(shell.out.str(), "nothing was dropped\n");
    runtime::Snapshot snapshot;
    snapshot.ports.resize(2);
    snapshot.ports[0].name = "left";
    snapshot.ports[1].name = "to/right";
    snapshot.ports[1].drops[DropReason::kNonIp] = snapshot.drops[DropReason::kNonIp] = {3, 180};
    shell.served.site.dataplane.set_snapshot(snapshot);
    EXPECT_EQ(drops(shell.invocation(), {}), Exit::kOk);
    EXPECT_THAT(shell.out.str(), HasSubstr("REASON  PACKETS  BYTES  MEANING\nnon_ip        3    180  not IP"));
    EXPECT_THAT(shell.out.str(), HasSubstr("What to check next:\nnon_ip: the ether type on the wire"));
    EXPECT_THAT(shell.out.str(), Not(HasSubstr("policy_deny")));
    EXPECT_EQ(drops(shell.invocation(Format::kWide), {}), Exit::kOk);
    EXPECT_THAT(shell.out.str(), HasSubstr("to/right"));
    EXPECT_THAT(shell.out.str(), HasSubstr("policy_deny"));
}

TEST(DropsCommand, ExplainsAReasonWithoutAskingAnybody) {
    std::ostringstream out;
    std::ostringstream err;
    const cli::Invocation nobody{out, err, Format::kTable, false, false, "/nowhere/api.sock"};
    EXPECT_EQ(drops(nobody, {.explain = "bad_header"}), Exit::kOk);
    EXPECT_THAT(out.str(), HasSubstr("bad_header: a header contradicts itself"));
    EXPECT_THAT(out.str(), HasSubstr("What to check next: as for `truncated`"));
    EXPECT_EQ(drops(nobody, {.explain = "bad_headr"}), Exit::kUsage);
    EXPECT_THAT(err.str(), HasSubstr("bad_header"));
}

TEST(WatchCommand, WritesALinePerPacketAndASummary) {
    DropsShell shell;
    let_three_die(shell.served);
    shell.served.site.dataplane.drops->missed = 2;
    EXPECT_EQ(watch_drops(shell.invocation(), {.terms = {}, .mistake = {}, .count = 3, .timeout = {}}), Exit::kOk);
    EXPECT_THAT(shell.out.str(), HasSubstr("TIME"));
    EXPECT_THAT(shell.out.str(), HasSubstr("10.0.0.1:40000"));
    EXPECT_THAT(shell.out.str(), HasSubstr("tcp SYN"));
    EXPECT_THAT(shell.out.str(), HasSubstr("EndOfTier(default)<-web-to-db"));
    EXPECT_THAT(shell.out.str(), HasSubstr("0x88cc"));
    EXPECT_EQ(shell.err.str(), "3 drops, and 2 were missed (they came faster than they can be copied)\n");

    let_three_die(shell.served);
    const cli::WatchArguments one{.terms = {{"reason", "non_ip", false}}, .mistake = {}, .count = 1, .timeout = {}};
    EXPECT_EQ(watch_drops(shell.invocation(Format::kJsonLines), one), Exit::kOk);
    const Json line = Json::parse(shell.out.str());
    EXPECT_EQ(line["ingress_port"], "right");
}

TEST(WatchCommand, RefusesWhatItDoesNotUnderstandAndSaysWhatDrywalldRefused) {
    DropsShell shell;
    const cli::WatchArguments wrong{
        .terms = {{"reason", "policy_denied", false}}, .mistake = {}, .count = 0, .timeout = {}};
    EXPECT_EQ(watch_drops(shell.invocation(), wrong), Exit::kUsage);
    EXPECT_THAT(shell.err.str(), HasSubstr("policy_deny"));
    shell.served.site->detach();
    EXPECT_EQ(watch_drops(shell.invocation(), {}), Exit::kUnreachable);
    EXPECT_THAT(shell.err.str(), HasSubstr("the dataplane is not running"));
}

cli::CaptureArguments capture_of(std::string file, std::uint64_t count) {
    cli::CaptureArguments arguments;
    arguments.dropped = true;
    arguments.file = std::move(file);
    arguments.count = count;
    return arguments;
}

TEST(CaptureCommand, WritesThePacketsWithTheirPortsAndWhoDroppedThem) {
    DropsShell shell;
    let_three_die(shell.served);
    const std::string file = (shell.served.directory.path() / "drops.pcapng").string();
    EXPECT_EQ(capture(shell.invocation(), capture_of(file, 3)), Exit::kOk) << shell.err.str();
    EXPECT_EQ(shell.err.str(), "3 drops\n");

    auto reader = io::CaptureReader::open(file);
    ASSERT_TRUE(reader) << reader.error().text();
    reader->tell_interfaces_apart();
    io::CapturedPacket packet;
    ASSERT_EQ(reader->next(packet), io::CaptureReader::Next::kPacket);
    EXPECT_EQ(drywall::test::Bytes(packet.bytes.begin(), packet.bytes.end()), kToDatabase.bytes());
    EXPECT_EQ(packet.time, Nanos(std::chrono::seconds(1'780'000'000)));
    EXPECT_EQ(packet.interface, 0U);
    ASSERT_EQ(reader->next(packet), io::CaptureReader::Next::kPacket);
    EXPECT_EQ(packet.interface, 1U);
    ASSERT_EQ(reader->next(packet), io::CaptureReader::Next::kPacket);
    EXPECT_THAT(reader->interfaces(), ElementsAre("left", "right"));
    std::ostringstream bytes;
    bytes << std::ifstream(file, std::ios::binary).rdbuf();
    EXPECT_THAT(bytes.str(), HasSubstr("policy_deny; rule EndOfTier(default)<-web-to-db; policy GlobalNetworkPolicy "
                                       "web-to-db; generation 1"));
    EXPECT_THAT(bytes.str(), HasSubstr("non_ip; generation 1"));
}

TEST(CaptureCommand, SaysWhatIsMissingAndWhereItCantWrite) {
    DropsShell shell;
    cli::CaptureArguments arguments = capture_of("/nowhere/drops.pcapng", 1);
    EXPECT_EQ(capture(shell.invocation(), arguments), Exit::kInvalid);
    EXPECT_THAT(shell.err.str(), HasSubstr("/nowhere/drops.pcapng: can't be written"));
    arguments.dropped = false;
    EXPECT_EQ(capture(shell.invocation(), arguments), Exit::kUsage);
    EXPECT_THAT(shell.err.str(), HasSubstr("--dropped"));
}

}  // namespace
}  // namespace drywall::control

#include "drywall/inspect/inspector.h"

#include <gtest/gtest.h>

#include "client_hello.h"
#include "http_pieces.h"

namespace drywall::inspect {
namespace {

constexpr std::uint32_t kStart = 0xffffff00;  // sequence numbers wrap on the way

InspectorSettings small() {
    return {.connections = 4, .buffers = 64 << 10, .per_connection = 8 << 10, .max_head = 2 << 10};
}

class Stream {
public:
    explicit Stream(Protocol protocol = Protocol::kHttp, const InspectorSettings& settings = small())
        : inspector(std::move(Inspector::create(settings)).value()), context(inspector.open(protocol, kStart)) {}

    // Takes the bytes at an offset of the stream. What was found is appended to `told`.
    Fate take(std::size_t offset, std::string_view bytes) {
        const std::vector<std::uint8_t> exact(bytes.begin(), bytes.end());
        const Fate fate = inspector.take(context, {kStart + static_cast<std::uint32_t>(offset), exact, acknowledged});
        if (fate != Fate::kPass) return fate;
        for (Finding finding; inspector.next(finding);) tell(finding);
        return fate;
    }
    void acknowledge(std::size_t offset) { acknowledged = kStart + static_cast<std::uint32_t>(offset); }

    Inspector inspector;
    ContextId context;
    std::uint32_t acknowledged = kStart;
    std::vector<std::string> told;

private:
    void tell(const Finding& finding) {
        switch (finding.kind) {
            case Finding::Kind::kRequest:
                told.push_back(std::string(finding.request.method) + " " + std::string(finding.request.path) + " " +
                               std::string(finding.request.host));
                break;
            case Finding::Kind::kGreeting: told.push_back("hello " + std::string(finding.greeting.server_name)); break;
            case Finding::Kind::kMessage:
                told.emplace_back("message " + std::string(finding.message.begin(), finding.message.end()));
                break;
            case Finding::Kind::kProblem: told.emplace_back(name_of(finding.problem)); break;
        }
    }
};

using Told = std::vector<std::string>;

const std::string kGet = "GET /a/../b HTTP/1.1\r\nHost: h\r\n\r\n";

TEST(Inspector, FindsRequestsInOrder) {
    Stream stream;
    EXPECT_EQ(stream.take(0, kGet + kGet), Fate::kPass);
    EXPECT_EQ(stream.told, (Told{"GET /b h", "GET /b h"}));
}

TEST(Inspector, AHeadIsFoundWithTheSegmentThatEndsIt) {
    Stream stream;
    stream.take(0, kGet.substr(0, 10));
    stream.take(10, kGet.substr(10, kGet.size() - 11));
    EXPECT_EQ(stream.told, Told{});
    stream.take(kGet.size() - 1, kGet.substr(kGet.size() - 1));
    EXPECT_EQ(stream.told, Told{"GET /b h"});
}

TEST(Inspector, WhatComesBeforeItsTurnIsReadWithWhatFillsTheGap) {
    Stream stream;
    EXPECT_EQ(stream.take(20, kGet.substr(20)), Fate::kPass);
    EXPECT_EQ(stream.take(10, kGet.substr(10, 10)), Fate::kPass);
    EXPECT_EQ(stream.told, Told{});
    EXPECT_EQ(stream.take(0, kGet.substr(0, 10)), Fate::kPass);
    EXPECT_EQ(stream.told, Told{"GET /b h"});
}

TEST(Inspector, ARepetitionPassesAndIsNotFoundAgain) {
    Stream stream;
    stream.take(0, kGet);
    EXPECT_EQ(stream.take(0, kGet), Fate::kPass);
    EXPECT_EQ(stream.take(5, kGet.substr(5) + kGet), Fate::kPass);
    EXPECT_EQ(stream.told.size(), 2U);
}

TEST(Inspector, WhatContradictsIsAnOverlap) {
    Stream stream;
    std::string other = kGet;
    other[5] = 'x';
    stream.take(0, kGet.substr(0, 20));
    EXPECT_EQ(stream.take(0, other), Fate::kOverlap) << "of an unfinished head";
    stream.take(20, kGet.substr(20));
    EXPECT_EQ(stream.take(0, other), Fate::kOverlap) << "of a head that was judged";
    EXPECT_EQ(stream.take(5, "x"), Fate::kOverlap);
    stream.take(kGet.size() + 10, "0123");
    EXPECT_EQ(stream.take(kGet.size() + 8, "ab01x"), Fate::kOverlap) << "of what waits for its turn";
    EXPECT_EQ(stream.told.size(), 1U);
}

TEST(Inspector, WhatWasAcknowledgedPassesUnread) {
    Stream stream;
    stream.take(0, kGet);
    stream.acknowledge(kGet.size());
    EXPECT_EQ(stream.take(0, std::string(kGet.size(), 'x')), Fate::kPass);
    EXPECT_EQ(stream.take(kGet.size() - 1, "x"), Fate::kPass) << "a keep-alive probe";
    EXPECT_EQ(stream.take(5, std::string(kGet.size() - 5, 'x') + kGet), Fate::kPass);
    EXPECT_EQ(stream.told.size(), 2U);
}

TEST(Inspector, KeepsNothingButTheLastRequestOnceItWasAcknowledged) {
    Stream stream;
    stream.take(0, kGet);
    stream.inspector.acknowledge(stream.context, kStart + static_cast<std::uint32_t>(kGet.size()));
    EXPECT_EQ(stream.inspector.usage().blocks, 1U);
    Request request;
    ASSERT_TRUE(stream.inspector.last_request(stream.context, request));
    EXPECT_EQ(request.method, "GET");
    EXPECT_EQ(request.path, "/b");
    stream.inspector.close(stream.context);
    EXPECT_EQ(stream.inspector.usage().blocks, 0U);
    EXPECT_EQ(stream.inspector.usage().contexts, 0U);
}

TEST(Inspector, TheLastRequestMayBeLong) {
    Stream stream;
    const std::string path = "/" + std::string(1500, 'p');
    Request request;
    EXPECT_FALSE(stream.inspector.last_request(stream.context, request));
    stream.take(0, "CHECKOUT " + path + "?q HTTP/1.1\r\nUpgrade: x\r\n\r\n");
    ASSERT_TRUE(stream.inspector.last_request(stream.context, request));
    EXPECT_EQ(request.method, "CHECKOUT");
    EXPECT_EQ(request.path, path);
    EXPECT_TRUE(request.upgrade);
}

TEST(Inspector, ContentsAreNotKeptAndMayDiffer) {
    Stream stream;
    const std::string head = "POST / HTTP/1.1\r\nContent-Length: 100000\r\n\r\n";
    stream.take(0, head);
    const std::size_t blocks = stream.inspector.usage().blocks;
    for (std::size_t i = 0; i < 100; ++i)
        EXPECT_EQ(stream.take(head.size() + 1000 * i, std::string(1000, 'a')), Fate::kPass);
    EXPECT_EQ(stream.inspector.usage().blocks, blocks);
    EXPECT_EQ(stream.take(head.size(), std::string(1000, 'b')), Fate::kPass) << "the length is the same";
    stream.take(head.size() + 100000, kGet);
    EXPECT_EQ(stream.told, (Told{"POST / ", "GET /b h"}));
}

TEST(Inspector, ContentsBeforeTheirTurnAreNotKeptEither) {
    Stream stream;
    const std::string head = "POST / HTTP/1.1\r\nContent-Length: 100000\r\n\r\n";
    stream.take(0, head);
    const std::size_t blocks = stream.inspector.usage().blocks;
    for (const std::size_t gap : {0U, 30'000U, 60'000U})
        for (std::size_t at = gap + 1000; at < gap + 30'000; at += 1000)
            ASSERT_EQ(stream.take(head.size() + at, std::string(1000, 'a')), Fate::kPass) << at;
    EXPECT_EQ(stream.inspector.usage().blocks, blocks);
    // The last ones go over into the next request, and wait for what fills the last gap.
    EXPECT_EQ(stream.take(head.size() + 90'000, std::string(5'000, 'a')), Fate::kPass);
    EXPECT_EQ(stream.take(head.size() + 99'000, std::string(1000, 'a') + kGet), Fate::kPass);
    EXPECT_EQ(stream.take(head.size() + 95'000, std::string(4000, 'a')), Fate::kPass);
    for (const std::size_t gap : {60'000U, 0U}) stream.take(head.size() + gap, std::string(1000, 'a'));
    EXPECT_EQ(stream.told, Told{"POST / "});
    stream.acknowledge(head.size() + 60'000);
    EXPECT_EQ(stream.take(head.size() + 30'000, std::string(1000, 'a')), Fate::kPass);
    EXPECT_EQ(stream.told, (Told{"POST / ", "unseen"})) << "acknowledged before it came past";
}

TEST(Inspector, WhatFollowsContentsIsReadWhenTheLastGapIsFilled) {
    Stream stream;
    const std::string head = "POST / HTTP/1.1\r\nContent-Length: 10000\r\n\r\n";
    stream.take(0, head);
    stream.take(head.size() + 9'000, std::string(1000, 'a') + kGet);
    stream.take(head.size() + 1'000, std::string(3000, 'a'));
    stream.take(head.size() + 5'000, std::string(4000, 'a'));
    stream.take(head.size(), std::string(1000, 'a'));
    EXPECT_EQ(stream.told, Told{"POST / "});
    stream.take(head.size() + 4'000, std::string(1000, 'a'));
    EXPECT_EQ(stream.told, (Told{"POST / ", "GET /b h"}));
    EXPECT_EQ(stream.take(head.size() + 10'005, "x"), Fate::kOverlap);
}

TEST(Inspector, MoreGapsInContentsThanCanBeRememberedAreFilledWithCopies) {
    Stream stream;
    const std::string head = "POST / HTTP/1.1\r\nContent-Length: 1200\r\n\r\n";
    stream.take(0, head);
    for (std::size_t at = 100; at < 1200; at += 200)
        ASSERT_EQ(stream.take(head.size() + at, std::string(100, 'a')), Fate::kPass) << at;
    for (std::size_t at = 0; at < 1200; at += 200) stream.take(head.size() + at, std::string(100, 'a'));
    stream.take(head.size() + 1200, kGet);
    EXPECT_EQ(stream.told, (Told{"POST / ", "GET /b h"}));
}

TEST(Inspector, ChunkLinesAreKeptUntilAcknowledged) {
    Stream stream;
    const std::string head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.take(0, head + "5\r\nabcde\r\n");
    EXPECT_EQ(stream.take(head.size(), "4"), Fate::kOverlap);
    stream.acknowledge(head.size() + 10);
    EXPECT_EQ(stream.take(head.size(), "4"), Fate::kPass);
    EXPECT_EQ(stream.take(head.size() + 10, "0\r\n\r\n" + kGet), Fate::kPass);
    EXPECT_EQ(stream.told, (Told{"POST / ", "GET /b h"}));
}

TEST(Inspector, AcknowledgedBytesThatNobodySawAreAProblem) {
    Stream stream;
    stream.take(0, kGet);
    stream.acknowledge(kGet.size() + 5);
    EXPECT_EQ(stream.take(kGet.size() + 5, kGet), Fate::kPass);
    EXPECT_EQ(stream.told, (Told{"GET /b h", "unseen"}));
    EXPECT_TRUE(stream.inspector.finished(stream.context));
    stream.take(kGet.size() + 5, kGet);
    EXPECT_EQ(stream.told.size(), 2U);
}

TEST(Inspector, OneAcknowledgedByteThatNobodySawIsEnough) {
    Stream stream;
    stream.take(0, kGet);
    stream.acknowledge(kGet.size() + 1);
    stream.take(kGet.size() + 1, kGet);
    EXPECT_EQ(stream.told, (Told{"GET /b h", "unseen"}));
}

TEST(Inspector, AnAcknowledgedFinIsNoUnseenByte) {
    Stream stream;
    stream.take(0, kGet);
    stream.acknowledge(kGet.size() + 1);
    EXPECT_EQ(stream.take(0, kGet), Fate::kPass);
    EXPECT_EQ(stream.told, Told{"GET /b h"});
}

TEST(Inspector, WhatHasNoNormalPathIsMalformed) {
    Stream stream;
    stream.take(0, "GET /%00 HTTP/1.1\r\n\r\n");
    EXPECT_EQ(stream.told, Told{"malformed"});
}

TEST(Inspector, UrgentDataIsMalformed) {
    Stream stream;
    const std::vector<std::uint8_t> bytes(kGet.begin(), kGet.end());
    EXPECT_EQ(stream.inspector.take(stream.context,
                                    {.sequence = kStart, .payload = bytes, .acknowledged = kStart, .urgent = true}),
              Fate::kPass);
    Finding finding;
    ASSERT_TRUE(stream.inspector.next(finding));
    EXPECT_EQ(finding.problem, Problem::kMalformed);
    EXPECT_FALSE(stream.inspector.next(finding));
}

// The most that may have to be kept at once: the path of the last request, data before its turn, and a head, byte by
// byte.
TEST(Inspector, ALongHeadIsReadByteByByteBehindALongPathAndBesideHeldData) {
    Stream stream;
    const std::string longest = "GET /" + std::string(small().max_head - 20, 'p') + " HTTP/1.1\r\n\r\n";
    ASSERT_EQ(stream.take(0, longest), Fate::kPass);
    stream.acknowledge(longest.size());
    std::size_t held = 3 * longest.size();
    while (stream.take(held, "x") == Fate::kPass) held += 2;
    for (std::size_t i = 0; i < longest.size(); ++i) {
        ASSERT_EQ(stream.take(longest.size() + i, longest.substr(i, 1)), Fate::kPass) << i;
        if (i % 100 == 0) stream.acknowledge(longest.size() + i);
    }
    EXPECT_EQ(stream.told.size(), 2U);
}

TEST(Inspector, AfterAProblemNothingIsFoundAndNothingIsKept) {
    Stream stream;
    stream.take(0, kGet + "oh no\r\n" + kGet);
    EXPECT_EQ(stream.told, (Told{"GET /b h", "malformed"}));
    EXPECT_TRUE(stream.inspector.finished(stream.context));
    EXPECT_EQ(stream.take(100, kGet), Fate::kPass);
    EXPECT_EQ(stream.told.size(), 2U);
}

TEST(Inspector, TooMuchBeforeItsTurnIsRefusedAndNothingChanged) {
    Stream stream;
    std::size_t at = 1000;
    while (stream.take(at, std::string(100, 'x')) == Fate::kPass) at += 100;
    EXPECT_GT(at, 2000U);
    EXPECT_LT(at, 1000U + small().per_connection / 4);
    EXPECT_EQ(stream.take(at, std::string(100, 'x')), Fate::kLimit);
    EXPECT_EQ(stream.take(0, kGet), Fate::kPass) << "what is in order still fits";
    EXPECT_EQ(stream.told, Told{"GET /b h"});
    EXPECT_EQ(stream.take(kStart + (1U << 31U) - 1, "x"), Fate::kLimit) << "farther away than any window";
}

TEST(Inspector, HeadsThatNobodyAcknowledgesMeetTheLimitAndThenGoOn) {
    Stream stream;
    std::size_t at = 0;
    while (stream.take(at, kGet) == Fate::kPass) at += kGet.size();
    EXPECT_EQ(stream.take(at, kGet), Fate::kLimit);
    const std::size_t found = stream.told.size();
    stream.acknowledge(at);
    EXPECT_EQ(stream.take(at, kGet), Fate::kPass);
    EXPECT_EQ(stream.told.size(), found + 1);
}

TEST(Inspector, WhereTheBlocksOfAllAreUsedUpASegmentWaits) {
    InspectorSettings settings = small();
    settings.buffers = settings.per_connection;
    Stream stream(Protocol::kHttp, settings);
    const ContextId other = stream.inspector.open(Protocol::kHttp, 0);
    std::size_t at = 0;
    while (stream.take(at, kGet) == Fate::kPass) at += kGet.size();
    const std::vector<std::uint8_t> bytes(kGet.begin(), kGet.end());
    EXPECT_EQ(stream.inspector.take(other, {0, bytes, 0}), Fate::kLimit);
    stream.inspector.close(stream.context);
    EXPECT_EQ(stream.inspector.take(other, {0, bytes, 0}), Fate::kPass);
    Finding finding;
    EXPECT_TRUE(stream.inspector.next(finding));
}

TEST(Inspector, ContextsAreAsManyAsWereAskedFor) {
    auto inspector = std::move(Inspector::create(small())).value();
    std::vector<ContextId> open;
    for (int i = 0; i < 4; ++i) open.push_back(inspector.open(Protocol::kHttp, 0));
    EXPECT_EQ(inspector.open(Protocol::kHttp, 0), kNoContext);
    inspector.close(open[2]);
    EXPECT_EQ(inspector.open(Protocol::kTls, 0), open[2]);
}

TEST(Inspector, WhoDoesNotAskForAllFindingsHasNotSeenTheSegment) {
    Stream stream;
    const std::string both = kGet + kGet;
    const std::vector<std::uint8_t> bytes(both.begin(), both.end());
    ASSERT_EQ(stream.inspector.take(stream.context, {kStart, bytes, kStart}), Fate::kPass);
    Finding finding;
    ASSERT_TRUE(stream.inspector.next(finding));
    EXPECT_EQ(stream.take(0, both), Fate::kPass);
    EXPECT_EQ(stream.told, Told{"GET /b h"}) << "only the second was new";
}

TEST(Inspector, AGreetingIsFoundAndWatchedUntilItWasAcknowledged) {
    Stream stream(Protocol::kTls);
    const ByteVector hello = records_of(client_hello({.server_name = "example.com", .padding = 500}), 100);
    const std::string text(hello.begin(), hello.end());
    stream.take(300, text.substr(300));
    stream.take(0, text.substr(0, 300));
    EXPECT_EQ(stream.told, Told{"hello example.com"});
    EXPECT_FALSE(stream.inspector.finished(stream.context));
    std::string other = text;
    other.back() ^= 1;
    EXPECT_EQ(stream.take(0, other), Fate::kOverlap);
    EXPECT_EQ(stream.take(text.size(), "more"), Fate::kPass);
    stream.acknowledge(text.size());
    stream.take(text.size(), "more");
    EXPECT_TRUE(stream.inspector.finished(stream.context));
    EXPECT_EQ(stream.told.size(), 1U);
    EXPECT_EQ(stream.inspector.usage().blocks, 0U);
}

TEST(Inspector, MessagesAreHandedOutWhole) {
    Stream stream(Protocol::kDns);
    const std::string messages("\0\x03one\0\x05three\0\x01x", 15);
    stream.take(0, messages.substr(0, 1));
    stream.take(1, messages.substr(1, 8));
    EXPECT_EQ(stream.told, Told{"message one"});
    stream.take(9, messages.substr(9));
    EXPECT_EQ(stream.told, (Told{"message one", "message three", "message x"}));
    EXPECT_EQ(stream.take(15, std::string("\xff\xff", 2)), Fate::kPass);
    EXPECT_EQ(stream.told.back(), "over limit");
    Stream empty(Protocol::kDns);
    empty.take(0, std::string("\0\0", 2));
    EXPECT_EQ(empty.told, Told{"malformed"});
}

TEST(Inspector, SizesThatMakeNoSenseAreRefused) {
    const auto refused = [](InspectorSettings settings) { return !Inspector::create(settings); };
    EXPECT_TRUE(refused({.connections = 0}));
    EXPECT_TRUE(refused({.max_head = 100}));
    EXPECT_TRUE(refused({.max_head = 1 << 20}));
    EXPECT_TRUE(refused({.per_connection = 32 << 10}));
    EXPECT_TRUE(refused({.buffers = 1 << 10}));
    EXPECT_FALSE(refused({}));
}

}  // namespace
}  // namespace drywall::inspect

// One connection after the other, said segment by segment by its two ends, and what others try to slip in.

#include "drywall/flow/tcp_track.h"

#include <gtest/gtest.h>

#include <random>

namespace drywall::flow {
namespace {

namespace flag = net::tcp_flag;
using net::TcpSegment;

constexpr Side kClient = Side::kNear;
constexpr Side kServer = Side::kFar;
constexpr std::uint8_t kSyn = flag::kSyn;
constexpr std::uint8_t kSynAck = flag::kSyn | flag::kAck;
constexpr std::uint8_t kAck = flag::kAck;
constexpr std::uint8_t kFinAck = flag::kFin | flag::kAck;
constexpr std::uint8_t kRst = flag::kRst;

// Both ends of a connection that the client opens, and the track that is kept of it.
class Talk {
public:
    explicit Talk(std::uint32_t client_start = 1000, std::uint32_t server_start = 900'000)
        : next_{client_start, server_start} {}

    // The next segment of a side: in order, all acknowledged.
    [[nodiscard]] TcpSegment due(Side side, std::uint8_t flags, std::uint32_t payload = 0) const {
        TcpSegment segment{.sequence = next(side), .payload = payload, .window = window_, .flags = flags};
        if (segment.has(kAck)) segment.acknowledged = next(opposite(side));
        if (segment.has(kSyn)) segment.scale = scale_;
        return segment;
    }
    [[nodiscard]] std::uint32_t next(Side side) const { return next_[static_cast<std::size_t>(side)]; }

    // A segment arrives in the middle, and is followed there.
    TcpFit hear(Side side, const TcpSegment& segment) {
        if (!open_) tcp_begin(track_, side, segment);
        open_ = true;
        const TcpFit fit = tcp_fit(track_, state_, side, kClient, segment);
        if (fit != TcpFit::kBelongs) return fit;
        tcp_advance(track_, state_, side, segment);
        state_ = tcp_step(state_, tcp_event(segment.flags), side == kClient).next;
        return fit;
    }
    // A side says what is due, and goes on from behind it.
    TcpFit say(Side side, std::uint8_t flags, std::uint32_t payload = 0) {
        const TcpSegment segment = due(side, flags, payload);
        next_[static_cast<std::size_t>(side)] = segment.end();
        return hear(side, segment);
    }
    // What somebody else's segment would be taken for.
    [[nodiscard]] TcpFit fit(Side side, const TcpSegment& segment) const {
        return tcp_fit(track_, state_, side, kClient, segment);
    }

    Talk& shake_hands() {
        EXPECT_EQ(say(kClient, kSyn), TcpFit::kBelongs);
        EXPECT_EQ(say(kServer, kSynAck), TcpFit::kBelongs);
        EXPECT_EQ(say(kClient, kAck), TcpFit::kBelongs);
        EXPECT_EQ(state_, FlowState::kEstablished);
        return *this;
    }
    Talk& windows(std::uint16_t window, std::optional<std::uint8_t> scale) {
        window_ = window;
        scale_ = scale;
        return *this;
    }
    [[nodiscard]] FlowState state() const { return state_; }
    [[nodiscard]] const TcpTrack& track() const { return track_; }

private:
    TcpTrack track_;
    FlowState state_ = FlowState::kNew;
    bool open_ = false;
    std::array<std::uint32_t, 2> next_;
    std::uint16_t window_ = 8192;
    std::optional<std::uint8_t> scale_;
};

TcpSegment shifted(TcpSegment segment, std::int64_t sequence, std::int64_t acknowledged = 0) {
    segment.sequence += static_cast<std::uint32_t>(sequence);
    segment.acknowledged += static_cast<std::uint32_t>(acknowledged);
    return segment;
}

// --- opening ---

TEST(TcpTrack, TheHandshakeEstablishesAtItsThirdStep) {
    Talk talk;
    EXPECT_EQ(talk.say(kClient, kSyn), TcpFit::kBelongs);
    EXPECT_EQ(talk.state(), FlowState::kNew);
    EXPECT_EQ(talk.say(kServer, kSynAck), TcpFit::kBelongs);
    EXPECT_EQ(talk.state(), FlowState::kSynReceived);
    EXPECT_EQ(talk.say(kClient, kAck), TcpFit::kBelongs);
    EXPECT_EQ(talk.state(), FlowState::kEstablished);
}

TEST(TcpTrack, ASynMayBeRepeatedOrTriedAgainWithAnotherNumber) {
    Talk talk;
    const TcpSegment syn = talk.due(kClient, kSyn);
    (void)talk.hear(kClient, shifted(syn, 77'000));
    EXPECT_EQ(talk.say(kClient, kSyn), TcpFit::kBelongs);
    EXPECT_EQ(talk.hear(kClient, syn), TcpFit::kBelongs);
    EXPECT_EQ(talk.fit(kServer, shifted(talk.due(kServer, kSynAck), 0, 77'000)), TcpFit::kOutside)
        << "an answer to the try that was given up";
    EXPECT_EQ(talk.say(kServer, kSynAck), TcpFit::kBelongs);
}

TEST(TcpTrack, OnlyWhoSawTheSynAnswersIt) {
    Talk talk;
    (void)talk.say(kClient, kSyn);
    const TcpSegment answer = talk.due(kServer, kSynAck);
    for (const int off : {-1, 1, 5000}) EXPECT_EQ(talk.fit(kServer, shifted(answer, 0, off)), TcpFit::kOutside);
    EXPECT_EQ(talk.fit(kServer, talk.due(kServer, kAck, 100)), TcpFit::kOutside);
    EXPECT_EQ(talk.fit(kServer, talk.due(kServer, kFinAck)), TcpFit::kOutside);
    EXPECT_EQ(talk.fit(kServer, shifted(answer, 123'456)), TcpFit::kBelongs) << "its own number it chooses";
}

TEST(TcpTrack, TheInitiatorSaysNothingBeforeItIsAnswered) {
    Talk talk;
    (void)talk.say(kClient, kSyn);
    for (const std::uint8_t flags : {kAck, kFinAck, kSynAck})
        EXPECT_EQ(talk.fit(kClient, talk.due(kClient, flags)), TcpFit::kOutside);
}

TEST(TcpTrack, OnlyWhoSawTheAnswerMakesTheThirdStep) {
    Talk talk;
    (void)talk.say(kClient, kSyn);
    (void)talk.say(kServer, kSynAck);
    for (const int off : {-1, -8000, 1})
        EXPECT_EQ(talk.fit(kClient, shifted(talk.due(kClient, kAck), 0, off)), TcpFit::kOutside) << off;
    EXPECT_EQ(talk.fit(kClient, talk.due(kClient, kAck, 100)), TcpFit::kBelongs) << "it may bring data";
}

TEST(TcpTrack, ASynMayBringDataAndTheAnswerLeaveItOut) {
    Talk talk;
    TcpSegment syn = talk.due(kClient, kSyn, 500);  // TCP fast open
    EXPECT_EQ(talk.hear(kClient, syn), TcpFit::kBelongs);
    TcpSegment answer = talk.due(kServer, kSynAck);
    answer.acknowledged = syn.sequence + 1;
    EXPECT_EQ(talk.fit(kServer, answer), TcpFit::kBelongs);
    answer.acknowledged = syn.end();
    EXPECT_EQ(talk.hear(kServer, answer), TcpFit::kBelongs);
    TcpSegment early{
        .sequence = answer.end(), .acknowledged = syn.end(), .payload = 1000, .window = 100, .flags = kAck};
    EXPECT_EQ(talk.hear(kServer, early), TcpFit::kBelongs) << "before the third step";
    EXPECT_EQ(talk.state(), FlowState::kSynReceived);
}

TEST(TcpTrack, BothMayOpenAtOnce) {
    for (const Side first : {kClient, kServer}) {
        Talk talk;
        const TcpSegment client_again = talk.due(kClient, kSynAck);
        const TcpSegment server_again = talk.due(kServer, kSynAck);
        EXPECT_EQ(talk.say(kClient, kSyn), TcpFit::kBelongs);
        EXPECT_EQ(talk.say(kServer, kSyn), TcpFit::kBelongs);
        EXPECT_EQ(talk.state(), FlowState::kSynCrossed);
        const TcpSegment from_client = shifted(client_again, 0, 1);
        const TcpSegment from_server = shifted(server_again, 0, 1);
        EXPECT_EQ(talk.fit(kClient, client_again), TcpFit::kOutside) << "acknowledges nothing";
        EXPECT_EQ(talk.hear(first, first == kClient ? from_client : from_server), TcpFit::kBelongs);
        EXPECT_EQ(talk.hear(opposite(first), first == kClient ? from_server : from_client), TcpFit::kBelongs);
        EXPECT_EQ(talk.say(kClient, kAck, 100), TcpFit::kBelongs);
        EXPECT_EQ(talk.say(kServer, kAck, 100), TcpFit::kBelongs);
        EXPECT_EQ(talk.state(), FlowState::kEstablished);
    }
}

TEST(TcpTrack, ASynThatSomebodyElseCrossedDoesNotKeepTheAnswerOut) {
    Talk talk;
    (void)talk.say(kClient, kSyn);
    EXPECT_EQ(talk.hear(kServer, {.sequence = 4'000'000, .window = 1, .flags = kSyn}), TcpFit::kBelongs);
    EXPECT_EQ(talk.say(kServer, kSynAck), TcpFit::kBelongs);
    EXPECT_EQ(talk.say(kClient, kAck), TcpFit::kBelongs);
    EXPECT_EQ(talk.say(kServer, kAck, 100), TcpFit::kBelongs);
}

TEST(TcpTrack, ARefusalAcknowledgesTheSyn) {
    Talk talk;
    (void)talk.say(kClient, kSyn);
    TcpSegment refusal{.sequence = 0, .acknowledged = talk.next(kClient), .flags = kRst | kAck};
    EXPECT_EQ(talk.fit(kServer, shifted(refusal, 0, 1)), TcpFit::kFalseReset);
    EXPECT_EQ(talk.fit(kServer, {.sequence = 0, .flags = kRst}), TcpFit::kFalseReset);
    EXPECT_EQ(talk.hear(kServer, refusal), TcpFit::kBelongs);
    EXPECT_EQ(talk.state(), FlowState::kClosed);
}

TEST(TcpTrack, AnEndThatRemembersAnOlderConnectionIsReset) {
    Talk talk;
    (void)talk.say(kClient, kSyn);
    const TcpSegment stands{.sequence = 777'777, .acknowledged = 555'555, .window = 9, .flags = kAck};
    EXPECT_EQ(talk.hear(kServer, stands), TcpFit::kChallenge);
    EXPECT_EQ(talk.hear(kClient, {.sequence = 555'555, .flags = kRst}), TcpFit::kChallenge);
    EXPECT_EQ(talk.state(), FlowState::kNew);
    EXPECT_EQ(talk.hear(kClient, shifted(talk.due(kClient, kSyn), -1)), TcpFit::kBelongs);
    EXPECT_EQ(talk.say(kServer, kSynAck), TcpFit::kBelongs);
}

TEST(TcpTrack, TheInitiatorGivesUpByItsOwnNumber) {
    Talk talk;
    (void)talk.say(kClient, kSyn);
    EXPECT_EQ(talk.say(kClient, kRst), TcpFit::kBelongs);
    EXPECT_EQ(talk.state(), FlowState::kClosed);
}

// --- windows ---

TEST(TcpTrack, DataGoUpToTheWindowThatWasOffered) {
    Talk talk;
    talk.windows(8192, std::nullopt).shake_hands();
    EXPECT_EQ(talk.fit(kClient, talk.due(kClient, kAck, 8192)), TcpFit::kBelongs);
    EXPECT_EQ(talk.fit(kClient, talk.due(kClient, kAck, 8193)), TcpFit::kOutside);
    (void)talk.say(kClient, kAck, 8192);
    EXPECT_EQ(talk.fit(kClient, talk.due(kClient, kAck, 1)), TcpFit::kOutside);
    EXPECT_EQ(talk.say(kServer, kAck), TcpFit::kBelongs);
    EXPECT_EQ(talk.say(kClient, kAck, 8192), TcpFit::kBelongs);
}

TEST(TcpTrack, WindowsAreScaledIfBothOfferIt) {
    Talk both;
    both.windows(8192, 7).shake_hands();
    EXPECT_EQ(both.fit(kClient, both.due(kClient, kAck, 8192)), TcpFit::kBelongs);
    EXPECT_EQ(both.fit(kClient, both.due(kClient, kAck, 8193)), TcpFit::kOutside) << "a SYN's window is not scaled";
    (void)both.say(kServer, kAck);
    EXPECT_EQ(both.fit(kClient, both.due(kClient, kAck, 8192 << 7)), TcpFit::kBelongs);
    EXPECT_EQ(both.fit(kClient, both.due(kClient, kAck, (8192 << 7) + 1)), TcpFit::kOutside);

    Talk one;
    one.windows(8192, 7);
    (void)one.say(kClient, kSyn);
    one.windows(8192, std::nullopt);
    (void)one.say(kServer, kSynAck);
    (void)one.say(kClient, kAck);
    (void)one.say(kServer, kAck);
    EXPECT_EQ(one.fit(kClient, one.due(kClient, kAck, 8193)), TcpFit::kOutside);
    EXPECT_EQ(one.fit(kServer, one.due(kServer, kAck, 8193)), TcpFit::kOutside);
}

TEST(TcpTrack, AClosedWindowIsProbedWithOneByte) {
    Talk talk;
    talk.shake_hands();
    (void)talk.say(kClient, kAck, 8192);
    talk.windows(0, std::nullopt);
    EXPECT_EQ(talk.say(kServer, kAck), TcpFit::kBelongs);
    EXPECT_EQ(talk.fit(kClient, talk.due(kClient, kAck, 1)), TcpFit::kBelongs);
    EXPECT_EQ(talk.fit(kClient, talk.due(kClient, kAck, 2)), TcpFit::kOutside);
    EXPECT_EQ(talk.fit(kServer, talk.due(kServer, kAck)), TcpFit::kBelongs);
    talk.windows(8192, std::nullopt);
    EXPECT_EQ(talk.say(kServer, kAck), TcpFit::kBelongs) << "it opens again";
    EXPECT_EQ(talk.say(kClient, kAck, 8192), TcpFit::kBelongs);
}

TEST(TcpTrack, AWindowThatShrinksTakesNothingBack) {
    Talk talk;
    talk.shake_hands();
    talk.windows(100, std::nullopt);
    (void)talk.say(kServer, kAck);
    EXPECT_EQ(talk.fit(kClient, talk.due(kClient, kAck, 8192)), TcpFit::kBelongs) << "it was under way";
}

TEST(TcpTrack, KeepAlivesLieOneByteBack) {
    Talk talk;
    talk.shake_hands();
    (void)talk.say(kClient, kAck, 3000);
    (void)talk.say(kServer, kAck);
    for (const std::uint32_t garbage : {0U, 1U})
        EXPECT_EQ(talk.hear(kClient, shifted(talk.due(kClient, kAck, garbage), -1)), TcpFit::kBelongs);
    EXPECT_EQ(talk.say(kServer, kAck), TcpFit::kBelongs);
}

TEST(TcpTrack, WhatIsRepeatedOrComesOutOfOrderBelongs) {
    Talk talk;
    talk.shake_hands();
    const TcpSegment first = talk.due(kClient, kAck, 1000);
    const TcpSegment second = shifted(first, 1000);
    const TcpSegment third = shifted(first, 2000);
    for (const TcpSegment& segment : {third, first, second, first, third})
        EXPECT_EQ(talk.hear(kClient, segment), TcpFit::kBelongs);
    TcpSegment ack = talk.due(kServer, kAck);
    ack.acknowledged = third.end();
    EXPECT_EQ(talk.hear(kServer, ack), TcpFit::kBelongs);
    ack.acknowledged = first.end();
    EXPECT_EQ(talk.hear(kServer, ack), TcpFit::kBelongs) << "an acknowledgement that was overtaken";
    EXPECT_EQ(talk.hear(kClient, first), TcpFit::kBelongs) << "the acknowledgement was lost behind us";
}

TEST(TcpTrack, WhatIsOlderThanAWindowDoesNotBelong) {
    Talk talk;
    talk.shake_hands();
    const TcpSegment ancient = talk.due(kClient, kAck, 100);
    for (int i = 0; i < 10; ++i) {
        (void)talk.say(kClient, kAck, 8000);
        (void)talk.say(kServer, kAck);
    }
    EXPECT_EQ(talk.fit(kClient, ancient), TcpFit::kOutside);
    EXPECT_EQ(talk.fit(kServer, shifted(talk.due(kServer, kAck), 0, -8193)), TcpFit::kOutside);
    EXPECT_EQ(talk.fit(kServer, shifted(talk.due(kServer, kAck), 0, 1)), TcpFit::kOutside) << "was never sent";
}

TEST(TcpTrack, NumbersWrapAround) {
    Talk talk(0xffff'ff00, 0xffff'fffe);
    talk.windows(0xffff, 4).shake_hands();
    for (int i = 0; i < 100; ++i) {
        ASSERT_EQ(talk.say(kClient, kAck, 60'000), TcpFit::kBelongs) << i;
        ASSERT_EQ(talk.say(kServer, kAck, 10'000), TcpFit::kBelongs) << i;
    }
    Talk around(0x7fff'fff0, 0xffff'fff0);
    around.windows(0xffff, 14).shake_hands();
    std::uint64_t sent = 0;
    while (sent < 0x3'0000'0000) {
        ASSERT_EQ(around.say(kServer, kAck), TcpFit::kBelongs);
        ASSERT_EQ(around.say(kClient, kAck, 0x2000'0000), TcpFit::kBelongs) << sent;
        sent += 0x2000'0000;
    }
}

TEST(TcpTrack, SegmentsOf64KiBAreSegments) {
    Talk talk;
    talk.windows(0xffff, 7).shake_hands();
    (void)talk.say(kServer, kAck);
    EXPECT_EQ(talk.say(kClient, kAck, 65'483), TcpFit::kBelongs);
    EXPECT_EQ(talk.say(kClient, kAck, 65'483), TcpFit::kBelongs);
    EXPECT_EQ(talk.say(kServer, kAck, 65'483), TcpFit::kBelongs);
}

TEST(TcpTrack, AFragmentedSegmentEndsTheKnowledgeOfWindows) {
    Talk talk;
    talk.shake_hands();
    TcpSegment first = talk.due(kClient, kAck, 400);
    first.cut = true;
    EXPECT_EQ(talk.fit(kClient, shifted(first, 1'000'000)), TcpFit::kOutside) << "it must be one of the connection's";
    EXPECT_EQ(talk.hear(kClient, first), TcpFit::kBelongs);
    TcpSegment whole = talk.due(kServer, kAck);
    whole.acknowledged += 1400;  // more than was seen
    EXPECT_EQ(talk.hear(kServer, whole), TcpFit::kBelongs);
    EXPECT_EQ(talk.fit(kClient, {.sequence = 4242, .flags = kRst}), TcpFit::kChallenge) << "still no blind reset";
}

// --- closing ---

TEST(TcpTrack, OneSideMayGoOnSendingAfterTheOtherIsDone) {
    Talk talk;
    talk.shake_hands();
    EXPECT_EQ(talk.say(kClient, kFinAck), TcpFit::kBelongs);
    EXPECT_EQ(talk.state(), FlowState::kInitiatorDone);
    for (int i = 0; i < 50; ++i) {
        EXPECT_EQ(talk.say(kServer, kAck, 5000), TcpFit::kBelongs);
        EXPECT_EQ(talk.say(kClient, kAck), TcpFit::kBelongs);
    }
    const TcpSegment fin = talk.due(kServer, kFinAck, 20);
    EXPECT_EQ(talk.say(kServer, kFinAck, 20), TcpFit::kBelongs);
    EXPECT_EQ(talk.state(), FlowState::kTimeWait);
    EXPECT_EQ(talk.say(kClient, kAck), TcpFit::kBelongs);
    EXPECT_EQ(talk.hear(kServer, fin), TcpFit::kBelongs) << "repeated: the last ACK was lost";
    EXPECT_EQ(talk.fit(kServer, shifted(fin, 100'000)), TcpFit::kOutside);
}

TEST(TcpTrack, BehindAResetAndBehindBothFinsNothingNewBelongs) {
    Talk reset;
    reset.shake_hands();
    (void)reset.say(kClient, kRst);
    EXPECT_EQ(reset.fit(kServer, reset.due(kServer, kAck)), TcpFit::kOutside);
    EXPECT_EQ(reset.fit(kClient, reset.due(kClient, kRst)), TcpFit::kChallenge);

    Talk done;
    done.shake_hands();
    (void)done.say(kClient, kFinAck);
    (void)done.say(kServer, kFinAck);
    EXPECT_EQ(done.fit(kClient, done.due(kClient, kAck)), TcpFit::kBelongs);
    EXPECT_EQ(done.fit(kClient, done.due(kClient, kAck, 1)), TcpFit::kOutside);
}

TEST(TcpTrack, BothMayBeDoneAtOnce) {
    Talk talk;
    talk.shake_hands();
    const TcpSegment server = talk.due(kServer, kFinAck);
    EXPECT_EQ(talk.say(kClient, kFinAck), TcpFit::kBelongs);
    EXPECT_EQ(talk.hear(kServer, server), TcpFit::kBelongs);
    EXPECT_EQ(talk.state(), FlowState::kTimeWait);
}

TEST(TcpTrack, AResetCountsOnlyByTheNextNumber) {
    for (const Side side : {kClient, kServer}) {
        Talk talk;
        talk.shake_hands();
        const TcpSegment reset = talk.due(side, kRst);
        EXPECT_EQ(talk.hear(side, shifted(reset, 1)), TcpFit::kChallenge);
        EXPECT_EQ(talk.hear(side, shifted(reset, 8192)), TcpFit::kChallenge);
        EXPECT_EQ(talk.hear(side, shifted(reset, 8193)), TcpFit::kFalseReset);
        EXPECT_EQ(talk.hear(side, shifted(reset, -1)), TcpFit::kFalseReset);
        EXPECT_EQ(talk.state(), FlowState::kEstablished);
        EXPECT_EQ(talk.hear(side, reset), TcpFit::kBelongs);
        EXPECT_EQ(talk.state(), FlowState::kClosed);
    }
}

TEST(TcpTrack, AResetMayAnswerWhatTheOtherSideAcknowledged) {
    Talk talk;
    talk.shake_hands();
    const TcpSegment answers = talk.due(kClient, kRst);  // the host came up again and knows of nothing
    (void)talk.say(kClient, kAck, 1000);                 // of which the server has not heard
    EXPECT_EQ(talk.hear(kClient, answers), TcpFit::kBelongs);
    EXPECT_EQ(talk.state(), FlowState::kClosed);
}

TEST(TcpTrack, ASynOnALiveConnectionIsForItsReceiverToChallenge) {
    Talk talk;
    talk.shake_hands();
    for (const std::uint32_t number : {0U, 1001U, 0x8000'0000U}) {
        EXPECT_EQ(talk.hear(kClient, {.sequence = number, .window = 1, .flags = kSyn}), TcpFit::kChallenge);
        EXPECT_EQ(talk.hear(kServer, {.sequence = number, .window = 1, .flags = kSyn}), TcpFit::kOutside)
            << "a connection the other way, which nobody judged";
    }
    EXPECT_EQ(talk.state(), FlowState::kEstablished);
    // The challenge, and the reset of who has forgotten.
    EXPECT_EQ(talk.say(kServer, kAck), TcpFit::kBelongs);
    EXPECT_EQ(talk.say(kClient, kRst), TcpFit::kBelongs);
    EXPECT_EQ(talk.state(), FlowState::kClosed);
}

// --- from the middle ---

Talk from_the_middle() {
    Talk talk;
    EXPECT_EQ(talk.say(kClient, kAck, 100), TcpFit::kBelongs);
    EXPECT_EQ(talk.state(), FlowState::kNew);
    EXPECT_EQ(talk.say(kServer, kAck, 100), TcpFit::kBelongs);
    EXPECT_EQ(talk.state(), FlowState::kEstablished);
    return talk;
}

TEST(TcpTrack, FromTheMiddleNoWindowIsKnown) {
    Talk talk = from_the_middle();
    EXPECT_EQ(talk.hear(kServer, shifted(talk.due(kServer, kAck, 1000), 5'000'000)), TcpFit::kBelongs);
    EXPECT_EQ(talk.hear(kClient, talk.due(kClient, kAck, 1000)), TcpFit::kBelongs);
}

TEST(TcpTrack, FromTheMiddleAResetCountsByWhatTheOtherSideAcknowledged) {
    Talk talk = from_the_middle();
    const TcpSegment reset = talk.due(kClient, kRst);
    EXPECT_EQ(talk.hear(kClient, shifted(reset, 10)), TcpFit::kChallenge);
    // Nobody on the same side can make a number the right one.
    EXPECT_EQ(talk.hear(kClient, shifted(talk.due(kClient, kAck, 10), 70'000)), TcpFit::kBelongs);
    EXPECT_EQ(talk.hear(kClient, shifted(reset, 70'010)), TcpFit::kChallenge);
    EXPECT_EQ(talk.state(), FlowState::kEstablished);
    EXPECT_EQ(talk.hear(kClient, reset), TcpFit::kBelongs);
    EXPECT_EQ(talk.state(), FlowState::kClosed);
}

// --- blind guesses ---

TEST(TcpTrack, TenThousandBlindGuessesLoseNothing) {
    constexpr std::uint64_t kSeed = 11;
    std::mt19937_64 random(kSeed);
    for (const bool middle : {false, true}) {
        Talk talk = middle ? from_the_middle() : Talk(1000, 0xffff'f000).shake_hands();
        const auto outside = [&](const TcpSegment& guess, Side side) {
            const TcpSide& own = talk.track().of(side);
            const std::uint32_t distance = guess.sequence - (own.unacked - 100'000);
            return distance > 200'000;
        };
        for (int i = 0; i < 10'000; ++i) {
            constexpr auto kGuesses = std::to_array<std::uint8_t>({kRst, kRst | kAck, kSyn, kSynAck, kAck, kFinAck});
            const Side side = random() % 2 == 0 ? kClient : kServer;
            TcpSegment guess{.sequence = static_cast<std::uint32_t>(random()),
                             .acknowledged = static_cast<std::uint32_t>(random()),
                             .payload = static_cast<std::uint32_t>(random() % 1400),
                             .window = static_cast<std::uint16_t>(random()),
                             .flags = kGuesses[random() % (middle ? 3 : kGuesses.size())]};
            if (!outside(guess, side)) continue;
            const TcpFit fit = talk.hear(side, guess);
            ASSERT_NE(fit, TcpFit::kBelongs) << "seed " << kSeed << ", guess " << i;
            ASSERT_EQ(talk.state(), FlowState::kEstablished);
        }
        EXPECT_EQ(talk.say(kClient, kAck, 1000), TcpFit::kBelongs);
        EXPECT_EQ(talk.say(kServer, kAck, 1000), TcpFit::kBelongs);
        EXPECT_EQ(talk.say(kClient, kFinAck), TcpFit::kBelongs);
        EXPECT_EQ(talk.say(kServer, kFinAck), TcpFit::kBelongs);
        EXPECT_EQ(talk.state(), FlowState::kTimeWait);
    }
}

// --- the quick way through an established connection ---

bool same(const TcpSide& a, const TcpSide& b) {
    return a.end == b.end && a.unacked == b.unacked && a.limit == b.limit && a.window == b.window &&
           a.scale == b.scale && a.heard == b.heard && a.scales == b.scales && a.loose == b.loose;
}

// The long way is tcp_fit() and tcp_advance().
TEST(TcpTrack, InStrideDoesWhatTheLongWayDoes) {
    constexpr std::uint64_t kSeed = 12;
    std::mt19937_64 random(kSeed);
    int taken = 0;
    int left = 0;
    for (int round = 0; round < 200; ++round) {
        Talk talk = round % 5 == 4 ? from_the_middle() : Talk(static_cast<std::uint32_t>(random()), 0xffff'f000);
        if (round % 5 != 4)
            talk.windows(static_cast<std::uint16_t>(random() % 3000), round % 2 == 0 ? 3 : 0).shake_hands();
        TcpTrack track = talk.track();
        for (int i = 0; i < 200; ++i) {
            const Side side = random() % 2 == 0 ? kClient : kServer;
            const auto near = [&](std::uint32_t number) {
                const auto by = static_cast<std::uint32_t>(random() % (random() % 2 == 0 ? 3 : 60'000));
                return random() % 2 == 0 ? number + by : number - by;
            };
            const TcpSegment segment{.sequence = near(track.of(side).end),
                                     .acknowledged = near(track.of(opposite(side)).end),
                                     .payload = static_cast<std::uint32_t>(random() % 3 * 700),
                                     .window = static_cast<std::uint16_t>(random() % 5 == 0 ? 0 : random() % 4000),
                                     .flags = kAck,
                                     .cut = random() % 500 == 0};
            const bool belongs = tcp_fit(track, FlowState::kEstablished, side, kClient, segment) == TcpFit::kBelongs;
            const bool for_the_long_way = track.loose() || segment.cut || !belongs;
            TcpTrack expected = track;
            if (!for_the_long_way) tcp_advance(expected, FlowState::kEstablished, side, segment);
            ASSERT_EQ(tcp_in_stride(track, side, segment), !for_the_long_way) << "round " << round << ", " << i;
            ASSERT_TRUE(same(track.sides[0], expected.sides[0]) && same(track.sides[1], expected.sides[1]));
            ++(for_the_long_way ? left : taken);
            if (for_the_long_way && belongs) tcp_advance(track, FlowState::kEstablished, side, segment);
        }
    }
    EXPECT_GT(taken, 2000);
    EXPECT_GT(left, 2000);
}

// --- what ICMP errors quote ---

TEST(TcpTrack, OnlyWhatIsUnderWayIsQuoted) {
    Talk talk;
    (void)talk.say(kClient, kSyn);
    EXPECT_TRUE(tcp_is_under_way(talk.track(), kClient, 1000)) << "the SYN itself";
    EXPECT_FALSE(tcp_is_under_way(talk.track(), kClient, 1002));
    (void)talk.say(kServer, kSynAck);
    (void)talk.say(kClient, kAck);
    (void)talk.say(kClient, kAck, 5000);
    for (const std::uint32_t sequence : {1000U, 1001U, 3000U, 6000U, 6001U})
        EXPECT_TRUE(tcp_is_under_way(talk.track(), kClient, sequence)) << sequence;
    for (const std::uint32_t sequence : {0U, 999U, 6002U, 0x8000'0000U})
        EXPECT_FALSE(tcp_is_under_way(talk.track(), kClient, sequence)) << sequence;
    (void)talk.say(kServer, kAck);
    EXPECT_FALSE(tcp_is_under_way(talk.track(), kClient, 3000)) << "it arrived";
    EXPECT_FALSE(tcp_is_under_way(talk.track(), kServer, 3000));
}

}  // namespace
}  // namespace drywall::flow

#include "drywall/flow/state.h"

#include <gtest/gtest.h>

#include <array>

#include "drywall/net/packet_meta.h"

namespace drywall::flow {
namespace {

constexpr bool kInitiator = true;
constexpr bool kResponder = false;

TEST(TcpState, FlagsAreReadInTheOrderOfTheirWeight) {
    namespace flag = net::tcp_flag;
    EXPECT_EQ(tcp_event(flag::kSyn), TcpEvent::kSyn);
    EXPECT_EQ(tcp_event(flag::kSyn | flag::kAck), TcpEvent::kSynAck);
    EXPECT_EQ(tcp_event(flag::kFin | flag::kAck), TcpEvent::kFin);
    EXPECT_EQ(tcp_event(flag::kRst | flag::kSyn | flag::kFin), TcpEvent::kRst);
    EXPECT_EQ(tcp_event(flag::kAck), TcpEvent::kOther);
    EXPECT_EQ(tcp_event(0), TcpEvent::kOther);
}

FlowState after(FlowState state, TcpEvent event, bool from_initiator) {
    return tcp_step(state, event, from_initiator).next;
}

TEST(TcpState, AConnectionOpensAndClosesInSixSteps) {
    FlowState state = after(FlowState::kNew, TcpEvent::kSyn, kInitiator);
    EXPECT_EQ(state, FlowState::kNew);
    state = after(state, TcpEvent::kSynAck, kResponder);
    EXPECT_EQ(state, FlowState::kSynReceived);
    state = after(state, TcpEvent::kOther, kInitiator);
    EXPECT_EQ(state, FlowState::kEstablished);
    state = after(state, TcpEvent::kFin, kResponder);
    EXPECT_EQ(state, FlowState::kResponderDone);
    state = after(state, TcpEvent::kOther, kInitiator);
    EXPECT_EQ(state, FlowState::kResponderDone);
    state = after(state, TcpEvent::kFin, kInitiator);
    EXPECT_EQ(state, FlowState::kTimeWait);
}

TEST(TcpState, BothMayOpenAtOnce) {
    const FlowState crossed = after(FlowState::kNew, TcpEvent::kSyn, kResponder);
    EXPECT_EQ(crossed, FlowState::kSynCrossed);
    EXPECT_EQ(after(crossed, TcpEvent::kSynAck, kInitiator), FlowState::kEstablished);
    const FlowState answered = after(crossed, TcpEvent::kSynAck, kResponder);
    EXPECT_EQ(answered, FlowState::kSynReceived);
    EXPECT_EQ(after(answered, TcpEvent::kSynAck, kInitiator), FlowState::kEstablished);
}

TEST(TcpState, OneSideAloneDoesNotCloseByRepeatingItsFin) {
    const FlowState half = after(FlowState::kEstablished, TcpEvent::kFin, kInitiator);
    EXPECT_EQ(after(half, TcpEvent::kFin, kInitiator), half);
}

TEST(TcpState, OneSideAloneDoesNotEstablish) {
    for (const TcpEvent event : {TcpEvent::kSyn, TcpEvent::kSynAck, TcpEvent::kFin, TcpEvent::kOther})
        EXPECT_EQ(after(FlowState::kNew, event, kInitiator), FlowState::kNew);
    for (const TcpEvent event : {TcpEvent::kSyn, TcpEvent::kSynAck, TcpEvent::kOther})
        EXPECT_EQ(after(FlowState::kSynReceived, event, kResponder), FlowState::kSynReceived);
}

constexpr auto kLiveStates =
    std::to_array({FlowState::kNew, FlowState::kSynCrossed, FlowState::kSynReceived, FlowState::kEstablished,
                   FlowState::kInitiatorDone, FlowState::kResponderDone});

TEST(TcpState, RstClosesFromEveryState) {
    for (const bool side : {kInitiator, kResponder}) {
        for (const FlowState state : kLiveStates) EXPECT_EQ(after(state, TcpEvent::kRst, side), FlowState::kClosed);
        for (const FlowState state : {FlowState::kTimeWait, FlowState::kClosed})
            EXPECT_EQ(after(state, TcpEvent::kRst, side), FlowState::kClosed);
    }
}

TEST(TcpState, OnlyASynOnAConnectionThatIsOverStartsAnother) {
    for (const bool side : {kInitiator, kResponder}) {
        for (const FlowState live : kLiveStates) EXPECT_FALSE(tcp_step(live, TcpEvent::kSyn, side).starts_anew);
        for (const FlowState over : {FlowState::kTimeWait, FlowState::kClosed}) {
            EXPECT_TRUE(tcp_step(over, TcpEvent::kSyn, side).starts_anew);
            EXPECT_FALSE(tcp_step(over, TcpEvent::kSynAck, side).starts_anew);
            EXPECT_FALSE(tcp_step(over, TcpEvent::kOther, side).starts_anew);
        }
    }
}

TEST(TcpState, PeopleAreToldFourStates) {
    EXPECT_EQ(name(FlowState::kSynCrossed), "new");
    EXPECT_EQ(name(FlowState::kSynReceived), "new");
    EXPECT_EQ(name(FlowState::kInitiatorDone), "half-closed");
    EXPECT_EQ(name(FlowState::kTimeWait), "closed");
}

}  // namespace
}  // namespace drywall::flow

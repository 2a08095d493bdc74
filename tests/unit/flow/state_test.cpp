#include "drywall/flow/state.h"

#include <gtest/gtest.h>

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

TEST(TcpState, AConnectionOpensAndClosesInFourSteps) {
    FlowState state = tcp_step(FlowState::kNew, TcpEvent::kSyn, kInitiator).next;
    EXPECT_EQ(state, FlowState::kNew);
    state = tcp_step(state, TcpEvent::kSynAck, kResponder).next;
    EXPECT_EQ(state, FlowState::kEstablished);
    state = tcp_step(state, TcpEvent::kFin, kResponder).next;
    EXPECT_EQ(state, FlowState::kResponderDone);
    state = tcp_step(state, TcpEvent::kOther, kInitiator).next;
    EXPECT_EQ(state, FlowState::kResponderDone);
    state = tcp_step(state, TcpEvent::kFin, kInitiator).next;
    EXPECT_EQ(state, FlowState::kClosed);
}

TEST(TcpState, OneSideAloneDoesNotCloseByRepeatingItsFin) {
    const FlowState half = tcp_step(FlowState::kEstablished, TcpEvent::kFin, kInitiator).next;
    EXPECT_EQ(tcp_step(half, TcpEvent::kFin, kInitiator).next, half);
}

TEST(TcpState, OneSideAloneDoesNotEstablish) {
    for (const TcpEvent event : {TcpEvent::kSyn, TcpEvent::kSynAck, TcpEvent::kOther})
        EXPECT_EQ(tcp_step(FlowState::kNew, event, kInitiator).next, FlowState::kNew);
}

TEST(TcpState, RstClosesFromEveryState) {
    for (const FlowState state : {FlowState::kNew, FlowState::kEstablished, FlowState::kInitiatorDone,
                                  FlowState::kResponderDone, FlowState::kClosed})
        for (const bool side : {kInitiator, kResponder})
            EXPECT_EQ(tcp_step(state, TcpEvent::kRst, side).next, FlowState::kClosed);
}

TEST(TcpState, OnlyASynOnAClosingConnectionStartsAnew) {
    for (const bool side : {kInitiator, kResponder}) {
        EXPECT_FALSE(tcp_step(FlowState::kNew, TcpEvent::kSyn, side).starts_anew);
        EXPECT_FALSE(tcp_step(FlowState::kEstablished, TcpEvent::kSyn, side).starts_anew);
        for (const FlowState over : {FlowState::kInitiatorDone, FlowState::kResponderDone, FlowState::kClosed}) {
            EXPECT_TRUE(tcp_step(over, TcpEvent::kSyn, side).starts_anew);
            EXPECT_FALSE(tcp_step(over, TcpEvent::kSynAck, side).starts_anew);
            EXPECT_FALSE(tcp_step(over, TcpEvent::kOther, side).starts_anew);
        }
    }
}

}  // namespace
}  // namespace drywall::flow

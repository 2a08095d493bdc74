#include "drywall/flow/state.h"

#include <algorithm>
#include <array>

namespace drywall::flow {

namespace {

using enum FlowState;
using enum TcpEvent;

constexpr TcpStep to(FlowState next) { return {next, false}; }
constexpr TcpStep anew() { return {kNew, true}; }

struct Row {
    FlowState state;
    TcpEvent event;
    TcpStep initiator;  // when the initiator sent it
    TcpStep responder;  // when the responder sent it
};

// One row per state and event: of segments that belong to the connection (tcp_fit), except that a SYN on one that is
// over starts another. What tcp_fit never lets belong stays where it is.
constexpr auto kRows = std::to_array<Row>({
    // One SYN under way (RFC 9293, SYN-SENT at its sender); or the middle of an older connection, of which one side was
    // seen.
    {kNew, kSyn, to(kNew), to(kSynCrossed)},      // repeated | both open at once (RFC 9293 3.5, figure 7)
    {kNew, kSynAck, to(kNew), to(kSynReceived)},  // a middle that begins with it | the responder accepts
    // A middle: one side is already done. Until the other is heard it may be made up, and has to make room.
    {kNew, kFin, to(kNew), to(kResponderDone)},
    {kNew, kRst, to(kClosed), to(kClosed)},      // the initiator gives up | the port is closed
    {kNew, kOther, to(kNew), to(kEstablished)},  // a middle: one side is heard | the other too

    // Simultaneous open: two SYNs under way, none acknowledged (RFC 9293 3.5, figure 7).
    {kSynCrossed, kSyn, to(kSynCrossed), to(kSynCrossed)},       // repeated
    {kSynCrossed, kSynAck, to(kEstablished), to(kSynReceived)},  // one acknowledges the other's SYN; ...
    {kSynCrossed, kFin, to(kSynCrossed), to(kSynCrossed)},       // never: nothing is said before
    {kSynCrossed, kRst, to(kClosed), to(kClosed)},               // one gives up
    {kSynCrossed, kOther, to(kSynCrossed), to(kSynCrossed)},     // never: nothing is said before

    // The responder acknowledged the SYN, the initiator not yet its (RFC 9293, SYN-RECEIVED at the responder).
    {kSynReceived, kSyn, to(kSynReceived), to(kSynReceived)},      // never: its receiver challenges it
    {kSynReceived, kSynAck, to(kEstablished), to(kSynReceived)},   // ... the initiator too, of crossed SYNs | repeated
    {kSynReceived, kFin, to(kInitiatorDone), to(kResponderDone)},  // the third step, and done | done before it
    {kSynReceived, kRst, to(kClosed), to(kClosed)},                // the initiator knows of no SYN | refused after all
    {kSynReceived, kOther, to(kEstablished), to(kSynReceived)},    // the third step | data in the fast lane (RFC 7413)

    {kEstablished, kSyn, to(kEstablished), to(kEstablished)},      // never: its receiver challenges it (RFC 5961 4.2)
    {kEstablished, kSynAck, to(kEstablished), to(kEstablished)},   // late half of a simultaneous open | repeated
    {kEstablished, kFin, to(kInitiatorDone), to(kResponderDone)},  // one side has no more to send
    {kEstablished, kRst, to(kClosed), to(kClosed)},                // torn down
    {kEstablished, kOther, to(kEstablished), to(kEstablished)},    // data, ACKs

    {kInitiatorDone, kSyn, to(kInitiatorDone), to(kInitiatorDone)},     // never: its receiver challenges it
    {kInitiatorDone, kSynAck, to(kInitiatorDone), to(kInitiatorDone)},  // an old SYN+ACK, late
    {kInitiatorDone, kFin, to(kInitiatorDone), to(kTimeWait)},          // FIN repeated | the responder is done too
    {kInitiatorDone, kRst, to(kClosed), to(kClosed)},                   // torn down
    {kInitiatorDone, kOther, to(kInitiatorDone), to(kInitiatorDone)},   // ACKs | the responder goes on sending

    {kResponderDone, kSyn, to(kResponderDone), to(kResponderDone)},     // never: its receiver challenges it
    {kResponderDone, kSynAck, to(kResponderDone), to(kResponderDone)},  // an old SYN+ACK, late
    {kResponderDone, kFin, to(kTimeWait), to(kResponderDone)},          // the initiator is done too | FIN repeated
    {kResponderDone, kRst, to(kClosed), to(kClosed)},                   // torn down
    {kResponderDone, kOther, to(kResponderDone), to(kResponderDone)},   // the initiator goes on sending | ACKs

    // FIN both ways. Which end waits is not to be seen, nor need it: one that is alive again may send a SYN (RFC 9293
    // 3.10.7.4, TIME-WAIT; RFC 1122 4.2.2.13), and policy judges it as any other.
    {kTimeWait, kSyn, anew(), anew()},                   // the ports are used again
    {kTimeWait, kSynAck, to(kTimeWait), to(kTimeWait)},  // an old SYN+ACK, late
    {kTimeWait, kFin, to(kTimeWait), to(kTimeWait)},     // FIN repeated: its ACK was lost
    {kTimeWait, kRst, to(kClosed), to(kClosed)},         // whoever got a late segment has forgotten (RFC 9293 3.10.7.1)
    {kTimeWait, kOther, to(kTimeWait), to(kTimeWait)},   // the last ACK

    // Reset. Only a SYN has more to say (tcp_fit).
    {kClosed, kSyn, anew(), anew()},               // the ports are used again
    {kClosed, kSynAck, to(kClosed), to(kClosed)},  // never
    {kClosed, kFin, to(kClosed), to(kClosed)},     // never: sent before the reset arrived
    {kClosed, kRst, to(kClosed), to(kClosed)},     // never: repeated, or answering what was under way
    {kClosed, kOther, to(kClosed), to(kClosed)},   // never: sent before the reset arrived
});

constexpr TcpSteps steps_of_rows() {
    TcpSteps steps{};
    for (const Row& row : kRows) {
        steps[tcp_cell(row.state, row.event, true)] = row.initiator;
        steps[tcp_cell(row.state, row.event, false)] = row.responder;
    }
    return steps;
}
static_assert(kRows.size() == (kFlowStates - 1) * kTcpEvents, "every state but kFree has a row for every event");
// FlowTable::starts_anew() asks no other.
static_assert(std::all_of(kRows.begin(), kRows.end(), [](const Row& row) {
    return is_over(row.state) || (!row.initiator.starts_anew && !row.responder.starts_anew);
}));

}  // namespace

constinit const TcpSteps kTcpSteps = steps_of_rows();

}  // namespace drywall::flow

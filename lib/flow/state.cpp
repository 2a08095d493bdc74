#include "drywall/flow/state.h"

#include <array>
#include <cassert>
#include <cstddef>

#include "drywall/net/packet_meta.h"

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

// One row per state and event.
constexpr auto kRows = std::to_array<Row>({
    {kNew, kSyn, to(kNew), to(kNew)},                      // SYN repeated | both sides open at once (RFC 9293, 3.5)
    {kNew, kSynAck, to(kNew), to(kEstablished)},           // half of a simultaneous open | the responder accepts
    {kNew, kFin, to(kInitiatorDone), to(kResponderDone)},  // seen from the middle: one side is already done
    {kNew, kRst, to(kClosed), to(kClosed)},                // the initiator gives up | the port is closed
    {kNew, kOther, to(kNew), to(kEstablished)},  // nobody answers yet | an old connection, seen from the middle

    {kEstablished, kSyn, to(kEstablished), to(kEstablished)},      // stray SYN: its receiver challenges it (RFC 5961)
    {kEstablished, kSynAck, to(kEstablished), to(kEstablished)},   // half of a simultaneous open | SYN+ACK repeated
    {kEstablished, kFin, to(kInitiatorDone), to(kResponderDone)},  // one side has no more to send
    {kEstablished, kRst, to(kClosed), to(kClosed)},                // torn down
    {kEstablished, kOther, to(kEstablished), to(kEstablished)},    // data, ACKs

    {kInitiatorDone, kSyn, anew(), anew()},                             // the ports are used again
    {kInitiatorDone, kSynAck, to(kInitiatorDone), to(kInitiatorDone)},  // an old SYN+ACK, late
    {kInitiatorDone, kFin, to(kInitiatorDone), to(kClosed)},            // FIN repeated | the responder is done too
    {kInitiatorDone, kRst, to(kClosed), to(kClosed)},                   // torn down
    {kInitiatorDone, kOther, to(kInitiatorDone), to(kInitiatorDone)},   // ACKs | the responder goes on sending

    {kResponderDone, kSyn, anew(), anew()},                             // the ports are used again
    {kResponderDone, kSynAck, to(kResponderDone), to(kResponderDone)},  // an old SYN+ACK, late
    {kResponderDone, kFin, to(kClosed), to(kResponderDone)},            // the initiator is done too | FIN repeated
    {kResponderDone, kRst, to(kClosed), to(kClosed)},                   // torn down
    {kResponderDone, kOther, to(kResponderDone), to(kResponderDone)},   // the initiator goes on sending | ACKs

    {kClosed, kSyn, anew(), anew()},               // the ports are used again
    {kClosed, kSynAck, to(kClosed), to(kClosed)},  // an old SYN+ACK, late
    {kClosed, kFin, to(kClosed), to(kClosed)},     // FIN repeated: its ACK was lost
    {kClosed, kRst, to(kClosed), to(kClosed)},     // RST repeated
    {kClosed, kOther, to(kClosed), to(kClosed)},   // the last ACK
});

constexpr std::size_t cell(FlowState state, TcpEvent event, bool from_initiator) {
    return (static_cast<std::size_t>(state) * kTcpEvents + static_cast<std::size_t>(event)) * 2 +
           (from_initiator ? 1 : 0);
}

constexpr auto kSteps = [] {
    std::array<TcpStep, kFlowStates * kTcpEvents * 2> steps{};
    for (const Row& row : kRows) {
        steps[cell(row.state, row.event, true)] = row.initiator;
        steps[cell(row.state, row.event, false)] = row.responder;
    }
    return steps;
}();
static_assert(kRows.size() == (kFlowStates - 1) * kTcpEvents, "every state but kFree has a row for every event");

}  // namespace

TcpEvent tcp_event(std::uint8_t tcp_flags) noexcept {
    namespace flag = net::tcp_flag;
    if ((tcp_flags & flag::kRst) != 0) return kRst;  // a receiver looks at RST first (RFC 9293, 3.10.7)
    if ((tcp_flags & flag::kSyn) != 0) return (tcp_flags & flag::kAck) != 0 ? kSynAck : kSyn;
    return (tcp_flags & flag::kFin) != 0 ? kFin : kOther;
}

TcpStep tcp_step(FlowState state, TcpEvent event, bool from_initiator) noexcept {
    assert(state != kFree);
    return kSteps[cell(state, event, from_initiator)];
}

}  // namespace drywall::flow

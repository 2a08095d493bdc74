#include "drywall/flow/tcp_track.h"

#include <algorithm>
#include <cassert>

namespace drywall::flow {

namespace {

namespace flag = net::tcp_flag;

// How far `a` is behind (below 0) or ahead of `b`.
std::int32_t distance(std::uint32_t a, std::uint32_t b) noexcept { return static_cast<std::int32_t>(a - b); }
std::uint32_t later(std::uint32_t a, std::uint32_t b) noexcept { return distance(a, b) > 0 ? a : b; }

// No SYN was answered yet.
bool is_opening(FlowState state) noexcept { return state == FlowState::kNew || state == FlowState::kSynCrossed; }

// SND.UNA < SEG.ACK =< SND.NXT (RFC 9293 3.10.7.4, SYN-RECEIVED): nobody who did not see the SYN knows it.
bool acknowledges_syn_of(const TcpSide& side, const net::TcpSegment& segment) noexcept {
    return segment.has(flag::kAck) && distance(segment.acknowledged, side.unacked) > 0 &&
           distance(segment.acknowledged, side.end) <= 0;
}

TcpFit belongs_if(bool condition, TcpFit otherwise) noexcept { return condition ? TcpFit::kBelongs : otherwise; }

// From the initiator, whose SYN nobody answered.
TcpFit fit_asking(const TcpSide& sender, const TcpSide& receiver, FlowState state, const net::TcpSegment& segment) {
    switch (tcp_event(segment.flags)) {
        case TcpEvent::kSyn:
            return TcpFit::kBelongs;  // repeated, or tried again with another number
        // Both opened at once: it answers the other's SYN (RFC 9293 3.5, figure 7).
        case TcpEvent::kSynAck:
            return belongs_if(state == FlowState::kSynCrossed && segment.sequence == sender.unacked &&
                                  acknowledges_syn_of(receiver, segment),
                              TcpFit::kOutside);
        // It gives up; or it answers what an old connection's end says to its SYN, by that one's numbers (RFC
        // 9293 3.5.1, figure 9): that reset has to arrive, or the ends never agree.
        case TcpEvent::kRst:
            return belongs_if(segment.sequence == sender.end || segment.sequence == sender.unacked + 1,
                              TcpFit::kChallenge);
        default: return TcpFit::kOutside;  // it has nothing to say before it was answered
    }
}

// From the responder, to who waits for an answer to the SYN.
TcpFit fit_answer(const TcpSide& sender, const TcpSide& receiver, FlowState state, const net::TcpSegment& segment) {
    switch (tcp_event(segment.flags)) {
        case TcpEvent::kSyn: return TcpFit::kBelongs;  // both open at once
        case TcpEvent::kSynAck: return belongs_if(acknowledges_syn_of(receiver, segment), TcpFit::kOutside);
        // Whoever sent a SYN believes only a reset that acknowledges it (RFC 9293 3.10.7.3); once it heard the other's
        // SYN, the next number does as well.
        case TcpEvent::kRst:
            return belongs_if(acknowledges_syn_of(receiver, segment) ||
                                  (state == FlowState::kSynCrossed && segment.sequence == sender.end),
                              TcpFit::kFalseReset);
        // An old connection's end says where it stands (RFC 9293 3.5.1); the initiator resets it.
        case TcpEvent::kOther: return segment.payload == 0 ? TcpFit::kChallenge : TcpFit::kOutside;
        case TcpEvent::kFin: return TcpFit::kOutside;
    }
    return TcpFit::kOutside;
}

// Exactly the next number is what its receiver acts on (RFC 5961 3.2): what it acknowledged last, or behind all that
// was sent to it. Inside the window it answers with a challenge; outside, not at all.
TcpFit fit_reset(const TcpSide& sender, const TcpSide& receiver, const net::TcpSegment& segment) noexcept {
    if (sender.loose) return belongs_if(receiver.heard && segment.sequence == sender.unacked, TcpFit::kChallenge);
    if (segment.sequence == sender.end || segment.sequence == sender.unacked) return TcpFit::kBelongs;
    const bool inside = segment.sequence - sender.unacked <= sender.limit - sender.unacked;
    return inside ? TcpFit::kChallenge : TcpFit::kFalseReset;
}

// Van Rooij's four bounds; the last one as RFC 5961 5.2 has it. REQUIRES: ACK; what has none is a SYN or a reset
bool is_inside(const TcpSide& sender, const TcpSide& receiver, const net::TcpSegment& segment) noexcept {
    const std::uint32_t end = segment.end();
    if (distance(end, sender.limit) > 0) return false;                                       // more than was offered
    if (distance(end, sender.end - receiver.largest_window()) < 0) return false;             // long gone
    if (distance(segment.acknowledged, receiver.end) > 0) return false;                      // of what was never sent
    return distance(segment.acknowledged, receiver.unacked - sender.largest_window()) >= 0;  // or long ago
}

// REQUIRES: a SYN
void hear_syn(TcpSide& side, const net::TcpSegment& segment) noexcept {
    const bool repeated = side.heard && side.unacked == segment.sequence;
    side.end = repeated ? later(side.end, segment.end()) : segment.end();  // its data may be left out the second time
    side.unacked = segment.sequence;
    side.limit = side.end;  // until somebody offers a window
    side.window = segment.window;
    side.scale = segment.scale.value_or(0);
    side.scales = segment.scale.has_value();
    side.heard = true;
}

// From now on windows are scaled, if both offered it (RFC 7323 2.2), and those of the SYNs are counted in these units.
void agree_on_scales(TcpSide& one, TcpSide& other) noexcept {
    const bool agreed = one.scales && other.scales;
    for (TcpSide* side : {&one, &other}) {
        if (!agreed) side->scale = 0;
        const std::uint32_t unit = 1U << side->scale;
        side->window = static_cast<std::uint16_t>((side->window + unit - 1) >> side->scale);
    }
}

// `window` in bytes. A closed one takes a probe of one byte.
void offer(TcpSide& receiver_of_offer, std::uint32_t acknowledged, std::uint32_t window) noexcept {
    receiver_of_offer.limit = later(receiver_of_offer.limit, acknowledged + std::max<std::uint32_t>(window, 1));
}

// Half of the handshake is done: who sends this has seen the other's SYN. What went before from its side may be
// anybody's.
void answer_syn(TcpSide& sender, TcpSide& receiver, const net::TcpSegment& segment) noexcept {
    hear_syn(sender, segment);
    offer(sender, sender.unacked + 1, receiver.window);  // by a SYN: not scaled
    receiver.unacked = segment.acknowledged;
    offer(receiver, segment.acknowledged, segment.window);
    agree_on_scales(sender, receiver);
}

// Behind the first two segments.
void move_along(TcpSide& sender, TcpSide& receiver, const net::TcpSegment& segment) noexcept {
    // Of who was not heard before, the other side's acknowledgement was a guess.
    receiver.unacked = sender.heard ? later(receiver.unacked, segment.acknowledged) : segment.acknowledged;
    receiver.end = later(receiver.end, segment.acknowledged);  // only ever later where windows are not known
    sender.end = later(sender.end, segment.end());
    sender.heard = true;
    if (tcp_event(segment.flags) == TcpEvent::kSynAck) return;  // repeated; its window is not scaled
    sender.window = std::max(sender.window, segment.window);
    offer(receiver, segment.acknowledged, std::uint32_t{segment.window} << sender.scale);
}

}  // namespace

TcpFit tcp_fit(const TcpTrack& track, FlowState state, Side sender_side, Side initiator,
               const net::TcpSegment& segment) noexcept {
    const TcpSide& sender = track.of(sender_side);
    const TcpSide& receiver = track.of(opposite(sender_side));
    const bool from_initiator = sender_side == initiator;
    if (is_opening(state) && !track.loose())
        return from_initiator ? fit_asking(sender, receiver, state, segment)
                              : fit_answer(sender, receiver, state, segment);

    const TcpEvent event = tcp_event(segment.flags);
    // Behind a reset there is nothing more to say but another one, if the first was lost behind the appliance (a SYN
    // asks for another connection, and does not come here).
    if (state == FlowState::kClosed) return event == TcpEvent::kRst ? TcpFit::kChallenge : TcpFit::kOutside;
    if (event == TcpEvent::kRst) return fit_reset(sender, receiver, segment);
    // Its receiver challenges it, whatever its number (RFC 5961 4.2): so an initiator that lost its memory gets rid of
    // the old connection. The responder's would be a connection the other way, which nobody judged.
    if (event == TcpEvent::kSyn) return from_initiator ? TcpFit::kChallenge : TcpFit::kOutside;
    if (track.loose()) return TcpFit::kBelongs;
    if (!is_inside(sender, receiver, segment)) return TcpFit::kOutside;
    // Behind both FINs there are acknowledgements and repetitions, and nothing new.
    if (state == FlowState::kTimeWait && distance(segment.end(), sender.end) > 0) return TcpFit::kOutside;
    // The third step of the handshake proves that its sender saw the second: no window's width is granted.
    const bool third_step = state == FlowState::kSynReceived && from_initiator;
    return belongs_if(!third_step || acknowledges_syn_of(receiver, segment), TcpFit::kOutside);
}

void tcp_begin(TcpTrack& track, Side sender_side, const net::TcpSegment& segment) noexcept {
    track = {};
    TcpSide& sender = track.of(sender_side);
    TcpSide& receiver = track.of(opposite(sender_side));
    const bool syn = tcp_event(segment.flags) == TcpEvent::kSyn;
    if (syn)
        hear_syn(sender, segment);
    else {
        sender = {.end = segment.end(), .unacked = segment.sequence, .heard = true};
        receiver = {.end = segment.acknowledged, .unacked = segment.acknowledged};
    }
    sender.loose = receiver.loose = !syn || segment.cut;
}

void tcp_advance(TcpTrack& track, FlowState state, Side sender_side, const net::TcpSegment& segment) noexcept {
    TcpSide& sender = track.of(sender_side);
    TcpSide& receiver = track.of(opposite(sender_side));
    const TcpEvent event = tcp_event(segment.flags);
    if (event == TcpEvent::kRst) return;
    const bool opening = is_opening(state) && !track.loose();
    if (segment.cut) sender.loose = receiver.loose = true;
    if (opening) {
        if (event == TcpEvent::kSynAck) return answer_syn(sender, receiver, segment);
        return hear_syn(sender, segment);
    }
    return move_along(sender, receiver, segment);
}

bool tcp_in_stride(TcpTrack& track, Side sender_side, const net::TcpSegment& segment) noexcept {
    assert(tcp_event(segment.flags) == TcpEvent::kOther && segment.has(flag::kAck));
    TcpSide& sender = track.of(sender_side);
    TcpSide& receiver = track.of(opposite(sender_side));
    if (track.loose() || segment.cut || !is_inside(sender, receiver, segment)) return false;
    move_along(sender, receiver, segment);
    return true;
}

bool tcp_is_under_way(const TcpTrack& track, Side sender, std::uint32_t sequence) noexcept {
    const TcpSide& side = track.of(sender);
    if (side.loose) return true;
    return distance(sequence, side.unacked) >= -1 && distance(sequence, side.end) <= 0;
}

}  // namespace drywall::flow

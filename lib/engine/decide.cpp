// The last step of a burst: each subject in its order, by its connection, its first fragment, or policy.
//
// A packet that policy judged is counted under exactly one trace: that of its connection, of its first fragment, or its
// own; those of connections that are kept or were reset, whatever policy says, are counted as that. It is counted there
// also when it dies for another reason afterwards (no room for its connection).

#include <cassert>

#include "burst.h"

namespace drywall::engine {

void Burst::decide() noexcept {
    for (std::size_t i = 0; i < scratch_.subject_count; ++i) {
        const Subject& subject = scratch_.subjects[i];
        if (!subject.current || removed_)
            decide(i);
        else if (scratch_.flows[i]->key.protocol == net::protocol::kTcp)
            follow_tcp(i);
        else
            follow(arrival_of(subject), *scratch_.flows[i]);
    }
}

// A whole packet of a connection that this generation judged and that no packet before it in the burst has ended: what
// decide(i) would do with it is this, and nothing else.
void Burst::follow(const flow::Arrival& arrival, flow::Flow& flow) noexcept {
    traces_.add(flow.trace, arrival.bytes);
    place_.flows.record(flow, arrival);
}

void Burst::follow_tcp(std::size_t i) noexcept {
    const Subject& subject = scratch_.subjects[i];
    flow::Flow& flow = *scratch_.flows[i];
    if (flow::is_over(flow.state)) return decide(i);  // by a packet of this burst; a SYN behind it asks for another one
    const net::TcpSegment segment = net::read_tcp_segment(frames_[subject.packet], meta_of(subject));
    flow::Arrival arrival = arrival_of(subject);
    arrival.tcp = &segment;
    if (place_.flows.record_in_stride(flow, arrival)) return traces_.add(flow.trace, arrival.bytes);

    const Standing standing = stand(flow, subject.sender, segment);
    if (standing.drop != DropReason::kNone) return drop(subject.packet, standing.drop);
    if (!standing.moves) arrival.tcp = nullptr;
    if (standing.observed != DropReason::kNone) observe(subject, standing.observed);
    follow(arrival, flow);
}

void Burst::decide(std::size_t i) noexcept {
    const Subject& subject = scratch_.subjects[i];
    const net::PacketMeta& meta = meta_of(subject);
    if (meta.fragment == net::FragmentKind::kLater) return follow_first_fragment(subject);

    net::FragmentRange range;
    if (meta.fragment == net::FragmentKind::kFirst) {
        // Errors quote little, so that they fit into any packet (RFC 1812 4.3.2.3, RFC 4443 2.4).
        if (net::is_icmp_error(meta.tuple)) return drop(subject.packet, DropReason::kIcmpUnrelated);
        range = net::fragment_range(frames_[subject.packet], meta);
        const DropReason misfit = place_.fragments.check_first(flow::fragment_key(meta), range, now_);
        if (misfit != DropReason::kNone) return drop(subject.packet, misfit);
    }
    const bool is_tcp = meta.tuple.protocol == net::protocol::kTcp;
    flow::Flow* flow = current_flow(i);
    net::TcpSegment segment;
    flow::Arrival arrival = arrival_of(subject);
    DropReason observed = DropReason::kNone;  // why it would be dropped, did a setting not only observe
    bool quotes_none = false;
    if (is_tcp && flow != nullptr) {
        segment = net::read_tcp_segment(frames_[subject.packet], meta);
        const Standing standing = stand(*flow, subject.sender, segment);
        if (standing.drop != DropReason::kNone) return drop(subject.packet, standing.drop);
        if (standing.moves) arrival.tcp = &segment;
        observed = standing.observed;
    } else if (is_tcp && place_.settings.mid_stream != MidStream::kAllow && is_middle(meta.tcp_flags)) {
        if (place_.settings.mid_stream == MidStream::kDrop) return drop(subject.packet, DropReason::kTcpMidStream);
        observed = DropReason::kTcpMidStream;
    } else if (flow == nullptr && net::is_icmp(meta.tuple.protocol)) {
        const Relation relation = relation_of(subject);
        if (relation == Relation::kQuotesLive) return place_.counters.related_passed.add(bytes_of(subject));
        if (relation == Relation::kContradicts) return drop(subject.packet, DropReason::kIcmpUnrelated);
        quotes_none = relation == Relation::kQuotesNone;
    }

    Judgement judgement = flow != nullptr ? judge_flow(i, *flow) : judge(subject);
    if (flow != nullptr && flow->is_watched() && judgement.drop == DropReason::kNone && !judgement.unjudged)
        inspect(subject, *flow, segment, judgement);
    if (quotes_none && judgement.drop == DropReason::kNone && !judgement.untracked)
        return drop(subject.packet, DropReason::kIcmpUnrelated);
    if (judgement.drop != DropReason::kNone || judgement.untracked) flow = nullptr;  // there was none, or it is gone

    flow::FragmentFate* fate = nullptr;
    if (meta.fragment == net::FragmentKind::kFirst) {
        using End = flow::FragmentTable::End;
        const End end = judgement.drop == DropReason::kNone ? End::kPasses : End::kDies;
        fate = place_.fragments.remember(flow::fragment_key(meta), range, end, now_);
        if (fate == nullptr && judgement.drop == DropReason::kNone) judgement.drop = DropReason::kFragmentTableFull;
    }
    const bool opens = judgement.drop == DropReason::kNone && flow == nullptr && !judgement.untracked &&
                       subject.tracked && may_open(meta);
    if (opens && is_tcp) {  // only now: most segments without a connection are denied, and their numbers of no use
        segment = net::read_tcp_segment(frames_[subject.packet], meta);
        arrival.tcp = &segment;
    }
    if (opens && is_tcp && segment.payload > 0 && speaks_too_soon(judgement.trace))
        judgement.drop = DropReason::kInspectUnreadable;
    else if (opens)
        flow = admit(i, arrival, judgement);
    if (fate != nullptr)
        *fate = {.judged = flow != nullptr ? flow->initiator_tuple() : meta.tuple,
                 .generation = ruleset_.generation(),
                 .trace = judgement.trace,
                 .drop = judgement.drop,
                 .unjudged = judgement.unjudged,
                 .sender = subject.sender,
                 .flow = flow,
                 .flow_id = flow != nullptr ? notes(*flow).id : 0};

    count(bytes_of(subject), judgement);
    if (judgement.drop != DropReason::kNone) return drop(subject.packet, judgement);
    if (observed != DropReason::kNone) observe(subject, observed);
    if (flow != nullptr) place_.flows.record(*flow, arrival);
    if (flow != nullptr && flow->is_watched() && flow::is_over(flow->state)) read_to_the_end(*flow);
    if (opens && flow->is_watched() && is_dns(meta.tuple)) listen_to_dns(subject, *flow);
    if (opens) report_.opened(*flow);
}

void Burst::follow_first_fragment(const Subject& subject) noexcept {
    const net::PacketMeta& meta = meta_of(subject);
    const auto [fate, misfit] =
        place_.fragments.follow(flow::fragment_key(meta), net::fragment_range(frames_[subject.packet], meta), now_);
    if (fate == nullptr) return drop(subject.packet, misfit);
    const bool outdated = fate->generation != ruleset_.generation() || is_kept_no_longer(*fate);
    const bool cut = outdated && judge_again(*fate);

    const Judgement judgement{.trace = fate->trace, .drop = fate->drop, .unjudged = fate->unjudged};
    count(bytes_of(subject), judgement);
    if (fate->drop != DropReason::kNone) {
        if (drop_by(fate->trace) != DropReason::kNone && !cut)
            report_.denied(fate->judged, fate->trace, fate->generation, bytes_of(subject));
        return drop(subject.packet, judgement);
    }
    if (!has_live_flow(*fate)) return;
    flow::Arrival arrival = arrival_of(subject);
    arrival.sender = fate->sender;
    place_.flows.record(*fate->flow, arrival);
}

// A datagram may be on its way for longer than its connection may be silent.
bool Burst::has_live_flow(const flow::FragmentFate& fate) const noexcept {
    return fate.flow != nullptr && place_.flows.is(*fate.flow, fate.flow_id) && !place_.flows.expired(*fate.flow, now_);
}

// The subject's connection as it stands now. A connection that is over is ended here.
flow::Flow* Burst::current_flow(std::size_t i) noexcept {
    const Subject& subject = scratch_.subjects[i];
    if (!subject.tracked) return nullptr;
    flow::Flow* flow = scratch_.flows[i];
    if (flow != nullptr ? removed_ && !flow::FlowTable::holds(*flow, scratch_.keys[i]) : opened_)
        flow = place_.flows.find(scratch_.keys[i]);
    if (flow == nullptr) return nullptr;
    const std::uint8_t flags = meta_of(subject).tcp_flags;
    const bool over = place_.flows.expired(*flow, now_) || flow::FlowTable::starts_anew(*flow, subject.sender, flags) ||
                      (is_stale(*flow) && notes(*flow).is_over() && is_forgiven(*flow, flags));
    if (over) end(*flow);
    return over ? nullptr : flow;
}

// May a packet open a connection again that was cut or reset? REQUIRES: the notes say that it is over
bool Burst::is_forgiven(const flow::Flow& flow, std::uint8_t tcp_flags) const noexcept {
    if (flow::tcp_event(tcp_flags) == flow::TcpEvent::kSyn) return true;
    return notes(flow).was_cut() && drop_by(ruleset_.classify(flow.initiator_tuple())) == DropReason::kNone;
}

Burst::Judgement Burst::judge(const Subject& subject) noexcept {
    const net::Tuple& tuple = meta_of(subject).tuple;
    TraceId trace = subject.question == Question::kPacket ? scratch_.answers[subject.answer] : ruleset_.classify(tuple);
    if (waits(trace)) trace = at_first_sight(subject, trace);
    const DropReason drop = drop_by(trace);
    if (drop != DropReason::kNone) report_.denied(tuple, trace, ruleset_.generation(), bytes_of(subject));
    return {trace, drop, is_untracked(trace)};
}

Burst::Judgement Burst::judge_flow(std::size_t i, flow::Flow& flow) noexcept {
    if (!is_stale(flow)) return {flow.trace};  // an established connection never looks at its verdict again
    // Connections opened in this burst are not stale, so a stale one at this place is the one that was asked about.
    const Subject& subject = scratch_.subjects[i];
    const bool asked = subject.question == Question::kInitiator && scratch_.flows[i] == &flow;
    if (is_settled(flow)) return keep(flow, {});
    if (notes(flow).was_denied()) return deny_again(subject, flow);
    const TraceId trace = asked ? scratch_.answers[subject.answer] : ruleset_.classify(flow.initiator_tuple());
    if (notes(flow).was_cut()) report_.denied(flow.initiator_tuple(), trace, ruleset_.generation(), bytes_of(subject));
    return judge_again(flow, trace);
}

// The connection under this generation, by what the change that made it wants of those that were there. `trace` is that
// of its initiator's tuple.
Burst::Judgement Burst::judge_again(flow::Flow& flow, TraceId trace) noexcept {
    if (notes(flow).was_denied()) return {.drop = notes(flow).denied_for, .unjudged = true};
    if (notes(flow).was_reset()) return {.trace = trace, .drop = DropReason::kPolicyDeny, .unjudged = true};
    if (notes(flow).was_cut()) return {.trace = trace, .drop = drop_by(trace)};
    const bool goes_on_reading = flow.is_watched() && (waits(trace) || is_dns(flow.initiator_tuple()));
    if (waits(trace)) trace = at_next_sight(flow, trace);
    const bool denied = drop_by(trace) != DropReason::kNone;
    if (denied && may_be_kept(flow)) return keep(flow, trace);
    if (!denied && is_to_be_reset(flow, trace)) return reset(flow, trace);
    return judge_by(flow, trace, goes_on_reading);
}

// What its initiator sends again is answered again: the reset may have been lost.
Burst::Judgement Burst::deny_again(const Subject& subject, const flow::Flow& flow) noexcept {
    const bool asks = subject.sender == flow.initiator && (meta_of(subject).tcp_flags & net::tcp_flag::kRst) == 0;
    return {.drop = notes(flow).denied_for, .unjudged = true, .answered = asks && place_.settings.layer7.reset_denied};
}

// It stays, or it is cut and gone, or it ends because its packets are untracked now.
Burst::Judgement Burst::judge_by(flow::Flow& flow, TraceId trace, bool goes_on_reading) noexcept {
    if (!goes_on_reading) place_.stop_reading(flow);
    flow.trace = trace;
    flow.generation = ruleset_.generation();
    if (goes_on_reading) flow.watch();
    notes(flow).path = path_of(trace);
    notes(flow).kept_in = {};
    const DropReason drop = drop_by(trace);
    const bool untracked = is_untracked(trace);
    if (untracked) {
        end(flow);
    } else if (drop == DropReason::kNone) {
        report_.rejudged(flow);
    } else {
        cut(flow);
    }
    return {trace, drop, untracked};
}

// A TCP connection is remembered. Or the next packet of its responder, who sends on what nobody acknowledges, would
// open it again the other way round, where policy allows that: and with it pass those that are denied. No generation
// has judged it from now on, so each packet of it is asked about.
void Burst::cut(flow::Flow& flow) noexcept {
    report_.cut(flow);
    place_.stop_reading(flow);
    if (flow.key.protocol != net::protocol::kTcp) return remove(flow);
    notes(flow).kept_in = flow::FlowNotes::kWasCut;
    flow.generation = {};
}

// It passes though policy denies it: what allowed it stays its decision, and nothing is entered under a trace.
Burst::Judgement Burst::keep(flow::Flow& flow, TraceId trace) noexcept {
    if (notes(flow).kept_in == Generation{}) report_.kept();
    notes(flow).kept_in = ruleset_.generation();
    return {.trace = trace, .unjudged = true};
}

// A TCP connection is remembered, or its next packet would open it again; the client's next SYN opens another one. What
// has no handshake is judged anew from its next packet on.
Burst::Judgement Burst::reset(flow::Flow& flow, TraceId trace) noexcept {
    report_.reset(flow);
    place_.stop_reading(flow);
    if (flow.key.protocol == net::protocol::kTcp)
        notes(flow).kept_in = flow::FlowNotes::kWasReset;
    else
        remove(flow);
    return {.trace = trace, .drop = DropReason::kPolicyDeny, .unjudged = true};
}

bool Burst::is_kept(const flow::Flow& flow) const noexcept {
    return notes(flow).kept_in == ruleset_.generation() && may_be_kept(flow);
}

// Its first fragment passed because its connection was kept: the rest goes as that connection goes.
bool Burst::is_kept_no_longer(const flow::FragmentFate& fate) const noexcept {
    if (!fate.unjudged || fate.drop != DropReason::kNone) return false;
    return !has_live_flow(fate) || !is_settled(*fate.flow);
}

// The rest of a datagram whose first fragment does not stand for it any more: an older generation judged it, or its
// connection is kept no longer. Its connection, if it has one, is judged with
// it: the remembered tuple is that of the connection's initiator. True: that cut the connection.
bool Burst::judge_again(flow::FragmentFate& fate) noexcept {
    fate.trace = ruleset_.classify(fate.judged);
    fate.generation = ruleset_.generation();
    fate.drop = drop_by(fate.trace);
    fate.unjudged = false;
    if (!has_live_flow(fate) || !is_stale(*fate.flow)) return false;
    if (notes(*fate.flow).was_cut()) return false;
    const Judgement again = judge_again(*fate.flow, fate.trace);
    fate.drop = again.drop;
    fate.unjudged = again.unjudged;
    return again.drop != DropReason::kNone;
}

// What the numbers of a TCP segment say, before policy is asked: one that is made up changes nothing.
Burst::Standing Burst::stand(flow::Flow& flow, flow::Side sender, const net::TcpSegment& segment) noexcept {
    const flow::TcpFit fit = flow::FlowTable::fit(flow, sender, segment);
    if (fit == flow::TcpFit::kBelongs) return {};
    if (place_.flows.is_answered_anew(flow, sender, segment)) {
        place_.flows.begin_again(flow, segment);
        return {};
    }
    if (fit == flow::TcpFit::kChallenge && flow::tcp_event(segment.flags) == flow::TcpEvent::kSyn)
        place_.flows.ask_again(flow, segment);
    if (fit == flow::TcpFit::kChallenge) return {.moves = false};
    const DropReason misfit = fit == flow::TcpFit::kFalseReset ? DropReason::kTcpReset : DropReason::kTcpWindow;
    if (place_.settings.tcp_window == TcpWindow::kObserve) return {.observed = misfit, .moves = false};
    return {.drop = misfit};
}

// A segment of no known connection that asks for none.
bool Burst::is_middle(std::uint8_t tcp_flags) noexcept { return flow::tcp_event(tcp_flags) != flow::TcpEvent::kSyn; }

// Policy allows the packet; not each has a connection behind it.
bool Burst::may_open(const net::PacketMeta& meta) noexcept {
    const std::uint8_t protocol = meta.tuple.protocol;
    if (net::is_icmp(protocol)) return !flow::is_icmp_reply(meta.tuple);
    return protocol != net::protocol::kTcp || flow::tcp_event(meta.tcp_flags) != flow::TcpEvent::kRst;
}

// A new connection, within the limits; else null, and `judgement` says why the packet dies.
flow::Flow* Burst::admit(std::size_t i, const flow::Arrival& first, Judgement& judgement) noexcept {
    const std::uint32_t of_one_source = place_.settings.per_source_limit;
    if (first.tcp != nullptr && too_many_half_open()) {  // a SYN, or a middle whose other side was not heard yet
        judgement.drop = DropReason::kHalfOpenLimit;
        return nullptr;
    }
    if (of_one_source > 0 && place_.flows.opened_by_source(scratch_.keys[i], first.sender) >= of_one_source) {
        judgement.drop = DropReason::kSourceLimit;
        return nullptr;
    }
    make_room();
    flow::Flow* flow = open(i, first, judgement.trace);
    if (flow == nullptr) judgement.drop = DropReason::kFlowTableFull;
    return flow;
}

// The oldest may have timed out before the sweep came by.
bool Burst::too_many_half_open() noexcept {
    const std::uint32_t limit = place_.settings.half_open_limit;
    if (limit == 0 || place_.flows.counts().half_open < limit) return false;
    flow::Flow* oldest = place_.flows.oldest_half_open();
    if (oldest == nullptr || !place_.flows.expired(*oldest, now_)) return true;
    end(*oldest);
    return false;
}

// In a full table a connection goes that was asked for long ago and never came about: in a flood, one of the flood's.
// Those that did come about stay. What is given up and alive after all is judged anew at its next packet.
void Burst::make_room() noexcept {
    if (place_.flows.size() < place_.flows.capacity()) return;
    if (flow::Flow* oldest = place_.flows.oldest_unanswered(); oldest != nullptr) end(*oldest);
}

flow::Flow* Burst::open(std::size_t i, const flow::Arrival& first, TraceId trace) noexcept {
    const Subject& subject = scratch_.subjects[i];
    flow::Flow* flow = place_.flows.open(scratch_.keys[i], meta_of(subject).tuple.ingress_port, first);
    if (flow == nullptr) return nullptr;
    flow->trace = trace;
    flow->generation = ruleset_.generation();
    if (waits(trace) || is_dns(meta_of(subject).tuple)) flow->watch();
    notes(*flow).path = path_of(trace);
    opened_ = true;
    return flow;
}

// Is it an ICMP error about a live connection that this generation allows, on its way to the one who sent what it
// quotes? REQUIRES: no fragment
Burst::Relation Burst::relation_of(const Subject& subject) noexcept {
    const net::PacketMeta& meta = meta_of(subject);
    if (!net::is_icmp_error(meta.tuple)) return Relation::kNoError;
    auto quote = net::parse_icmp_quote(frames_[subject.packet], meta);
    // An error addressed to someone else than the quoted sender is no answer, but a way to reach a third party.
    if (!quote || quote->tuple.source != meta.tuple.destination || quote->tuple.family != meta.tuple.family)
        return Relation::kQuotesNone;

    // The quoted packet went the other way: it came in where the error leaves.
    const PortId ingress{meta.tuple.ingress_port};
    quote->tuple.ingress_port = static_cast<std::uint16_t>(index(decisions_[subject.packet].egress));
    const auto keyed = flow::keyed(*quote, ingress);
    flow::Flow* flow = keyed ? place_.flows.find(keyed->key) : nullptr;
    if (flow == nullptr || place_.flows.expired(*flow, now_)) return Relation::kQuotesNone;
    if (!is_believable(frames_[subject.packet], meta, *quote, *flow, keyed->sender)) return Relation::kContradicts;
    if (!is_stale(*flow)) return Relation::kQuotesLive;
    if (notes(*flow).was_cut()) return Relation::kQuotesNone;
    const Judgement again = judge_again(*flow, ruleset_.classify(flow->initiator_tuple()));
    return again.drop == DropReason::kNone && !again.untracked ? Relation::kQuotesLive : Relation::kQuotesNone;
}

// Who does not see the connection can name its ends, but not what it has under way (RFC 5927 4.1); and no link takes
// less than every host must be able to send (RFC 791, RFC 8200 5), which would have a sender cut its packets ever
// smaller. An IPv4 router of old says 0: it does not know (RFC 1191 4).
bool Burst::is_believable(const net::FrameView& error, const net::PacketMeta& meta, const net::PacketMeta& quote,
                          const flow::Flow& flow, flow::Side quoted_sender) noexcept {
    constexpr std::uint32_t kLeastIPv4 = 68;
    constexpr std::uint32_t kLeastIPv6 = 1280;
    if (const auto mtu = net::announced_mtu(error, meta)) {
        const bool v6 = meta.tuple.family == net::Family::kIPv6;
        if (v6 ? *mtu < kLeastIPv6 : *mtu != 0 && *mtu < kLeastIPv4) return false;
    }
    if (quote.tuple.protocol != net::protocol::kTcp) return true;
    return flow::tcp_is_under_way(flow.tcp, quoted_sender, net::quoted_tcp_sequence(error, quote));
}

// It passes, and would have died where a setting only observes.
void Burst::observe(const Subject& subject, DropReason reason) noexcept {
    place_.counters.observed.add(meta_of(subject).tuple.ingress_port, reason, bytes_of(subject));
}

// Under its trace; or as kept, or as reset, whatever the trace says. What is kept and dies afterwards (no room for its
// later fragments) is counted as kept, as what is judged is counted under its trace: that says what was decided.
void Burst::count(std::uint32_t bytes, const Judgement& judgement) noexcept {
    if (!judgement.unjudged) return traces_.add(judgement.trace, bytes);
    telemetry::WorkerCounters& counters = place_.counters;
    const bool kept = judgement.drop == DropReason::kNone || judgement.drop == DropReason::kFragmentTableFull;
    (kept ? counters.kept_passed : counters.reset_dropped).add(bytes);
}

void Burst::end(flow::Flow& flow) noexcept {
    if (!notes(flow).is_over()) report_.ended(flow);
    remove(flow);
}

void Burst::remove(flow::Flow& flow) noexcept {
    removed_ = true;
    place_.stop_reading(flow);
    place_.flows.remove(flow);
}

}  // namespace drywall::engine

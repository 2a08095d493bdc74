// The last step of a burst: each subject in its order, by its connection, its first fragment, or policy.
//
// A packet that policy judged is counted under exactly one trace: that of its connection, of its first fragment, or its
// own; those of connections that are kept or were reset, whatever policy says, are counted as that. It is counted there
// also when it dies for another reason afterwards (no room for its connection).

#include <cassert>

#include "burst.h"

namespace drywall::engine {

void Burst::decide() noexcept {
    for (std::size_t i = 0; i < scratch_.subject_count; ++i) decide(i);
}

void Burst::decide(std::size_t i) noexcept {
    const Subject& subject = scratch_.subjects[i];
    const net::PacketMeta& meta = meta_of(subject);
    if (meta.fragment == net::FragmentKind::kLater) return follow_first_fragment(subject);

    flow::Flow* flow = current_flow(i);
    if (flow == nullptr && is_related(subject)) return place_.counters.related_passed.add(bytes_of(subject));
    Judgement judgement = flow != nullptr ? judge_flow(i, *flow) : judge(subject);
    if (judgement.drop != DropReason::kNone || judgement.untracked) flow = nullptr;  // there was none, or it is gone

    flow::FragmentFate* fate = nullptr;
    if (meta.fragment == net::FragmentKind::kFirst) {
        fate = place_.fragments.remember(flow::fragment_key(meta), now_);
        if (fate == nullptr && judgement.drop == DropReason::kNone) judgement.drop = DropReason::kFragmentTableFull;
    }
    const bool opens = judgement.drop == DropReason::kNone && flow == nullptr && !judgement.untracked &&
                       subject.tracked && !(net::is_icmp(meta.tuple.protocol) && flow::is_icmp_reply(meta.tuple));
    if (opens) {
        flow = open(i, judgement.trace);
        if (flow == nullptr) judgement.drop = DropReason::kFlowTableFull;
    }
    if (fate != nullptr)
        *fate = {.judged = flow != nullptr ? flow->initiator_tuple() : meta.tuple,
                 .generation = ruleset_.generation(),
                 .trace = judgement.trace,
                 .drop = judgement.drop,
                 .unjudged = judgement.unjudged,
                 .sender = subject.sender,
                 .flow = flow,
                 .flow_id = flow != nullptr ? flow->id : 0};

    count(bytes_of(subject), judgement);
    if (judgement.drop != DropReason::kNone) return drop(subject.packet, judgement);
    if (flow != nullptr) place_.flows.record(*flow, arrival_of(subject));
    if (opens) report_.opened(*flow);
}

void Burst::follow_first_fragment(const Subject& subject) noexcept {
    flow::FragmentFate* fate = place_.fragments.find(flow::fragment_key(meta_of(subject)), now_);
    if (fate == nullptr) return drop(subject.packet, DropReason::kFragmentUnknown);
    const bool cut = fate->generation != ruleset_.generation() && judge_again(*fate);

    const Judgement judgement{.trace = fate->trace, .drop = fate->drop, .unjudged = fate->unjudged};
    count(bytes_of(subject), judgement);
    if (fate->drop != DropReason::kNone) {
        if (drop_by(fate->trace) != DropReason::kNone && !cut)
            report_.denied(fate->judged, fate->trace, fate->generation, bytes_of(subject));
        return drop(subject.packet, judgement);
    }
    if (fate->flow == nullptr || !flow::FlowTable::is(*fate->flow, fate->flow_id)) return;
    flow::Arrival arrival = arrival_of(subject);
    arrival.sender = fate->sender;
    place_.flows.record(*fate->flow, arrival);
}

// The subject's connection as it stands now. A connection that is over is ended here.
flow::Flow* Burst::current_flow(std::size_t i) noexcept {
    const Subject& subject = scratch_.subjects[i];
    if (!subject.tracked) return nullptr;
    flow::Flow* flow = scratch_.flows[i];
    if (flow != nullptr ? !flow::FlowTable::holds(*flow, scratch_.keys[i]) : opened_)
        flow = place_.flows.find(scratch_.keys[i]);
    if (flow == nullptr) return nullptr;
    const std::uint8_t flags = meta_of(subject).tcp_flags;
    const bool over = place_.flows.expired(*flow, now_) || flow::FlowTable::starts_anew(*flow, subject.sender, flags) ||
                      (is_stale(*flow) && flow->was_reset() && flow::tcp_event(flags) == flow::TcpEvent::kSyn);
    if (over) end(*flow);
    return over ? nullptr : flow;
}

Burst::Judgement Burst::judge(const Subject& subject) noexcept {
    const net::Tuple& tuple = meta_of(subject).tuple;
    const TraceId trace =
        subject.question == Question::kPacket ? scratch_.answers[subject.answer] : ruleset_.classify(tuple);
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
    return judge_again(flow, asked ? scratch_.answers[subject.answer] : ruleset_.classify(flow.initiator_tuple()));
}

// The connection under this generation, by what the change that made it wants of those that were there. `trace` is that
// of its initiator's tuple.
Burst::Judgement Burst::judge_again(flow::Flow& flow, TraceId trace) noexcept {
    if (flow.was_reset()) return {.trace = trace, .drop = DropReason::kPolicyDeny, .unjudged = true};
    const bool denied = drop_by(trace) != DropReason::kNone;
    if (denied && (is_settled(flow) || may_be_kept(flow))) return keep(flow, trace);
    if (!denied && is_to_be_reset(flow, trace)) return reset(flow, trace);
    return judge_by(flow, trace);
}

// It stays, or it is cut and gone, or it ends because its packets are untracked now.
Burst::Judgement Burst::judge_by(flow::Flow& flow, TraceId trace) noexcept {
    flow.trace = trace;
    flow.generation = ruleset_.generation();
    flow.path = path_of(trace);
    flow.kept_in = {};
    const DropReason drop = drop_by(trace);
    const bool untracked = is_untracked(trace);
    if (untracked) {
        end(flow);
    } else if (drop == DropReason::kNone) {
        report_.rejudged(flow);
    } else {
        report_.cut(flow);
        place_.flows.remove(flow);
    }
    return {trace, drop, untracked};
}

// It passes though policy denies it: what allowed it stays its decision, and nothing is entered under a trace.
Burst::Judgement Burst::keep(flow::Flow& flow, TraceId trace) noexcept {
    if (flow.kept_in == Generation{}) report_.kept();
    flow.kept_in = ruleset_.generation();
    return {.trace = trace, .unjudged = true};
}

// A TCP connection is remembered, or its next packet would open it again; the client's next SYN opens another one. What
// has no handshake is judged anew from its next packet on.
Burst::Judgement Burst::reset(flow::Flow& flow, TraceId trace) noexcept {
    report_.reset(flow);
    if (flow.key.protocol == net::protocol::kTcp)
        flow.kept_in = flow::Flow::kWasReset;
    else
        place_.flows.remove(flow);
    return {.trace = trace, .drop = DropReason::kPolicyDeny, .unjudged = true};
}

// The rest of a datagram whose first fragment an older generation judged. Its connection, if it has one, is judged with
// it: the remembered tuple is that of the connection's initiator. True: that cut the connection.
bool Burst::judge_again(flow::FragmentFate& fate) noexcept {
    fate.trace = ruleset_.classify(fate.judged);
    fate.generation = ruleset_.generation();
    fate.drop = drop_by(fate.trace);
    fate.unjudged = false;
    if (fate.flow == nullptr || !flow::FlowTable::is(*fate.flow, fate.flow_id) || !is_stale(*fate.flow)) return false;
    const Judgement again = judge_again(*fate.flow, fate.trace);
    fate.drop = again.drop;
    fate.unjudged = again.unjudged;
    return again.drop != DropReason::kNone;
}

flow::Flow* Burst::open(std::size_t i, TraceId trace) noexcept {
    const Subject& subject = scratch_.subjects[i];
    flow::Flow* flow = place_.flows.open(scratch_.keys[i], meta_of(subject).tuple.ingress_port, arrival_of(subject));
    if (flow == nullptr) return nullptr;
    flow->trace = trace;
    flow->generation = ruleset_.generation();
    flow->path = path_of(trace);
    opened_ = true;
    return flow;
}

// An ICMP error about a live connection that this generation allows, on its way to the one who sent what it quotes.
bool Burst::is_related(const Subject& subject) noexcept {
    const net::PacketMeta& meta = meta_of(subject);
    if (subject.tracked || meta.fragment != net::FragmentKind::kWhole || !net::is_icmp(meta.tuple.protocol))
        return false;
    auto quote = net::parse_icmp_quote(frames_[subject.packet], meta);
    // An error addressed to someone else than the quoted sender is no answer, but a way to reach a third party.
    if (!quote || quote->tuple.source != meta.tuple.destination || quote->tuple.family != meta.tuple.family)
        return false;

    // The quoted packet went the other way: it came in where the error leaves.
    const PortId ingress{meta.tuple.ingress_port};
    quote->tuple.ingress_port = static_cast<std::uint16_t>(index(decisions_[subject.packet].egress));
    const auto keyed = flow::keyed(*quote, ingress);
    flow::Flow* flow = keyed ? place_.flows.find(keyed->key) : nullptr;
    if (flow == nullptr || place_.flows.expired(*flow, now_)) return false;
    if (!is_stale(*flow)) return true;
    const Judgement again = judge_again(*flow, ruleset_.classify(flow->initiator_tuple()));
    return again.drop == DropReason::kNone && !again.untracked;
}

flow::Arrival Burst::arrival_of(const Subject& subject) const noexcept {
    return {.sender = subject.sender, .tcp_flags = meta_of(subject).tcp_flags, .bytes = bytes_of(subject), .at = now_};
}

// Under its trace; or as kept, or as reset, whatever the trace says.
void Burst::count(std::uint32_t bytes, const Judgement& judgement) noexcept {
    if (!judgement.unjudged) return traces_.add(judgement.trace, bytes);
    telemetry::WorkerCounters& counters = place_.counters;
    (judgement.drop == DropReason::kNone ? counters.kept_passed : counters.reset_dropped).add(bytes);
}

void Burst::end(flow::Flow& flow) noexcept {
    if (!flow.was_reset()) report_.ended(flow);
    place_.flows.remove(flow);
}

}  // namespace drywall::engine

// The last step of a burst: each subject in its order, by its connection, its first fragment, or policy.
//
// A packet that policy judged is counted under exactly one trace: that of its connection, of its first fragment, or its
// own. It is counted there also when it dies for another reason afterwards (no room for its connection).

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
                 .sender = subject.sender,
                 .flow = flow,
                 .flow_id = flow != nullptr ? flow->id : 0};

    traces_.add(judgement.trace, bytes_of(subject));
    if (judgement.drop != DropReason::kNone) return drop(subject.packet, judgement.drop);
    if (flow != nullptr) flow::FlowTable::record(*flow, arrival_of(subject));
    if (opens) report_.opened(*flow);
}

void Burst::follow_first_fragment(const Subject& subject) noexcept {
    flow::FragmentFate* fate = place_.fragments.find(flow::fragment_key(meta_of(subject)), now_);
    if (fate == nullptr) return drop(subject.packet, DropReason::kFragmentUnknown);
    const bool cut = fate->generation != ruleset_.generation() && judge_again(*fate);

    traces_.add(fate->trace, bytes_of(subject));
    if (fate->drop != DropReason::kNone) {
        if (drop_by(fate->trace) != DropReason::kNone && !cut)
            report_.denied(fate->judged, fate->trace, fate->generation, bytes_of(subject));
        return drop(subject.packet, fate->drop);
    }
    if (fate->flow == nullptr || !flow::FlowTable::is(*fate->flow, fate->flow_id)) return;
    flow::Arrival arrival = arrival_of(subject);
    arrival.sender = fate->sender;
    flow::FlowTable::record(*fate->flow, arrival);
}

// The subject's connection as it stands now. A connection that is over is ended here.
flow::Flow* Burst::current_flow(std::size_t i) noexcept {
    const Subject& subject = scratch_.subjects[i];
    if (!subject.tracked) return nullptr;
    flow::Flow* flow = scratch_.flows[i];
    if (flow != nullptr ? !flow::FlowTable::holds(*flow, scratch_.keys[i]) : opened_)
        flow = place_.flows.find(scratch_.keys[i]);
    if (flow == nullptr) return nullptr;
    const bool over = place_.flows.expired(*flow, now_) ||
                      flow::FlowTable::starts_anew(*flow, subject.sender, meta_of(subject).tcp_flags);
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
    return judge_again(flow, asked ? scratch_.answers[subject.answer] : ruleset_.classify(flow.initiator_tuple()));
}

// The connection under this generation: it stays, or it is cut and gone, or it ends because its packets are untracked
// now. `trace` is that of its initiator's tuple.
Burst::Judgement Burst::judge_again(flow::Flow& flow, TraceId trace) noexcept {
    flow.trace = trace;
    flow.generation = ruleset_.generation();
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

// The rest of a datagram whose first fragment an older generation judged. Its connection, if it has one, is judged with
// it: the remembered tuple is that of the connection's initiator. True: that cut the connection.
bool Burst::judge_again(flow::FragmentFate& fate) noexcept {
    fate.trace = ruleset_.classify(fate.judged);
    fate.generation = ruleset_.generation();
    fate.drop = drop_by(fate.trace);
    if (fate.flow == nullptr || !flow::FlowTable::is(*fate.flow, fate.flow_id) || !is_stale(*fate.flow)) return false;
    return judge_again(*fate.flow, fate.trace).drop != DropReason::kNone;
}

flow::Flow* Burst::open(std::size_t i, TraceId trace) noexcept {
    const Subject& subject = scratch_.subjects[i];
    flow::Flow* flow = place_.flows.open(scratch_.keys[i], meta_of(subject).tuple.ingress_port, arrival_of(subject));
    if (flow == nullptr) return nullptr;
    flow->trace = trace;
    flow->generation = ruleset_.generation();
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

void Burst::end(flow::Flow& flow) noexcept {
    report_.ended(flow);
    place_.flows.remove(flow);
}

}  // namespace drywall::engine

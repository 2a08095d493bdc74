// The first steps of a burst: everything up to the moment when policy is asked.

#include <algorithm>
#include <cassert>

#include "burst.h"
#include "drywall/net/ethernet.h"

namespace drywall::engine {

void Burst::receive() noexcept {
    // Nearly always the whole burst came in by one port.
    for (std::size_t next = 0; next < frames_.size();) {
        const std::uint16_t ingress = frames_[next].ingress_port;
        assert(ingress < place_.counters.received.size());
        telemetry::PacketsBytes together;
        for (; next < frames_.size() && frames_[next].ingress_port == ingress; ++next)
            together += {1, frames_[next].length};
        place_.counters.received[ingress].add(together);
    }
}

void Burst::triage() noexcept {
    const std::uint64_t ordinary = net::parse(frames_, scratch_.metas);
    const bool any_source = place_.settings.sources.empty();
    scratch_.subject_count = 0;
    for (std::size_t packet = 0; packet < frames_.size(); ++packet) {
        const std::uint16_t ingress = frames_[packet].ingress_port;
        assert(ingress < place_.settings.peer_of.size());
        const std::optional<PortId> peer = place_.settings.peer_of[ingress];
        decisions_[packet] = {.drop = DropReason::kNone, .egress = peer.value_or(PortId{})};

        const bool is_ordinary = (ordinary >> packet & 1) != 0;
        if (peer && (is_ordinary ? any_source || may_enter(packet) : is_for_policy(packet)))
            scratch_.subjects[scratch_.subject_count++] = {.packet = static_cast<std::uint8_t>(packet)};
        else if (!peer)
            drop(packet, DropReason::kNoPeer);
    }
}

// Of what is not ordinary: false, if that decides it already.
bool Burst::is_for_policy(std::size_t packet) noexcept {
    const net::PacketMeta& meta = scratch_.metas[packet];
    if (meta.malformed != DropReason::kNone)
        drop(packet, meta.malformed);
    else if (!meta.is_ip)
        pass_or_drop_non_ip(packet);
    else if (const DropReason bad = check_header(packet); bad != DropReason::kNone)
        drop(packet, bad);
    else if (!may_enter(packet))
        return false;
    else if (place_.settings.neighbour_discovery && net::is_link_control(meta))
        place_.counters.neighbour_discovery_passed.add(frames_[packet].length);
    else
        return true;
    return false;
}

void Burst::pass_or_drop_non_ip(std::size_t packet) noexcept {
    const std::uint16_t name = net::non_ip_name(frames_[packet], scratch_.metas[packet]);
    const auto& rules = place_.settings.non_ip;
    const auto rule = std::find_if(rules.begin(), rules.end(), [name](const NonIpRule& r) { return r.name == name; });
    const Verdict verdict = rule == rules.end() ? place_.settings.non_ip_default : rule->verdict;
    if (verdict == Verdict::kDeny) return drop(packet, DropReason::kNonIp);
    place_.counters.non_ip_passed.add(frames_[packet].length);
}

// What is wrong with a well-formed packet before anyone asks what its two ends may say to each other.
DropReason Burst::check_header(std::size_t packet) const noexcept {
    const EngineSettings& settings = place_.settings;
    const net::PacketMeta& meta = scratch_.metas[packet];
    if (settings.verify_checksums && !net::has_right_checksum(frames_[packet], meta)) return DropReason::kBadChecksum;
    if (settings.neighbour_discovery && net::is_forged_link_control(frames_[packet], meta))
        return DropReason::kNeighbourInvalid;
    if (const DropReason bad = net::check_addresses(meta, settings.addresses); bad != DropReason::kNone) return bad;
    const bool has_flags = meta.tuple.protocol == net::protocol::kTcp && meta.fragment != net::FragmentKind::kLater;
    if (has_flags && !net::is_possible(meta.tcp_flags)) return DropReason::kTcpFlags;
    return DropReason::kNone;
}

// By the source lists of its port; if not, it is dropped.
bool Burst::may_enter(std::size_t packet) noexcept {
    const EngineSettings& settings = place_.settings;
    if (settings.sources.empty()) return true;
    const net::PacketMeta& meta = scratch_.metas[packet];
    const SourceRule& rule = settings.sources[meta.tuple.ingress_port];
    if ((rule.only.empty() && rule.none.empty()) || net::speaks_without_address(meta)) return true;
    const net::Tuple& tuple = meta.tuple;
    if ((rule.only.empty() || rule.only.contains(tuple.family, tuple.source)) &&
        !rule.none.contains(tuple.family, tuple.source))
        return true;
    drop(packet, DropReason::kSpoofed);
    return false;
}

void Burst::find_flows() noexcept {
    const std::size_t count = scratch_.subject_count;
    bool all_tracked = true;
    for (std::size_t i = 0; i < count; ++i) {
        Subject& subject = scratch_.subjects[i];
        const net::PacketMeta& meta = meta_of(subject);
        subject.tracked = meta.fragment != net::FragmentKind::kLater;
        if (net::is_icmp(meta.tuple.protocol))
            write_icmp_key(subject, scratch_.keys[i]);
        else
            subject.sender = flow::write_key(meta.tuple, decisions_[subject.packet].egress, scratch_.keys[i]);
        all_tracked &= subject.tracked;
    }
    place_.flows.find(std::span(scratch_.keys).first(count), scratch_.flows);
    if (all_tracked) return;
    for (std::size_t i = 0; i < count; ++i)
        if (!scratch_.subjects[i].tracked) scratch_.flows[i] = nullptr;
}

void Burst::write_icmp_key(Subject& subject, flow::FlowKey& key) const noexcept {
    const auto keyed = flow::keyed(meta_of(subject), decisions_[subject.packet].egress);
    subject.tracked = keyed.has_value();
    key = keyed ? keyed->key : flow::FlowKey{};
    if (keyed) subject.sender = keyed->sender;
}

void Burst::judge_ahead() noexcept {
    std::uint8_t asked = 0;
    for (std::size_t i = 0; i < scratch_.subject_count; ++i) {
        Subject& subject = scratch_.subjects[i];
        const net::PacketMeta& meta = meta_of(subject);
        const flow::Flow* flow = scratch_.flows[i];
        const bool in_flow = flow != nullptr && !place_.flows.expired(*flow, now_) &&
                             !flow::FlowTable::starts_anew(*flow, subject.sender, meta.tcp_flags);
        subject.current = in_flow && is_current(*flow) && meta.fragment == net::FragmentKind::kWhole;
        if (subject.current || (in_flow ? is_settled(*flow) : meta.fragment == net::FragmentKind::kLater)) continue;

        subject.question = in_flow ? Question::kInitiator : Question::kPacket;
        subject.answer = asked;
        scratch_.questions[asked++] = in_flow ? flow->initiator_tuple() : meta.tuple;
    }
    if (asked > 0) ruleset_.classify(std::span(scratch_.questions).first(asked), scratch_.answers);
}

void Burst::drop(std::size_t packet, DropReason reason) noexcept {
    assert(reason != DropReason::kNone);
    decisions_[packet].drop = reason;
    place_.counters.dropped.add(frames_[packet].ingress_port, reason, frames_[packet].length);
}

// A packet that policy judged, whatever it dies of.
void Burst::drop(std::size_t packet, const Judgement& judgement) noexcept {
    if (!judgement.unjudged) decisions_[packet].trace = judgement.trace;
    decisions_[packet].reset = judgement.answered;
    drop(packet, judgement.drop);
}

}  // namespace drywall::engine

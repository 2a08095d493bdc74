#include "naive_engine.h"

#include <algorithm>
#include <utility>

namespace drywall::engine {

namespace {

using flow::FlowState;

bool is_query(const net::Tuple& tuple) {
    const bool v4 = tuple.protocol == net::protocol::kIcmp;
    return tuple.destination_port == (v4 ? 8 << 8 : 128 << 8) || (v4 && tuple.destination_port == 13 << 8);
}
bool is_reply(const net::Tuple& tuple) {
    const bool v4 = tuple.protocol == net::protocol::kIcmp;
    return tuple.destination_port == (v4 ? 0 : 129 << 8) || (v4 && tuple.destination_port == 14 << 8);
}

// The tuple of a packet that this one answers.
net::Tuple asked_by(net::Tuple tuple, std::uint16_t peer) {
    std::swap(tuple.source, tuple.destination);
    std::swap(tuple.source_port, tuple.destination_port);
    tuple.ingress_port = peer;
    if (!net::is_icmp(tuple.protocol)) return tuple;
    const unsigned reply_type = tuple.source_port >> 8;
    tuple.source_port = 0;
    tuple.destination_port = static_cast<std::uint16_t>((reply_type == 0 ? 8 : reply_type - 1) << 8);
    return tuple;
}

DropReason reason_of(const classify::Trace& trace) {
    if (trace.enforced == Verdict::kAllow) return DropReason::kNone;
    return trace.unmatched ? DropReason::kUnmatched : DropReason::kPolicyDeny;
}

bool is_error(const net::Tuple& tuple) {
    const int type = tuple.destination_port >> 8;
    if (tuple.protocol == net::protocol::kIcmp && tuple.family == net::Family::kIPv4)
        return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
    return tuple.protocol == net::protocol::kIcmpv6 && tuple.family == net::Family::kIPv6 && type >= 1 && type <= 4;
}

// The hop limit that neighbours give to their messages; none: it is no such message.
std::optional<int> hop_limit_on_the_link(const net::PacketMeta& meta) {
    const bool v6 = meta.tuple.protocol == net::protocol::kIcmpv6 && meta.tuple.family == net::Family::kIPv6;
    if (!v6 || meta.fragment == net::FragmentKind::kLater) return std::nullopt;
    const int type = meta.tuple.destination_port >> 8;
    if (type >= 133 && type <= 137) return 255;
    if (type == 130 || type == 131 || type == 132 || type == 143) return 1;
    return std::nullopt;
}

// The traffic has no extension headers but that of fragments.
bool begins_with_fragment_header(const net::FrameView& frame, const net::PacketMeta& meta) {
    return frame.data[meta.l3_offset + 6] == 44;
}

bool has_possible_flags(std::uint8_t flags) {
    const bool fin = (flags & 0x01) != 0;
    const bool syn = (flags & 0x02) != 0;
    const bool rst = (flags & 0x04) != 0;
    const bool ack = (flags & 0x10) != 0;
    if (fin && !ack) return false;
    return (fin ? 1 : 0) + (syn ? 1 : 0) + (rst ? 1 : 0) <= 1 && (fin || syn || rst || ack);
}

bool is_untracked(const classify::Trace& trace, const ruleset::Ruleset& ruleset) {
    return trace.enforced == Verdict::kAllow &&
           std::any_of(trace.enforced_hits.begin(), trace.enforced_hits.end(), [&ruleset](HitId hit) {
               return ruleset.hit(hit).chain == ruleset::Chain::kUntracked && ruleset.hit(hit).action == Action::kAllow;
           });
}

}  // namespace

DropReason NaiveEngine::decide(const net::FrameView& frame, const ruleset::Ruleset& ruleset, Instant now) {
    const net::PacketMeta meta = net::parse(frame);
    if (!settings_.peer_of[frame.ingress_port]) return DropReason::kNoPeer;
    if (meta.malformed != DropReason::kNone) return meta.malformed;
    if (!meta.is_ip) {
        for (const NonIpRule& rule : settings_.non_ip)  // none of them about spanning tree
            if (rule.name == meta.ether_type)
                return rule.verdict == Verdict::kAllow ? DropReason::kNone : DropReason::kNonIp;
        return settings_.non_ip_default == Verdict::kAllow ? DropReason::kNone : DropReason::kNonIp;
    }
    const std::optional<int> hop_limit =
        settings_.neighbour_discovery ? hop_limit_on_the_link(meta) : std::optional<int>{};
    if (hop_limit && (meta.hop_limit != *hop_limit || begins_with_fragment_header(frame, meta)))
        return DropReason::kNeighbourInvalid;
    if (const DropReason bad = check_ends(meta); bad != DropReason::kNone) return bad;
    if (hop_limit) return DropReason::kNone;
    forget_silent(now);
    if (meta.fragment == net::FragmentKind::kLater) return by_first_fragment(frame, meta, ruleset, now);
    const Related about = related(frame, meta, ruleset);
    if (about == Related::kYes) return DropReason::kNone;
    if (about == Related::kMadeUp) return DropReason::kIcmpUnrelated;
    return by_connection(frame, meta, ruleset, now);
}

// What random traffic has of it: a host that talks to itself, loopback, and the sources of the port.
DropReason NaiveEngine::check_ends(const net::PacketMeta& meta) const {
    const net::Tuple& tuple = meta.tuple;
    const bool loopback = tuple.family == net::Family::kIPv4 && (tuple.source[0] == 127 || tuple.destination[0] == 127);
    if (tuple.source == tuple.destination || loopback) return DropReason::kAddressInvalid;
    return DropReason::kNone;
}

NaiveEngine::Datagram* NaiveEngine::datagram_of(const net::PacketMeta& meta) {
    for (Datagram& d : datagrams_) {
        const net::Tuple& a = d.first.tuple;
        const net::Tuple& b = meta.tuple;
        const bool protocol = a.protocol == b.protocol || a.family == net::Family::kIPv6;
        if (d.first.fragment_id == meta.fragment_id && a.source == b.source && a.destination == b.destination &&
            protocol && a.family == b.family && a.ingress_port == b.ingress_port)
            return &d;
    }
    return nullptr;
}

// Byte by byte.
DropReason NaiveEngine::add_piece(Datagram& datagram, const net::FragmentRange& range) {
    if (datagram.spoilt) return DropReason::kFragmentOverlap;
    std::vector<bool> there(65536);
    std::optional<std::uint32_t> end;
    for (const net::FragmentRange& piece : datagram.pieces) {
        if (piece.begin == range.begin && piece.end == range.end) return DropReason::kFragmentDuplicate;
        for (std::uint32_t byte = piece.begin; byte < piece.end; ++byte) there[byte] = true;
        if (piece.last) end = piece.end;
    }
    for (std::uint32_t byte = range.begin; byte < range.end; ++byte)
        datagram.spoilt |= there[byte] || (end && byte >= *end);
    for (std::uint32_t byte = range.end; range.last && byte < there.size(); ++byte) datagram.spoilt |= there[byte];
    if (range.last && end && *end != range.end) datagram.spoilt = true;
    if (datagram.spoilt) return DropReason::kFragmentOverlap;
    datagram.pieces.push_back(range);
    return DropReason::kNone;
}

DropReason NaiveEngine::by_connection(const net::FrameView& frame, const net::PacketMeta& meta,
                                      const ruleset::Ruleset& ruleset, Instant now) {
    if (meta.fragment == net::FragmentKind::kFirst) {
        Datagram* datagram = datagram_of(meta);
        std::uint32_t end = 0;
        std::uint32_t covered = 0;
        for (const net::FragmentRange& piece :
             datagram != nullptr ? datagram->pieces : std::vector<net::FragmentRange>{}) {
            covered += piece.end - piece.begin;
            if (piece.last) end = piece.end;
        }
        const bool over = datagram == nullptr || (!datagram->spoilt && end > 0 && covered == end);
        if (!over)
            if (const DropReason misfit = add_piece(*datagram, net::fragment_range(frame, meta));
                misfit != DropReason::kNone)
                return misfit;
    }
    std::optional<net::TcpSegment> segment;
    if (meta.tuple.protocol == net::protocol::kTcp) {
        if (!has_possible_flags(meta.tcp_flags)) return DropReason::kTcpFlags;
        segment = net::read_tcp_segment(frame, meta);
    }
    const auto peer = static_cast<std::uint16_t>(index(*settings_.peer_of[meta.tuple.ingress_port]));
    bool from_initiator = true;
    Connection* connection = find(meta, peer, from_initiator);
    if (connection != nullptr && meta.tuple.protocol == net::protocol::kTcp &&
        flow::tcp_step(connection->state, flow::tcp_event(meta.tcp_flags), from_initiator).starts_anew) {
        remove(*connection);
        connection = nullptr;
        from_initiator = true;
    }
    if (connection != nullptr && connection->cut) {
        const bool syn = (meta.tcp_flags & 0x17) == 0x02;
        if (syn || classify::judge(ruleset.program(), connection->initiator).enforced == Verdict::kAllow) {
            remove(*connection);
            connection = nullptr;
            from_initiator = true;
        }
    }
    DropReason observed = DropReason::kNone;
    if (connection == nullptr && segment && (meta.tcp_flags & 0x17) != 0x02) {
        if (settings_.mid_stream == MidStream::kDrop) return DropReason::kTcpMidStream;
        if (settings_.mid_stream == MidStream::kObserve) observed = DropReason::kTcpMidStream;
    }
    if (connection != nullptr && segment) {
        NaiveTcp::Answer answer = connection->tcp->ask(connection->state, from_initiator, *segment);
        const int flags = meta.tcp_flags & 0x17;
        const bool accepts_or_refuses = !from_initiator && (flags == 0x12 || flags == 0x14);
        if (answer != NaiveTcp::Answer::kFine && accepts_or_refuses && connection->challenged != 0 &&
            segment->acknowledged == connection->challenged) {
            connection->tcp->begin_again(*segment);
            connection->challenged = 0;
            connection->state = FlowState::kNew;
            answer = NaiveTcp::Answer::kFine;
        }
        if (answer == NaiveTcp::Answer::kPassOn && flags == 0x02) connection->challenged = segment->end();
        const bool strict = settings_.tcp_window == TcpWindow::kStrict;
        if (answer == NaiveTcp::Answer::kWindow && strict) return DropReason::kTcpWindow;
        if (answer == NaiveTcp::Answer::kReset && strict) return DropReason::kTcpReset;
        if (answer == NaiveTcp::Answer::kWindow) observed = DropReason::kTcpWindow;
        if (answer == NaiveTcp::Answer::kReset) observed = DropReason::kTcpReset;
        if (answer != NaiveTcp::Answer::kFine) segment.reset();
    }
    const net::Tuple judged = connection != nullptr ? connection->initiator : meta.tuple;
    classify::Trace trace;
    bool kept = false;
    if (connection != nullptr) {
        const Standing now_is = standing(*connection, ruleset);
        trace = connection->trace;
        kept = now_is == Standing::kKept;
        if (now_is == Standing::kOver) end(*connection);
        if (now_is == Standing::kOver) connection = nullptr;
    } else {
        trace = classify::judge(ruleset.program(), meta.tuple);
        const bool tracked =
            (!net::is_icmp(meta.tuple.protocol) || is_query(meta.tuple)) && !is_untracked(trace, ruleset);
        const bool reset = segment && (meta.tcp_flags & net::tcp_flag::kRst) != 0;
        if (trace.enforced == Verdict::kAllow && tracked && !reset) {
            connection = &connections_.emplace_back(
                Connection{meta.tuple, meta.icmp_id, FlowState::kNew, now, ruleset.generation(), trace, ++last_id_});
            if (segment) connection->tcp.emplace(*segment);
        }
    }
    if (meta.fragment == net::FragmentKind::kFirst)
        remember(frame, meta, connection != nullptr ? judged : meta.tuple, trace, kept, ruleset, now, from_initiator,
                 connection != nullptr ? connection->id : 0);
    count(trace, kept, ruleset.generation());
    const bool allowed = trace.enforced == Verdict::kAllow && !is_untracked(trace, ruleset);
    if (connection == nullptr && allowed && is_error(meta.tuple)) return DropReason::kIcmpUnrelated;
    if (connection != nullptr) arrive(*connection, from_initiator, segment, now);
    if (reason_of(trace) == DropReason::kNone && observed != DropReason::kNone) ++observed_[observed];
    return reason_of(trace);
}

DropReason NaiveEngine::by_first_fragment(const net::FrameView& frame, const net::PacketMeta& meta,
                                          const ruleset::Ruleset& ruleset, Instant now) {
    Datagram* datagram = datagram_of(meta);
    if (datagram == nullptr) return DropReason::kFragmentUnknown;
    if (const DropReason misfit = add_piece(*datagram, net::fragment_range(frame, meta)); misfit != DropReason::kNone)
        return misfit;
    Connection* connection = find(datagram->connection);
    if (datagram->generation != ruleset.generation() || datagram->kept) {
        datagram->trace = classify::judge(ruleset.program(), datagram->judged);
        datagram->generation = ruleset.generation();
        const Standing now_is = connection != nullptr ? standing(*connection, ruleset) : Standing::kOver;
        datagram->kept = now_is == Standing::kKept;
        if (connection != nullptr && now_is == Standing::kOver) {
            end(*connection);
            connection = nullptr;
        }
    }
    count(datagram->trace, datagram->kept, ruleset.generation());
    const DropReason reason = datagram->kept ? DropReason::kNone : reason_of(datagram->trace);
    if (reason == DropReason::kNone && connection != nullptr)
        arrive(*connection, datagram->from_initiator, std::nullopt, now);
    return reason;
}

NaiveEngine::Related NaiveEngine::related(const net::FrameView& frame, const net::PacketMeta& meta,
                                          const ruleset::Ruleset& ruleset) {
    if (meta.fragment == net::FragmentKind::kLater || !is_error(meta.tuple)) return Related::kNo;
    if (meta.fragment == net::FragmentKind::kFirst) return Related::kMadeUp;
    auto quote = net::parse_icmp_quote(frame, meta);
    if (!quote || quote->fragment == net::FragmentKind::kLater) return Related::kNo;
    if (quote->tuple.source != meta.tuple.destination || quote->tuple.family != meta.tuple.family) return Related::kNo;
    const std::uint16_t ingress = meta.tuple.ingress_port;
    quote->tuple.ingress_port = static_cast<std::uint16_t>(index(*settings_.peer_of[ingress]));
    bool from_initiator = true;
    Connection* connection = find(*quote, ingress, from_initiator);
    if (connection == nullptr) return Related::kNo;
    const bool v6 = meta.tuple.family == net::Family::kIPv6;
    const bool too_big = v6 ? meta.tuple.destination_port >> 8 == 2 : meta.tuple.destination_port == 0x304;
    const std::uint8_t* mtu = frame.data + meta.l4_offset + 4;
    const unsigned bytes = (v6 ? mtu[0] << 24 | mtu[1] << 16 : 0) | mtu[2] << 8 | mtu[3];
    if (too_big && (v6 ? bytes < 1280 : bytes > 0 && bytes < 68)) return Related::kMadeUp;
    const std::uint8_t* number = frame.data + quote->l4_offset + 4;
    const std::uint32_t sequence =
        std::uint32_t{number[0]} << 24 | std::uint32_t{number[1]} << 16 | std::uint32_t{number[2]} << 8 | number[3];
    if (connection->tcp && !connection->tcp->under_way(from_initiator, sequence)) return Related::kMadeUp;
    const bool over = standing(*connection, ruleset) == Standing::kOver;
    if (over) end(*connection);
    return over ? Related::kNo : Related::kYes;
}

NaiveEngine::Connection* NaiveEngine::find(const net::PacketMeta& meta, std::uint16_t peer, bool& from_initiator) {
    const bool icmp = net::is_icmp(meta.tuple.protocol);
    for (Connection& connection : connections_) {
        if (connection.icmp_id != meta.icmp_id) continue;
        from_initiator = meta.tuple == connection.initiator;
        if (from_initiator && (!icmp || is_query(meta.tuple))) return &connection;
        const bool answers = !icmp || is_reply(meta.tuple);
        if (answers && asked_by(meta.tuple, peer) == connection.initiator) return from_initiator = false, &connection;
    }
    from_initiator = true;
    return nullptr;
}

NaiveEngine::Connection* NaiveEngine::find(std::uint64_t id) {
    for (Connection& connection : connections_)
        if (connection.id == id) return &connection;
    return nullptr;
}

// A connection that is kept stays what the generation made of it that allowed it.
NaiveEngine::Standing NaiveEngine::standing(Connection& connection, const ruleset::Ruleset& ruleset) {
    const Generation current = ruleset.generation();
    if (connection.cut) {
        connection.trace = classify::judge(ruleset.program(), connection.initiator);
        return Standing::kOver;
    }
    if (connection.generation != current) {
        classify::Trace trace = classify::judge(ruleset.program(), connection.initiator);
        const bool denied = trace.enforced != Verdict::kAllow;
        if (denied && connection.generation >= keep_from_ && connection.generation < current) {
            connection.kept_in = current;
            return Standing::kKept;
        }
        if (denied && connection.kept_in == current) ++let_go_;
        connection.trace = std::move(trace);
        connection.generation = current;
    }
    const bool follows = connection.trace.enforced == Verdict::kAllow && !is_untracked(connection.trace, ruleset);
    return follows ? Standing::kAllowed : Standing::kOver;
}

void NaiveEngine::remember(const net::FrameView& frame, const net::PacketMeta& meta, const net::Tuple& judged,
                           const classify::Trace& trace, bool kept, const ruleset::Ruleset& ruleset, Instant now,
                           bool from_initiator, std::uint64_t connection) {
    const Datagram* before = datagram_of(meta);
    datagrams_.remove_if([before](const Datagram& d) { return &d == before; });
    datagrams_.push_front({meta,
                           judged,
                           now,
                           ruleset.generation(),
                           trace,
                           kept,
                           from_initiator,
                           connection,
                           {net::fragment_range(frame, meta)},
                           false});
}

void NaiveEngine::forget_silent(Instant now) {
    connections_.remove_if([&](const Connection& c) { return now - c.last_seen >= timeout(c); });
    datagrams_.remove_if([&](const Datagram& d) { return now - d.since >= settings_.timeouts.fragment; });
}

// Policy denies it now, or tracks it no more.
void NaiveEngine::end(Connection& connection) {
    if (connection.cut) return;
    connection.cut = connection.tcp.has_value() && connection.trace.enforced != Verdict::kAllow;
    if (!connection.cut) remove(connection);
}

std::size_t NaiveEngine::cut_count() const {
    return static_cast<std::size_t>(
        std::count_if(connections_.begin(), connections_.end(), [](const Connection& c) { return c.cut; }));
}

void NaiveEngine::remove(const Connection& connection) {
    connections_.remove_if([id = connection.id](const Connection& c) { return c.id == id; });
}

// Without a segment, TCP: a packet that moves nothing.
void NaiveEngine::arrive(Connection& connection, bool from_initiator, const std::optional<net::TcpSegment>& segment,
                         Instant now) {
    if (!connection.tcp) {
        connection.last_seen = now;
        if (!from_initiator) connection.state = FlowState::kEstablished;
        return;
    }
    if (!segment) return;
    const FlowState before = connection.state;
    connection.tcp->learn(before, from_initiator, *segment);
    connection.state = flow::tcp_step(before, flow::tcp_event(segment->flags), from_initiator).next;
    const bool shaking_hands =
        before == FlowState::kNew || before == FlowState::kSynCrossed || before == FlowState::kSynReceived;
    if (before == FlowState::kTimeWait || before == FlowState::kClosed) return;
    if (shaking_hands && connection.state == before && !connection.tcp->blind()) return;
    connection.last_seen = now;
}

void NaiveEngine::count(const classify::Trace& trace, bool kept, Generation generation) {
    if (kept) return (void)++kept_;
    for (Counted& counted : counted_)
        if (counted.generation == generation && counted.trace == trace) return (void)++counted.packets;
    counted_.push_back({generation, trace, 1});
}

Nanos NaiveEngine::timeout(const Connection& connection) const {
    const FlowTimeouts& timeouts = settings_.timeouts;
    switch (connection.initiator.protocol) {
        case net::protocol::kTcp:
            if (connection.state == FlowState::kEstablished) return timeouts.tcp_established;
            if (connection.state == FlowState::kTimeWait || connection.state == FlowState::kClosed)
                return timeouts.tcp_closed;
            if (connection.state == FlowState::kInitiatorDone || connection.state == FlowState::kResponderDone)
                return timeouts.tcp_transitory;
            return timeouts.tcp_half_open;
        case net::protocol::kUdp: return timeouts.udp;
        case net::protocol::kIcmp:
        case net::protocol::kIcmpv6: return timeouts.icmp;
        case net::protocol::kSctp:
            return connection.state == FlowState::kEstablished ? timeouts.sctp : timeouts.sctp_half_open;
        default: return timeouts.other;
    }
}

std::size_t NaiveEngine::flow_count(Instant now) {
    forget_silent(now);
    return connections_.size();
}

}  // namespace drywall::engine

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

DropReason reason_of(const classify::Trace& trace, const ruleset::Ruleset& ruleset) {
    if (ruleset.enforcement() == ruleset::Enforcement::kObserve) return DropReason::kNone;
    if (trace.enforced == Verdict::kAllow) return DropReason::kNone;
    return trace.unmatched ? DropReason::kUnmatched : DropReason::kPolicyDeny;
}

bool is_error(const net::Tuple& tuple) {
    const int type = tuple.destination_port >> 8;
    if (tuple.protocol == net::protocol::kIcmp && tuple.family == net::Family::kIPv4)
        return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
    return tuple.protocol == net::protocol::kIcmpv6 && tuple.family == net::Family::kIPv6 && type >= 1 && type <= 4;
}

bool has_possible_flags(std::uint8_t flags) {
    const bool fin = (flags & 0x01) != 0;
    const bool syn = (flags & 0x02) != 0;
    const bool rst = (flags & 0x04) != 0;
    const bool ack = (flags & 0x10) != 0;
    if (fin && !ack) return false;
    return (fin ? 1 : 0) + (syn ? 1 : 0) + (rst ? 1 : 0) <= 1 && (fin || syn || rst || ack);
}
bool is_syn(const net::PacketMeta& meta) {
    return meta.tuple.protocol == net::protocol::kTcp && (meta.tcp_flags & 0x17) == 0x02;
}
bool is_reset(const net::PacketMeta& meta) {
    return meta.tuple.protocol == net::protocol::kTcp && (meta.tcp_flags & net::tcp_flag::kRst) != 0;
}

bool is_untracked(const classify::Trace& trace, const ruleset::Ruleset& ruleset) {
    return trace.enforced == Verdict::kAllow &&
           std::any_of(trace.enforced_hits.begin(), trace.enforced_hits.end(), [&ruleset](HitId hit) {
               return ruleset.hit(hit).chain == ruleset::Chain::kUntracked && ruleset.hit(hit).action == Action::kAllow;
           });
}

std::vector<std::string> path_of(const classify::Trace& trace, const ruleset::Ruleset& ruleset) {
    std::vector<std::string> path;
    for (const HitId hit : trace.enforced_hits) path.push_back(ruleset.hit(hit).identity);
    return path;
}

}  // namespace

NaiveEngine::Decided NaiveEngine::decide(const net::FrameView& frame, const ruleset::Ruleset& ruleset, Instant now,
                                         const Existing& existing) {
    const Subject subject{frame, net::parse(frame), ruleset, existing, now};
    const net::PacketMeta& meta = subject.meta;
    if (!settings_.peer_of[frame.ingress_port]) return {DropReason::kNoPeer};
    if (meta.malformed != DropReason::kNone) return {meta.malformed};
    if (!meta.is_ip) {
        Verdict verdict = settings_.non_ip_default;
        for (auto rule = settings_.non_ip.rbegin(); rule != settings_.non_ip.rend(); ++rule)  // none of spanning tree
            if (rule->name == meta.ether_type) verdict = rule->verdict;
        return {verdict == Verdict::kAllow ? DropReason::kNone : DropReason::kNonIp};
    }
    if (const DropReason bad = check_header(frame, meta); bad != DropReason::kNone) return {bad};
    if (settings_.neighbour_discovery && NaiveAddresses::stays_on_the_link(meta)) return {};
    return meta.fragment == net::FragmentKind::kLater ? by_first_fragment(subject) : by_connection(subject);
}

DropReason NaiveEngine::check_header(const net::FrameView& frame, const net::PacketMeta& meta) const {
    if (settings_.verify_checksums && !NaiveAddresses::has_right_sum(frame, meta)) return DropReason::kBadChecksum;
    if (settings_.neighbour_discovery && NaiveAddresses::is_no_neighbours(frame, meta))
        return DropReason::kNeighbourInvalid;
    if (!NaiveAddresses::are_possible(meta, settings_.addresses)) return DropReason::kAddressInvalid;
    const bool has_flags = meta.tuple.protocol == net::protocol::kTcp && meta.fragment != net::FragmentKind::kLater;
    if (has_flags && !has_possible_flags(meta.tcp_flags)) return DropReason::kTcpFlags;
    if (!sources_.empty() && !NaiveAddresses::may_enter(meta, sources_[frame.ingress_port]))
        return DropReason::kSpoofed;
    return DropReason::kNone;
}

NaiveEngine::Decided NaiveEngine::by_connection(const Subject& subject) {
    const net::PacketMeta& meta = subject.meta;
    const bool first = meta.fragment == net::FragmentKind::kFirst;
    if (first && is_error(meta.tuple)) return {DropReason::kIcmpUnrelated};
    if (first)
        if (const DropReason misfit = check_first(subject); misfit != DropReason::kNone) return {misfit};
    bool from_initiator = true;
    Connection* connection = current(subject, from_initiator);
    std::optional<net::TcpSegment> segment;
    if (meta.tuple.protocol == net::protocol::kTcp) segment = net::read_tcp_segment(subject.frame, meta);
    Standing standing;
    bool quotes_none = false;
    if (segment && connection != nullptr) {
        standing = stand(*connection, from_initiator, *segment);
        if (!standing.moves) segment.reset();
    } else if (segment && !is_syn(meta)) {
        if (settings_.mid_stream == MidStream::kDrop) return {DropReason::kTcpMidStream};
        if (settings_.mid_stream == MidStream::kObserve) standing.observed = DropReason::kTcpMidStream;
    } else if (connection == nullptr) {
        const Related about = related(subject);
        if (about == Related::kYes) return ++unjudged_.related, Decided{};
        if (about == Related::kMadeUp) return {DropReason::kIcmpUnrelated};
        quotes_none = is_error(meta.tuple);
    }
    if (standing.drop != DropReason::kNone) return {standing.drop};

    Judgement judgement = connection != nullptr ? judge_again(*connection, subject) : judge_new(subject);
    if (quotes_none && judgement.drop == DropReason::kNone && !judgement.untracked) return {DropReason::kIcmpUnrelated};
    if (judgement.drop != DropReason::kNone || judgement.untracked)
        connection = nullptr;  // there was none, or it ended
    Datagram* datagram = first ? remember(subject, judgement.drop != DropReason::kNone) : nullptr;
    if (first && datagram == nullptr && judgement.drop == DropReason::kNone)
        judgement.drop = DropReason::kFragmentTableFull;
    const bool tracked = !net::is_icmp(meta.tuple.protocol) || is_query(meta.tuple);
    if (judgement.drop == DropReason::kNone && connection == nullptr && !judgement.untracked && tracked &&
        !is_reset(meta)) {
        judgement.drop = limit_reached(subject);
        if (judgement.drop == DropReason::kNone) connection = &open(subject, judgement, segment);
    }
    if (datagram != nullptr) {
        datagram->judged = connection != nullptr ? connection->initiator : meta.tuple;
        datagram->generation = subject.ruleset.generation();
        datagram->trace = judgement.trace;
        datagram->drop = judgement.drop;
        datagram->unjudged = judgement.unjudged;
        datagram->from_initiator = from_initiator;
        datagram->connection = connection != nullptr ? connection->id : 0;
    }
    Decided decided = finish(subject, judgement);
    if (decided.drop != DropReason::kNone) return decided;
    if (standing.observed != DropReason::kNone) ++observed_[standing.observed];
    if (connection != nullptr) arrive(*connection, from_initiator, segment, subject.now);
    return decided;
}

// The packet's connection, unless it is over: then it ends.
NaiveEngine::Connection* NaiveEngine::current(const Subject& subject, bool& from_initiator) {
    const net::PacketMeta& meta = subject.meta;
    const auto peer = static_cast<std::uint16_t>(index(*settings_.peer_of[meta.tuple.ingress_port]));
    Connection* connection = find(meta, peer, from_initiator);
    if (connection == nullptr) return nullptr;
    const bool anew = connection->tcp &&
                      flow::tcp_step(connection->state, flow::tcp_event(meta.tcp_flags), from_initiator).starts_anew;
    const bool after_reset =
        connection->reset && connection->generation != subject.ruleset.generation() && is_syn(meta);
    const bool allowed_again =
        connection->cut && (is_syn(meta) || reason_of(judge_(subject.ruleset, connection->initiator),
                                                      subject.ruleset) == DropReason::kNone);
    if (!timed_out(*connection, subject.now) && !anew && !after_reset && !allowed_again) return connection;
    remove(*connection);
    from_initiator = true;
    return nullptr;
}

// What the numbers of a segment say of it.
NaiveEngine::Standing NaiveEngine::stand(Connection& connection, bool from_initiator, const net::TcpSegment& segment) {
    const NaiveTcp::Answer answer = connection.tcp->ask(connection.state, from_initiator, segment);
    if (answer == NaiveTcp::Answer::kFine) return {};
    const int flags = segment.flags & 0x17;
    const bool accepts_or_refuses = !from_initiator && (flags == 0x12 || flags == 0x14);
    if (accepts_or_refuses && connection.challenged != 0 && segment.acknowledged == connection.challenged) {
        connection.tcp->begin_again(segment);
        connection.challenged = 0;
        move(connection, FlowState::kNew);
        return {};
    }
    if (answer == NaiveTcp::Answer::kPassOn && flags == 0x02) connection.challenged = segment.end();
    if (answer == NaiveTcp::Answer::kPassOn) return {.moves = false};
    const DropReason misfit = answer == NaiveTcp::Answer::kWindow ? DropReason::kTcpWindow : DropReason::kTcpReset;
    if (settings_.tcp_window == TcpWindow::kObserve) return {.observed = misfit, .moves = false};
    return {.drop = misfit};
}

NaiveEngine::Judgement NaiveEngine::judge_new(const Subject& subject) const {
    const classify::Trace trace = judge_(subject.ruleset, subject.meta.tuple);
    return {trace, reason_of(trace, subject.ruleset), is_untracked(trace, subject.ruleset)};
}

// A connection that an older generation judged: kept, reset, or judged by this one. It is gone if it does not pass, but
// for one of TCP that was reset.
NaiveEngine::Judgement NaiveEngine::judge_again(Connection& connection, const Subject& subject) {
    const ruleset::Ruleset& ruleset = subject.ruleset;
    const Generation current = ruleset.generation();
    if (connection.generation == current) return {connection.trace};
    const classify::Trace trace = judge_(ruleset, connection.initiator);
    if (connection.reset) return {trace, DropReason::kPolicyDeny, false, true};
    const DropReason reason = reason_of(trace, ruleset);
    if (connection.cut) return {trace, reason};
    const bool may_be_kept = connection.generation >= subject.existing.keep_from && connection.generation < current;
    if (reason != DropReason::kNone && may_be_kept) {
        connection.kept_in = current;
        return {trace, DropReason::kNone, false, true};
    }
    Path path = subject.existing.paths.empty() ? Path{} : path_of(trace, ruleset);
    if (reason == DropReason::kNone && connection.generation < subject.existing.reset_before &&
        connection.path != path) {
        connection.reset = true;
        if (!connection.tcp) remove(connection);
        return {trace, DropReason::kPolicyDeny, false, true};
    }
    const bool untracked = is_untracked(trace, ruleset);
    connection.trace = trace;
    connection.path = std::move(path);
    connection.generation = current;
    connection.kept_in.reset();
    if (reason != DropReason::kNone && connection.tcp) {
        connection.cut = true;
        connection.generation = {};
    } else if (reason != DropReason::kNone || untracked) {
        remove(connection);
    }
    return {trace, reason, untracked};
}

// This generation found that policy denies it and keeps it, and keeps it still.
bool NaiveEngine::is_kept(const Connection& connection, const Subject& subject) {
    const Generation current = subject.ruleset.generation();
    return connection.kept_in == current && connection.generation >= subject.existing.keep_from &&
           connection.generation < current;
}

// Why a new connection can't be opened. What has to make room for it is gone.
DropReason NaiveEngine::limit_reached(const Subject& subject) {
    const std::uint32_t half_open = settings_.half_open_limit;
    const bool tcp = subject.meta.tuple.protocol == net::protocol::kTcp;
    if (half_open > 0 && tcp && flow_counts().half_open >= half_open) {
        const Connection* oldest = oldest_half_open();
        if (oldest == nullptr || !timed_out(*oldest, subject.now)) return DropReason::kHalfOpenLimit;
        remove(*oldest);
    }
    const net::Tuple& tuple = subject.meta.tuple;
    const auto of_source = std::count_if(connections_.begin(), connections_.end(), [&tuple](const Connection& c) {
        return c.initiator.source == tuple.source && c.initiator.family == tuple.family;
    });
    if (settings_.per_source_limit > 0 && of_source >= settings_.per_source_limit) return DropReason::kSourceLimit;
    if (connections_.size() < settings_.flow_capacity) return DropReason::kNone;
    const Connection* oldest = oldest_unanswered();
    if (oldest == nullptr) return DropReason::kFlowTableFull;
    remove(*oldest);
    return DropReason::kNone;
}

NaiveEngine::Connection& NaiveEngine::open(const Subject& subject, const Judgement& judgement,
                                           const std::optional<net::TcpSegment>& segment) {
    Connection& connection = connections_.emplace_back();
    connection.initiator = subject.meta.tuple;
    connection.icmp_id = subject.meta.icmp_id;
    connection.last_seen = subject.now;
    connection.generation = subject.ruleset.generation();
    connection.trace = judgement.trace;
    if (!subject.existing.paths.empty()) connection.path = path_of(judgement.trace, subject.ruleset);
    connection.id = ++last_id_;
    if (segment) connection.tcp.emplace(*segment);
    move(connection, FlowState::kNew);
    return connection;
}

NaiveEngine::Decided NaiveEngine::finish(const Subject& subject, const Judgement& judgement) {
    const bool passes = judgement.drop == DropReason::kNone;
    if (judgement.unjudged) {
        ++(judgement.drop == DropReason::kPolicyDeny ? unjudged_.reset : unjudged_.kept);
        return {judgement.drop};
    }
    count(judgement.trace, subject.ruleset.generation());
    return {judgement.drop, passes ? std::nullopt : std::optional(judgement.trace)};
}

NaiveEngine::Decided NaiveEngine::by_first_fragment(const Subject& subject) {
    const ruleset::Ruleset& ruleset = subject.ruleset;
    Datagram* datagram = datagram_of(subject.meta);
    if (datagram == nullptr) return {DropReason::kFragmentUnknown};
    if (timed_out(*datagram, subject.now)) return {DropReason::kFragmentTimeout};
    if (const DropReason misfit = add_piece(*datagram, net::fragment_range(subject.frame, subject.meta));
        misfit != DropReason::kNone)
        return {misfit};
    const bool kept = datagram->unjudged && datagram->drop == DropReason::kNone;
    const Connection* keeper = kept ? find(datagram->connection, subject.now) : nullptr;
    const bool kept_still =
        keeper != nullptr && (keeper->generation == ruleset.generation() || is_kept(*keeper, subject));
    if (datagram->generation != ruleset.generation() || (kept && !kept_still)) {
        datagram->trace = judge_(ruleset, datagram->judged);
        datagram->generation = ruleset.generation();
        datagram->drop = reason_of(datagram->trace, ruleset);
        datagram->unjudged = false;
        Connection* connection = find(datagram->connection, subject.now);
        if (connection != nullptr && connection->generation != ruleset.generation() && !connection->cut) {
            const Judgement again = judge_again(*connection, subject);
            datagram->drop = again.drop;
            datagram->unjudged = again.unjudged;
        }
    }
    Decided decided = finish(subject, {datagram->trace, datagram->drop, false, datagram->unjudged});
    if (decided.drop != DropReason::kNone) return decided;
    if (Connection* connection = find(datagram->connection, subject.now); connection != nullptr)
        arrive(*connection, datagram->from_initiator, std::nullopt, subject.now);
    return decided;
}

NaiveEngine::Related NaiveEngine::related(const Subject& subject) {
    const net::PacketMeta& meta = subject.meta;
    if (meta.fragment != net::FragmentKind::kWhole) return Related::kNo;
    auto quote = net::parse_icmp_quote(subject.frame, meta);
    if (!quote || quote->fragment == net::FragmentKind::kLater) return Related::kNo;
    if (quote->tuple.source != meta.tuple.destination || quote->tuple.family != meta.tuple.family) return Related::kNo;
    const std::uint16_t ingress = meta.tuple.ingress_port;
    quote->tuple.ingress_port = static_cast<std::uint16_t>(index(*settings_.peer_of[ingress]));
    bool from_initiator = true;
    Connection* connection = find(*quote, ingress, from_initiator);
    if (connection == nullptr || timed_out(*connection, subject.now)) return Related::kNo;
    const bool v6 = meta.tuple.family == net::Family::kIPv6;
    const bool too_big = v6 ? meta.tuple.destination_port >> 8 == 2 : meta.tuple.destination_port == 0x304;
    const std::uint8_t* mtu = subject.frame.data + meta.l4_offset + 4;
    const std::uint32_t bytes =
        (v6 ? std::uint32_t{mtu[0]} << 24 | std::uint32_t{mtu[1]} << 16 : 0U) | std::uint32_t{mtu[2]} << 8 | mtu[3];
    if (too_big && (v6 ? bytes < 1280 : bytes > 0 && bytes < 68)) return Related::kMadeUp;
    const std::uint8_t* number = subject.frame.data + quote->l4_offset + 4;
    const std::uint32_t sequence =
        std::uint32_t{number[0]} << 24 | std::uint32_t{number[1]} << 16 | std::uint32_t{number[2]} << 8 | number[3];
    if (connection->tcp && !connection->tcp->under_way(from_initiator, sequence)) return Related::kMadeUp;
    if (connection->cut) return Related::kNo;
    const Judgement again = judge_again(*connection, subject);
    return again.drop == DropReason::kNone && !again.untracked ? Related::kYes : Related::kNo;
}

NaiveEngine::Datagram* NaiveEngine::datagram_of(const net::PacketMeta& meta) {
    for (Datagram& d : datagrams_) {
        const net::Tuple& a = d.first.tuple;
        const net::Tuple& b = meta.tuple;
        const bool protocol = a.protocol == b.protocol || a.family == net::Family::kIPv6;
        if (!d.replaced && d.first.fragment_id == meta.fragment_id && a.source == b.source &&
            a.destination == b.destination && protocol && a.family == b.family && a.ingress_port == b.ingress_port)
            return &d;
    }
    return nullptr;
}

// A datagram that is there, and is not complete, takes the piece or is spoilt by it.
DropReason NaiveEngine::check_first(const Subject& subject) {
    Datagram* datagram = datagram_of(subject.meta);
    if (datagram == nullptr || timed_out(*datagram, subject.now)) return DropReason::kNone;
    std::uint32_t end = 0;
    std::uint32_t covered = 0;
    for (const net::FragmentRange& piece : datagram->pieces) {
        covered += piece.end - piece.begin;
        if (piece.last) end = piece.end;
    }
    const bool complete = end > 0 && covered == end;
    if (complete && !datagram->spoilt) return DropReason::kNone;
    return add_piece(*datagram, net::fragment_range(subject.frame, subject.meta));
}

// Byte by byte.
DropReason NaiveEngine::add_piece(Datagram& datagram, const net::FragmentRange& range) {
    constexpr std::size_t kMostPieces = 128;
    if (datagram.spoilt) return DropReason::kFragmentOverlap;
    std::uint32_t furthest = range.end;
    for (const net::FragmentRange& piece : datagram.pieces) furthest = std::max(furthest, piece.end);
    std::vector<bool> there(furthest);
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
    if (datagram.pieces.size() == kMostPieces) return DropReason::kFragmentFlood;
    datagram.pieces.push_back(range);
    return DropReason::kNone;
}

// Null: there is no room at all. An earlier datagram of that identification keeps its place until its time is over.
NaiveEngine::Datagram* NaiveEngine::remember(const Subject& subject, bool dies) {
    const auto of_kind = [dies](const Datagram& datagram) { return datagram.dies == dies; };
    const auto oldest = [&] { return std::find_if(datagrams_.begin(), datagrams_.end(), of_kind); };
    for (int freed = 0; freed < 2 && oldest() != datagrams_.end() && is_forgotten(*oldest(), subject.now); ++freed)
        datagrams_.erase(oldest());
    const std::uint32_t capacity = settings_.fragment_capacity;
    if (capacity == 0) return nullptr;
    if (Datagram* earlier = datagram_of(subject.meta); earlier != nullptr) earlier->replaced = true;
    const auto places = dies ? std::max<std::uint32_t>(1, capacity / 4) : capacity;
    if (std::count_if(datagrams_.begin(), datagrams_.end(), of_kind) == places) datagrams_.erase(oldest());
    Datagram& datagram = datagrams_.emplace_back(
        Datagram{subject.meta, subject.now, {net::fragment_range(subject.frame, subject.meta)}});
    datagram.dies = dies;
    return &datagram;
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

NaiveEngine::Connection* NaiveEngine::find(std::uint64_t id, Instant now) {
    for (Connection& connection : connections_)
        if (connection.id == id && !timed_out(connection, now)) return &connection;
    return nullptr;
}

NaiveEngine::Connection* NaiveEngine::oldest_half_open() {
    Connection* oldest = nullptr;
    for (Connection& connection : connections_)
        if (connection.half_open_since != 0 &&
            (oldest == nullptr || connection.half_open_since < oldest->half_open_since))
            oldest = &connection;
    return oldest;
}

NaiveEngine::Connection* NaiveEngine::oldest_unanswered() {
    Connection* oldest = nullptr;
    int handshakes = 0;
    int others = 0;
    for (Connection& connection : connections_) {
        if (connection.half_open_since != 0) ++handshakes;
        if (connection.tcp || connection.state != FlowState::kNew) continue;
        ++others;
        if (oldest == nullptr || connection.id < oldest->id) oldest = &connection;
    }
    return handshakes >= others ? oldest_half_open() : oldest;
}

std::size_t NaiveEngine::remembered() const {
    return static_cast<std::size_t>(
        std::count_if(connections_.begin(), connections_.end(), [](const Connection& c) { return c.cut || c.reset; }));
}

void NaiveEngine::remove(const Connection& connection) {
    connections_.remove_if([id = connection.id](const Connection& c) { return c.id == id; });
}

void NaiveEngine::move(Connection& connection, FlowState next) {
    const bool will_be = connection.tcp && flow::is_half_open(next);
    if (!will_be) connection.half_open_since = 0;
    if (will_be && connection.half_open_since == 0) connection.half_open_since = ++last_half_open_;
    connection.state = next;
}

// Without a segment, TCP: a packet that moves nothing.
void NaiveEngine::arrive(Connection& connection, bool from_initiator, const std::optional<net::TcpSegment>& segment,
                         Instant now) {
    if (!connection.tcp) {
        connection.last_seen = now;
        if (!from_initiator) move(connection, FlowState::kEstablished);
        return;
    }
    if (!segment) return;
    const FlowState before = connection.state;
    connection.tcp->learn(before, from_initiator, *segment);
    move(connection, flow::tcp_step(before, flow::tcp_event(segment->flags), from_initiator).next);
    const bool shaking_hands =
        before == FlowState::kNew || before == FlowState::kSynCrossed || before == FlowState::kSynReceived;
    if (before == FlowState::kTimeWait || before == FlowState::kClosed) return;
    if (shaking_hands && connection.state == before && !connection.tcp->blind()) return;
    connection.last_seen = now;
}

void NaiveEngine::count(const classify::Trace& trace, Generation generation) {
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

bool NaiveEngine::timed_out(const Connection& connection, Instant now) const {
    return now - connection.last_seen >= timeout(connection);
}

bool NaiveEngine::timed_out(const Datagram& datagram, Instant now) const {
    return now - datagram.since >= settings_.timeouts.fragment;
}

bool NaiveEngine::is_forgotten(const Datagram& datagram, Instant now) const {
    return now - datagram.since >= 2 * settings_.timeouts.fragment;
}

void NaiveEngine::sweep(Instant now) {
    connections_.remove_if([&](const Connection& connection) { return timed_out(connection, now); });
    datagrams_.remove_if([&](const Datagram& datagram) { return is_forgotten(datagram, now); });
}

flow::StateCounts NaiveEngine::flow_counts() const {
    flow::StateCounts counts;
    for (const Connection& connection : connections_) {
        ++counts.by_state[static_cast<std::size_t>(connection.state)];
        counts.half_open += connection.half_open_since != 0 ? 1U : 0U;
    }
    return counts;
}

}  // namespace drywall::engine

// Connections whose trace depends on what they say: their client's data is read before it passes.
//
// Nothing of the enforced world hangs on reading where policy allows the connection whatever it says
// (Inspection::kObserve): there everything passes, and what can't be read only leaves the pending world with what the
// configuration declares.

#include <string_view>
#include <variant>

#include "burst.h"
#include "drywall/net/udp_payload.h"

namespace drywall::engine {

namespace {

using inspect::Problem;
using ruleset::Truth;

Truth as_truth(Verdict declared) noexcept { return declared == Verdict::kAllow ? Truth::kTrue : Truth::kFalse; }
Truth as_truth(bool holds) noexcept { return holds ? Truth::kTrue : Truth::kFalse; }

// What conditions on requests count as, of a stream with this problem.
Verdict declared_for(Problem problem, const Layer7Settings& settings) noexcept {
    switch (problem) {
        case Problem::kHttp2: return settings.http2;
        case Problem::kNotHttp:
        case Problem::kNotTls: return settings.not_http;
        case Problem::kUpgraded: return settings.upgraded;
        case Problem::kOverLimit: return settings.over_limit;
        case Problem::kUnseen: return settings.unseen;
        case Problem::kNone:
        case Problem::kMalformed: break;
    }
    return settings.malformed;
}

}  // namespace

// What a connection has shown of what conditions ask for.
struct Burst::Shown {
    bool request = false;             // one is matched into workspace_->request
    std::optional<Verdict> requests;  // none will be: conditions on requests count as this
    enum class ServerName : std::uint8_t {
        kNotYet,
        kNamed,     // it is matched into workspace_->server_name
        kNever,     // it is no TLS, so only the address says whom it is meant for
        kDeclared,  // it is TLS and does not say, or it was not seen: `server_name_counts`
    };
    ServerName server_name = ServerName::kNotYet;
    Verdict server_name_counts = Verdict::kDeny;
    bool address_looked_up = false;  // the address's names are matched into workspace_->address_names
    bool unreadable = false;         // a problem decided what could not be read
    bool over_limit = false;         // which was one of room
};

ruleset::Resolution Burst::resolve(TraceId undecided, const net::Tuple& initiator, Shown& shown) noexcept {
    return ruleset_.resolve(
        undecided, [&](inspect::ConditionId condition) noexcept { return truth_of(condition, initiator, shown); });
}

ruleset::Truth Burst::truth_of(inspect::ConditionId condition, const net::Tuple& initiator, Shown& shown) noexcept {
    if (std::holds_alternative<inspect::NameCondition>(ruleset_.condition(condition)))
        return truth_of_name(condition, initiator, shown);
    if (shown.request) return as_truth(ruleset_.conditions().holds(condition, workspace_->request));
    return shown.requests ? as_truth(*shown.requests) : Truth::kUnknown;
}

ruleset::Truth Burst::truth_of_name(inspect::ConditionId condition, const net::Tuple& initiator,
                                    Shown& shown) noexcept {
    const Layer7Settings& settings = place_.settings.layer7;
    if (!shown.address_looked_up) look_up_names(initiator, shown);
    const bool by_address = ruleset_.conditions().holds(condition, workspace_->address_names);
    const bool either = settings.evidence == NameEvidence::kAddressOrSni;
    if (settings.evidence == NameEvidence::kAddress || by_address == either) return as_truth(by_address);
    switch (shown.server_name) {
        case Shown::ServerName::kNotYet: return Truth::kUnknown;
        case Shown::ServerName::kNamed:
            return as_truth(ruleset_.conditions().holds(condition, workspace_->server_name));
        case Shown::ServerName::kNever: return as_truth(!either);
        case Shown::ServerName::kDeclared: break;
    }
    return as_truth(shown.server_name_counts);
}

// False: nothing may be concluded about it.
bool Burst::match(const inspect::Request& request) noexcept {
    workspace_->request.clear();
    return ruleset_.conditions().match_request(request.method, request.path, workspace_->scratch, workspace_->request);
}

void Burst::look_up_names(const net::Tuple& initiator, Shown& shown) noexcept {
    workspace_->address_names.clear();
    shown.address_looked_up = true;
    if (place_.settings.layer7.names == nullptr) return;
    place_.settings.layer7.names->for_each_name(
        {initiator.family, initiator.destination}, now_, [&](std::string_view name) {
            if (!ruleset_.conditions().match_name(name, workspace_->scratch, workspace_->address_names))
                workspace_->address_names.clear();
        });
}

bool Burst::is_dns(const net::Tuple& initiator) const noexcept {
    const bool could_be = place_.dns && initiator.destination_port == inspect::DnsWatch::kPort &&
                          (initiator.protocol == net::protocol::kUdp || initiator.protocol == net::protocol::kTcp);
    return could_be && place_.dns->is_server({initiator.family, initiator.destination});
}

// Before it goes on: whoever connects because of an answer comes after it.
void Burst::listen_to_dns(const Subject& subject, flow::Flow& flow) noexcept {
    const net::PacketMeta& meta = meta_of(subject);
    if (meta.fragment != net::FragmentKind::kWhole) return;
    if (flow.key.protocol == net::protocol::kTcp) return listen_to_dns_over_tcp(subject, flow);
    const std::span<const std::uint8_t> message = net::udp_payload(frames_[subject.packet], meta);
    const inspect::DnsFlow between{notes(flow).id};
    if (subject.sender == flow.initiator)
        place_.dns->from_client(between, message, now_);
    else
        place_.dns->from_server(between, message, now_);
}

// Only answers are read: that they come from the server the connection's numbers say. What can't be read is not
// learned from, and passes.
void Burst::listen_to_dns_over_tcp(const Subject& subject, flow::Flow& flow) noexcept {
    const net::TcpSegment segment = net::read_tcp_segment(frames_[subject.packet], meta_of(subject));
    const std::span<const std::uint8_t> payload = net::tcp_payload(frames_[subject.packet], meta_of(subject));
    if (subject.sender == flow.initiator || segment.payload == 0 || flow::is_over(flow.state)) return;
    const std::uint32_t acknowledged = flow.tcp.of(subject.sender).unacked;
    if (notes(flow).reader == flow::FlowNotes::kNoReader)
        notes(flow).reader = static_cast<std::uint32_t>(place_.inspector.open(inspect::Protocol::kDns, acknowledged));
    if (notes(flow).reader == flow::FlowNotes::kNoReader) return;
    const inspect::Fate fate = place_.inspector.take(
        inspect::ContextId{notes(flow).reader},
        {.sequence = segment.sequence, .payload = payload, .acknowledged = acknowledged, .urgent = false});
    if (fate != inspect::Fate::kPass || payload.size() < segment.payload) return watch_no_more(flow);
    for (inspect::Finding finding; place_.inspector.next(finding);) {
        if (finding.kind == inspect::Finding::Kind::kMessage) place_.dns->from_server_over_tcp(finding.message, now_);
        if (finding.kind == inspect::Finding::Kind::kProblem) return watch_no_more(flow);
    }
}

// A packet that may open a connection: what it shows before anyone has said anything.
TraceId Burst::at_first_sight(const Subject& subject, TraceId undecided) noexcept {
    const net::PacketMeta& meta = meta_of(subject);
    const Layer7Settings& settings = place_.settings.layer7;
    Shown shown;
    if (meta.tuple.protocol != net::protocol::kTcp) {
        shown.server_name = Shown::ServerName::kNever;
        shown.requests = settings.not_http;
    } else if (is_middle(meta.tcp_flags)) {
        shown.server_name = Shown::ServerName::kDeclared;
        shown.server_name_counts = settings.unseen;
        shown.requests = settings.unseen;
    }
    return resolve(undecided, meta.tuple, shown).trace;
}

// A connection that an older generation judged. What it asked for last stands for it; of one that was not read before,
// the beginning is lost.
TraceId Burst::at_next_sight(flow::Flow& flow, TraceId undecided) noexcept {
    const Layer7Settings& settings = place_.settings.layer7;
    Shown shown;
    if (!flow.is_watched() || is_dns(flow.initiator_tuple())) {
        shown.server_name = Shown::ServerName::kDeclared;
        shown.server_name_counts = settings.unseen;
        shown.requests = settings.unseen;
    } else if (const std::uint32_t reader = notes(flow).reader; reader != flow::FlowNotes::kNoReader) {
        inspect::Request last;
        if (notes(flow).is_no_tls) shown.server_name = Shown::ServerName::kNever;
        if (place_.inspector.last_request(inspect::ContextId{reader}, last)) {
            shown.server_name = Shown::ServerName::kNever;
            shown.request = match(last);
        }
    }
    return resolve(undecided, flow.initiator_tuple(), shown).trace;
}

// A segment of a watched connection. REQUIRES: the flow is watched and this generation judged it
void Burst::inspect(const Subject& subject, flow::Flow& flow, const net::TcpSegment& segment,
                    Judgement& judgement) noexcept {
    // Rules that ask what it says come first: then nothing is learned from it.
    if (is_dns(flow.initiator_tuple()) && !waits(ruleset_.classify(flow.initiator_tuple())))
        return listen_to_dns(subject, flow);
    const inspect::ContextId reader{notes(flow).reader};
    if (subject.sender != flow.initiator || segment.payload == 0) {
        if (reader == inspect::kNoContext || subject.sender == flow.initiator) return;
        place_.inspector.acknowledge(reader, flow.tcp.of(flow.initiator).unacked);
        if (place_.inspector.finished(reader)) watch_no_more(flow);
        return;
    }
    const TraceId undecided = ruleset_.classify(flow.initiator_tuple());
    if (!waits(undecided)) return watch_no_more(flow);  // a verdict that the safety, being open, took back
    const bool enforces = ruleset_.verdict(undecided).inspection == ruleset::Inspection::kEnforce;
    const std::span<const std::uint8_t> payload = net::tcp_payload(frames_[subject.packet], meta_of(subject));
    if (segment.cut || payload.size() < segment.payload) {
        if (enforces) judgement.drop = DropReason::kInspectUnreadable;
        return;
    }
    read(subject, flow, segment, undecided, judgement);
}

// Data comes where none belongs only when a window that does not fit is observed. Behind the end the stream would be
// read from its middle. Behind a SYN that nobody answered nobody has agreed to where it begins, and a receiver that
// still has an older connection of these ports would take it.
bool Burst::may_be_read_from_here(const flow::Flow& flow, const net::TcpSegment& segment) noexcept {
    const bool unanswered = flow.state == flow::FlowState::kNew || flow.state == flow::FlowState::kSynCrossed;
    return !flow::is_over(flow.state) && (!unanswered || segment.has(net::tcp_flag::kSyn));
}

void Burst::read(const Subject& subject, flow::Flow& flow, const net::TcpSegment& segment, TraceId undecided,
                 Judgement& judgement) noexcept {
    const bool enforces = ruleset_.verdict(undecided).inspection == ruleset::Inspection::kEnforce;
    if (notes(flow).reader == flow::FlowNotes::kNoReader && !may_be_read_from_here(flow, segment)) {
        // Of a connection that is over, what the receiver acknowledged was read.
        const auto news = static_cast<std::int32_t>(segment.end() - flow.tcp.of(flow.initiator).unacked);
        const bool was_read = flow::is_over(flow.state) && news <= 0;
        if (enforces && !was_read) judgement.drop = DropReason::kInspectUnreadable;
        return;
    }
    const auto no_room = [&] {
        if (enforces && place_.settings.layer7.over_limit == Verdict::kDeny)
            judgement.drop = DropReason::kInspectLimit;  // sent again, it may find room
        else
            settle_unread(Problem::kOverLimit, flow, undecided, judgement);
    };
    if (notes(flow).reader == flow::FlowNotes::kNoReader && !open_reader(flow, segment, undecided)) return no_room();
    const inspect::Fate fate =
        place_.inspector.take(inspect::ContextId{notes(flow).reader},
                              {.sequence = segment.sequence + (segment.has(net::tcp_flag::kSyn) ? 1U : 0U),
                               .payload = net::tcp_payload(frames_[subject.packet], meta_of(subject)),
                               .acknowledged = flow.tcp.of(flow.initiator).unacked,
                               .urgent = segment.has(net::tcp_flag::kUrg)});
    if (fate == inspect::Fate::kLimit) return no_room();
    if (fate == inspect::Fate::kOverlap && enforces) judgement.drop = DropReason::kInspectOverlap;
    if (fate == inspect::Fate::kOverlap) return;

    inspect::Finding finding;
    while (flow.is_watched() && judgement.drop == DropReason::kNone && place_.inspector.next(finding)) {
        const bool reads_tls = finding.kind == inspect::Finding::Kind::kProblem && finding.problem == Problem::kNotTls;
        judge_finding(finding, flow, undecided, judgement);
        // The same bytes again, for the rules that ask for requests.
        if (reads_tls && flow.is_watched() && judgement.drop == DropReason::kNone)
            return read(subject, flow, segment, undecided, judgement);
    }
}

// As what the data is read depends on which condition is asked first: names before requests, as the source's egress
// rules stand before the destination's ingress rules.
bool Burst::open_reader(flow::Flow& flow, const net::TcpSegment& segment, TraceId undecided) noexcept {
    Shown shown;
    if (notes(flow).is_no_tls) shown.server_name = Shown::ServerName::kNever;
    const ruleset::Resolution open = resolve(undecided, flow.initiator_tuple(), shown);
    const bool for_names =
        open.waits_for && std::holds_alternative<inspect::NameCondition>(ruleset_.condition(*open.waits_for));
    const bool with_syn = segment.has(net::tcp_flag::kSyn);
    const std::uint32_t first = with_syn ? segment.sequence + 1 : flow.tcp.of(flow.initiator).unacked;
    const inspect::ContextId reader =
        place_.inspector.open(for_names ? inspect::Protocol::kTls : inspect::Protocol::kHttp, first);
    if (reader == inspect::kNoContext) return false;
    notes(flow).reader = static_cast<std::uint32_t>(reader);
    return true;
}

void Burst::judge_finding(const inspect::Finding& finding, flow::Flow& flow, TraceId undecided,
                          Judgement& judgement) noexcept {
    const Layer7Settings& settings = place_.settings.layer7;
    Shown shown;
    switch (finding.kind) {
        case inspect::Finding::Kind::kProblem: return settle_unread(finding.problem, flow, undecided, judgement);
        case inspect::Finding::Kind::kMessage: return;
        case inspect::Finding::Kind::kRequest:
            shown.server_name = Shown::ServerName::kNever;
            shown.request = match(finding.request);
            if (!shown.request) shown.requests = Verdict::kDeny;
            break;
        case inspect::Finding::Kind::kGreeting:
            shown.requests = settings.not_http;
            if (finding.greeting.server_name.empty() || finding.greeting.encrypted_client_hello) {
                shown.server_name = Shown::ServerName::kDeclared;
                shown.server_name_counts =
                    finding.greeting.encrypted_client_hello ? settings.ech : settings.missing_sni;
                break;
            }
            workspace_->server_name.clear();
            shown.server_name = ruleset_.conditions().match_name(finding.greeting.server_name, workspace_->scratch,
                                                                 workspace_->server_name)
                                    ? Shown::ServerName::kNamed
                                    : Shown::ServerName::kDeclared;
            break;
    }
    conclude(resolve(undecided, flow.initiator_tuple(), shown), flow, shown, judgement);
    tell(finding, flow, judgement);
}

// Nothing more is read of the connection: what conditions count as is declared.
void Burst::settle_unread(inspect::Problem problem, flow::Flow& flow, TraceId undecided,
                          Judgement& judgement) noexcept {
    const Layer7Settings& settings = place_.settings.layer7;
    Shown shown;
    shown.unreadable = true;
    shown.over_limit = problem == Problem::kOverLimit;
    if (problem == Problem::kNotTls) {  // then requests may be asked for
        shown.server_name = Shown::ServerName::kNever;
        const ruleset::Resolution open = resolve(undecided, flow.initiator_tuple(), shown);
        notes(flow).is_no_tls = true;
        place_.stop_reading(flow);
        if (open.waits_for) return;
        conclude(open, flow, shown, judgement);
        if (judgement.drop == DropReason::kNone) watch_no_more(flow);
        return;
    }
    shown.server_name = notes(flow).is_no_tls ? Shown::ServerName::kNever : Shown::ServerName::kDeclared;
    shown.requests = declared_for(problem, settings);
    shown.server_name_counts = problem == Problem::kMalformed ? settings.missing_sni : *shown.requests;
    conclude(resolve(undecided, flow.initiator_tuple(), shown), flow, shown, judgement);
    inspect::Finding unread;
    unread.problem = problem;
    tell(unread, flow, judgement);
    if (judgement.drop == DropReason::kNone) watch_no_more(flow);
}

// From here on the connection stands under the trace of what it asked for last.
void Burst::conclude(const ruleset::Resolution& resolution, flow::Flow& flow, const Shown& shown,
                     Judgement& judgement) noexcept {
    if (resolution.waits_for) return;
    const bool other = flow.trace != resolution.trace;
    flow.trace = judgement.trace = resolution.trace;
    notes(flow).path = path_of(resolution.trace);
    traces_.add_request(resolution.trace);
    const DropReason denied = drop_by(resolution.trace);
    if (denied == DropReason::kNone) {
        if (other) report_.decided(flow);
        return;
    }
    const bool by_condition = denied == DropReason::kHttpDenied || denied == DropReason::kNameDenied;
    judgement.drop = denied;
    if (by_condition && shown.unreadable)
        judgement.drop = shown.over_limit ? DropReason::kInspectLimit : DropReason::kInspectUnreadable;
    deny(flow, judgement);
}

// Its entry stays, so that nothing of it opens it again but a SYN.
void Burst::deny(flow::Flow& flow, Judgement& judgement) noexcept {
    place_.stop_reading(flow);
    flow.watch_no_more();
    report_.denied_inside(flow);
    notes(flow).kept_in = flow::FlowNotes::kWasDenied;
    notes(flow).denied_for = judgement.drop;
    flow.generation = {};
    judgement.answered = place_.settings.layer7.reset_denied;
}

void Burst::watch_no_more(flow::Flow& flow) noexcept {
    place_.stop_reading(flow);
    flow.watch_no_more();
}

// A connection that is over is remembered for a while, but who read it is needed by others: its initiator says nothing
// that was not read. What it sent last may be repeated, perhaps with other bytes, until the receiver has it.
void Burst::read_to_the_end(const flow::Flow& flow) noexcept {
    const flow::TcpSide& initiator = flow.tcp.of(flow.initiator);
    if (flow.state == flow::FlowState::kTimeWait && initiator.unacked != initiator.end) return;
    place_.stop_reading(flow);
}

void Burst::tell(const inspect::Finding& finding, const flow::Flow& flow, const Judgement& judgement) noexcept {
    telemetry::Request told;
    told.worker = place_.settings.worker;
    told.drop = judgement.drop;
    told.trace = judgement.trace;
    told.generation = ruleset_.generation();
    told.flow = notes(flow).id;
    told.time = now_;
    told.tuple = flow.initiator_tuple();
    switch (finding.kind) {
        case inspect::Finding::Kind::kRequest:
            told.kind = telemetry::RequestKind::kHttp;
            told.method = telemetry::ShortText<24>(finding.request.method);
            told.host = telemetry::ShortText<255>(finding.request.host);
            told.path = telemetry::ShortText<255>(finding.request.path);
            break;
        case inspect::Finding::Kind::kGreeting:
            told.kind = telemetry::RequestKind::kTls;
            told.host = telemetry::ShortText<255>(finding.greeting.server_name);
            break;
        case inspect::Finding::Kind::kMessage:
        case inspect::Finding::Kind::kProblem: told.kind = telemetry::RequestKind::kUnread; break;
    }
    if (!place_.requests.push_back(told)) place_.counters.requests_untold.add(1);
}

}  // namespace drywall::engine

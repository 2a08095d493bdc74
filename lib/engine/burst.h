// Burst: one call of Engine::process(), step by step. Between the steps stand the arrays of Scratch.
//
// What the steps before decide() learned about connections is a head start, not the truth: a packet may open, end or
// cut the connection of one that stands behind it in the same burst. decide() goes through the packets in their order,
// checks what it was told and asks again where it no longer holds. So a burst is decided as its packets would be one
// by one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "drywall/engine/engine.h"
#include "drywall/inspect/conditions.h"
#include "drywall/inspect/finding.h"
#include "drywall/net/tcp_segment.h"
#include "flow_reporter.h"
#include "workplace.h"

namespace drywall::engine {

class Burst {
public:
    Burst(Workplace& place, std::span<const net::FrameView> frames, const ruleset::Ruleset& ruleset,
          telemetry::TraceCounters& traces, Instant now, std::span<Decision> decisions, telemetry::EventBatch& events,
          const Existing& existing, inspect::ConditionWorkspace* workspace) noexcept
        : place_(place),
          scratch_(place.scratch),
          frames_(frames),
          ruleset_(ruleset),
          traces_(traces),
          now_(now),
          decisions_(decisions),
          existing_(existing),
          workspace_(workspace),
          report_(place.settings.worker, now, place.flows, place.counters, events) {}

    void receive() noexcept;      // counts what came in
    void triage() noexcept;       // decides what policy does not judge; the rest become subjects
    void find_flows() noexcept;   // looks the subjects' connections up
    void judge_ahead() noexcept;  // classifies what will need it, as far as can be seen
    void decide() noexcept;       // decides the subjects in their order

private:
    // What policy said of a packet, or of the connection it belongs to.
    struct Judgement {
        TraceId trace{};
        DropReason drop = DropReason::kNone;
        bool untracked = false;  // no connection follows; never of one that is there and current
        bool unjudged = false;   // the connection's own standing decided: it is kept, or was reset or denied before
        bool answered = false;   // its end is told to both sides
    };

    // What a TCP segment's numbers say of it.
    struct Standing {
        DropReason drop = DropReason::kNone;
        DropReason observed = DropReason::kNone;  // why it would be dropped, did the setting not only observe
        bool moves = true;  // the connection's state; not: it is passed on for its receiver to challenge
    };
    // What an ICMP error is to the connections that are there.
    enum class Relation : std::uint8_t {
        kNoError,      // policy judges it
        kQuotesNone,   // likewise, and it passes only where policy tracks no connections
        kQuotesLive,   // it belongs to one
        kContradicts,  // it names one, and is made up
    };

    // triage
    void pass_or_drop_non_ip(std::size_t packet) noexcept;
    [[nodiscard]] bool is_for_policy(std::size_t packet) noexcept;
    [[nodiscard]] DropReason check_header(std::size_t packet) const noexcept;
    [[nodiscard]] bool may_enter(std::size_t packet) noexcept;

    // find_flows
    void write_icmp_key(Subject& subject, flow::FlowKey& key) const noexcept;

    // decide
    void decide(std::size_t subject) noexcept;
    void follow(const flow::Arrival& arrival, flow::Flow& flow) noexcept;
    void follow_tcp(std::size_t subject) noexcept;
    void follow_first_fragment(const Subject& subject) noexcept;
    [[nodiscard]] bool has_live_flow(const flow::FragmentFate& fate) const noexcept;
    [[nodiscard]] flow::Flow* current_flow(std::size_t subject) noexcept;
    [[nodiscard]] bool is_forgiven(const flow::Flow& flow, std::uint8_t tcp_flags) const noexcept;
    [[nodiscard]] Judgement judge(const Subject& subject) noexcept;
    [[nodiscard]] Judgement judge_flow(std::size_t subject, flow::Flow& flow) noexcept;
    [[nodiscard]] Judgement judge_again(flow::Flow& flow, TraceId trace) noexcept;
    [[nodiscard]] Judgement judge_by(flow::Flow& flow, TraceId trace, bool goes_on_reading) noexcept;
    [[nodiscard]] Judgement deny_again(const Subject& subject, const flow::Flow& flow) noexcept;
    [[nodiscard]] Judgement keep(flow::Flow& flow, TraceId trace) noexcept;
    [[nodiscard]] Judgement reset(flow::Flow& flow, TraceId trace) noexcept;
    void cut(flow::Flow& flow) noexcept;
    [[nodiscard]] bool judge_again(flow::FragmentFate& fate) noexcept;
    [[nodiscard]] Standing stand(flow::Flow& flow, flow::Side sender, const net::TcpSegment& segment) noexcept;
    [[nodiscard]] static bool is_middle(std::uint8_t tcp_flags) noexcept;

    // inspect: connections whose trace depends on what they say
    // What one has shown of what conditions ask for.
    struct Shown;
    [[nodiscard]] bool waits(TraceId trace) const noexcept {
        return ruleset_.verdict(trace).inspection != ruleset::Inspection::kNone;
    }
    // A SYN that brings data (RFC 7413) would have it delivered before anything is judged. Dropped, it is sent again
    // without.
    [[nodiscard]] bool speaks_too_soon(TraceId trace) const noexcept {
        return ruleset_.verdict(trace).inspection == ruleset::Inspection::kEnforce;
    }
    [[nodiscard]] ruleset::Resolution resolve(TraceId undecided, const net::Tuple& initiator, Shown& shown) noexcept;
    [[nodiscard]] ruleset::Truth truth_of(inspect::ConditionId condition, const net::Tuple& initiator,
                                          Shown& shown) noexcept;
    [[nodiscard]] ruleset::Truth truth_of_name(inspect::ConditionId condition, const net::Tuple& initiator,
                                               Shown& shown) noexcept;
    [[nodiscard]] bool match(const inspect::Request& request) noexcept;
    // Is it about the DNS of a resolver that is believed?
    [[nodiscard]] bool is_dns(const net::Tuple& initiator) const noexcept;
    void listen_to_dns(const Subject& subject, flow::Flow& flow) noexcept;
    void listen_to_dns_over_tcp(const Subject& subject, flow::Flow& flow) noexcept;
    void look_up_names(const net::Tuple& initiator, Shown& shown) noexcept;
    [[nodiscard]] TraceId at_first_sight(const Subject& subject, TraceId undecided) noexcept;
    [[nodiscard]] TraceId at_next_sight(flow::Flow& flow, TraceId undecided) noexcept;
    void inspect(const Subject& subject, flow::Flow& flow, const net::TcpSegment& segment,
                 Judgement& judgement) noexcept;
    void read(const Subject& subject, flow::Flow& flow, const net::TcpSegment& segment, TraceId undecided,
              Judgement& judgement) noexcept;
    [[nodiscard]] bool open_reader(flow::Flow& flow, const net::TcpSegment& segment, TraceId undecided) noexcept;
    void judge_finding(const inspect::Finding& finding, flow::Flow& flow, TraceId undecided,
                       Judgement& judgement) noexcept;
    void settle_unread(inspect::Problem problem, flow::Flow& flow, TraceId undecided, Judgement& judgement) noexcept;
    void conclude(const ruleset::Resolution& resolution, flow::Flow& flow, const Shown& shown,
                  Judgement& judgement) noexcept;
    void watch_no_more(flow::Flow& flow) noexcept;
    [[nodiscard]] static bool may_be_read_from_here(const flow::Flow& flow, const net::TcpSegment& segment) noexcept;
    void read_to_the_end(const flow::Flow& flow) noexcept;
    void deny(flow::Flow& flow, Judgement& judgement) noexcept;
    void tell(const inspect::Finding& finding, const flow::Flow& flow, const Judgement& judgement) noexcept;
    [[nodiscard]] static bool may_open(const net::PacketMeta& meta) noexcept;
    [[nodiscard]] flow::Flow* admit(std::size_t subject, const flow::Arrival& first, Judgement& judgement) noexcept;
    [[nodiscard]] flow::Flow* open(std::size_t subject, const flow::Arrival& first, TraceId trace) noexcept;
    [[nodiscard]] bool too_many_half_open() noexcept;
    void make_room() noexcept;
    [[nodiscard]] Relation relation_of(const Subject& subject) noexcept;
    [[nodiscard]] static bool is_believable(const net::FrameView& error, const net::PacketMeta& meta,
                                            const net::PacketMeta& quote, const flow::Flow& flow,
                                            flow::Side quoted_sender) noexcept;

    [[nodiscard]] const net::PacketMeta& meta_of(const Subject& subject) const noexcept {
        return scratch_.metas[subject.packet];
    }
    [[nodiscard]] std::uint32_t bytes_of(const Subject& subject) const noexcept {
        return frames_[subject.packet].length;
    }
    [[nodiscard]] flow::Arrival arrival_of(const Subject& subject) const noexcept {
        return {.sender = subject.sender, .bytes = bytes_of(subject), .at = now_};
    }
    // This generation judged it, and its packets may follow it unseen.
    [[nodiscard]] bool is_current(const flow::Flow& flow) const noexcept {
        return flow.generation == ruleset_.generation();
    }
    [[nodiscard]] bool is_stale(const flow::Flow& flow) const noexcept {
        return flow.judged_in() != ruleset_.generation();
    }
    [[nodiscard]] flow::FlowNotes& notes(const flow::Flow& flow) const noexcept { return place_.flows.notes(flow); }
    // Nothing has to be asked about it: this generation judged it, or found that policy denies it and keeps it still.
    [[nodiscard]] bool is_settled(const flow::Flow& flow) const noexcept { return !is_stale(flow) || is_kept(flow); }
    [[nodiscard]] bool is_kept(const flow::Flow& flow) const noexcept;
    [[nodiscard]] bool may_be_kept(const flow::Flow& flow) const noexcept {
        return existing_.keeps(flow.judged_in(), ruleset_.generation());
    }
    [[nodiscard]] bool is_kept_no_longer(const flow::FragmentFate& fate) const noexcept;
    [[nodiscard]] bool is_to_be_reset(const flow::Flow& flow, TraceId trace) const noexcept {
        return flow.judged_in() < existing_.reset_before && notes(flow).path != path_of(trace);
    }
    [[nodiscard]] std::uint32_t path_of(TraceId trace) const noexcept {
        return existing_.paths.empty() ? 0 : existing_.paths[index(trace)];
    }
    // The trace's enforced verdict as a drop reason: kNone means allow.
    [[nodiscard]] DropReason drop_by(TraceId trace) const noexcept {
        const ruleset::TraceVerdict& verdict = ruleset_.verdict(trace);
        return verdict.enforced == Verdict::kAllow ? DropReason::kNone : verdict.reason;
    }
    // Allowed by an untracked policy: no connection is opened, and answers are judged as new.
    [[nodiscard]] bool is_untracked(TraceId trace) const noexcept { return ruleset_.verdict(trace).untracked; }
    void count(std::uint32_t bytes, const Judgement& judgement) noexcept;
    void observe(const Subject& subject, DropReason reason) noexcept;
    void drop(std::size_t packet, DropReason reason) noexcept;
    void drop(std::size_t packet, const Judgement& judgement) noexcept;
    void end(flow::Flow& flow) noexcept;
    void remove(flow::Flow& flow) noexcept;

    Workplace& place_;
    Scratch& scratch_;
    std::span<const net::FrameView> frames_;
    const ruleset::Ruleset& ruleset_;
    telemetry::TraceCounters& traces_;
    Instant now_;
    std::span<Decision> decisions_;
    const Existing& existing_;
    inspect::ConditionWorkspace* workspace_;  // not null where the ruleset inspects
    FlowReporter report_;
    bool removed_ = false;  // a connection was removed in this burst: one that was found may be gone
    bool opened_ = false;   // a connection was opened in this burst: one that was not found may be there now
};

}  // namespace drywall::engine

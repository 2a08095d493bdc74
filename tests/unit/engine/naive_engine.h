// NaiveEngine: the engine's slow twin. One packet after the other, connections in a list that is searched from the
// front, every judgement by the linear oracle, limits by counting. It shares with the engine the parser and the table
// of TCP states, and nothing else.
#pragma once

#include <array>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "drywall/classify/oracle.h"
#include "drywall/engine/engine.h"
#include "drywall/net/fragment.h"
#include "naive_addresses.h"
#include "naive_tcp.h"

namespace drywall::engine {

class NaiveEngine {
public:
    using Judge = std::function<classify::Trace(const ruleset::Ruleset&, const net::Tuple&)>;
    static classify::Trace ask_oracle(const ruleset::Ruleset& ruleset, const net::Tuple& tuple) {
        return classify::judge(ruleset.program(), tuple);
    }

    // `sources`: by port, what settings.sources says; empty: any by every port.
    explicit NaiveEngine(EngineSettings settings, Judge judge = ask_oracle, std::vector<NaiveSources> sources = {})
        : settings_(std::move(settings)), judge_(std::move(judge)), sources_(std::move(sources)) {}

    struct Decided {
        DropReason drop = DropReason::kNone;
        std::optional<classify::Trace> trace{};  // of a dropped packet that policy judged
    };
    // Of `existing`, paths matter only by being there: rules are told apart by their identities.
    [[nodiscard]] Decided decide(const net::FrameView& frame, const ruleset::Ruleset& ruleset, Instant now,
                                 const Existing& existing = {});

    // What a whole round of the engine's sweep does.
    void sweep(Instant now);

    // Connections, with those that timed out and that nobody met since.
    [[nodiscard]] std::size_t flow_count() const { return connections_.size(); }
    [[nodiscard]] flow::StateCounts flow_counts() const;
    // Those among them that are over and remembered: cut, or reset.
    [[nodiscard]] std::size_t remembered() const;

    struct Counted {
        Generation generation;
        classify::Trace trace;
        std::uint64_t packets;
    };
    [[nodiscard]] const std::vector<Counted>& counted() const { return counted_; }

    // Packets that passed because a setting only observes.
    [[nodiscard]] const std::map<DropReason, std::uint64_t>& observed() const { return observed_; }
    // What no trace counts: of connections that a change kept, or reset; errors about live ones.
    struct Unjudged {
        std::uint64_t kept = 0;
        std::uint64_t reset = 0;
        std::uint64_t related = 0;
    };
    [[nodiscard]] const Unjudged& unjudged() const { return unjudged_; }

private:
    using Path = std::vector<std::string>;  // the identities of the rules that decided

    struct Connection {
        net::Tuple initiator;
        std::uint16_t icmp_id = 0;
        flow::FlowState state = flow::FlowState::kFree;
        Instant last_seen;
        Generation generation{};
        classify::Trace trace;
        Path path;
        std::uint64_t id = 0;
        std::optional<Generation> kept_in{};  // policy denied it then, and it was kept
        bool reset = false;                   // by a change, and remembered
        bool cut = false;                     // TCP: policy denies it, and none of its segments opens it again
        std::uint64_t half_open_since = 0;    // 0: it is not; else smaller for those that became it earlier
        std::optional<NaiveTcp> tcp{};
        std::uint32_t challenged = 0;  // behind the last SYN that was to be challenged
    };
    enum class Related : std::uint8_t { kNo, kYes, kMadeUp };
    struct Datagram {
        net::PacketMeta first;
        Instant since;
        std::vector<net::FragmentRange> pieces;
        bool dies = false;      // it takes a place among those that do
        bool replaced = false;  // its identification was used again; it still takes its place
        bool spoilt = false;
        net::Tuple judged{};
        Generation generation{};
        classify::Trace trace{};
        DropReason drop = DropReason::kNone;
        bool unjudged = false;
        bool from_initiator = true;
        std::uint64_t connection = 0;  // id; 0: none
    };
    struct Judgement {
        classify::Trace trace;
        DropReason drop = DropReason::kNone;
        bool untracked = false;
        bool unjudged = false;
    };
    // One packet on its way.
    struct Subject {
        const net::FrameView& frame;
        net::PacketMeta meta;
        const ruleset::Ruleset& ruleset;
        const Existing& existing;
        Instant now;
    };

    [[nodiscard]] DropReason check_header(const net::FrameView& frame, const net::PacketMeta& meta) const;
    [[nodiscard]] Decided by_connection(const Subject& subject);
    [[nodiscard]] Decided by_first_fragment(const Subject& subject);
    [[nodiscard]] Connection* current(const Subject& subject, bool& from_initiator);
    [[nodiscard]] Related related(const Subject& subject);
    [[nodiscard]] DropReason check_first(const Subject& subject);
    struct Standing {
        DropReason drop = DropReason::kNone;
        DropReason observed = DropReason::kNone;
        bool moves = true;
    };
    [[nodiscard]] Standing stand(Connection& connection, bool from_initiator, const net::TcpSegment& segment);
    [[nodiscard]] Judgement judge_new(const Subject& subject) const;
    [[nodiscard]] Judgement judge_again(Connection& connection, const Subject& subject);
    [[nodiscard]] DropReason limit_reached(const Subject& subject);
    Connection& open(const Subject& subject, const Judgement& judgement, const std::optional<net::TcpSegment>& segment);
    [[nodiscard]] Decided finish(const Subject& subject, const Judgement& judgement);

    [[nodiscard]] Datagram* datagram_of(const net::PacketMeta& meta);
    [[nodiscard]] static DropReason add_piece(Datagram& datagram, const net::FragmentRange& range);
    [[nodiscard]] Datagram* remember(const Subject& subject, bool dies);

    [[nodiscard]] Connection* find(const net::PacketMeta& meta, std::uint16_t peer, bool& from_initiator);
    [[nodiscard]] Connection* find(std::uint64_t id, Instant now);
    void remove(const Connection& connection);
    void move(Connection& connection, flow::FlowState next);
    void arrive(Connection& connection, bool from_initiator, const std::optional<net::TcpSegment>& segment,
                Instant now);
    [[nodiscard]] Connection* oldest_half_open();
    [[nodiscard]] Connection* oldest_unanswered();
    [[nodiscard]] static bool is_kept(const Connection& connection, const Subject& subject);
    void count(const classify::Trace& trace, Generation generation);
    [[nodiscard]] bool timed_out(const Connection& connection, Instant now) const;
    [[nodiscard]] bool timed_out(const Datagram& datagram, Instant now) const;
    [[nodiscard]] bool is_forgotten(const Datagram& datagram, Instant now) const;
    [[nodiscard]] Nanos timeout(const Connection& connection) const;

    EngineSettings settings_;
    Judge judge_;
    std::vector<NaiveSources> sources_;
    std::list<Connection> connections_;
    std::list<Datagram> datagrams_;  // the oldest first
    std::vector<Counted> counted_;
    std::map<DropReason, std::uint64_t> observed_;
    Unjudged unjudged_;
    std::uint64_t last_id_ = 0;
    std::uint64_t last_half_open_ = 0;
};

}  // namespace drywall::engine

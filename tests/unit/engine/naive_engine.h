// NaiveEngine: the engine's slow twin. One packet after the other, connections in a list that is searched from the
// front, every judgement by the linear oracle, no capacity, no limits. It shares with the engine the parser and the
// table of TCP states, and nothing else.
#pragma once

#include <list>
#include <map>
#include <utility>
#include <vector>

#include "drywall/classify/oracle.h"
#include "drywall/engine/engine.h"
#include "drywall/net/fragment.h"
#include "naive_tcp.h"

namespace drywall::engine {

class NaiveEngine {
public:
    explicit NaiveEngine(EngineSettings settings) : settings_(std::move(settings)) {}

    [[nodiscard]] DropReason decide(const net::FrameView& frame, const ruleset::Ruleset& ruleset, Instant now);

    // From now on, connections that a generation from this one on has allowed pass where a later one denies them.
    void keep_from(Generation oldest) { keep_from_ = oldest; }

    // Connections that have not timed out, and those among them that were cut.
    [[nodiscard]] std::size_t flow_count(Instant now);
    [[nodiscard]] std::size_t cut_count() const;

    [[nodiscard]] std::uint64_t kept() const { return kept_; }  // packets of connections that are kept
    [[nodiscard]] std::uint64_t let_go() const {
        return let_go_;
    }  // connections that were kept, and then cut by the same

    struct Counted {
        Generation generation;
        classify::Trace trace;
        std::uint64_t packets;
    };
    [[nodiscard]] const std::vector<Counted>& counted() const { return counted_; }

    // Packets that passed because a setting only observes.
    [[nodiscard]] const std::map<DropReason, std::uint64_t>& observed() const { return observed_; }

private:
    struct Connection {
        net::Tuple initiator;
        std::uint16_t icmp_id = 0;
        flow::FlowState state = flow::FlowState::kNew;
        Instant last_seen;
        Generation generation{};
        classify::Trace trace;
        std::uint64_t id = 0;
        std::optional<NaiveTcp> tcp{};
        std::uint32_t challenged = 0;  // behind the last SYN that was to be challenged
        Generation kept_in{};          // who denies it
        bool cut = false;              // TCP: it is over, and none of its packets opens it again while policy denies it
    };
    enum class Standing : std::uint8_t { kAllowed, kKept, kOver };
    enum class Related : std::uint8_t { kNo, kYes, kMadeUp };
    struct Datagram {
        net::PacketMeta first;
        net::Tuple judged;
        Instant since;
        Generation generation{};
        classify::Trace trace;
        bool kept = false;
        bool from_initiator = true;
        std::uint64_t connection = 0;  // id; 0: none
        std::vector<net::FragmentRange> pieces;
        bool spoilt = false;
    };
    [[nodiscard]] Datagram* datagram_of(const net::PacketMeta& meta);
    [[nodiscard]] static DropReason add_piece(Datagram& datagram, const net::FragmentRange& range);
    [[nodiscard]] DropReason check_ends(const net::PacketMeta& meta) const;

    [[nodiscard]] DropReason by_connection(const net::FrameView& frame, const net::PacketMeta& meta,
                                           const ruleset::Ruleset& ruleset, Instant now);
    [[nodiscard]] DropReason by_first_fragment(const net::FrameView& frame, const net::PacketMeta& meta,
                                               const ruleset::Ruleset& ruleset, Instant now);
    [[nodiscard]] Related related(const net::FrameView& frame, const net::PacketMeta& meta,
                                  const ruleset::Ruleset& ruleset);
    [[nodiscard]] Connection* find(const net::PacketMeta& meta, std::uint16_t peer, bool& from_initiator);
    [[nodiscard]] Connection* find(std::uint64_t id);
    [[nodiscard]] Standing standing(Connection& connection, const ruleset::Ruleset& ruleset);
    void remember(const net::FrameView& frame, const net::PacketMeta& meta, const net::Tuple& judged,
                  const classify::Trace& trace, bool kept, const ruleset::Ruleset& ruleset, Instant now,
                  bool from_initiator, std::uint64_t connection);
    void end(Connection& connection);
    void forget_silent(Instant now);
    void remove(const Connection& connection);
    static void arrive(Connection& connection, bool from_initiator, const std::optional<net::TcpSegment>& segment,
                       Instant now);
    void count(const classify::Trace& trace, bool kept, Generation generation);
    [[nodiscard]] Nanos timeout(const Connection& connection) const;

    EngineSettings settings_;
    std::list<Connection> connections_;
    std::list<Datagram> datagrams_;
    std::vector<Counted> counted_;
    std::map<DropReason, std::uint64_t> observed_;
    std::uint64_t last_id_ = 0;
    Generation keep_from_ = Existing::kNone;
    std::uint64_t kept_ = 0;
    std::uint64_t let_go_ = 0;
};

}  // namespace drywall::engine

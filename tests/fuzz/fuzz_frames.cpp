// Sequences of frames through the whole engine: connections, TCP's states, fragments, limits, time, generations that
// check, keep or reset what is there. Beside it runs one whose rulesets lack the staged policies. After each step the
// promises that need no oracle are checked.
#include <array>
#include <memory>
#include <set>
#include <tuple>
#include <vector>

#include "accounts.h"
#include "drywall/engine/engine.h"
#include "engine_input.h"
#include "input.h"
#include "worlds.h"

namespace {

using namespace drywall;
using engine::Decision;
using engine::Engine;
using engine::EngineSettings;
using fuzz::Input;
using fuzz::require;

constexpr std::size_t kMostGenerations = 12;

// One engine with all that it counts.
class Side {
public:
    Side(const std::vector<fuzz::World>& worlds, const EngineSettings& settings)
        : worlds_(worlds), most_flows_(settings.flow_capacity), counters_(fuzz::kPorts), engine_(settings, counters_) {
        use(0, Generation{1}, fuzz::How::kRecheck);
    }

    void use(std::size_t world, Generation generation, fuzz::How how) {
        judged_ += packets_of_traces();
        in_force_ = fuzz::publish(worlds_[world], generation, ruleset::Enforcement::kEnforce, how,
                                  in_force_.ruleset ? &in_force_ : nullptr);
        traces_ = std::make_unique<telemetry::TraceCounters>(in_force_.ruleset->trace_count());
    }

    std::span<const Decision> burst(const test::Frames& frames, Instant now) {
        events_.clear();
        decisions_.fill({.drop = DropReason::kTxRefused});  // which the engine never says
        engine_.process(frames.views(), *in_force_.ruleset, *traces_, now, decisions_, events_, in_force_.existing);
        for (std::size_t i = 0; i < frames.size(); ++i) forwarded_ += decisions_[i].drop == DropReason::kNone ? 1U : 0U;
        check_connections();
        return std::span(decisions_).first(frames.size());
    }
    void sweep(Instant now) {
        events_.clear();
        engine_.sweep(now, events_);
        check_connections();
    }
    void begin_census() {
        engine_.begin_census();
        counted_.clear();
    }
    void census(Instant now, std::size_t entries) {
        flow::CensusBatch found;
        (void)engine_.census(now, in_force_.ruleset->generation(), in_force_.existing, entries, found);
        for (const flow::CensusEntry& entry : found) {
            require(counted_.insert(entry.flow).second, "a census counts a connection once");
            require(entry.state != flow::FlowState::kFree, "a census counts living connections");
        }
    }

    [[nodiscard]] const flow::StateCounts& counts() const { return engine_.flow_counts(); }
    // Counters only grow, so that it is enough to add them up at the end.
    void check_packets() const {
        std::uint64_t received = 0;
        for (const auto& port : counters_.received) received += port.read().packets;
        require(received == forwarded_ + engine::dropped_packets(counters_), "received = forwarded + drops");
        require(received == judged_ + packets_of_traces() + engine::unjudged_packets(counters_),
                "every packet is judged once or says why not");
    }

private:
    [[nodiscard]] std::uint64_t packets_of_traces() const {
        std::uint64_t packets = 0;
        for (std::uint32_t trace = 0; traces_ && trace < traces_->size(); ++trace)
            packets += traces_->read(TraceId{trace}).packets;
        return packets;
    }
    void check_connections() const {
        const flow::StateCounts& counts = engine_.flow_counts();
        std::uint32_t sum = 0;
        std::uint32_t half_open = 0;
        for (std::size_t state = 0; state < flow::kFlowStates; ++state) {
            sum += counts.by_state[state];
            if (flow::is_half_open(static_cast<flow::FlowState>(state))) half_open += counts.by_state[state];
        }
        require(engine_.flow_count() <= most_flows_, "no more connections than the table has room for");
        require(sum == engine_.flow_count(), "the states add up to the connections");
        require(counts.by_state[0] == 0, "no connection is free");
        require(counts.half_open <= half_open, "half-open connections are in half-open states");
        // A connection that was cut or reset has ended, and may be remembered.
        require(counters_.flows_opened.read() - counters_.flows_ended.read() <= engine_.flow_count(),
                "opened - ended = the connections that are there, but for those that were cut or reset");
    }

    const std::vector<fuzz::World>& worlds_;
    std::uint32_t most_flows_;
    fuzz::Publication in_force_;
    telemetry::WorkerCounters counters_;
    Engine engine_;
    std::unique_ptr<telemetry::TraceCounters> traces_;  // of the ruleset in force
    std::uint64_t judged_ = 0;                          // packets, under those before
    std::array<Decision, kMaxBurst> decisions_;
    telemetry::EventBatch events_;
    std::set<std::uint64_t> counted_;
    std::uint64_t forwarded_ = 0;
};

class Run {
public:
    explicit Run(Input& input)
        : input_(input),
          settings_(fuzz::site_from(input).settings),
          frames_(input),
          staged_(fuzz::rehearsing_worlds(), settings_),
          plain_(fuzz::worlds(), settings_) {}

    void step() {
        switch (input_.byte() % 16) {
            case 0: now_ = now_ + std::chrono::milliseconds(100 * input_.byte()); return;
            case 1: now_ = now_ + std::chrono::seconds(input_.byte()); return;
            case 2: return both([this](Side& side) { side.sweep(now_); });
            case 3: return both([](Side& side) { side.begin_census(); });
            case 4: {
                const std::size_t entries = input_.byte() % (flow::kCensusStep + 1);
                return both([this, entries](Side& side) { side.census(now_, entries); });
            }
            case 5: return change();
            case 6: return burst(2 + input_.byte() % 4);
            default: return burst(1);
        }
    }

    void finish() const {
        staged_.check_packets();
        plain_.check_packets();
    }

private:
    template <typename Do>
    void both(Do what) {
        what(staged_);
        what(plain_);
    }

    void change() {
        if (generation_ == kMostGenerations) return;
        ++generation_;
        const std::size_t world = input_.byte() % fuzz::worlds().size();
        const auto how = static_cast<fuzz::How>(input_.byte() % 3);
        both([&](Side& side) { side.use(world, Generation{generation_}, how); });
    }

    void burst(std::size_t count) {
        test::Frames frames;
        for (; count > 0; --count) frames_.add_to(frames);
        const std::uint32_t half_open = staged_.counts().half_open;
        const std::span<const Decision> with = staged_.burst(frames, now_);
        const std::span<const Decision> without = plain_.burst(frames, now_);
        for (std::size_t i = 0; i < frames.size(); ++i) {
            require(with[i].drop == without[i].drop, "staged policies change no decision");
            check(frames[i], with[i]);
        }
        require(staged_.counts() == plain_.counts(), "staged policies change no connection");
        if (frames.size() == 1) check_half_open(frames[0], half_open);
    }

    void check(const net::FrameView& frame, const Decision& decision) {
        require(decision.drop != DropReason::kTxRefused, "every frame is decided");
        const net::PacketMeta meta = net::parse(frame);
        if (meta.is_ip && meta.malformed == DropReason::kNone && meta.fragment == net::FragmentKind::kFirst)
            firsts_.insert(datagram(meta));
        if (decision.drop != DropReason::kNone) return;
        require(frame.ingress_port < 2 && index(decision.egress) == 1U - frame.ingress_port,
                "what passes leaves by the other port of its pair");
        require(meta.malformed == DropReason::kNone, "nothing malformed passes");
        if (!meta.is_ip)
            return require(meta.ether_type == net::ether_type::kArp || settings_.non_ip_default == Verdict::kAllow,
                           "not IP, and no rule for it");
        require(net::check_addresses(meta, settings_.addresses) == DropReason::kNone, "no impossible address passes");
        if (meta.fragment == net::FragmentKind::kLater)
            require(firsts_.contains(datagram(meta)), "no later fragment passes without its first");
        else if (meta.tuple.protocol == net::protocol::kTcp)
            check_flags(meta.tcp_flags);
    }
    static void check_flags(std::uint8_t flags) {
        namespace flag = net::tcp_flag;
        const bool fin = (flags & flag::kFin) != 0;
        const bool syn = (flags & flag::kSyn) != 0;
        const bool rst = (flags & flag::kRst) != 0;
        const bool ack = (flags & flag::kAck) != 0;
        require(fin || syn || rst || ack, "no segment without flags passes");
        require(!(syn && (fin || rst)) && !(fin && rst) && (!fin || ack), "no contradicting flags pass");
    }
    // A SYN that finds as many half-open connections as there may be adds none.
    void check_half_open(const net::FrameView& frame, std::uint32_t before) {
        const net::PacketMeta meta = net::parse(frame);
        const bool syn = meta.is_ip && meta.tuple.protocol == net::protocol::kTcp &&
                         flow::tcp_event(meta.tcp_flags) == flow::TcpEvent::kSyn;
        const std::uint32_t limit = settings_.half_open_limit;
        if (syn && limit > 0 && before >= limit)
            require(staged_.counts().half_open <= before, "a SYN over the limit opens nothing");
    }

    // By what a fragment is known to belong to its datagram. The protocol of a later IPv6 fragment is its sender's
    // word.
    using Datagram = std::tuple<std::array<std::uint8_t, 16>, std::array<std::uint8_t, 16>, std::uint32_t, int, int>;
    static Datagram datagram(const net::PacketMeta& meta) {
        const bool v4 = meta.tuple.family == net::Family::kIPv4;
        return {meta.tuple.source, meta.tuple.destination, meta.fragment_id, v4 ? meta.tuple.protocol : -1,
                meta.tuple.ingress_port};
    }

    Input& input_;
    EngineSettings settings_;
    fuzz::FramesFrom frames_;
    Side staged_;
    Side plain_;
    std::set<Datagram> firsts_;  // that were seen
    Instant now_{std::chrono::seconds(1000)};
    std::uint64_t generation_ = 1;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input({data, size});
    Run run(input);
    while (!input.empty()) run.step();
    run.finish();
    return 0;
}

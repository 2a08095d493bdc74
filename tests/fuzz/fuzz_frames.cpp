// Sequences of frames through the whole engine: connections, TCP's states, fragments, limits, time, generations. Beside
// it runs one whose rulesets lack the staged policies. After each step the promises that need no oracle are checked.
#include <array>
#include <memory>
#include <set>
#include <tuple>
#include <vector>

#include "accounts.h"
#include "drywall/engine/engine.h"
#include "input.h"
#include "rulesets.h"
#include "traffic.h"

namespace {

using namespace drywall;
using engine::Decision;
using engine::Engine;
using engine::EngineSettings;
using engine::RulesetPtr;
using fuzz::Input;
using fuzz::require;

constexpr std::size_t kPorts = 3;
constexpr std::size_t kGenerations = 12;
constexpr std::uint32_t kFlows = 24;  // so few that a short input fills the table
constexpr std::uint32_t kFragments = 6;

// The same enforced policies, with staged ones beside them and without.
struct Generations {
    std::vector<RulesetPtr> staged;
    std::vector<RulesetPtr> plain;
};

policy::Inventory rehearsing(policy::Inventory inventory) {
    policy::Policy lock = engine::ingress_policy("lock", "server", {engine::rule(Action::kDeny, 6)});
    lock.order = 1;
    engine::add(inventory, engine::staged(lock));
    policy::Policy open = engine::ingress_policy("open", "client", {engine::rule(Action::kAllow, 17, 53)});
    open.order = 2;
    engine::add(inventory, engine::staged(open));
    return inventory;
}

const Generations& generations() {
    static const Generations all = [] {
        Generations result;
        for (std::uint64_t i = 0; i < kGenerations; ++i) {
            const policy::Inventory inventory = i % 4 == 1   ? engine::locked()
                                                : i % 4 == 2 ? engine::two_workloads()
                                                : i % 4 == 3 ? engine::with_untracked_host()
                                                             : engine::guarded();
            const Verdict unmatched = i % 3 == 2 ? Verdict::kDeny : Verdict::kAllow;
            result.plain.push_back(engine::build(i + 1, inventory, unmatched));
            result.staged.push_back(engine::build(i + 1, rehearsing(inventory), unmatched));
        }
        return result;
    }();
    return all;
}

EngineSettings settings_from(Input& input) {
    const std::uint8_t how = input.byte();
    EngineSettings settings;
    settings.peer_of = engine::wire_surroundings().peer_of;
    settings.non_ip = {{net::ether_type::kArp, Verdict::kAllow}};
    settings.flow_capacity = kFlows;
    settings.fragment_capacity = kFragments;
    settings.hash_seed = 42;
    settings.report_interval = std::chrono::seconds(10);
    settings.verify_checksums = (how & 1) != 0;
    settings.mid_stream = (how & 2) != 0     ? engine::MidStream::kDrop
                          : (how & 128) != 0 ? engine::MidStream::kObserve
                                             : engine::MidStream::kAllow;
    settings.tcp_window = (how & 4) != 0 ? engine::TcpWindow::kObserve : engine::TcpWindow::kStrict;
    settings.half_open_limit = (how & 8) != 0 ? 3 : 0;
    settings.per_source_limit = (how & 16) != 0 ? 5 : 0;
    settings.neighbour_discovery = (how & 32) == 0;
    if ((how & 64) != 0) settings.addresses = net::AddressCheck::kStrict;
    return settings;
}

// One engine with all that it counts.
class Side {
public:
    Side(const std::vector<RulesetPtr>& rulesets, const EngineSettings& settings)
        : rulesets_(rulesets), counters_(kPorts), engine_(settings, counters_) {
        use(0, {});
    }

    void use(std::size_t generation, const engine::Existing& existing) {
        ruleset_ = rulesets_[generation].get();
        existing_ = existing;
        traces_.push_back(std::make_unique<telemetry::TraceCounters>(ruleset_->trace_count()));
    }

    void let_go() {
        if (existing_.keep_from < ruleset_->generation())
            existing_.keep_from = Generation{index(existing_.keep_from) + 1};
    }

    std::span<const Decision> burst(const test::Frames& frames, Instant now) {
        events_.clear();
        decisions_.fill({.drop = DropReason::kTxRefused});  // which the engine never says
        engine_.process(frames.views(), *ruleset_, *traces_.back(), now, decisions_, events_, existing_);
        for (std::size_t i = 0; i < frames.size(); ++i) forwarded_ += decisions_[i].drop == DropReason::kNone ? 1U : 0U;
        check();
        return std::span(decisions_).first(frames.size());
    }
    void sweep(Instant now) {
        events_.clear();
        engine_.sweep(now, events_);
        check();
    }
    void begin_census() {
        engine_.begin_census();
        counted_.clear();
    }
    void census(Instant now, std::size_t entries) {
        flow::CensusBatch found;
        (void)engine_.census(now, ruleset_->generation(), existing_, entries, found);
        for (const flow::CensusEntry& entry : found) {
            require(counted_.insert(entry.flow).second, "a census counts a connection once");
            require(entry.state != flow::FlowState::kFree, "a census counts living connections");
        }
    }

    [[nodiscard]] const flow::StateCounts& counts() const { return engine_.flow_counts(); }
    [[nodiscard]] const telemetry::WorkerCounters& counters() const { return counters_; }

private:
    void check() const {
        check_packets();
        check_connections();
    }
    void check_packets() const {
        std::uint64_t received = 0;
        for (const auto& port : counters_.received) received += port.read().packets;
        require(received == forwarded_ + engine::dropped_packets(counters_), "received = forwarded + drops");
        std::uint64_t judged = 0;
        for (const auto& traces : traces_)
            for (std::uint32_t trace = 0; trace < traces->size(); ++trace)
                judged += traces->read(TraceId{trace}).packets;
        require(received == judged + engine::unjudged_packets(counters_),
                "every packet is judged once or says why not");
    }
    void check_connections() const {
        const flow::StateCounts& counts = engine_.flow_counts();
        std::uint32_t sum = 0;
        std::uint32_t half_open = 0;
        for (std::size_t state = 0; state < flow::kFlowStates; ++state) {
            sum += counts.by_state[state];
            if (flow::is_half_open(static_cast<flow::FlowState>(state))) half_open += counts.by_state[state];
        }
        require(engine_.flow_count() <= kFlows, "no more connections than the table has room for");
        require(sum == engine_.flow_count(), "the states add up to the connections");
        require(counts.by_state[0] == 0, "no connection is free");
        require(counts.half_open <= half_open, "half-open connections are in half-open states");
        require(counters_.flows_opened.read() - counters_.flows_ended.read() <= engine_.flow_count(),
                "opened - ended = the connections that are there, but for those that were cut");
    }

    const std::vector<RulesetPtr>& rulesets_;
    const ruleset::Ruleset* ruleset_ = nullptr;
    engine::Existing existing_;
    telemetry::WorkerCounters counters_;
    Engine engine_;
    std::vector<std::unique_ptr<telemetry::TraceCounters>> traces_;  // of each ruleset that was in force
    std::array<Decision, kMaxBurst> decisions_;
    telemetry::EventBatch events_;
    std::set<std::uint64_t> counted_;
    std::uint64_t forwarded_ = 0;
};

class Run {
public:
    explicit Run(Input& input)
        : input_(input),
          traffic_(fuzz::InputNumbers{input}),
          settings_(settings_from(input)),
          staged_(generations().staged, settings_),
          plain_(generations().plain, settings_) {}

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

private:
    template <typename Do>
    void both(Do what) {
        what(staged_);
        what(plain_);
    }

    // The last generation stays, and those before it keep nothing after a while, one after the other.
    void change() {
        if (generation_ + 1 == kGenerations) return both([](Side& side) { side.let_go(); });
        engine::Existing existing;
        if (input_.byte() % 2 == 1) existing.keep_from = Generation{1 + input_.byte() % (generation_ + 1)};
        ++generation_;
        both([this, &existing](Side& side) { side.use(generation_, existing); });
    }

    void add_frame(test::Frames& frames) {
        const std::uint8_t how = input_.byte();
        if (how >= 0xf0) {
            const std::uint16_t port = input_.byte() % kPorts;
            frames.add(input_.bytes(input_.byte()), port);
            return;
        }
        const test::Packet packet = traffic_.packet();
        test::Bytes bytes = packet.bytes();
        for (int change = how % 4 == 3 ? 1 + input_.byte() % 3 : 0; change > 0; --change) {
            const std::size_t place = input_.byte() % bytes.size();
            bytes[place] = input_.byte();
        }
        if (how % 16 == 7) bytes.resize(input_.byte() % (bytes.size() + 1));
        frames.add(bytes, packet.port());
    }

    void burst(std::size_t count) {
        test::Frames frames;
        for (; count > 0; --count) add_frame(frames);
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
        if (!meta.is_ip) return require(meta.ether_type == net::ether_type::kArp, "not IP, and no rule for it");
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
    engine::TrafficFrom<fuzz::InputNumbers> traffic_;
    EngineSettings settings_;
    Side staged_;
    Side plain_;
    std::set<Datagram> firsts_;  // that were seen
    Instant now_{std::chrono::seconds(1000)};
    std::size_t generation_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input({data, size});
    Run run(input);
    while (!input.empty()) run.step();
    return 0;
}

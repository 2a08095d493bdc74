// What a flood takes from established connections: the same packets of theirs through two engines, one of which is
// under a flood, pass by pass in alternation, in thread CPU time. Medians and quartiles over the rounds:
//
//   tables    rate of established packets while the tables are full of the flood, with / without
//   turns     likewise, with the sweeps that a worker makes in its turns
//   between   rate of bursts of established packets that alternate with bursts of the flood / with bursts like
//             themselves; only they are timed, by the clock: the median of a pass
//   mix       nanoseconds per packet where every second one of each burst is the flood's
//   flood's   nanoseconds per packet of the flood: what it adds to that
//
// Ends with 1 if an established packet was lost, or its connection had to be opened again.
//
// A connection that the flood kept from opening is none of the established ones.
//
//   flood_benchmark [ROUNDS [CAPACITY FLOWS]...]      ROUNDS: with the two engines in either order

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "flood_traffic.h"
#include "support/measure.h"
#include "sweep_pace.h"

namespace drywall::perf {
namespace {

constexpr std::size_t kEstablishedPerPass = 1 << 14;
constexpr std::size_t kFloodPerPass = 1 << 14;
constexpr std::uint64_t kSeed = 42;

struct Size {
    std::uint32_t capacity = 0;
    std::size_t flows = 0;
};

struct Attack {
    const char* name = "";
    FloodKind kind = FloodKind::kUdp;
    bool limited = true;                // half-open connections, as by default to a quarter of the table
    std::uint64_t crafted_against = 0;  // the seed for which its flows collide with established ones; 0: for none
};

constexpr std::array<Attack, 6> kAttacks{
    Attack{"SYN", FloodKind::kSyn},
    Attack{"SYN, half-open-limit 0", FloodKind::kSyn, false},
    Attack{"UDP", FloodKind::kUdp},
    Attack{"fragments", FloodKind::kFragments},
    Attack{"collisions, seed guessed", FloodKind::kUdp, true, kSeed + 1},
    Attack{"collisions, seed known", FloodKind::kUdp, true, kSeed},
};

std::shared_ptr<const ruleset::Ruleset> world() {
    static const auto made = world_with_staged(0);
    return made;
}

struct Connections {
    test::Frames opening;
    test::Frames packets;
};

Connections connections(std::uint8_t protocol, std::size_t flows) {
    if (protocol == net::protocol::kTcp)
        return {handshakes(flows, kAllowedPort),
                from_clients(test::tcp().flags(net::tcp_flag::kAck).payload(4), flows, kAllowedPort)};
    Connections udp{requests(flows, kAllowedPort), requests(flows, kAllowedPort)};
    for (std::size_t i = 0; i < flows; ++i) {
        const auto one = static_cast<int>(i);
        const test::Packet request =
            test::udp()
                .from(client(one % kEndpoints), static_cast<std::uint16_t>(1024 + i / kEndpoints))
                .to(server(one * 7 % kEndpoints), kAllowedPort);
        udp.opening.add(request.reply().entering(1).padded(60));
    }
    return udp;
}

// One of the two engines, with its established connections.
class Contender {
public:
    explicit Contender(const engine::EngineSettings& settings) : appliance_(world(), settings), pace_(settings) {}

    void open(const Connections& established) noexcept { appliance_.process_all(established.opening.views()); }
    // Packets of connections that are there.
    [[nodiscard]] std::vector<net::FrameView> passing(std::span<const net::FrameView> packets) {
        std::vector<net::FrameView> passing;
        for (const net::FrameView& packet : packets) {
            appliance_.process({&packet, 1});
            if (appliance_.decision(0).drop == DropReason::kNone) passing.push_back(packet);
        }
        return passing;
    }
    void use(std::span<const net::FrameView> established) {
        views_ = whole_bursts(established);
        at_ = 0;
    }

    void flood(std::span<const net::FrameView> frames) noexcept { appliance_.process_all(frames); }

    // Established packets alone, or with a flood's behind each one. Nanoseconds.
    enum class Turns : std::uint8_t { kBare, kSwept };
    std::int64_t pass(Turns turns, std::span<const net::FrameView> flood = {}) noexcept {
        const std::size_t established = flood.empty() ? kMaxBurst : kMaxBurst / 2;
        const std::uint64_t opened = appliance_.counters().flows_opened.read();
        const std::int64_t start = thread_nanoseconds();
        for (std::size_t sent = 0; sent < kEstablishedPerPass; sent += established) {
            if (flood.empty())
                burst_of_established();
            else
                mixed_burst(flood.subspan(sent, established));
            if (turns == Turns::kSwept) look_after();
        }
        const std::int64_t took = thread_nanoseconds() - start;
        if (flood.empty()) expect_no_other_opened(opened);
        return took;
    }

    // Nanoseconds of a burst of established packets, each behind one of the flood's, or of its own kind.
    double burst_between(std::span<const net::FrameView> flood) noexcept {
        std::vector<double> times;
        times.reserve(kFloodPerPass / kMaxBurst);
        for (std::size_t first = 0; first < kFloodPerPass; first += kMaxBurst) {
            if (flood.empty())
                burst_of_established();
            else
                appliance_.process(flood.subspan(first, kMaxBurst));
            const Instant start = monotonic_now();
            burst_of_established();
            times.push_back(static_cast<double>((monotonic_now() - start).count()));
        }
        return quantile(std::move(times), 0.5);
    }

    [[nodiscard]] std::size_t flow_count() noexcept { return appliance_.engine().flow_count(); }
    [[nodiscard]] std::uint64_t dropped(DropReason reason) const {
        return appliance_.counters().dropped.read(reason).packets;
    }
    [[nodiscard]] std::uint64_t lost() const noexcept { return lost_; }

private:
    std::span<const net::FrameView> next(std::size_t count) noexcept {
        if (at_ + count > views_.size()) at_ = 0;
        at_ += count;
        return std::span(views_).subspan(at_ - count, count);
    }
    void burst_of_established() noexcept {
        appliance_.process(next(kMaxBurst));
        for (std::size_t i = 0; i < kMaxBurst; ++i) lost_ += appliance_.decision(i).drop == DropReason::kNone ? 0U : 1U;
    }
    void mixed_burst(std::span<const net::FrameView> flood) noexcept {
        const std::span established = next(flood.size());
        for (std::size_t i = 0; i < flood.size(); ++i) {
            mixed_[2 * i] = established[i];
            mixed_[2 * i + 1] = flood[i];
        }
        appliance_.process(std::span(mixed_).first(2 * flood.size()));
        for (std::size_t i = 0; i < 2 * flood.size(); i += 2)
            lost_ += appliance_.decision(i).drop == DropReason::kNone ? 0U : 1U;
    }
    // A turn of a worker's loop for each burst.
    void look_after() noexcept {
        for (auto steps = pace_.due(monotonic_now(), flow_count(), true); steps > 0; --steps) {
            events_.clear();
            appliance_.engine().sweep(appliance_.now(), events_);
        }
    }
    // A connection that the flood threw out would come again.
    void expect_no_other_opened(std::uint64_t before) noexcept {
        lost_ += appliance_.counters().flows_opened.read() - before;
    }

    Appliance appliance_;
    std::vector<net::FrameView> views_;
    std::array<net::FrameView, kMaxBurst> mixed_;
    telemetry::EventBatch events_;
    runtime::SweepPace pace_;
    std::size_t at_ = 0;
    std::uint64_t lost_ = 0;
};
static_assert(kFloodPerPass >= kEstablishedPerPass);

struct Measured {
    std::vector<double> clean;  // nanoseconds per established packet, without the flood
    std::vector<double> tables;
    std::vector<double> turns;
    std::vector<double> between;
    std::vector<double> mix;
    std::vector<double> floods;
};

double per_packet(std::int64_t nanoseconds, std::size_t packets) {
    return static_cast<double>(nanoseconds) / static_cast<double>(packets);
}

// Everything a round has to tell of A, which is without the flood, and B, which is under it.
void measure_round(Contender& a, Contender& b, FloodFrames& flood, FloodSources& sources, Measured& measured) {
    using Turns = Contender::Turns;
    const auto alternate = [&](Turns turns) {
        std::int64_t without = 0;
        std::int64_t with = 0;
        (void)b.pass(
            turns);  // each pass that counts comes behind one of the other engine: the caches are as cold for both
        for (int time = 0; time < 2; ++time) {
            without += a.pass(turns);
            with += b.pass(turns);
        }
        return std::pair(per_packet(without, 2 * kEstablishedPerPass), per_packet(with, 2 * kEstablishedPerPass));
    };
    const auto [clean, flooded] = alternate(Turns::kBare);
    measured.clean.push_back(clean);
    measured.tables.push_back(clean / flooded);
    const auto [clean_turn, flooded_turn] = alternate(Turns::kSwept);
    measured.turns.push_back(clean_turn / flooded_turn);

    flood.renew(sources);
    const double quiet = a.burst_between({});
    measured.between.push_back(quiet / b.burst_between(flood.views()));
    flood.renew(sources);
    const double both = per_packet(b.pass(Turns::kBare, flood.views()), kEstablishedPerPass);
    measured.mix.push_back(both / 2);
    measured.floods.push_back(both - flooded);
}

std::string ratio_text(const std::vector<double>& values) {
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%.3f (%.3f-%.3f)", quantile(values, 0.5), quantile(values, 0.25),
                  quantile(values, 0.75));
    return text.data();
}

// What the flood dies of, most of it.
std::string fate_of(const Contender& flooded) {
    std::string fate = "passes";
    std::uint64_t most = 0;
    for (const DropReasonText& text : kDropReasons)
        if (flooded.dropped(text.reason) > most) {
            most = flooded.dropped(text.reason);
            fate = text.name;
        }
    return fate;
}

engine::EngineSettings settings(const Size& size, bool limited) {
    engine::EngineSettings settings = Appliance::default_settings();
    settings.hash_seed = kSeed;
    settings.flow_capacity = size.capacity;
    settings.half_open_limit = limited ? size.capacity / 4 : 0;
    settings.report_interval = std::chrono::seconds(10);
    return settings;
}

void send(Contender& contender, FloodFrames& flood, FloodSources& sources, std::size_t packets) {
    for (std::size_t sent = 0; sent < packets; sent += kFloodPerPass) {
        flood.renew(sources);
        contender.flood(flood.views());
    }
}

// Flows in the buckets of established ones. Those that come before them are in their home buckets: so they have to open
// in the other one, which those that come behind then fill as well.
struct Collisions {
    FloodSources before;
    FloodSources behind;
    std::size_t count = 0;
};

Collisions collisions(const Connections& established, const Size& size, std::uint64_t seed) {
    const std::size_t room = size.capacity - size.capacity / 8 - size.flows;
    const std::size_t count = std::min(room, 2 * flow::BucketIndex::kSlots * size.flows);
    const std::span packets = established.packets.views();
    return {FloodSources(colliding_sources(packets, Buckets::kHome, size.capacity, seed, count)),
            FloodSources(colliding_sources(packets, Buckets::kBoth, size.capacity, seed, 4 * count)), count};
}

// The two engines, with the established connections in both, and the tables of the second one as full of the flood as
// they get. Returns what the flood goes on with.
FloodSources prepare(Contender& a, Contender& b, const Attack& attack, const Size& size, const Connections& established,
                     FloodFrames& flood) {
    FloodSources sources;
    a.open(established);
    if (attack.crafted_against != 0) {
        Collisions chosen = collisions(established, size, attack.crafted_against);
        send(b, flood, chosen.before, chosen.count);
        b.open(established);
        send(b, flood, chosen.behind, 4 * chosen.count);
        sources = std::move(chosen.behind);
    } else {
        b.open(established);
        send(b, flood, sources, std::size_t{size.capacity} / 4 * 5);
    }
    const std::vector<net::FrameView> packets = b.passing(established.packets.views());
    a.use(packets);
    b.use(packets);
    return sources;
}

bool compare(const Attack& attack, const Size& size, std::uint8_t protocol, int rounds) {
    const Connections established = connections(protocol, size.flows);
    FloodFrames flood(attack.kind, kFloodPerPass);
    Measured measured;
    std::uint64_t lost = 0;
    std::size_t entries = 0;
    std::string fate;
    // Where in memory a table comes to lie makes a difference of its own: each of the two is made first once.
    for (const bool clean_first : {true, false}) {
        const auto one = std::make_unique<Contender>(settings(size, attack.limited));
        const auto two = std::make_unique<Contender>(settings(size, attack.limited));
        Contender& a = clean_first ? *one : *two;
        Contender& b = clean_first ? *two : *one;
        FloodSources sources = prepare(a, b, attack, size, established, flood);
        for (int round = 0; round < rounds; ++round) measure_round(a, b, flood, sources, measured);
        lost += a.lost() + b.lost();
        entries = b.flow_count();
        fate = fate_of(b);
    }
    std::printf("%-24s %s %6zu of %7u %8zu  %-18s %6.1f  %s  %s  %s  %6.1f %6.1f  lost %llu\n", attack.name,
                protocol == net::protocol::kTcp ? "TCP" : "UDP", size.flows, size.capacity, entries, fate.c_str(),
                quantile(measured.clean, 0.5), ratio_text(measured.tables).c_str(), ratio_text(measured.turns).c_str(),
                ratio_text(measured.between).c_str(), quantile(measured.mix, 0.5), quantile(measured.floods, 0.5),
                static_cast<unsigned long long>(lost));
    std::fflush(stdout);
    return lost == 0;
}

}  // namespace
}  // namespace drywall::perf

int main(int argc, char** argv) {
    using namespace drywall::perf;
    const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 50;
    std::vector<Size> sizes;
    for (int i = 2; i + 1 < argc; i += 2)
        sizes.push_back(
            {static_cast<std::uint32_t>(std::atoi(argv[i])), static_cast<std::size_t>(std::atoi(argv[i + 1]))});
    if (sizes.empty()) sizes = {{65536, 1000}, {1 << 20, 1000}, {1 << 20, 100'000}};

    std::printf("%-24s %-3s %6s    %7s %8s  %-18s %6s  %-19s  %-19s  %-19s  %6s %6s\n", "flood", "of", "flows", "room",
                "entries", "the flood's fate", "clean", "tables", "turns", "between", "mix", "flood's");
    bool all_passed = true;
    for (const Size& size : sizes)
        for (const std::uint8_t protocol : {drywall::net::protocol::kUdp, drywall::net::protocol::kTcp})
            for (const Attack& attack : kAttacks) all_passed &= compare(attack, size, protocol, rounds);
    return all_passed ? 0 : 1;
}

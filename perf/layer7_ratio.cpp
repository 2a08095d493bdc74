// What rules about requests cost: traffic that none of them is about, beside the same without such rules; and requests
// that they are about, beside the same packets under rules that ask for ports only. Pass by pass in alternation (A B B
// A), in thread CPU time; medians and quartiles over the rounds.
//
//   layer7_ratio [ROUNDS [PATTERNS...]]

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "alternation.h"
#include "web_world.h"

namespace drywall::perf {
namespace {

constexpr std::size_t kPacketsPerPass = 1 << 15;
constexpr std::size_t kConnections = 256;
constexpr std::size_t kRequestsOfEach = 8;
constexpr std::size_t kAnswer = 200;  // bytes

engine::EngineSettings settings() {
    engine::EngineSettings settings = Appliance::default_settings();
    settings.layer7.inspector.connections = 2 * kConnections;
    settings.layer7.inspector.buffers = 64 << 20;
    return settings;
}

void tell(const char* what, std::size_t patterns, const Alternation& found, double each, const char* unit) {
    std::printf("%-22s %6zu patterns   %7.1f ns/%s without   %7.1f with   ratio %.4f  (quartiles %.4f %.4f)\n", what,
                patterns, quantile(found.ones, 0.5) / each, unit, quantile(found.others, 0.5) / each, found.ratio(),
                found.ratio(0.25), found.ratio(0.75));
}

// --- traffic that no rule about requests is about ---

void beside(const char* what, const test::Frames& opening, const test::Frames& frames, std::size_t patterns,
            int rounds) {
    Appliance without(world_with_paths({}), settings());
    Appliance with(world_with_paths(made_paths(patterns)), settings());
    const std::vector<net::FrameView> views = whole_bursts(frames.views());
    const auto pass = [&](Appliance& appliance) {
        const std::int64_t start = thread_nanoseconds();
        for (std::size_t packets = 0; packets < kPacketsPerPass; packets += views.size()) appliance.process_all(views);
        return thread_nanoseconds() - start;
    };
    for (Appliance* appliance : {&without, &with}) appliance->process_all(opening.views());
    const Alternation found = alternate(
        rounds, [&] { return pass(without); }, [&] { return pass(with); });
    tell(what, patterns, found, static_cast<double>((kPacketsPerPass + views.size() - 1) / views.size() * views.size()),
         "packet");
}

// --- requests ---

// The client of a connection and what it says, in order; each request is answered.
class Browser {
public:
    Browser(std::size_t number, const std::vector<std::string>& paths)
        : number_(number),
          segment_(test::tcp()
                       .from(client(static_cast<int>(number % kEndpoints)),
                             static_cast<std::uint16_t>(1024 + number / kEndpoints))
                       .to(server(asked()), kWebPort)),
          paths_(paths_of(asked() % kApps, paths)) {}

    void open(test::Frames& syns, test::Frames& answers, test::Frames& last) const {
        syns.add(segment_.syn());
        answers.add(segment_.syn().ack().reply().entering(1));
        last.add(segment_.ack().sequence(1, 1));
    }
    void ask(std::size_t nth, test::Frames& requests, test::Frames& answers) {
        const std::string request = request_for(paths_[(nth * 7919 + number_) % paths_.size()] + "/12345");
        requests.add(segment_.ack().sequence(said_, heard_).payload(request));
        said_ += static_cast<std::uint32_t>(request.size());
        answers.add(segment_.reply().entering(1).ack().sequence(heard_, said_).payload(kAnswer));
        heard_ += kAnswer;
    }
    void close(test::Frames& resets) const { resets.add(segment_.rst().ack().sequence(said_, heard_)); }

private:
    [[nodiscard]] int asked() const noexcept { return static_cast<int>(number_ * 7 % kEndpoints); }

    std::size_t number_;
    test::Packet segment_;
    std::vector<std::string> paths_;
    std::uint32_t said_ = 1;
    std::uint32_t heard_ = 1;
};

struct Conversations {
    test::Frames opening;
    test::Frames exchanges;
    test::Frames closing;
};

// Bursts of requests of as many connections, and of their answers.
Conversations conversations(const std::vector<std::string>& paths) {
    std::vector<Browser> browsers;
    for (std::size_t i = 0; i < kConnections; ++i) browsers.emplace_back(i, paths);
    Conversations all;
    const auto append = [](test::Frames& to, const test::Frames& from) {
        for (const net::FrameView& view : from.views()) to.add(std::span(view.data, view.length), view.ingress_port);
    };
    for (std::size_t first = 0; first < kConnections; first += kBurst) {
        const auto some = std::span(browsers).subspan(first, kBurst);
        test::Frames answers;
        test::Frames last;
        for (Browser& browser : some) browser.open(all.opening, answers, last);
        append(all.opening, answers);
        append(all.opening, last);
    }
    for (std::size_t nth = 0; nth < kRequestsOfEach; ++nth) {
        for (std::size_t first = 0; first < kConnections; first += kBurst) {
            test::Frames answers;
            for (Browser& browser : std::span(browsers).subspan(first, kBurst))
                browser.ask(nth, all.exchanges, answers);
            append(all.exchanges, answers);
        }
    }
    for (Browser& browser : browsers) browser.close(all.closing);
    return all;
}

std::size_t dropped(const Appliance& appliance) {
    std::size_t all = 0;
    for (const DropReasonText& reason : kDropReasons) all += appliance.counters().dropped.read(reason.reason).packets;
    return all;
}

// Which of the packets are timed.
enum class What : std::uint8_t { kRequests, kWholeConnections };

void read(const char* what, What timed, std::size_t patterns, int rounds) {
    const std::vector<std::string> paths = made_paths(patterns);
    const Conversations packets = conversations(paths);
    Appliance without(world_with_paths({}), settings());
    Appliance with(world_with_paths(paths), settings());
    std::size_t seen = 0;
    const auto all = [&](Appliance& appliance, const test::Frames& frames) {
        const auto views = frames.views();
        for (std::size_t first = 0; first < views.size(); first += kBurst) {
            appliance.process(views.subspan(first, kBurst));
            seen += appliance.engine().requests().size();
            appliance.engine().forget_requests();
        }
    };
    const auto pass = [&](Appliance& appliance) {
        const std::int64_t begin = thread_nanoseconds();
        all(appliance, packets.opening);
        const std::int64_t opened = thread_nanoseconds();
        all(appliance, packets.exchanges);
        const std::int64_t asked = thread_nanoseconds();
        all(appliance, packets.closing);
        return timed == What::kRequests ? asked - opened : thread_nanoseconds() - begin;
    };
    const Alternation found = alternate(
        rounds, [&] { return pass(without); }, [&] { return pass(with); });
    const std::size_t passes = 1 + 2 * static_cast<std::size_t>(rounds);
    if (seen != passes * kConnections * kRequestsOfEach || dropped(with) != 0 || dropped(without) != 0) {
        std::fprintf(stderr, "the packets did not fare as this case means: %zu requests, %zu and %zu dropped\n", seen,
                     dropped(without), dropped(with));
        std::exit(1);
    }
    tell(what, patterns, found, static_cast<double>(kConnections * kRequestsOfEach), "request");
}

}  // namespace
}  // namespace drywall::perf

int main(int argc, char** argv) {
    using namespace drywall;
    using namespace drywall::perf;
    const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 100;
    std::vector<std::size_t> patterns{10, 1'000, 10'000};
    if (argc > 2) patterns.clear();
    for (int at = 2; at < argc; ++at) patterns.push_back(static_cast<std::size_t>(std::max(1, std::atoi(argv[at]))));

    constexpr std::size_t kFlows = 1000;
    const test::Frames segments =
        from_clients(test::tcp().flags(net::tcp_flag::kAck).payload(std::size_t{4}), kFlows, kAllowedPort);
    for (const std::size_t count : patterns) {
        const test::Frames none;
        beside("beside: UDP", requests(kFlows, kAllowedPort), requests(kFlows, kAllowedPort), count, rounds);
        beside("beside: TCP", handshakes(kFlows, kAllowedPort), segments, count, rounds);
        beside("beside: denied", none, requests(kFlows, kDeniedPort), count, rounds);
    }
    for (const std::size_t count : patterns) {
        read("requests", What::kRequests, count, rounds);
        read("with their connections", What::kWholeConnections, count, rounds);
    }
    return 0;
}

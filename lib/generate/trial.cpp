#include "drywall/generate/trial.h"

#include <algorithm>
#include <cmath>
#include <thread>

#include "groups.h"
#include "packet_writer.h"
#include "replay_source.h"
#include "ticks.h"
#include "worker.h"

namespace drywall::generate {

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr double kBeforeStart = 0.020;  // seconds in which every worker comes to its loop
constexpr auto kGlance = 50ms;

io::DeviceStatistics since(const io::DeviceStatistics& before, const io::DeviceStatistics& now) noexcept {
    return {now.received - before.received,
            now.missed - before.missed,
            now.errors - before.errors,
            now.transmitted - before.transmitted,
            now.transmit_errors - before.transmit_errors,
            now.handed_over - before.handed_over};
}

class RunningGenerator final : public Generator {
public:
    RunningGenerator(const loader::TrafficProfile& profile, GeneratorSettings settings)
        : profile_(profile), settings_(std::move(settings)) {}

    Status make_sources();
    Result<TrialResult> run(const TrialRequest& request, const std::function<bool(const TrialView&)>& go_on) override;

private:
    [[nodiscard]] Result<std::unique_ptr<PacketSource>> make_source(const loader::StreamProfile& stream,
                                                                    std::uint16_t series) const;
    Status fits_segments(const loader::ConnectionsProfile& connections) const;
    Status fits(const loader::StreamProfile& stream, const PacketSource& source) const;
    [[nodiscard]] std::size_t port_named(const std::string& name) const;

    const loader::TrafficProfile profile_;
    const GeneratorSettings settings_;
    std::vector<std::unique_ptr<PacketSource>> sources_;  // by stream
    std::vector<std::size_t> ports_to_;                   // by stream
    std::uint64_t trials_ = 0;
    friend class Trial;
};

// One trial, from its groups to its result.
class Trial {
public:
    Trial(RunningGenerator& generator, const TrialRequest& request, std::vector<Group> groups)
        : generator_(generator),
          request_(request),
          groups_(std::move(groups)),
          outgoing_(generator.sources_.size()),
          ports_(generator.settings_.ports.size()) {
        for (std::size_t i = 0; i < outgoing_.size(); ++i) outgoing_[i].source = generator.sources_[i].get();
    }

    Status make_connections();
    Status start();
    void wait(const std::function<bool(const TrialView&)>& go_on);
    TrialResult result();

private:
    void make_workers();
    [[nodiscard]] bool all_finished() const;
    [[nodiscard]] TrialView view(bool sending) const;
    [[nodiscard]] StreamResult stream_result(std::size_t stream) const;
    [[nodiscard]] ConnectionsResult connections_result(std::size_t number) const;
    [[nodiscard]] std::size_t sender_of(std::size_t port) const noexcept;
    [[nodiscard]] std::size_t receiver_of(std::size_t port) const noexcept;
    [[nodiscard]] runtime::Launcher& launcher() const noexcept { return *generator_.settings_.launcher; }

    RunningGenerator& generator_;
    const TrialRequest& request_;
    std::vector<Group> groups_;
    std::vector<Outgoing> outgoing_;
    std::vector<PortCounts> ports_;
    std::vector<io::DeviceStatistics> device_before_;
    TrialTimes times_;
    std::vector<loader::ConnectionsProfile> connections_;  // as this trial makes them; clients and servers look at them
    std::vector<std::unique_ptr<TcpClient>> clients_;      // by connections
    std::vector<std::unique_ptr<TcpServer>> servers_;
    std::vector<std::unique_ptr<Worker>> workers_;
    std::uint64_t stopped_at_ = 0;  // ticks; 0: it was not
};

std::size_t Trial::sender_of(std::size_t port) const noexcept {
    const std::size_t workers = generator_.settings_.cores.size();
    return port % std::min(workers, ports_.size());
}

std::size_t Trial::receiver_of(std::size_t port) const noexcept {
    const std::size_t workers = generator_.settings_.cores.size();
    return workers <= ports_.size() ? sender_of(port) : ports_.size() + port % (workers - ports_.size());
}

void Trial::make_workers() {
    const GeneratorSettings& settings = generator_.settings_;
    for (std::size_t w = 0; w < settings.cores.size(); ++w) {
        WorkerSettings worker;
        worker.times = &times_;
        worker.frames = settings.frames;
        worker.ports = settings.ports;
        for (Group& group : groups_)
            if (sender_of(group.port) == w) worker.groups.push_back(&group);
        for (std::size_t port = 0; port < ports_.size(); ++port)
            if (receiver_of(port) == w) worker.receives_on.push_back(port);
        for (std::size_t i = 0; i < clients_.size(); ++i) {
            const loader::StreamProfile& ends = generator_.profile_.connections[i].ends;
            if (const std::size_t from = generator_.port_named(ends.from); receiver_of(from) == w)
                worker.clients.emplace_back(clients_[i].get(), from);
            if (const std::size_t to = generator_.port_named(ends.to); receiver_of(to) == w)
                worker.servers.emplace_back(servers_[i].get(), to);
        }
        worker.streams = outgoing_;
        worker.ports_to = generator_.ports_to_;
        worker.port_counts = ports_;
        worker.magic = magic_of(generator_.profile_.seed, generator_.trials_);
        worker.magic_before = magic_of(generator_.profile_.seed, generator_.trials_ - 1);
        worker.window = generator_.profile_.window;
        worker.gaps = request_.gaps;
        workers_.push_back(std::make_unique<Worker>(std::move(worker)));
    }
}

Status Trial::make_connections() {
    connections_ = generator_.profile_.connections;
    for (loader::ConnectionsProfile& profile : connections_) {
        if (request_.connections_per_second)
            profile.rate = *request_.connections_per_second / static_cast<double>(connections_.size());
        const auto series = static_cast<std::uint16_t>(generator_.sources_.size() + clients_.size());
        const std::uint64_t seed = drawn(generator_.profile_.seed, series, generator_.trials_);
        auto ends = PacketWriter::create(profile.ends, generator_.profile_.seed, series);
        if (!ends) return ends.error();
        clients_.push_back(std::make_unique<TcpClient>(profile, *std::move(ends), seed, times_.ticks_per_second));
        servers_.push_back(std::make_unique<TcpServer>(profile, seed, times_.ticks_per_second));
    }
    return Done{};
}

Status Trial::start() {
    times_.ticks_per_second = ticks_per_second();
    if (auto made = make_connections(); !made) return made;
    make_workers();
    for (const auto& port : generator_.settings_.ports) device_before_.push_back(port->statistics());
    times_.start = read_ticks() + static_cast<std::uint64_t>(kBeforeStart * times_.ticks_per_second);
    if (request_.duration)
        times_.end =
            times_.start + static_cast<std::uint64_t>(std::ceil(
                               std::chrono::duration<double>(*request_.duration).count() * times_.ticks_per_second));
    for (std::size_t w = 0; w < workers_.size(); ++w) {
        Worker* worker = workers_[w].get();
        auto launched = launcher().launch(generator_.settings_.cores[w], "worker-" + std::to_string(w),
                                          [worker] { worker->run(); });
        if (launched) continue;
        times_.stop.store(true);
        launcher().join();
        return launched;
    }
    return Done{};
}

bool Trial::all_finished() const {
    return std::all_of(workers_.begin(), workers_.end(), [](const auto& worker) { return worker->finished(); });
}

void Trial::wait(const std::function<bool(const TrialView&)>& go_on) {
    while (!all_finished()) {
        std::this_thread::sleep_for(request_.duration && *request_.duration < 200ms ? 1ms : kGlance);
        if (stopped_at_ != 0 || go_on(view(true))) continue;
        stopped_at_ = read_ticks();
        times_.stop_sending.store(true, std::memory_order_release);
    }
    const auto until = Clock::now() + request_.drain;
    while (Clock::now() < until) {
        std::this_thread::sleep_for(std::min<Clock::duration>(kGlance, until - Clock::now()));
        (void)go_on(view(false));
    }
    times_.stop.store(true, std::memory_order_release);
    launcher().join();
}

TrialView Trial::view(bool sending) const {
    TrialView view;
    view.seconds = times_.seconds(read_ticks());
    view.sending = sending;
    for (std::size_t i = 0; i < outgoing_.size(); ++i) {
        const PacketsBytes sent = outgoing_[i].sent.read();
        const Worker& receiver = *workers_[receiver_of(generator_.ports_to_[i])];
        const PacketsBytes received = receiver.incoming()[i].received.read();
        view.streams.push_back({sent.packets, sent.bytes, received.packets, received.bytes});
    }
    for (const auto& client : clients_)
        view.connections.push_back(
            {client->opened(), client->counts().established.read(), client->counts().completed.read()});
    return view;
}

StreamResult Trial::stream_result(std::size_t stream) const {
    const loader::StreamProfile& profile = generator_.profile_.streams[stream];
    StreamResult result;
    result.name = profile.name;
    result.from = profile.from;
    result.to = profile.to;
    result.expect = profile.expect;
    result.tracked = generator_.sources_[stream]->has_signature();
    result.sent = outgoing_[stream].sent.read();
    result.refused = outgoing_[stream].refused.read();
    for (const auto& worker : workers_) {
        const Incoming& incoming = worker->incoming()[stream];
        result.elsewhere += incoming.elsewhere;
        if (!incoming.order) continue;
        result.received = incoming.received.read();
        result.duplicates = incoming.duplicates;
        result.reordered = incoming.reordered;
        result.greatest_distance = incoming.greatest_distance;
        result.beyond_window = incoming.beyond_window;
        result.latency = *incoming.latency;
        if (!incoming.last_by_flow.empty())
            result.longest_gap =
                static_cast<std::uint64_t>(static_cast<double>(incoming.longest_gap) * 1e9 / times_.ticks_per_second);
    }
    return result;
}

ConnectionsResult Trial::connections_result(std::size_t number) const {
    const loader::StreamProfile& ends = generator_.profile_.connections[number].ends;
    const TcpClient& client = *clients_[number];
    const TcpServer& server = *servers_[number];
    const TcpClient::Counts& counts = client.counts();
    ConnectionsResult result;
    result.name = ends.name;
    result.from = ends.from;
    result.to = ends.to;
    result.expect = ends.expect;
    result.opened = client.opened();
    result.established = counts.established.read();
    result.completed = counts.completed.read();
    result.refused = counts.refused.read();
    result.timed_out = counts.timed_out.read();
    result.reset = counts.reset.read();
    result.failed = counts.failed.read();
    result.open_at_end = client.open_now();
    result.open_at_most = client.open_at_most();
    result.skipped = counts.skipped.read();
    result.exchanges = counts.exchanges.read();
    result.syn_retransmissions = counts.syn_retransmissions.read();
    result.retransmissions = client.retransmissions() + server.retransmissions();
    result.out_of_order = client.out_of_order() + server.out_of_order();
    result.connect_latency = client.connect_latency();
    result.exchange_latency = client.exchange_latency();
    return result;
}

TrialResult Trial::result() {
    TrialResult result;
    result.rate = request_.rate;
    std::uint64_t last = times_.start;
    for (const auto& worker : workers_) last = std::max(last, worker->last_sent());
    // A trial that was neither stopped nor ended by what it sends lasted as long as it was told to.
    const bool ended =
        std::all_of(groups_.begin(), groups_.end(), [](const Group& group) { return group.ended(); }) &&
        std::all_of(clients_.begin(), clients_.end(), [](const auto& client) { return client->finished(); });
    const std::uint64_t end = stopped_at_ != 0 ? stopped_at_ : ended || !request_.duration ? last : times_.end;
    result.seconds = times_.seconds(std::min(end, times_.end));
    result.stopped = stopped_at_ != 0;
    std::vector<PacketsBytes> sent(ports_.size());
    for (const Group& group : groups_) {
        result.offered += group.done;
        result.skipped += group.skipped;
        for (const std::uint16_t stream : group.streams) sent[group.port] += outgoing_[stream].sent.read();
    }
    for (std::size_t i = 0; i < outgoing_.size(); ++i) result.streams.push_back(stream_result(i));
    for (std::size_t i = 0; i < clients_.size(); ++i) result.connections.push_back(connections_result(i));
    for (std::size_t i = 0; i < ports_.size(); ++i) {
        std::uint64_t refused = 0;
        for (const auto& worker : workers_)
            if (const SegmentOutput* segments = worker->segments(i)) {
                sent[i] += segments->sent();
                refused += segments->refused();
            }
        const io::Port& port = *generator_.settings_.ports[i];
        result.ports.push_back({port.name(), sent[i], ports_[i].received.read(), ports_[i].foreign.read(),
                                ports_[i].stale.read(), ports_[i].segments.read(), refused,
                                since(device_before_[i], port.statistics())});
    }
    return result;
}

std::size_t RunningGenerator::port_named(const std::string& name) const {
    const auto& ports = profile_.machine.ports;
    return static_cast<std::size_t>(
        std::find_if(ports.begin(), ports.end(), [&](const auto& port) { return port.name == name; }) - ports.begin());
}

Status RunningGenerator::fits(const loader::StreamProfile& stream, const PacketSource& source) const {
    const std::uint16_t room = settings_.frames->room();
    if (source.greatest_length() > room)
        return Error::invalid(stream.size_place,
                              "stream '" + stream.name + "': a frame of " +
                                  std::to_string(source.greatest_length() + loader::kFcsBytes) +
                                  " bytes does not fit in a buffer, which holds " + std::to_string(room),
                              "raise `dpdk.buffer-bytes`");
    for (const std::string& name : {stream.from, stream.to}) {
        const io::Port& port = *settings_.ports[port_named(name)];
        if (port.loses_beyond() != 0 && source.greatest_packet() > port.loses_beyond())
            return Error::invalid(stream.size_place,
                                  "stream '" + stream.name + "': its largest packet has " +
                                      std::to_string(source.greatest_packet()) + " bytes, and the MTU of port '" +
                                      name + "' is " + std::to_string(port.loses_beyond()),
                                  "raise the interface's MTU, or write smaller sizes");
    }
    return Done{};
}

Status RunningGenerator::fits_segments(const loader::ConnectionsProfile& connections) const {
    constexpr std::size_t kMostHeaders = 14 + 2 * 4 + 40 + 24;
    const std::size_t room = settings_.frames->room();
    const loader::StreamProfile& ends = connections.ends;
    const auto refused = [&](const std::string& why, const std::string& hint) {
        return Error::invalid(
            ends.place,
            "connections '" + ends.name + "': segments of " + std::to_string(connections.segment) + " bytes " + why,
            hint);
    };
    if (connections.segment + kMostHeaders > room)
        return refused("do not fit in a buffer, which holds " + std::to_string(room), "raise `dpdk.buffer-bytes`");
    for (const std::string& name : {ends.from, ends.to})
        if (const std::uint16_t mtu = settings_.ports[port_named(name)]->loses_beyond();
            mtu != 0 && connections.segment + 60U > mtu)
            return refused("do not fit in the MTU of port '" + name + "', which is " + std::to_string(mtu),
                           "write a smaller `segment`");
    return Done{};
}

Result<std::unique_ptr<PacketSource>> RunningGenerator::make_source(const loader::StreamProfile& stream,
                                                                    std::uint16_t series) const {
    if (stream.replay) {
        auto replay = ReplaySource::create(stream);
        if (!replay) return replay.error();
        return std::unique_ptr<PacketSource>(*std::move(replay));
    }
    auto writer = PacketWriter::create(stream, profile_.seed, series);
    if (!writer) return writer.error();
    return std::unique_ptr<PacketSource>(*std::move(writer));
}

Status RunningGenerator::make_sources() {
    for (const loader::StreamProfile& stream : profile_.streams) {
        const auto series = static_cast<std::uint16_t>(sources_.size());
        auto source = make_source(stream, series);
        if (!source) return source.error();
        if (auto fit = fits(stream, **source); !fit) return fit;
        sources_.push_back(*std::move(source));
        ports_to_.push_back(port_named(stream.to));
    }
    if (!profile_.connections.empty() && settings_.cores.size() > settings_.ports.size())
        return Error::of(ErrorKind::kInvalid,
                         "connections need one worker for both directions of a port, and there are " +
                             std::to_string(settings_.cores.size()) + " cores for " +
                             std::to_string(settings_.ports.size()) + " port(s)",
                         "name at most as many cores as there are ports");
    for (const loader::ConnectionsProfile& connections : profile_.connections) {
        if (auto ends = PacketWriter::create(connections.ends, profile_.seed, 0); !ends) return ends.error();
        if (auto fit = fits_segments(connections); !fit) return fit;
    }
    // What is wrong with weights is wrong at any rate.
    if (auto groups = make_groups(profile_, sources_, {}); !groups) return groups.error();
    return Done{};
}

Result<TrialResult> RunningGenerator::run(const TrialRequest& request,
                                          const std::function<bool(const TrialView&)>& go_on) {
    ++trials_;
    auto groups = make_groups(profile_, sources_, request);
    if (!groups) return groups.error();
    Trial trial(*this, request, *std::move(groups));
    if (auto started = trial.start(); !started) return started.error();
    trial.wait(go_on);
    return trial.result();
}

}  // namespace

TrialRequest request_of(const loader::TrafficProfile& profile) {
    TrialRequest request;
    request.rate = profile.rate;
    request.ramp = profile.ramp;
    if (profile.duration) request.duration = *profile.duration;
    request.drain = profile.drain;
    return request;
}

Result<std::unique_ptr<Generator>> Generator::create(const loader::TrafficProfile& profile,
                                                     GeneratorSettings settings) {
    auto generator = std::make_unique<RunningGenerator>(profile, std::move(settings));
    if (auto made = generator->make_sources(); !made) return made.error();
    return std::unique_ptr<Generator>(std::move(generator));
}

}  // namespace drywall::generate

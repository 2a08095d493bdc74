#include "appliance.h"

#include "drywall/base/logging.h"
#include "drywall/explain/site.h"
#include "drywall/host/service_manager.h"
#include "drywall/io/dpdk_settings.h"
#include "drywall/runtime/eal_launcher.h"
#include "from_settings.h"
#include "hardening.h"

namespace drywall::daemon {

namespace {

std::string text(const telemetry::PacketsBytes& count) {
    return std::to_string(count.packets) + " packets (" + std::to_string(count.bytes) + " bytes)";
}

void log_totals(const runtime::Snapshot& totals) {
    telemetry::PacketsBytes dropped;
    std::string reasons;
    for (const auto& [reason, count] : totals.drops) {
        dropped += count;
        if (count.packets > 0)
            reasons +=
                (reasons.empty() ? ": " : ", ") + std::string(name(reason)) + " " + std::to_string(count.packets);
    }
    const std::string own =
        totals.resets_sent == 0 ? std::string() : ", of them resets of its own: " + std::to_string(totals.resets_sent);
    spdlog::info("totals: received {}, transmitted {}{}, dropped {}{}", text(totals.received), text(totals.transmitted),
                 own, text(dropped), reasons);
    for (const runtime::PortTotals& port : totals.ports)
        spdlog::info("port '{}': received {}, transmitted {}, missed by the device {}", port.name, text(port.received),
                     text(port.transmitted), port.device.missed);
    spdlog::info(
        "flows: {} opened, {} ended, {} live; event records lost: {}; generations published after the first: {}",
        totals.flows_opened, totals.flows_ended, totals.flows_live, totals.events_lost, totals.swaps);
}

}  // namespace

Status check_policies(const loader::Settings& settings) {
    std::vector<loader::Source> sources;
    if (!settings.policy_directory.empty()) {
        auto read = loader::read_sources(settings.policy_directory);
        if (!read) return read.error();
        sources = std::move(*read);
    }
    const auto made =
        control::Controller::create(explain::surroundings_of(settings), explain::budget_of(settings), sources);
    if (!made) return made.error();
    return Done{};
}

namespace {

// To move state.db away is the way to begin anew, and to lose it looks the same.
void warn_of_a_lost_store(store::GenerationStore& store, const loader::Settings& settings) {
    const auto history = flow_history_settings(settings);
    std::error_code ignored;
    if (store.last_number() != Generation{} || !history || !std::filesystem::exists(history->file, ignored)) return;
    spdlog::warn(
        "{} holds no generation, and {} beside it shows that this appliance was in use: what was in force is not "
        "known. "
        "If that is not meant, stop it, and put a file that `drywall backup` wrote in its place",
        store.file().string(), history->file.string());
}

Result<Brain> load_what_is_kept(const loader::Settings& settings) {
    auto store = store::GenerationStore::open(store_settings(settings));
    if (!store) return store.error();
    warn_of_a_lost_store(**store, settings);
    auto controller = control::Controller::create(explain::surroundings_of(settings), explain::budget_of(settings),
                                                  **store, settings.policy_directory);
    if (!controller) return controller.error();
    return Brain{*std::move(store), *std::move(controller)};
}

}  // namespace

Result<Brain> load_policies(const loader::Settings& settings) {
    auto brain = load_what_is_kept(settings);
    if (brain || settings.fail == loader::Fail::kClosed) return brain;
    const std::string why = "fail: open, and the policies could not be brought back: " + brain.error().text();
    auto controller = control::Controller::create(explain::surroundings_of(settings), explain::budget_of(settings));
    if (!controller) return controller.error();
    return Brain{nullptr, *std::move(controller), why};
}

Result<std::unique_ptr<Appliance>> Appliance::start(const loader::Settings& settings, Brain brain) {
    // Before any device is opened: no packet is forwarded by an appliance that nobody could operate, and two appliances
    // on the same wire would forward every packet twice.
    if (auto usable = control::Server::can_start(server_settings(settings)); !usable) return usable.error();
    std::unique_ptr<Appliance> appliance(new Appliance(std::move(brain)));
    auto guard = guard_settings(settings, appliance->flows_, appliance->denials_);
    guard.nothing_to_enforce = appliance->nothing_to_enforce_;
    appliance->controller_->guard_with(std::move(guard));
    auto dpdk = io::Dpdk::start(io::dpdk_settings(settings));
    if (!dpdk) return dpdk.error();
    appliance->dpdk_ = std::move(*dpdk);
    if (auto started = appliance->start_dataplane(settings); !started) return started.error();
    if (auto given_up = give_up_what_is_not_needed(settings); !given_up) return given_up.error();
    if (settings.ipfix)
        appliance->ipfix_ = control::IpfixExporter::start(ipfix_settings(*settings.ipfix), appliance->flows_);
    if (auto started = appliance->start_server(settings); !started) return started.error();
    appliance->watch_->announce(std::to_string(settings.ports.size()) + " ports, " +
                                std::to_string(settings.worker_cores.size()) + " worker(s), generation " +
                                std::to_string(index(appliance->controller_->generation())) + " at the start");
    return appliance;
}

Status Appliance::start_dataplane(const loader::Settings& settings) {
    recorder_ =
        std::make_unique<observe::FlowRecorder>(flows_, flow_history_settings(settings), flow_file_settings(settings));
    recorder_->start();
    if (const std::string trouble = recorder_->trouble(); !trouble.empty())
        spdlog::warn("flows are not kept on disk: {}", trouble);
    launcher_ = runtime::make_eal_launcher();
    runtime::DataplaneSettings running = dataplane_settings(settings, dpdk_->ports());
    running.frames = &dpdk_->frames();
    auto dataplane = runtime::Dataplane::start(std::move(running), controller_->in_force(), *launcher_, denials_);
    if (!dataplane) return dataplane.error();
    dataplane_ = std::move(*dataplane);
    start_watch(settings);
    publisher_ = std::make_unique<control::DataplanePublisher>(*dataplane_);
    controller_->set_existing(existing_connections(settings));
    controller_->attach(*publisher_);
    watchman_ = std::make_unique<control::Watchman>(*controller_);
    return Done{};
}

void Appliance::start_watch(const loader::Settings& settings) {
    runtime::HealthSettings health;
    health.fail_open = settings.fail == loader::Fail::kOpen;
    health.watchdog = host::ServiceManager::watchdog();
    health.others = [this] { return troubles(); };
    health.notify = [](const std::string& message) { host::ServiceManager::notify(message); };
    if (settings.hung_worker == loader::HungWorker::kExit) health.on_hung = end_because_of;
    if (health.fail_open)
        spdlog::warn("FAIL OPEN is configured: a start that can't bring back its policies lets everything pass");
    watch_ = std::make_unique<runtime::HealthWatch>(*dataplane_, std::move(health));
}

// Asked ten times a second by the watch, which must not wait.
std::vector<runtime::Reason> Appliance::troubles() {
    std::vector<runtime::Reason> out;
    if (!nothing_to_enforce_.empty() && controller_->guard().safety)
        out.push_back({.trouble = runtime::Trouble::kNothingEnforced, .text = nothing_to_enforce_});
    if (!store_) return out;
    if (const auto health = store_->health_at_once())
        store_trouble_ = health->state == store::StoreHealth::State::kOk ? "" : health->words;
    if (!store_trouble_.empty())
        out.push_back({.trouble = runtime::Trouble::kStore,
                       .text = "changes are refused: the store can't be written: " + store_trouble_});
    return out;
}

Status Appliance::start_server(const loader::Settings& settings) {
    control::ServerSettings how = server_settings(settings);
    how.ipfix = ipfix_.get();
    how.health = watch_.get();
    auto server = control::Server::start(std::move(how), *controller_, flows_);
    if (!server) return server.error();
    server_ = std::move(*server);
    std::size_t table_bytes = 0;
    for (const auto& worker : dataplane_->snapshot().workers) table_bytes += worker.table_bytes;
    spdlog::info("tables: {} connections and {} fragmented datagrams a worker, {:.1f} MB together",
                 settings.flows_per_worker, settings.fragments_per_worker, static_cast<double>(table_bytes) * 1e-6);
    spdlog::info("ready: {} ports, {} worker(s), generation {}, control socket {}", settings.ports.size(),
                 settings.worker_cores.size(), index(controller_->generation()), settings.control_socket);
    return Done{};
}

void Appliance::stop() {
    if (!dataplane_) return;
    watch_->stop();
    if (server_) server_->stop();
    watchman_.reset();
    controller_->detach();
    dataplane_->stop();
    recorder_.reset();  // what the stats core drained last is written too
    log_totals(dataplane_->snapshot());
    server_.reset();
    ipfix_.reset();  // after the last flows ended
    publisher_.reset();
    watch_.reset();
    dataplane_.reset();
}

}  // namespace drywall::daemon

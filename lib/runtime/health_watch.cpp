#include "drywall/runtime/health_watch.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "drywall/base/logging.h"
#include "drywall/base/out_of_memory.h"

namespace drywall::runtime {

namespace {

constexpr std::chrono::milliseconds kFirstLooks{5};  // from one to the next, until it is ready

Look look_at_the_clock() { return {monotonic_now(), std::chrono::system_clock::now()}; }

// One line: the service manager shows it behind the unit's name.
std::string status_line(const Health& health, const std::string& status) {
    std::string line = health.state == ApplianceState::kDegraded ? "DEGRADED" : "READY";
    if (health.fail_open) line += ", FAIL OPEN";
    for (const Reason& reason : health.reasons) line += ": " + reason.text;
    std::string out = "STATUS=" + line + (health.reasons.empty() ? ": " + status : "");
    std::replace(out.begin(), out.end(), '\n', ' ');
    return out;
}

}  // namespace

class HealthWatch::Impl {
public:
    Impl(const Dataplane& dataplane, HealthSettings settings)
        : dataplane_(dataplane),
          settings_(std::move(settings)),
          diagnosis_(settings_.fail_open, settings_.late),
          feeder_(settings_.watchdog),
          thread_([this] { watch(); }) {}

    ~Impl() { stop(); }

    void announce(std::string status) {
        {
            const std::scoped_lock lock(mutex_);
            announced_ = std::move(status);
            look_now_ = true;
        }
        changed_.notify_all();
    }

    void stop() {
        {
            const std::scoped_lock lock(mutex_);
            if (std::exchange(stopping_, true)) return;
            diagnosis_.stop(look_at_the_clock());
        }
        changed_.notify_all();
        thread_.join();
        settings_.notify("STOPPING=1\nSTATUS=stopping: packets in hand are finished, nothing else is forwarded");
    }

    [[nodiscard]] Health health() const {
        const std::scoped_lock lock(mutex_);
        return diagnosis_.health();
    }

private:
    void watch() {
        std::unique_lock lock(mutex_);
        while (!stopping_) {
            look_now_ = false;
            (void)as_memory_allows([&] { look_once(lock); });
            if (!lock.owns_lock()) lock.lock();
            if (stopping_) return;
            const auto pause = diagnosis_.health().state == ApplianceState::kInit
                                   ? std::min(kFirstLooks, settings_.every)
                                   : settings_.every;
            changed_.wait_for(lock, pause, [this] { return stopping_ || look_now_; });
        }
    }

    // REQUIRES: the lock is held. Afterwards it may not be.
    void look_once(std::unique_lock<std::mutex>& lock) {
        lock.unlock();
        const Look look = look_at_the_clock();
        const Vitals vitals = dataplane_.vitals();
        const std::vector<Reason> others = settings_.others();
        lock.lock();
        if (stopping_) return;
        const std::vector<News> news = diagnosis_.look(look, vitals, others);
        const std::string message = message_after(!news.empty(), look, vitals);
        const std::vector<std::string> hung = newly_hung();
        lock.unlock();
        for (const News& one : news) spdlog::log(one.bad ? spdlog::level::err : spdlog::level::warn, one.text);
        if (!message.empty()) settings_.notify(message);
        for (const std::string& worker : hung) settings_.on_hung(worker);
    }

    // REQUIRES: mutex_ is held; likewise below
    std::string message_after(bool news, const Look& look, const Vitals& vitals) {
        std::string message;
        const auto add = [&](const std::string& line) { message += (message.empty() ? "" : "\n") + line; };
        const bool first = !ready_told_ && announced_ && diagnosis_.every_worker_polls();
        if (first) add("READY=1");
        ready_told_ = ready_told_ || first;
        if (ready_told_ && (first || news)) add(status_line(diagnosis_.health(), *announced_));
        if (feeder_.due(look.now, vitals)) add("WATCHDOG=1");
        return message;
    }

    std::vector<std::string> newly_hung() {
        std::vector<std::string> out;
        std::vector<std::size_t> hung;
        for (const Reason& reason : diagnosis_.health().reasons) {
            if (reason.trouble != Trouble::kWorkerHung) continue;
            hung.push_back(reason.worker);
            if (std::find(hung_.begin(), hung_.end(), reason.worker) == hung_.end()) out.push_back(reason.text);
        }
        hung_ = std::move(hung);
        return out;
    }

    const Dataplane& dataplane_;
    const HealthSettings settings_;
    mutable std::mutex mutex_;  // guards what follows
    std::condition_variable changed_;
    Diagnosis diagnosis_;
    WatchdogFeeder feeder_;
    std::vector<std::size_t> hung_;  // as of the last look
    std::optional<std::string> announced_;
    bool ready_told_ = false;
    bool look_now_ = false;
    bool stopping_ = false;
    std::thread thread_;  // last: it uses all of the above
};

HealthWatch::HealthWatch(const Dataplane& dataplane, HealthSettings settings)
    : impl_(std::make_unique<Impl>(dataplane, std::move(settings))) {}
HealthWatch::~HealthWatch() = default;
void HealthWatch::announce(std::string status) { impl_->announce(std::move(status)); }
void HealthWatch::stop() { impl_->stop(); }
Health HealthWatch::health() const { return impl_->health(); }

}  // namespace drywall::runtime

// ConnectionThreads: a thread for each connection, up to a limit, so that a slow client keeps nobody waiting.
//
// Threads: the accepting thread alone calls in.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <list>
#include <thread>

#include <httplib.h>

namespace drywall::control {

class ConnectionThreads final : public httplib::TaskQueue {
public:
    explicit ConnectionThreads(std::size_t limit) : limit_(limit) {}
    ~ConnectionThreads() override { shutdown(); }

    // Beyond the limit the job runs here and now, and refused() is true while it does: it must not wait for anything.
    void enqueue(std::function<void()> job) override;
    // Returns when every job is done.
    void shutdown() override;

    [[nodiscard]] static bool refused() noexcept;

private:
    struct Slot {
        std::thread thread;
        std::atomic<bool> done{false};  // its thread writes, the accepting thread reads
    };
    void reap();

    std::size_t limit_;
    std::list<Slot> slots_;
};

}  // namespace drywall::control

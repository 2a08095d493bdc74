// Watchman: keeps the controller's promises in time: changes that nobody confirmed, and a safety that was opened for a
// while.
//
// Threads: one of its own, from construction to destruction. It looks twenty times a second.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "drywall/control/controller.h"

namespace drywall::control {

class Watchman {
public:
    // `controller` outlives it.
    explicit Watchman(Controller& controller);
    ~Watchman();
    Watchman(const Watchman&) = delete;
    Watchman& operator=(const Watchman&) = delete;

private:
    void watch();

    Controller& controller_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool stopping_ = false;  // guarded by mutex_
    std::thread thread_;
};

}  // namespace drywall::control

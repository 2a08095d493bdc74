#include "drywall/control/watchman.h"

namespace drywall::control {

namespace {
constexpr std::chrono::milliseconds kEvery{50};
}  // namespace

Watchman::Watchman(Controller& controller) : controller_(controller), thread_([this] { watch(); }) {}

Watchman::~Watchman() {
    {
        const std::scoped_lock lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

void Watchman::watch() {
    std::unique_lock lock(mutex_);
    while (!changed_.wait_for(lock, kEvery, [this] { return stopping_; })) {
        lock.unlock();
        controller_.keep_promises();
        lock.lock();
    }
}

}  // namespace drywall::control

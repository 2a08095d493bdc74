#include "drywall/control/watchman.h"

#include <utility>

#include "drywall/base/logging.h"
#include "drywall/base/out_of_memory.h"

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
    bool told = false;
    std::unique_lock lock(mutex_);
    while (!changed_.wait_for(lock, kEvery, [this] { return stopping_; })) {
        lock.unlock();
        const bool looked = as_memory_allows([this] { controller_.keep_promises(); });
        if (!std::exchange(told, !looked) && !looked)
            spdlog::error("not enough memory to look after what waits to be confirmed: tried again every {} ms",
                          kEvery.count());
        lock.lock();
    }
}

}  // namespace drywall::control

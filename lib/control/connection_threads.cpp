#include "connection_threads.h"

#include <new>
#include <system_error>

namespace drywall::control {

namespace {
thread_local bool refused_here = false;

void refuse(const std::function<void()>& job) {
    refused_here = true;
    job();
    refused_here = false;
}
}  // namespace

bool ConnectionThreads::refused() noexcept { return refused_here; }

void ConnectionThreads::enqueue(std::function<void()> job) {
    reap();
    if (slots_.size() >= limit_) return refuse(job);
    try {
        decltype(slots_) one(1);
        Slot& slot = one.front();
        slot.thread = std::thread([&slot, job] {
            job();
            slot.done = true;
        });
        slots_.splice(slots_.end(), one);
    } catch (const std::system_error&) {  // no thread to be had
        refuse(job);
    } catch (const std::bad_alloc&) {
        refuse(job);
    }
}

void ConnectionThreads::shutdown() {
    for (Slot& slot : slots_) slot.thread.join();
    slots_.clear();
}

void ConnectionThreads::reap() {
    for (auto slot = slots_.begin(); slot != slots_.end();) {
        if (!slot->done) {
            ++slot;
            continue;
        }
        slot->thread.join();
        slot = slots_.erase(slot);
    }
}

}  // namespace drywall::control

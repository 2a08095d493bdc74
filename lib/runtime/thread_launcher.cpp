// Plain threads bound to CPUs: for tests, benchmarks and whatever runs without an EAL.
#include <thread>
#include <vector>

#include <pthread.h>
#include <sched.h>

#include "drywall/runtime/launcher.h"

namespace drywall::runtime {

namespace {

bool allowed(unsigned core) {
    cpu_set_t set;
    CPU_ZERO(&set);
    return core < CPU_SETSIZE && sched_getaffinity(0, sizeof set, &set) == 0 && CPU_ISSET(core, &set);
}

void bind_and_name(unsigned core, const std::string& name) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    pthread_setaffinity_np(pthread_self(), sizeof set, &set);
    pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());  // the kernel keeps 15 characters
}

class ThreadLauncher final : public Launcher {
public:
    ~ThreadLauncher() override { ThreadLauncher::join(); }

    Status launch(unsigned core, std::string name, std::function<void()> body) override {
        if (!allowed(core))
            return Error::of(ErrorKind::kUnavailable,
                             "CPU " + std::to_string(core) + " is not one that " + name + " may run on",
                             "choose one of those that `taskset -p $$` shows");
        threads_.emplace_back([core, name = std::move(name), body = std::move(body)] {
            bind_and_name(core, name);
            body();
        });
        return Done{};
    }

    void join() override {
        for (std::thread& thread : threads_) thread.join();
        threads_.clear();
    }

private:
    std::vector<std::thread> threads_;
};

}  // namespace

std::unique_ptr<Launcher> make_thread_launcher() { return std::make_unique<ThreadLauncher>(); }

}  // namespace drywall::runtime

// on_core(): what a worker will write is made on that worker's CPU. The kernel gives a page from the NUMA node of the
// CPU that touches it first, so tables that their constructor fills lie beside the core that reads them for each
// packet.
//
// Threads: control side. Allocates, and starts a thread for as long as it takes.
#pragma once

#include <functional>
#include <future>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>

namespace drywall::runtime {

// Binds the calling thread to a CPU. False: it may not run there, and stays where it is.
bool bind_to(unsigned core) noexcept;

// What `make` returns, or throws, when it is called on that CPU; where this process may not use it, on any, and where
// no thread is to be had, on the caller's.
template <typename Make>
[[nodiscard]] std::invoke_result_t<Make> on_core(unsigned core, Make make) {
    std::packaged_task<std::invoke_result_t<Make>()> task([core, &make] {
        (void)bind_to(core);
        return make();
    });
    auto made = task.get_future();
    try {
        std::thread(std::ref(task)).join();
    } catch (const std::system_error&) {
        return make();
    }
    return made.get();
}

}  // namespace drywall::runtime

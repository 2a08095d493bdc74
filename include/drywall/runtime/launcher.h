// Launcher: how threads are made: EAL lcores in the programs, plain threads in tests.
//
// Threads: the main thread's.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "drywall/base/result.h"

namespace drywall::runtime {

class Launcher {
public:
    virtual ~Launcher() = default;
    // Runs `body` on a thread bound to `core`. join() waits for all of them; then more can be launched.
    virtual Status launch(unsigned core, std::string name, std::function<void()> body) = 0;
    virtual void join() = 0;
};

[[nodiscard]] std::unique_ptr<Launcher> make_thread_launcher();

}  // namespace drywall::runtime

// Capabilities of every thread of the process, also of those that a library made. The kernel has no call for it, and
// the C library only for user ids: each thread is sent a signal, and its handler gives up the thread's own.
//
// Threads: one caller at a time, and none that blocks every signal: it would not hear of it.
// Signal:  SIGRTMIN + 5 while it lasts. Calls that a signal interrupts are started again (SA_RESTART) or, where the
// kernel
//          never does that (poll, nanosleep), come back early, as they may at any time.
#pragma once

#include "drywall/host/privileges.h"

namespace drywall::host {

// Checked afterwards by what the kernel says of each thread. kInternal, naming the thread that has more.
[[nodiscard]] Status on_every_thread(const Capabilities& kept);

}  // namespace drywall::host

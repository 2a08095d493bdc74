// The system calls that a running appliance may make, as a filter in the kernel (seccomp) for all its threads, those of
// libraries too.
//
// Threads: install once, from any thread, when everything is open; it can't be taken back. Threads made later inherit
// it. Answers: a call that only a taken-over process makes (execve, ptrace, mount, ...) ends the process with SIGSYS;
// any
//          other that is not on the list fails with EPERM.
#pragma once

#include <cstdint>

#include "drywall/base/result.h"

namespace drywall::host {

enum class FilterMode : std::uint8_t {
    kEnforce,
    kLog,  // what is not on the list is done, and written to the kernel's audit log
};

[[nodiscard]] Status install_syscall_filter(FilterMode mode);

}  // namespace drywall::host

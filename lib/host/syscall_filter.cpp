#include "drywall/host/syscall_filter.h"

#include <cerrno>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <type_traits>

#include <seccomp.h>

namespace drywall::host {

namespace {

// By who asks for them. A name that this machine's kernel headers do not know is passed over.
constexpr const char* kAllowed[] = {
    // memory: the C library, DPDK's heap, Hyperscan, SQLite
    "brk",
    "mmap",
    "munmap",
    "mremap",
    "mprotect",
    "madvise",
    "mlock",
    "mlock2",
    "munlock",
    "mincore",
    "msync",
    "membarrier",
    "memfd_create",
    "mbind",
    "get_mempolicy",
    "set_mempolicy",
    // threads, locks, CPUs
    "clone",
    "clone3",
    "exit",
    "exit_group",
    "futex",
    "futex_waitv",
    "set_robust_list",
    "get_robust_list",
    "rseq",
    "set_tid_address",
    "gettid",
    "getpid",
    "getppid",
    "tgkill",
    "tkill",
    "sched_yield",
    "sched_getaffinity",
    "sched_setaffinity",
    "sched_getparam",
    "sched_getscheduler",
    "getcpu",
    "arch_prctl",
    "prctl",
    "restart_syscall",
    // signals, also the one by which a second SIGTERM or an abort ends the process
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "rt_sigtimedwait",
    "rt_sigpending",
    "rt_sigsuspend",
    "sigaltstack",
    "kill",
    // time
    "clock_gettime",
    "clock_getres",
    "clock_nanosleep",
    "nanosleep",
    "gettimeofday",
    "time",
    "timerfd_create",
    "timerfd_settime",
    "timerfd_gettime",
    "timer_create",
    "timer_settime",
    "timer_delete",
    // waiting
    "poll",
    "ppoll",
    "select",
    "pselect6",
    "epoll_create",
    "epoll_create1",
    "epoll_ctl",
    "epoll_wait",
    "epoll_pwait",
    "epoll_pwait2",
    "eventfd",
    "eventfd2",
    "pipe",
    "pipe2",
    // sockets: the API, systemd, IPFIX, net_af_packet, net_af_xdp, net_memif, questions to the kernel about interfaces
    "socket",
    "socketpair",
    "bind",
    "listen",
    "accept",
    "accept4",
    "connect",
    "shutdown",
    "getsockname",
    "getpeername",
    "setsockopt",
    "getsockopt",
    "sendto",
    "sendmsg",
    "sendmmsg",
    "recvfrom",
    "recvmsg",
    "recvmmsg",
    "ioctl",
    // XDP programs are taken off their interface at the end
    "bpf",
    // files: SQLite, the flow log, the log, /proc and /sys
    "open",
    "openat",
    "openat2",
    "close",
    "close_range",
    "read",
    "readv",
    "pread64",
    "preadv",
    "preadv2",
    "write",
    "writev",
    "pwrite64",
    "pwritev",
    "pwritev2",
    "lseek",
    "fsync",
    "fdatasync",
    "sync_file_range",
    "ftruncate",
    "truncate",
    "fallocate",
    "fadvise64",
    "flock",
    "fcntl",
    "dup",
    "dup2",
    "dup3",
    "sendfile",
    "copy_file_range",
    "stat",
    "fstat",
    "lstat",
    "newfstatat",
    "statx",
    "statfs",
    "fstatfs",
    "access",
    "faccessat",
    "faccessat2",
    "readlink",
    "readlinkat",
    "getdents",
    "getdents64",
    "getcwd",
    "rename",
    "renameat",
    "renameat2",
    "unlink",
    "unlinkat",
    "mkdir",
    "mkdirat",
    "rmdir",
    "link",
    "linkat",
    "chmod",
    "fchmod",
    "fchmodat",
    "chown",
    "fchown",
    "lchown",
    "fchownat",
    "utimensat",
    "umask",
    // who and what am I
    "getuid",
    "geteuid",
    "getgid",
    "getegid",
    "getgroups",
    "getresuid",
    "getresgid",
    "capget",
    "capset",
    "uname",
    "sysinfo",
    "getrlimit",
    "setrlimit",
    "prlimit64",
    "getrusage",
    "times",
    "getrandom",
};

// What no appliance asks for, and who has taken one over does. Not merely refused: the process ends.
constexpr const char* kFatal[] = {
    "execve",
    "execveat",
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "mount",
    "umount2",
    "move_mount",
    "pivot_root",
    "chroot",
    "init_module",
    "finit_module",
    "delete_module",
    "kexec_load",
    "kexec_file_load",
    "reboot",
    "swapon",
    "unshare",
    "setns",
    "keyctl",
    "add_key",
    "request_key",
    "perf_event_open",
    "userfaultfd",
    "iopl",
    "ioperm",
    "setuid",
    "setgid",
    "setresuid",
    "setresgid",
    "setreuid",
    "setregid",
    "setgroups",
};

using Filter = std::unique_ptr<std::remove_pointer_t<scmp_filter_ctx>, decltype(&seccomp_release)>;

Error refused(const std::string& what, int code) {
    return Error::of(ErrorKind::kUnavailable, "the filter of system calls: " + what + ": " + std::strerror(-code),
                     "a kernel without seccomp needs `hardening: {seccomp: off}`");
}

Status add(const Filter& filter, std::uint32_t action, std::span<const char* const> names) {
    for (const char* name : names) {
        const int call = seccomp_syscall_resolve_name(name);
        if (call == __NR_SCMP_ERROR || call < 0) continue;
        if (const int code = seccomp_rule_add(filter.get(), action, call, 0); code != 0) return refused(name, code);
    }
    return Done{};
}

}  // namespace

Status install_syscall_filter(FilterMode mode) {
    const bool enforce = mode == FilterMode::kEnforce;
    const Filter filter(seccomp_init(enforce ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_LOG), &seccomp_release);
    if (!filter) return refused("it can't be made", -ENOMEM);
    // All threads, or none: a thread without it would be the way around it.
    if (const int code = seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1); code != 0)
        return refused("not for all threads", code);
    (void)seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE,
                           2);                                     // a tree: a worker's calls are found in some steps
    (void)seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_LOG, 1);  // what is refused is in the kernel's log too
    if (auto added = add(filter, SCMP_ACT_ALLOW, kAllowed); !added) return added;
    if (enforce)
        if (auto added = add(filter, SCMP_ACT_KILL_PROCESS, kFatal); !added) return added;
    if (const int code = seccomp_load(filter.get()); code != 0) return refused("it is not taken", code);
    return Done{};
}

}  // namespace drywall::host

#include "every_thread.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fstream>
#include <thread>

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace drywall::host {

namespace {

constexpr std::chrono::milliseconds kPatience{2000};
constexpr std::chrono::milliseconds kLookAgain{1};

using Words = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;

Words g_wanted;                       // written before the signal is sent, read by its handler
std::atomic<std::size_t> g_answered;  // threads that followed

// Of the calling thread. Async-signal-safe: one system call.
bool set_own(const Words& wanted) noexcept {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    return ::syscall(SYS_capset, &header, wanted.data()) == 0;
}

void follow(int /*signal*/) {
    const int before = errno;
    (void)set_own(g_wanted);  // whether it did is read from /proc
    errno = before;
    g_answered.fetch_add(1, std::memory_order_release);
}

Words words_of(const Capabilities& kept) {
    Words words{};
    for (const unsigned one : kept) {
        words[one / 32].effective |= 1U << (one % 32);
        words[one / 32].permitted |= 1U << (one % 32);
    }
    return words;
}

std::uint64_t mask_of(const Capabilities& kept) {
    std::uint64_t mask = 0;
    for (const unsigned one : kept) mask |= std::uint64_t{1} << one;
    return mask;
}

// The threads that may do more than `mask`, and what they are called.
std::vector<std::pair<pid_t, std::string>> threads_beyond(std::uint64_t mask) {
    std::vector<std::pair<pid_t, std::string>> out;
    std::error_code code;
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task", code)) {
        std::ifstream status(task.path() / "status");
        std::string thread;
        for (std::string line; std::getline(status, line);) {
            if (line.starts_with("Name:")) thread = line.substr(6);
            if (!line.starts_with("CapPrm:") && !line.starts_with("CapEff:") && !line.starts_with("CapInh:")) continue;
            if ((std::stoull(line.substr(7), nullptr, 16) & ~mask) == 0) continue;
            out.emplace_back(std::stoi(task.path().filename().string()), thread);
            break;
        }
    }
    return out;
}

void ask(const std::vector<std::pair<pid_t, std::string>>& threads, int signal) {
    g_answered.store(0, std::memory_order_relaxed);
    std::size_t asked = 0;
    for (const auto& [tid, name] : threads) asked += ::syscall(SYS_tgkill, ::getpid(), tid, signal) == 0 ? 1U : 0U;
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (g_answered.load(std::memory_order_acquire) < asked && std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(kLookAgain);
}

}  // namespace

Status on_every_thread(const Capabilities& kept) {
    g_wanted = words_of(kept);
    if (!set_own(g_wanted))
        return Error::of(ErrorKind::kInternal,
                         std::string("capabilities could not be given up: ") + std::strerror(errno));
    const int signal = SIGRTMIN + 5;
    struct sigaction action {};
    struct sigaction before {};
    action.sa_handler = follow;
    action.sa_flags = SA_RESTART;
    ::sigaction(signal, &action, &before);
    auto beyond = threads_beyond(mask_of(kept));
    // A thread that was made meanwhile has what its maker had at that moment: once more, and again.
    for (int round = 0; round < 4 && !beyond.empty(); ++round) {
        ask(beyond, signal);
        beyond = threads_beyond(mask_of(kept));
    }
    ::sigaction(signal, &before, nullptr);
    if (beyond.empty()) return Done{};
    return Error::of(ErrorKind::kInternal, "thread '" + beyond.front().second + "' did not give up its capabilities",
                     "report it, with the configuration");
}

}  // namespace drywall::host

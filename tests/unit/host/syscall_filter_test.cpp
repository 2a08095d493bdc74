// The filter can't be taken off again: every test is a process of its own.
#include "drywall/host/syscall_filter.h"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace drywall::host {
namespace {

constexpr int kAsWanted = 42;

[[noreturn]] void end(bool as_wanted) { ::_exit(as_wanted ? kAsWanted : 1); }

void install(FilterMode mode) {
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (!install_syscall_filter(mode)) ::_exit(2);
}

// On nobody's list, harmless, and always answered with something else than EPERM where there is no filter.
bool is_refused() { return ::syscall(SYS_mq_unlink, "") == -1 && errno == EPERM; }

class SyscallFilterDeath : public testing::Test {
protected:
    SyscallFilterDeath() { testing::FLAGS_gtest_death_test_style = "fast"; }
};

TEST_F(SyscallFilterDeath, LetsTheApplianceDoItsWork) {
    const auto work = [] {
        install(FilterMode::kEnforce);
        const int file = ::open("/proc/self/status", O_RDONLY);
        char byte = 0;
        bool fine = file >= 0 && ::read(file, &byte, 1) == 1 && ::close(file) == 0;
        std::thread([&] { fine = fine && ::syscall(SYS_gettid) > 0; }).join();
        end(fine);
    };
    EXPECT_EXIT(work(), testing::ExitedWithCode(kAsWanted), "");
}

TEST_F(SyscallFilterDeath, RefusesACallThatIsNotOnTheList) {
    const auto call = [] {
        if (is_refused()) end(false);
        install(FilterMode::kEnforce);
        end(is_refused());
    };
    EXPECT_EXIT(call(), testing::ExitedWithCode(kAsWanted), "");
}

TEST_F(SyscallFilterDeath, BindsThreadsThatWereThereBefore) {
    const auto call = [] {
        std::atomic<bool> installed{false};
        bool refused = false;
        std::thread other([&] {
            installed.wait(false);
            refused = is_refused();
        });
        install(FilterMode::kEnforce);
        installed = true;
        installed.notify_all();
        other.join();
        end(refused);
    };
    EXPECT_EXIT(call(), testing::ExitedWithCode(kAsWanted), "");
}

TEST_F(SyscallFilterDeath, EndsAProcessThatStartsAnotherProgram) {
    const auto call = [] {
        install(FilterMode::kEnforce);
        ::execl("/bin/true", "true", nullptr);
        end(true);
    };
    EXPECT_EXIT(call(), testing::KilledBySignal(SIGSYS), "");
}

TEST_F(SyscallFilterDeath, OnlyLogsWhenItShallOnlyLog) {
    const auto call = [] {
        install(FilterMode::kLog);
        end(!is_refused());
    };
    EXPECT_EXIT(call(), testing::ExitedWithCode(kAsWanted), "");
}

}  // namespace
}  // namespace drywall::host

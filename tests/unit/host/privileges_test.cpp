// What a process gives up does not come back: every test is a process of its own. Without root there is nothing to give
// up, and the tests say little; the e2e tests look at the appliance itself.
#include "drywall/host/privileges.h"

#include <atomic>
#include <cstdint>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace drywall::host {
namespace {

constexpr int kFine = 42;

// The largest set of any thread of this process.
std::uint64_t effective_on_any_thread() {
    std::uint64_t mask = 0;
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
        std::ifstream status(task.path() / "status");
        for (std::string line; std::getline(status, line);)
            if (line.starts_with("CapEff:")) mask |= std::stoull(line.substr(7), nullptr, 16);
    }
    return mask;
}

constexpr std::uint64_t bit(unsigned capability) { return std::uint64_t{1} << capability; }

TEST(Privileges, CapabilitiesHaveTheNamesOfTheManual) {
    EXPECT_EQ(*capability("net_admin"), static_cast<unsigned>(CAP_NET_ADMIN));
    EXPECT_EQ(names_of({CAP_NET_ADMIN, CAP_NET_RAW}), "net_admin, net_raw");
    EXPECT_EQ(names_of({}), "none");
    const auto unknown = capability("net_everything");
    ASSERT_FALSE(unknown);
    EXPECT_NE(unknown.error().text().find("there is no capability 'net_everything'"), std::string::npos);
}

TEST(PrivilegesDeath, OnlyWhatIsNeededToOpenDevicesIsTakenOnAndNoProgramGivesMore) {
    const auto start = [] {
        const bool taken = static_cast<bool>(take_on({}, {CAP_NET_ADMIN}));
        const bool no_more = (effective_on_any_thread() & ~bit(CAP_NET_ADMIN)) == 0;
        ::_exit(taken && no_more && ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? kFine : 1);
    };
    EXPECT_EXIT(start(), testing::ExitedWithCode(kFine), "");
}

TEST(PrivilegesDeath, AreGivenUpByThreadsThatWereThereBefore) {
    const auto run = [] {
        std::atomic<bool> over{false};
        std::thread other([&] { over.wait(false); });
        const bool given_up = static_cast<bool>(give_up({CAP_NET_ADMIN}));
        const bool on_all = (effective_on_any_thread() & ~bit(CAP_NET_ADMIN)) == 0;
        over = true;
        over.notify_all();
        other.join();
        ::_exit(given_up && on_all ? kFine : 1);
    };
    EXPECT_EXIT(run(), testing::ExitedWithCode(kFine), "");
}

TEST(PrivilegesDeath, AUserThatIsNotThereIsNamedAndNothingIsChanged) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root becomes somebody else";
    const auto taken = take_on({.user = "nobody-at-all", .group = {}, .groups = {}, .directories = {}}, {});
    ASSERT_FALSE(taken);
    EXPECT_NE(taken.error().text().find("there is no user 'nobody-at-all'"), std::string::npos);
    EXPECT_EQ(::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
}

}  // namespace
}  // namespace drywall::host

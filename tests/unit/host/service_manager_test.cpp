// What the service manager hears, on a socket of the test's own.
#include "drywall/host/service_manager.h"

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace drywall::host {
namespace {

class NotifySocket {
public:
    NotifySocket() : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        // In the abstract name space: nothing to tidy up.
        const std::string name = "@drywall-notify-" + std::to_string(::getpid());
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path + 1, name.data() + 1, name.size() - 1);
        const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
        EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), length), 0) << std::strerror(errno);
        ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
    }
    ~NotifySocket() {
        ::unsetenv("NOTIFY_SOCKET");
        ::close(fd_);
    }
    NotifySocket(const NotifySocket&) = delete;
    NotifySocket& operator=(const NotifySocket&) = delete;

    // Empty: nothing came.
    [[nodiscard]] std::string heard() const {
        std::array<char, 512> text{};
        const ssize_t length = ::recv(fd_, text.data(), text.size(), MSG_DONTWAIT);
        return length < 0 ? std::string() : std::string(text.data(), static_cast<std::size_t>(length));
    }

private:
    int fd_;
};

TEST(ServiceManager, HearsAMessageAsItIs) {
    const NotifySocket socket;
    ServiceManager::notify("READY=1\nSTATUS=READY: 2 ports");
    EXPECT_EQ(socket.heard(), "READY=1\nSTATUS=READY: 2 ports");
    EXPECT_EQ(socket.heard(), "");
}

TEST(ServiceManager, IsNotMissedWhereThereIsNone) {
    ::unsetenv("NOTIFY_SOCKET");
    ServiceManager::notify("READY=1");
    EXPECT_EQ(ServiceManager::watchdog(), Nanos{0});
}

TEST(ServiceManager, SaysHowOftenItWantsToHearFromThisProcessAndFromNoOther) {
    ::setenv("WATCHDOG_USEC", "2000000", 1);
    ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
    EXPECT_EQ(ServiceManager::watchdog(), std::chrono::seconds(2));
    ::setenv("WATCHDOG_PID", std::to_string(::getppid()).c_str(), 1);
    EXPECT_EQ(ServiceManager::watchdog(), Nanos{0});
    ::unsetenv("WATCHDOG_USEC");
    ::unsetenv("WATCHDOG_PID");
}

}  // namespace
}  // namespace drywall::host

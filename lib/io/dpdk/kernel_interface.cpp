#include "kernel_interface.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace drywall::io {

namespace {

// Any socket will do to ask about interfaces.
class QuestionSocket {
public:
    QuestionSocket() noexcept : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {}
    ~QuestionSocket() {
        if (fd_ >= 0) ::close(fd_);
    }
    QuestionSocket(const QuestionSocket&) = delete;
    QuestionSocket& operator=(const QuestionSocket&) = delete;

    bool ask(unsigned long question, ifreq& request) const noexcept {
        return fd_ >= 0 && ::ioctl(fd_, question, &request) == 0;
    }

private:
    int fd_;
};

ifreq request_for(const std::string& interface) noexcept {
    ifreq request{};
    std::strncpy(request.ifr_name, interface.c_str(), IFNAMSIZ - 1);
    return request;
}

}  // namespace

std::vector<std::string> kernel_interfaces() {
    std::vector<std::string> names;
    const std::unique_ptr<struct if_nameindex, decltype(&if_freenameindex)> list(if_nameindex(), if_freenameindex);
    if (!list) return names;
    for (const struct if_nameindex* entry = list.get(); entry->if_name != nullptr; ++entry)
        names.emplace_back(entry->if_name);
    return names;
}

bool kernel_link_up(const std::string& interface) noexcept {
    ifreq request = request_for(interface);
    if (!QuestionSocket().ask(SIOCGIFFLAGS, request)) return false;
    return (request.ifr_flags & IFF_UP) != 0 && (request.ifr_flags & IFF_RUNNING) != 0;
}

std::uint16_t kernel_mtu(const std::string& interface) noexcept {
    ifreq request = request_for(interface);
    if (!QuestionSocket().ask(SIOCGIFMTU, request)) return 0;
    constexpr int kMost = std::numeric_limits<std::uint16_t>::max();  // the loopback's is one more
    return static_cast<std::uint16_t>(std::clamp(request.ifr_mtu, 0, kMost));
}

bool set_kernel_link(const std::string& interface, bool up) noexcept {
    const QuestionSocket socket;
    ifreq request = request_for(interface);
    if (!socket.ask(SIOCGIFFLAGS, request)) return false;
    const auto before = request.ifr_flags;
    request.ifr_flags = static_cast<short>(up ? before | IFF_UP : before & ~IFF_UP);
    return request.ifr_flags == before || socket.ask(SIOCSIFFLAGS, request);
}

}  // namespace drywall::io

#include "packet_sockets.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>

namespace drywall::io {

namespace {

// Enough for both addresses, and not for an ether type, also when the driver has put a tag behind the addresses.
constexpr std::uint32_t kAddressesOnly = 2 * ETH_ALEN;
constexpr std::uint32_t kWholeFrame = 0x40000;

constexpr sock_filter statement(unsigned code, std::uint32_t value) {
    return {static_cast<std::uint16_t>(code), 0, 0, value};
}

constexpr sock_filter jump_if_equal(std::uint32_t value, std::uint8_t if_true, std::uint8_t if_false) {
    return {static_cast<std::uint16_t>(BPF_JMP | BPF_JEQ | BPF_K), if_true, if_false, value};
}

constexpr std::uint32_t ancillary(int offset) { return static_cast<std::uint32_t>(SKF_AD_OFF + offset); }

Status attach(int socket, const std::string& interface) {
    std::array program = {
        statement(BPF_LD | BPF_B | BPF_ABS, ancillary(SKF_AD_VLAN_TAG_PRESENT)),
        jump_if_equal(0, 2, 0),  // no tag: to the whole frame
        statement(BPF_LD | BPF_H | BPF_ABS, ancillary(SKF_AD_VLAN_TPID)),
        jump_if_equal(ETH_P_8021Q, 0, 1),
        statement(BPF_RET | BPF_K, kWholeFrame),
        statement(BPF_RET | BPF_K, kAddressesOnly),
    };
    const sock_fprog filter = {static_cast<unsigned short>(program.size()), program.data()};
    if (::setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0) return Done{};
    return Error::of(ErrorKind::kUnavailable, "the packet socket on kernel interface '" + interface +
                                                  "' takes no filter: " + std::strerror(errno));
}

// Bound to this interface, a packet socket.
bool listens_on(int fd, unsigned interface) {
    sockaddr_ll address{};
    socklen_t size = sizeof address;
    return ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0 && address.sll_family == AF_PACKET &&
           address.sll_ifindex == static_cast<int>(interface);
}

}  // namespace

Status cut_service_tags(const std::string& interface) {
    const unsigned number = ::if_nametoindex(interface.c_str());
    std::size_t found = 0;
    std::error_code unreadable;
    // The driver does not give its sockets away; they are files of this process.
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", unreadable)) {
        const int fd = std::atoi(entry.path().filename().c_str());
        if (!listens_on(fd, number)) continue;
        if (auto attached = attach(fd, interface); !attached) return attached;
        ++found;
    }
    if (found > 0) return Done{};
    return Error::of(ErrorKind::kUnavailable, "the packet socket on kernel interface '" + interface +
                                                  "' was not found among the files of this process" +
                                                  (unreadable ? ": " + unreadable.message() : ""));
}

}  // namespace drywall::io

#include "tcp_socket.h"

#include <cerrno>
#include <cstring>

#include <netinet/in.h>
#include <sys/socket.h>

namespace drywall::control {

namespace {

constexpr int kTcpBacklog = 16;

bool bind_to(int fd, const net::SocketAddress& place) {
    if (place.address.family == net::Family::kIPv4) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(place.port);
        std::memcpy(&address.sin_addr, place.address.bytes.data(), sizeof(address.sin_addr));
        return ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
    }
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(place.port);
    std::memcpy(&address.sin6_addr, place.address.bytes.data(), sizeof(address.sin6_addr));
    return ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

}  // namespace

Result<Descriptor> listen_on_loopback(const net::SocketAddress& place) {
    const auto failed = [&](const char* what, const std::string& hint) {
        return Error::of(ErrorKind::kUnavailable,
                         "metrics on " + place.text() + ": " + what + ": " + std::strerror(errno), hint);
    };
    if (!place.is_loopback())
        return Error::of(ErrorKind::kRefused, "metrics on " + place.text() + ": other machines could read them there",
                         "use 127.0.0.1 or [::1], and a proxy that knows who may ask");
    const int family = place.address.family == net::Family::kIPv4 ? AF_INET : AF_INET6;
    Descriptor listener(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!listener) return failed("no socket", "");
    const int on = 1;
    (void)::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (!bind_to(listener.get(), place))
        return failed("can't bind", "`ss -ltnp` names who has the port; configure another metrics.listen");
    if (::listen(listener.get(), kTcpBacklog) != 0) return failed("can't listen", "");
    return listener;
}

}  // namespace drywall::control

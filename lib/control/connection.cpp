#include "connection.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <sstream>
#include <utility>

#include <poll.h>
#include <sys/socket.h>

namespace drywall::control {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t kReadSize = 16384;
constexpr auto kLinger = 2s;
constexpr std::size_t kLingerBytes = std::size_t{64} << 20;

// False: the deadline passed. A descriptor in error counts as ready: the call that follows tells.
bool wait_until(int fd, short events, std::chrono::steady_clock::time_point deadline) {
    while (true) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        if (left <= 0ms) return false;
        pollfd waited{fd, events, 0};
        const int ready = ::poll(&waited, 1, static_cast<int>(left.count()));
        if (ready > 0) return true;
        if (ready < 0 && errno != EINTR) return false;
    }
}

}  // namespace

Connection::Connection(Descriptor descriptor, const ServerSettings& settings)
    : descriptor_(std::move(descriptor)),
      settings_(settings),
      peer_(peer_of(descriptor_.get())),
      accepted_(read_clocks().boot) {}

bool Connection::wait_for_request() {
    deadline_ = Clock::now() + settings_.idle_timeout;
    allowance_ = settings_.max_header_bytes;
    if (read_from_ == buffer_.size() && !fill()) return false;
    deadline_ = Clock::now() + settings_.request_timeout;
    return true;
}

bool Connection::fill() {
    if (!wait_until(descriptor_.get(), POLLIN, deadline_)) return false;
    buffer_.resize(kReadSize);
    read_from_ = 0;
    const ssize_t got = ::recv(descriptor_.get(), buffer_.data(), buffer_.size(), 0);
    buffer_.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return got > 0;
}

ssize_t Connection::read(char* bytes, std::size_t size) {
    if (allowance_ == 0) return -1;
    if (read_from_ == buffer_.size() && !fill()) return 0;
    const std::size_t count = std::min({size, buffer_.size() - read_from_, allowance_});
    std::memcpy(bytes, buffer_.data() + read_from_, count);
    read_from_ += count;
    allowance_ -= count;
    return static_cast<ssize_t>(count);
}

bool Connection::is_writable() const {
    return wait_until(descriptor_.get(), POLLOUT, Clock::now() + settings_.request_timeout);
}

ssize_t Connection::write(const char* bytes, std::size_t size) {
    return ::send(descriptor_.get(), bytes, size, MSG_NOSIGNAL);  // SO_SNDTIMEO bounds it
}

void Connection::linger() {
    (void)::shutdown(descriptor_.get(), SHUT_WR);
    const auto deadline = Clock::now() + kLinger;
    std::array<char, kReadSize> ignored{};
    for (std::size_t total = 0; total < kLingerBytes && wait_until(descriptor_.get(), POLLIN, deadline);) {
        const ssize_t got = ::recv(descriptor_.get(), ignored.data(), ignored.size(), 0);
        if (got <= 0) return;
        total += static_cast<std::size_t>(got);
    }
}

// Nothing that the client sends can put on this name: it stands where a TCP server keeps the remote address.
void Connection::get_remote_ip_and_port(std::string& ip, int& port) const {
    ip = peer_key(peer_, accepted_);
    port = 0;
}

void Connection::get_local_ip_and_port(std::string& ip, int& port) const {
    ip = "unix";
    port = 0;
}

std::string peer_key(const Peer& peer, Nanos accepted) {
    return std::to_string(peer.pid) + ' ' + std::to_string(peer.uid) + ' ' + std::to_string(peer.gid) + ' ' +
           std::to_string(accepted.count());
}

Peer peer_by_key(const std::string& key) {
    Peer peer{0, 65534, 65534};
    std::istringstream(key) >> peer.pid >> peer.uid >> peer.gid;
    return peer;
}

Nanos connected_by_key(const std::string& key) {
    Peer ignored;
    std::int64_t accepted = 0;  // a key without it is as old as can be
    std::istringstream(key) >> ignored.pid >> ignored.uid >> ignored.gid >> accepted;
    return Nanos(accepted);
}

}  // namespace drywall::control

// Connection: one client's bytes, with limits. What it may send, and how long it may take, is decided here; an excess
// reads as the end of the stream.
//
// Threads: the one that serves the connection.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include <httplib.h>

#include "drywall/control/controller.h"
#include "drywall/control/server.h"
#include "unix_socket.h"

namespace drywall::control {

// A peer, and when (by the boot clock) it connected, as text in a request's remote address; and back.
[[nodiscard]] std::string peer_key(const Peer& peer, Nanos accepted);
[[nodiscard]] Peer peer_by_key(const std::string& key);
[[nodiscard]] Nanos connected_by_key(const std::string& key);

class Connection final : public httplib::Stream {
public:
    Connection(Descriptor descriptor, const ServerSettings& settings);

    // Waits for the first byte of the next request. False: there is none (closed, idle for too long).
    [[nodiscard]] bool wait_for_request();
    // The header was read: the body's bytes may follow.
    void expect_body(std::size_t bytes) noexcept { allowance_ += bytes; }

    // Reads and forgets what the client still sends, a little while, so that it gets to see the answer before the
    // connection ends (a close with unread bytes would reset it).
    void linger();

    [[nodiscard]] const Peer& peer() const noexcept { return peer_; }
    [[nodiscard]] int descriptor() const noexcept { return descriptor_.get(); }

    [[nodiscard]] bool is_readable() const override { return true; }
    [[nodiscard]] bool is_writable() const override;
    ssize_t read(char* bytes, std::size_t size) override;
    ssize_t write(const char* bytes, std::size_t size) override;
    using httplib::Stream::write;
    void get_remote_ip_and_port(std::string& ip, int& port) const override;
    void get_local_ip_and_port(std::string& ip, int& port) const override;
    [[nodiscard]] socket_t socket() const override { return descriptor_.get(); }

private:
    using Clock = std::chrono::steady_clock;
    bool fill();  // false: end of stream, error or timeout

    Descriptor descriptor_;
    const ServerSettings& settings_;
    Peer peer_;
    Nanos accepted_;
    Clock::time_point deadline_;
    std::size_t allowance_ = 0;  // bytes that the current request may still send
    std::string buffer_;         // received and not yet read
    std::size_t read_from_ = 0;
};

}  // namespace drywall::control

// Unix sockets: making the listening one safely, and knowing who is at the other end of a connection.
//
// Threads: pure functions on descriptors and paths.
#pragma once

#include <filesystem>
#include <string>

#include "drywall/base/result.h"
#include "drywall/control/controller.h"

namespace drywall::control {

// Owns a descriptor.
class Descriptor {
public:
    Descriptor() = default;
    explicit Descriptor(int fd) noexcept : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
    Descriptor& operator=(Descriptor&& other) noexcept;
    ~Descriptor();

    [[nodiscard]] int get() const noexcept { return fd_; }
    [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }
    [[nodiscard]] int release() noexcept;

private:
    int fd_ = -1;
};

// What listen_at() would refuse, found without listening. Creates the parent directory, and leaves a stale socket
// there.
[[nodiscard]] Status check_place(const std::filesystem::path& path, const std::string& group);

// A listening socket at `path`, mode 0660, of `group` (empty: the process's own).
[[nodiscard]] Result<Descriptor> listen_at(const std::filesystem::path& path, const std::string& group);

// The process that connected, as the kernel knows it (SO_PEERCRED).
[[nodiscard]] Peer peer_of(int connection) noexcept;

}  // namespace drywall::control

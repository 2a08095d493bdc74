// Peer: who asked, as the kernel vouches for it.
//
// Threads: values.
#pragma once

#include <cstdint>
#include <string>

namespace drywall::control {

// The process at the other end of the control socket.
struct Peer {
    static constexpr std::int64_t kItself = -1;
    std::int64_t pid = kItself;  // 0: a process of another pid namespace
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    bool operator==(const Peer&) const = default;
    // "uid 1000 gid 1000 pid 4711", "the appliance itself"
    [[nodiscard]] std::string text() const;
};

}  // namespace drywall::control

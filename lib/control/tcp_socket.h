// A listening TCP socket that no other machine can reach.
//
// Threads: pure functions on descriptors.
#pragma once

#include "drywall/base/result.h"
#include "drywall/net/socket_address.h"
#include "unix_socket.h"

namespace drywall::control {

// kRefused for anything but a loopback address.
[[nodiscard]] Result<Descriptor> listen_on_loopback(const net::SocketAddress& place);

}  // namespace drywall::control

// What the packet sockets of DPDK's net_af_packet have to be told that the driver does not tell them.
//
// Threads: control side.
#pragma once

#include <string>

#include "drywall/base/result.h"

namespace drywall::io {

// The kernel takes the outermost VLAN tag out of every frame, and net_af_packet puts it back as one of 802.1Q (0x8100),
// whatever it was: an 802.1ad tag (0x88a8) would leave as another one. From here on such frames come in cut off behind
// their addresses, and die as `truncated`. Errors: there is no such socket in this process, or it takes no filter.
Status cut_service_tags(const std::string& interface);

}  // namespace drywall::io

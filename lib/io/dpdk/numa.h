// On which NUMA node a port's buffers and queues lie.
//
// Threads: values.
#pragma once

#include <algorithm>
#include <vector>

namespace drywall::io {

// That of the device, which writes into them and reads from them. A virtual one is on none (negative), and takes that
// of the core that polls its first queue. REQUIRES: there is a worker
[[nodiscard]] inline unsigned buffers_node(int device_node, const std::vector<unsigned>& worker_nodes) {
    return device_node >= 0 ? static_cast<unsigned>(device_node) : worker_nodes.front();
}

// Every frame would go from one node to another.
[[nodiscard]] inline bool is_far(int device_node, unsigned worker_node) {
    return device_node >= 0 && static_cast<unsigned>(device_node) != worker_node;
}

}  // namespace drywall::io

// PreferredNode: while it stands, memory that the calling thread gets from the kernel comes from one NUMA node: that of
// the core whose worker will write it. So it lies beside that core, without taking any of the core's time: a worker
// that polls loses packets when somebody else runs on its CPU.
//
// Threads: control side; the policy is the calling thread's alone.
// Source:  set_mempolicy(2), MPOL_PREFERRED: where the node has no room, another one gives it. What the heap had before
//          stays where it is; tables are large enough to be new memory.
#pragma once

#include <array>

namespace drywall::runtime {

// -1: the kernel does not say.
[[nodiscard]] int numa_node_of(unsigned core);

class PreferredNode {
public:
    // A node below 0, or a kernel without nodes: nothing is changed.
    explicit PreferredNode(int node) noexcept;
    ~PreferredNode();
    PreferredNode(const PreferredNode&) = delete;
    PreferredNode& operator=(const PreferredNode&) = delete;

private:
    using Mask = std::array<unsigned long, 16>;  // of nodes: the kernel has 1,024 at most

    bool changed_ = false;
    int mode_before_ = 0;
    Mask nodes_before_{};
};

}  // namespace drywall::runtime

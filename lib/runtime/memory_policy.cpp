#include "memory_policy.h"

#include <charconv>
#include <climits>
#include <filesystem>
#include <string>
#include <string_view>

#include <linux/mempolicy.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace drywall::runtime {

namespace {

constexpr std::size_t kBits = sizeof(unsigned long) * CHAR_BIT;

// The kernel takes one bit less than it is told of.
unsigned long told_bits(std::size_t words) noexcept { return words * kBits + 1; }

}  // namespace

int numa_node_of(unsigned core) {
    constexpr std::string_view kPrefix = "node";
    std::error_code unreadable;
    for (const auto& entry :
         std::filesystem::directory_iterator("/sys/devices/system/cpu/cpu" + std::to_string(core), unreadable)) {
        const std::string name = entry.path().filename();
        if (!name.starts_with(kPrefix)) continue;
        int node = -1;
        const char* end = name.data() + name.size();
        if (std::from_chars(name.data() + kPrefix.size(), end, node).ptr == end) return node;
    }
    return -1;
}

PreferredNode::PreferredNode(int node) noexcept {
    Mask nodes{};
    const auto place = static_cast<std::size_t>(node);
    if (node < 0 || place >= nodes.size() * kBits) return;
    nodes[place / kBits] = 1UL << (place % kBits);
    const unsigned long most = told_bits(nodes.size());
    if (::syscall(SYS_get_mempolicy, &mode_before_, nodes_before_.data(), most, nullptr, 0UL) != 0) return;
    changed_ = ::syscall(SYS_set_mempolicy, MPOL_PREFERRED, nodes.data(), most) == 0;
}

PreferredNode::~PreferredNode() {
    // The default takes no nodes.
    if (changed_)
        (void)::syscall(SYS_set_mempolicy, mode_before_, mode_before_ == MPOL_DEFAULT ? nullptr : nodes_before_.data(),
                        told_bits(nodes_before_.size()));
}

}  // namespace drywall::runtime

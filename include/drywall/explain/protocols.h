// Protocol names as people write and read them: those that Calico knows, and numbers for the rest.
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace drywall::explain {

// "tcp", "udp", "icmp", "icmpv6", "sctp", "udplite", or the number.
[[nodiscard]] std::string protocol_name(std::uint8_t number);

// The same in any letter case, or a number from 1 to 255.
[[nodiscard]] std::optional<std::uint8_t> protocol_number(std::string_view text);

}  // namespace drywall::explain

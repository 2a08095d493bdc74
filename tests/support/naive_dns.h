// NaiveDns: the DNS reader's slow twin. The whole message as a tree of texts, then the question of which names lead to
// which addresses.
//
// Shares nothing with lib/inspect but its limits. Source: RFC 1035, 2181, 3596.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <tuple>

#include "drywall/net/address.h"

namespace drywall::test {

struct NaiveDns {
    std::uint16_t id = 0;
    bool response = false;
    std::string name;  // that is asked for, in lower case
    std::uint16_t type = 0;
    // Name, address, and for how many seconds; nothing: the answers can't be read.
    std::optional<std::set<std::tuple<std::string, net::Address, std::uint32_t>>> known;
};

// Nothing for what is no query or response of the kind that is read.
[[nodiscard]] std::optional<NaiveDns> read_dns(std::span<const std::uint8_t> bytes, std::size_t most_records,
                                               std::size_t most_aliases);

}  // namespace drywall::test

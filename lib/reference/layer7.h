// Conditions on requests and names, by their plain meaning.
//
// Threads: pure functions.
// Source:  Calico's HTTP match (methods, paths) and its domains.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drywall/policy/rule.h"
#include "drywall/policy/surroundings.h"
#include "drywall/reference/connection_facts.h"

namespace drywall::reference {

// The path that a request is about: decoded once, without query and matrix parameters, dot segments resolved, no "//".
// Nothing for a target that has none ("*", "example.com:443") and for what servers read differently: bad encoding, NUL,
// backslash.
[[nodiscard]] std::optional<std::string> normalised_path(const std::string& target);

[[nodiscard]] bool http_holds(const policy::HttpMatch& match, const ConnectionFacts& facts);

// Some of the domains is what the connection goes to.
[[nodiscard]] bool domains_hold(const std::vector<std::string>& domains, const ConnectionFacts& facts,
                                const policy::DomainConditions& conditions);

}  // namespace drywall::reference

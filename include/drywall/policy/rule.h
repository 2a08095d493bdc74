// Rule: what one rule of a policy or profile says, as Calico's v3 grammar has it. Kubernetes' rules are converted to
// it.
//
// Threads: values.
// Source:  projectcalico.org/v3 Rule and EntityRule.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "drywall/base/result.h"
#include "drywall/base/verdict.h"
#include "drywall/net/address.h"

namespace drywall::policy {

struct PortRange {
    std::uint16_t first = 0;
    std::uint16_t last = 0;  // inclusive, first <= last, both 1-65535
    auto operator<=>(const PortRange&) const = default;
};

// Another namespace's or the own one's Kubernetes Service: its backing addresses and ports.
struct ServiceMatch {
    std::string name;
    std::string ns;  // empty in a namespaced policy: the policy's own
    bool operator==(const ServiceMatch&) const = default;
};

struct ServiceAccountMatch {
    std::vector<std::string> names;       // any of; empty: no restriction
    std::optional<std::string> selector;  // on the service account's labels; text as written, it parses
    bool operator==(const ServiceAccountMatch&) const = default;
};

// One side of a rule. All that is set must hold. Selectors are text as written; they parse (checked when loaded). An
// empty selector is absent: it restricts nothing. A blank one (" ") is kept: it is all().
struct EntityRule {
    std::vector<net::Prefix> nets;
    std::vector<net::Prefix> not_nets;
    std::optional<std::string> selector;
    std::optional<std::string> not_selector;
    std::optional<std::string> namespace_selector;  // all() and global() have a meaning of their own here
    std::optional<ServiceAccountMatch> service_accounts;
    std::optional<ServiceMatch> services;
    std::vector<PortRange> ports;              // any of `ports` and `named_ports`
    std::vector<std::string> named_ports;      // resolved against the ports that endpoints declare
    std::vector<PortRange> not_ports;          // none of `not_ports` and `not_named_ports`
    std::vector<std::string> not_named_ports;  //
    // Names or patterns (net/domain_name.h), folded; any of them. Only as the destination of egress rules that Allow,
    // and with nothing else that says who the destination is.
    std::vector<std::string> domains;
    bool operator==(const EntityRule&) const = default;
};

struct Icmp {
    std::uint8_t type = 0;
    std::optional<std::uint8_t> code;
    bool operator==(const Icmp&) const = default;
};

struct HttpPath {
    bool prefix = false;  // else exact
    std::string path;
    bool operator==(const HttpPath&) const = default;
};

struct HttpMatch {
    std::vector<std::string> methods;
    std::vector<HttpPath> paths;
    bool operator==(const HttpMatch&) const = default;
};

// Where the rule stood in its source; no part of what it says: all spots compare equal.
struct Spot {
    int line = 0;
    int column = 0;
    bool operator==(const Spot&) const noexcept { return true; }

    // In the file of the resource that it is a part of; that resource's own place where the spot is not known.
    [[nodiscard]] Place in(Place resource) const {
        if (line == 0) return resource;
        resource.line = line;
        resource.column = column;
        return resource;
    }
};

struct Rule {
    Action action = Action::kDeny;
    std::optional<net::Family> ip_version;
    std::optional<std::uint8_t> protocol;
    std::optional<std::uint8_t> not_protocol;
    std::optional<Icmp> icmp;
    std::optional<Icmp> not_icmp;
    EntityRule source;
    EntityRule destination;
    std::optional<HttpMatch> http;
    std::map<std::string, std::string> annotations;  // metadata.annotations: no matching effect
    Spot spot;
    bool operator==(const Rule&) const = default;
};

}  // namespace drywall::policy

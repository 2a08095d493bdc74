// Names: endpoints by what people call them.
//
// Threads: immutable once built. It refers to the ruleset that it was made from.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "drywall/base/result.h"
#include "drywall/net/address.h"
#include "drywall/policy/resources.h"
#include "drywall/ruleset/ruleset.h"

namespace drywall::explain {

// From what is certain to what is short: "workloadendpoint/prod/web-1", "hostendpoint/db"; "prod/web-1", and "db" of a
// HostEndpoint; "prod/web" by a WorkloadEndpoint's spec.pod, and a bare "web-1". A name means what it means in the
// first of these ways in which it means anything.
class EndpointNames {
public:
    // `inventory` may be absent: then nothing is known of spec.pod.
    explicit EndpointNames(const ruleset::Ruleset& ruleset, const policy::Inventory* inventory = nullptr);

    // kNotFound, or kInvalid when the name means several.
    [[nodiscard]] Result<const ruleset::EndpointInfo*> find(std::string_view name) const;

private:
    using ByName = std::map<std::string, std::vector<std::size_t>, std::less<>>;
    void add(std::size_t rank, std::string name, std::size_t endpoint);

    const ruleset::Ruleset& ruleset_;
    std::array<ByName, 3> by_rank_;
};

// What stands at one side of a question.
struct Side {
    std::string name;  // of the endpoint, ResourceId::text(); empty when the address belongs to none
    std::vector<net::Address> addresses;
};

// An address, or the endpoint of that name.
[[nodiscard]] Result<Side> side_of(const ruleset::Ruleset& ruleset, const EndpointNames& names, std::string_view text);

// The first addresses of the two that can talk to each other.
[[nodiscard]] Result<std::pair<net::Address, net::Address>> common_family(const Side& source, const Side& destination);

}  // namespace drywall::explain

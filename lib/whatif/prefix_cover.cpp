#include "prefix_cover.h"

#include <algorithm>

namespace drywall::whatif {

std::vector<net::Prefix> prefixes_of(std::vector<net::Address> addresses) {
    std::sort(addresses.begin(), addresses.end());
    addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
    // Two halves of one prefix are that prefix; sorted, they are neighbours, and so is what they become.
    std::vector<net::Prefix> out;
    for (const net::Address& address : addresses) {
        out.push_back(net::Prefix::host(address));
        while (out.size() >= 2) {
            const net::Prefix& second = out.back();
            const net::Prefix& first = out[out.size() - 2];
            if (second.length == 0 || first.length != second.length) break;
            const auto shorter = static_cast<std::uint8_t>(second.length - 1);
            const net::Prefix both = net::Prefix::around(second.address, shorter);
            if (both != net::Prefix::around(first.address, shorter)) break;
            out.pop_back();
            out.back() = both;
        }
    }
    return out;
}

}  // namespace drywall::whatif

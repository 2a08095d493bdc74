#include "failsafes.h"

#include <algorithm>

#include "drywall/net/packet_meta.h"

namespace drywall::ruleset {

namespace {

policy::FailsafePort open(std::uint8_t protocol, std::uint16_t port) {
    return {.protocol = protocol, .port = port, .net = {}};
}

// Calico's defaults: SSH, DHCP, DNS, BGP, etcd, Typha, the Kubernetes API and etcd's former ports.
Failsafes defaults() {
    using net::protocol::kTcp;
    using net::protocol::kUdp;
    return {.inbound = {open(kTcp, 22), open(kUdp, 68), open(kTcp, 179), open(kTcp, 2379), open(kTcp, 2380),
                        open(kTcp, 5473), open(kTcp, 6443), open(kTcp, 6666), open(kTcp, 6667)},
            .outbound = {open(kUdp, 53), open(kUdp, 67), open(kTcp, 179), open(kTcp, 2379), open(kTcp, 2380),
                         open(kTcp, 5473), open(kTcp, 6443), open(kTcp, 6666), open(kTcp, 6667)}};
}

}  // namespace

FelixLists::FelixLists(const policy::CalicoView& view, std::vector<Failsafes>& lists) : lists_(lists) {
    for (const auto& [id, felix] : view.felix) configurations_.emplace(id.name, felix);
}

Failsafes FelixLists::resolve(const std::string& node) const {
    Failsafes lists = defaults();
    for (const std::string& name : {std::string("default"), "node." + node}) {
        const auto felix = configurations_.find(name);
        if (felix == configurations_.end()) continue;
        if (felix->second->failsafe_inbound) lists.inbound = *felix->second->failsafe_inbound;
        if (felix->second->failsafe_outbound) lists.outbound = *felix->second->failsafe_outbound;
    }
    return lists;
}

FailsafesId FelixLists::of_node(const std::string& node) {
    if (const auto known = by_node_.find(node); known != by_node_.end()) return known->second;
    Failsafes lists = resolve(node);
    const auto equal = std::find_if(lists_.begin(), lists_.end(), [&lists](const Failsafes& other) {
        return other.inbound == lists.inbound && other.outbound == lists.outbound;
    });
    const FailsafesId id{static_cast<std::uint32_t>(equal - lists_.begin())};
    if (equal == lists_.end()) lists_.push_back(std::move(lists));
    by_node_.emplace(node, id);
    return id;
}

}  // namespace drywall::ruleset

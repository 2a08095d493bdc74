#include "random_scene.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "drywall/loader/resources.h"
#include "drywall/policy/convert.h"
#include "random_parts.h"

namespace drywall::test {
namespace {

void roll_surroundings(Dice& dice, policy::Surroundings& around) {
    around.port_names = {"left", "right"};
    around.peer_of = {PortId{1}, PortId{0}};
    if (dice.chance(20)) {
        around.port_names.emplace_back("alone");
        around.peer_of.emplace_back(std::nullopt);
    }
    around.unmatched = dice.chance(50) ? Verdict::kAllow : Verdict::kDeny;
    around.pending_as_calico = dice.chance(30);
    for (std::size_t i = dice.chance(25) ? 1 + dice.below(2) : 0; i > 0; --i) {
        policy::Surroundings::Failsafe entry;
        entry.protocol = dice.pick<std::uint8_t>({6, 17});
        entry.port = dice.pick<std::uint16_t>({22, 80, 443});
        const net::Family family = dice.chance(30) ? net::Family::kIPv6 : net::Family::kIPv4;
        entry.to.push_back(random_net(dice, family, true));
        if (dice.chance(40)) entry.from.push_back(random_net(dice, family, true));
        around.failsafe.push_back(entry);
    }
}

net::Address neighbour(net::Address address, int step) {
    const int last = static_cast<int>(address.bits() / 8) - 1;
    for (int i = last; i >= 0; --i) {
        const int value = address.bytes[static_cast<std::size_t>(i)] + step;
        address.bytes[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(value & 0xff);
        if (value >= 0 && value <= 0xff) break;  // nothing to carry
    }
    return address;
}

net::Address last_of(const net::Prefix& prefix) {
    net::Address last = prefix.address;
    for (unsigned bit = prefix.length; bit < last.bits(); ++bit)
        last.bytes[bit / 8] = static_cast<std::uint8_t>(last.bytes[bit / 8] | (0x80U >> (bit % 8)));
    return last;
}

// What a scene names, with the neighbours where a rule stops matching.
class Edges {
public:
    explicit Edges(const Scene& scene) : view_(policy::calico_view(scene.inventory)) {
        for (const auto& item : view_.workloads) add_endpoint(item.value->ip_networks, item.value->ports);
        for (const auto& item : view_.hosts) add_endpoint(item.value->expected_ips, item.value->ports);
        for (const auto& item : view_.sets) add_nets(item.value->nets);
        for (const auto& [service, backends] : view_.services)
            for (const auto& backend : backends)
                add_endpoint({backend.address}, {{"", backend.protocol, backend.port}});
        for (const auto& item : view_.policies) add_rules(item.value->ingress), add_rules(item.value->egress);
        for (const auto& [name, profile] : view_.profiles) add_rules(profile->ingress), add_rules(profile->egress);
        for (const auto& item : view_.felix) add_felix(*item.value);
        for (const auto& entry : scene.surroundings.failsafe) {
            add_nets(entry.to), add_nets(entry.from);
            ports_.insert(entry.port);
        }
        for (const char* text : {"10.0.0.1", "203.0.113.7", "2001:db8::1", "2001:db8:ffff::7"}) add(address_of(text));
        for (const std::uint16_t port : {22, 68, 80, 443}) ports_.insert(port);
        ports_.erase(0);
        for (auto& pool : {&homes_, &anywhere_}) {
            pool->v4.assign(pool->all4.begin(), pool->all4.end());
            pool->v6.assign(pool->all6.begin(), pool->all6.end());
        }
        ports_list_.assign(ports_.begin(), ports_.end());
        icmp_list_.assign(icmp_.begin(), icmp_.end());
    }

    net::Tuple packet(Dice& dice, std::size_t port_count) const {
        net::Tuple packet;
        packet.family = dice.chance(40) ? net::Family::kIPv6 : net::Family::kIPv4;
        packet.source = address(dice, packet.family).bytes;
        packet.destination = address(dice, packet.family).bytes;
        packet.ingress_port = static_cast<std::uint16_t>(dice.below(port_count));
        packet.protocol = dice.pick<std::uint8_t>({6, 6, 6, 6, 17, 17, 132, 1, 58, 47, 136, 255, 0});
        if (dice.chance(10)) packet.protocol = packet.family == net::Family::kIPv4 ? 1 : 58;
        if (net::has_ports(packet.protocol)) {
            packet.source_port = dice.chance(50) ? std::uint16_t{40000} : dice.one_of(ports_list_);
            packet.destination_port = dice.one_of(ports_list_);
        } else if (net::is_icmp(packet.protocol)) {
            packet.destination_port = dice.one_of(icmp_list_);
        }
        return packet;
    }

private:
    struct Pool {
        std::set<net::Address> all4, all6;
        std::vector<net::Address> v4, v6;
        void insert(const net::Address& address) {
            (address.family == net::Family::kIPv4 ? all4 : all6).insert(address);
        }
    };

    // Half of the addresses are those of somebody.
    net::Address address(Dice& dice, net::Family family) const {
        const Pool& pool = dice.chance(55) ? homes_ : anywhere_;
        const auto& some = family == net::Family::kIPv4 ? pool.v4 : pool.v6;
        return dice.one_of(some.empty() ? (family == net::Family::kIPv4 ? anywhere_.v4 : anywhere_.v6) : some);
    }

    void add(const net::Address& address) {
        for (const int step : {-1, 0, 1}) anywhere_.insert(neighbour(address, step));
    }
    void add_nets(const std::vector<net::Prefix>& nets) {
        for (const net::Prefix& net : nets) add(net.address), add(last_of(net));
    }
    void add_ports(const std::vector<policy::PortRange>& ranges) {
        for (const policy::PortRange& range : ranges)
            for (const int port : {range.first - 1, int{range.first}, int{range.last}, range.last + 1})
                if (port >= 0 && port <= 65535) ports_.insert(static_cast<std::uint16_t>(port));
    }
    void add_endpoint(const std::vector<net::Address>& addresses, const std::vector<policy::NamedPort>& ports) {
        for (const net::Address& address : addresses) homes_.insert(address), add(address);
        for (const policy::NamedPort& port : ports) ports_.insert(port.port);
    }
    void add_icmp(const policy::Icmp& icmp) {
        for (const int type : {icmp.type - 1, int{icmp.type}, icmp.type + 1})
            for (const int code : {0, 1, 2, 255})
                if (type >= 0 && type <= 255) icmp_.insert(static_cast<std::uint16_t>(type << 8 | code));
    }
    void add_rules(const std::vector<policy::Rule>& rules) {
        for (const policy::Rule& rule : rules) {
            for (const policy::EntityRule* side : {&rule.source, &rule.destination}) {
                add_nets(side->nets), add_nets(side->not_nets);
                add_ports(side->ports), add_ports(side->not_ports);
            }
            if (rule.icmp) add_icmp(*rule.icmp);
            if (rule.not_icmp) add_icmp(*rule.not_icmp);
        }
    }
    void add_felix(const policy::FelixConfiguration& felix) {
        for (const auto* ports : {&felix.failsafe_inbound, &felix.failsafe_outbound}) {
            if (!*ports) continue;
            for (const policy::FailsafePort& port : **ports) {
                ports_.insert(port.port);
                if (port.net) add_nets({*port.net});
            }
        }
    }

    policy::CalicoView view_;
    Pool homes_;
    Pool anywhere_;
    std::set<std::uint16_t> ports_;
    std::set<std::uint16_t> icmp_{0x0800, 0x0301, 0x8000};
    std::vector<std::uint16_t> ports_list_;
    std::vector<std::uint16_t> icmp_list_;
};

std::string text(const policy::Surroundings& around) {
    std::string out = "# ports:";
    for (std::size_t i = 0; i < around.port_names.size(); ++i)
        out += " " + around.port_names[i] + "->" +
               (around.peer_of[i] ? around.port_names[index(*around.peer_of[i])] : "nowhere");
    out += "; unmatched: " + std::string(name(around.unmatched)) +
           "; pending: " + (around.pending_as_calico ? "calico" : "promoted") + "\n";
    for (const auto& entry : around.failsafe) {
        out +=
            "# failsafe: protocol " + std::to_string(entry.protocol) + ", port " + std::to_string(entry.port) + ", to";
        for (const net::Prefix& net : entry.to) out += " " + net.text();
        out += ", from";
        for (const net::Prefix& net : entry.from) out += " " + net.text();
        out += "\n";
    }
    return out;
}

}  // namespace

net::Address address_of(std::string_view text) {
    const auto parsed = net::Address::parse(text);
    if (!parsed)
        std::fprintf(stderr, "'%.*s' is no address\n", static_cast<int>(text.size()), text.data()), std::abort();
    return *parsed;
}

net::Prefix prefix_of(std::string_view text) {
    const auto parsed = net::Prefix::parse_strict(text);
    if (!parsed) std::fprintf(stderr, "'%.*s' is no CIDR\n", static_cast<int>(text.size()), text.data()), std::abort();
    return *parsed;
}

Scene random_scene(std::uint64_t seed) {
    Dice dice(seed);
    Scene scene;
    scene.inventory = policy::initial_inventory();
    roll_surroundings(dice, scene.surroundings);
    add_tiers(dice, scene);
    add_inventory(dice, scene);
    add_calico_policies(dice, scene);
    if (dice.chance(60)) add_kubernetes_policies(dice, scene);
    return scene;
}

std::vector<net::Tuple> random_packets(const Scene& scene, std::uint64_t seed, std::size_t count) {
    Dice dice(seed ^ 0x9e3779b97f4a7c15ULL);
    const Edges edges(scene);
    std::vector<net::Tuple> packets;
    for (std::size_t i = 0; i < count; ++i) packets.push_back(edges.packet(dice, scene.surroundings.port_names.size()));
    return packets;
}

std::string text(const Scene& scene) {
    std::string out;
    const policy::Inventory always = policy::initial_inventory();
    for (const auto& [id, resource] : scene.inventory)
        if (!always.contains(id)) out += "---\n" + loader::to_yaml(*resource);
    return out + text(scene.surroundings);
}

std::string text(const net::Tuple& packet) {
    const auto end = [&](const net::AddressBytes& bytes, std::uint16_t port) {
        const std::string address = net::Address{packet.family, bytes}.text();
        return net::has_ports(packet.protocol) ? address + " port " + std::to_string(port) : address;
    };
    std::string out = "protocol " + std::to_string(packet.protocol) + ", " + end(packet.source, packet.source_port) +
                      " > " + end(packet.destination, packet.destination_port);
    if (net::is_icmp(packet.protocol))
        out += ", type " + std::to_string(packet.destination_port >> 8) + " code " +
               std::to_string(packet.destination_port & 0xff);
    return out + ", entering port " + std::to_string(packet.ingress_port);
}

}  // namespace drywall::test

// Random endpoints, sets, profiles, services and Felix's configuration.
#include "random_parts.h"

namespace drywall::test {
namespace {

// Whoever takes an address takes it out: no two endpoints may share one. An IPv6 address stands beside the IPv4 one
// with the same bytes, the mapped and the compatible one.
struct Addresses {
    std::vector<net::Address> v4;
    std::vector<net::Address> v6;

    Addresses() {
        for (const char* text : {"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.1.0", "10.0.1.1",
                                 "10.0.1.3", "127.255.255.255", "128.0.0.0", "192.0.2.127", "255.255.255.255"})
            v4.push_back(address_of(text));
        for (const char* text :
             {"2001:db8::", "2001:db8::1", "2001:db8::2", "2001:db8::4", "::ffff:10.0.0.1", "::ffff:10.0.0.4",
              "::10.0.0.1", "a00:1::", "7fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "8000::"})
            v6.push_back(address_of(text));
    }

    std::vector<net::Address> some(Dice& dice) {
        std::vector<net::Address> drawn;
        const bool both = dice.chance(35);
        if ((both || dice.chance(65)) && !v4.empty()) drawn.push_back(dice.draw(v4));
        if ((both || drawn.empty()) && !v6.empty()) drawn.push_back(dice.draw(v6));
        return drawn;
    }
};

std::vector<std::string> random_profiles(Dice& dice, const std::string& ns) {
    std::vector<std::string> profiles;
    if (dice.chance(35)) profiles.emplace_back(policy::kDefaultAllowProfile);
    if (dice.chance(25)) profiles.emplace_back("one");
    if (dice.chance(25)) profiles.emplace_back("two");
    if (dice.chance(5)) profiles.emplace_back("missing");
    if (!ns.empty() && dice.chance(60)) profiles.push_back("kns." + ns);
    if (!ns.empty() && dice.chance(30)) profiles.push_back("ksa." + ns + "." + dice.one_of(words::kAccounts));
    return profiles;
}

void add_workload(Dice& dice, Scene& scene, Addresses& addresses, const std::string& name) {
    policy::WorkloadEndpoint endpoint;
    endpoint.metadata.ns = dice.one_of(words::kNamespaces);
    endpoint.metadata.labels = random_labels(dice);
    if (dice.chance(10)) endpoint.metadata.labels["pcns.env"] = "p";  // would forge a namespace's label
    endpoint.node = dice.one_of(words::kNodes);
    endpoint.orchestrator = "k8s";
    endpoint.pod = name;
    endpoint.endpoint = "eth0";
    endpoint.metadata.name = endpoint.node + "-k8s-" + name + "-eth0";
    endpoint.interface_name = "cali" + name;
    if (dice.chance(50)) endpoint.service_account = dice.one_of(words::kAccounts);
    endpoint.ip_networks = addresses.some(dice);
    endpoint.profiles = random_profiles(dice, endpoint.metadata.ns);
    endpoint.ports = random_named_ports(dice);
    if (!endpoint.ip_networks.empty()) scene.add(policy::Resource(endpoint));
}

void add_pod(Dice& dice, Scene& scene, Addresses& addresses, const std::string& name) {
    policy::Pod pod;
    pod.metadata.name = name;
    pod.metadata.ns = dice.one_of(words::kNamespaces);
    pod.metadata.labels = random_labels(dice);
    pod.node = dice.one_of(words::kNodes);
    pod.service_account = dice.one_of(words::kAccounts);
    pod.host_network = dice.chance(8);
    pod.finished = dice.chance(8);
    pod.addresses = addresses.some(dice);
    pod.ports = random_named_ports(dice);
    scene.add(policy::Resource(pod));
}

void add_host(Dice& dice, Scene& scene, const std::string& name, const std::string& interface,
              std::vector<net::Address> addresses) {
    policy::HostEndpoint endpoint;
    endpoint.metadata.name = name;
    endpoint.metadata.labels = random_labels(dice);
    endpoint.node = dice.one_of(words::kNodes);
    endpoint.interface_name = interface;
    endpoint.expected_ips = std::move(addresses);
    endpoint.profiles = random_profiles(dice, "");
    endpoint.ports = random_named_ports(dice);
    if (!endpoint.interface_name.empty() || !endpoint.expected_ips.empty()) scene.add(policy::Resource(endpoint));
}

void add_hosts(Dice& dice, Scene& scene, Addresses& addresses) {
    // Rivals for one address or port: the lowest name governs.
    for (const char* name : {"host-1", "host-2"}) {
        if (!dice.chance(60)) continue;
        const std::vector<net::Address> own = addresses.some(dice);
        add_host(dice, scene, name, dice.chance(30) ? "eth0" : "", own);
        if (dice.chance(15)) add_host(dice, scene, dice.chance(50) ? "a-rival" : "z-rival", "", own);
    }
    for (const std::string& port : scene.surroundings.port_names) {
        if (dice.chance(35)) add_host(dice, scene, "port-" + port, port, {});
        if (dice.chance(8)) add_host(dice, scene, "other-" + port, port, {});
    }
    for (const char* name : {"any-1", "any-2"})
        if (dice.chance(10)) add_host(dice, scene, name, "*", {});
}

void add_set(Dice& dice, Scene& scene, const std::string& name, bool global) {
    policy::NetworkSet set;
    set.metadata.name = name;
    set.metadata.labels = random_labels(dice);
    set.global = global;
    if (!global) set.metadata.ns = dice.one_of(words::kNamespaces);
    for (std::size_t i = dice.below(4); i > 0; --i)
        set.nets.push_back(random_net(dice, dice.chance(40) ? net::Family::kIPv6 : net::Family::kIPv4, true));
    scene.add(policy::Resource(set));
}

void add_namespaces(Dice& dice, Scene& scene) {
    for (const std::string& name : words::kNamespaces) {
        if (!dice.chance(70)) continue;  // it then exists without labels of its own
        policy::Namespace ns;
        ns.metadata.name = name;
        if (dice.chance(60)) ns.metadata.labels["env"] = dice.pick<std::string>({"p", "d", ""});
        if (dice.chance(50)) ns.metadata.labels["kubernetes.io/metadata.name"] = name;
        scene.add(policy::Resource(ns));
        for (const std::string& account : words::kAccounts) {
            if (!dice.chance(50)) continue;
            policy::ServiceAccount service;
            service.metadata.name = account;
            service.metadata.ns = name;
            service.metadata.labels = random_labels(dice);
            scene.add(policy::Resource(service));
        }
    }
}

void add_profiles(Dice& dice, Scene& scene) {
    for (const char* name : {"one", "two", "kns.prod"}) {
        if (!dice.chance(*name == 'k' ? 15 : 80)) continue;
        policy::Profile profile;
        profile.metadata.name = name;
        for (std::size_t i = dice.below(3); i > 0; --i)
            profile.ingress.push_back(random_rule(dice, {.direction = Direction::kIngress, .profile = true}));
        for (std::size_t i = dice.below(3); i > 0; --i)
            profile.egress.push_back(random_rule(dice, {.direction = Direction::kEgress, .profile = true}));
        if (dice.chance(60)) profile.labels_to_apply = random_labels(dice);
        if (*name == 'k') profile.labels_to_apply["pcns.env"] = dice.pick<std::string>({"p", "d"});
        scene.add(policy::Resource(profile));
    }
}

void add_slice(Dice& dice, Scene& scene, const std::string& service, const std::string& ns, const std::string& name) {
    policy::EndpointSlice slice;
    slice.metadata.name = name;
    slice.metadata.ns = ns;
    slice.metadata.labels["kubernetes.io/service-name"] = service;
    const bool v6 = dice.chance(35);
    slice.address_type = v6 ? "IPv6" : "IPv4";
    for (std::size_t i = dice.below(3); i > 0; --i)
        slice.addresses.push_back(
            address_of(v6 ? dice.pick<std::string>({"2001:db8::1", "2001:db8::3", "::ffff:10.0.0.1"})
                          : dice.pick<std::string>({"10.0.0.1", "10.0.0.2", "10.0.0.6", "192.0.2.200"})));
    for (policy::NamedPort port : random_named_ports(dice)) {
        if (dice.chance(15)) port.port = 0;  // all ports
        slice.ports.push_back(port);
    }
    scene.add(policy::Resource(slice));
}

void add_services(Dice& dice, Scene& scene) {
    for (const std::string& name : words::kServices) {
        for (const std::string& ns : words::kNamespaces) {
            if (!dice.chance(30)) continue;
            policy::Service service;
            service.metadata.name = name;
            service.metadata.ns = ns;
            service.selector = {{"app", "a"}};
            service.ports.push_back({.name = "http", .protocol = 6, .port = 80, .target = "http"});
            scene.add(policy::Resource(service));
            for (std::size_t i = dice.below(3); i > 0; --i)
                add_slice(dice, scene, name, ns, name + "-" + std::to_string(i));
        }
    }
}

std::vector<policy::FailsafePort> random_failsafe(Dice& dice) {
    std::vector<policy::FailsafePort> ports;
    for (std::size_t i = dice.below(4); i > 0; --i) {
        policy::FailsafePort port{.protocol = dice.pick<std::uint8_t>({6, 6, 17}),
                                  .port = dice.pick<std::uint16_t>({22, 53, 80, 443}),
                                  .net = {}};
        if (dice.chance(40))
            port.net = random_net(dice, dice.chance(35) ? net::Family::kIPv6 : net::Family::kIPv4, true);
        ports.push_back(port);
    }
    return ports;
}

void add_felix(Dice& dice, Scene& scene) {
    for (const char* name : {"default", "node.n1"}) {
        if (!dice.chance(40)) continue;
        policy::FelixConfiguration felix;
        felix.metadata.name = name;
        if (dice.chance(60)) felix.failsafe_inbound = random_failsafe(dice);
        if (dice.chance(60)) felix.failsafe_outbound = random_failsafe(dice);
        scene.add(policy::Resource(felix));
    }
}

}  // namespace

policy::Labels random_labels(Dice& dice) {
    policy::Labels labels;
    if (dice.chance(80)) labels["app"] = dice.pick<std::string>({"a", "b", "c"});
    if (dice.chance(50)) labels["role"] = dice.pick<std::string>({"x", "y", ""});
    if (dice.chance(20)) labels["env"] = dice.pick<std::string>({"p", "d"});
    return labels;
}

std::vector<policy::NamedPort> random_named_ports(Dice& dice) {
    std::vector<policy::NamedPort> ports;
    for (const std::string& name : words::kPortNames)
        if (dice.chance(40))
            ports.push_back({.name = name,
                             .protocol = dice.pick<std::uint8_t>({6, 6, 17, 132}),
                             .port = dice.pick<std::uint16_t>({53, 80, 8080, 443})});
    return ports;
}

void add_inventory(Dice& dice, Scene& scene) {
    Addresses addresses;
    add_namespaces(dice, scene);
    add_profiles(dice, scene);
    for (const char* name : {"w1", "w2", "w3"})
        if (dice.chance(60)) add_workload(dice, scene, addresses, name);
    for (const char* name : {"pod-1", "pod-2", "pod-3", "pod-4"})
        if (dice.chance(60)) add_pod(dice, scene, addresses, name);
    add_hosts(dice, scene, addresses);
    for (const char* name : {"set-1", "set-2"})
        if (dice.chance(40)) add_set(dice, scene, name, true);
    for (const char* name : {"own-1", "own-2"})
        if (dice.chance(40)) add_set(dice, scene, name, false);
    if (dice.chance(40)) add_services(dice, scene);
    add_felix(dice, scene);
}

}  // namespace drywall::test

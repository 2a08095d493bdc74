// What is written can be read back: random resources through YAML and JSON.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "drywall/loader/resources.h"
#include "texts.h"

namespace drywall::loader {
namespace {

using policy::Policy;
using policy::Rule;

// Resources as the loader could have made them, with awkward texts and numbers.
class RandomResources {
public:
    explicit RandomResources(std::uint64_t seed) : random_(seed) {}

    policy::Resource next() {
        switch (pick(8)) {
            case 0: return tier();
            case 1: return network_set();
            case 2: return host();
            case 3: return workload();
            case 4: return profile();
            case 5: return felix();
            default: return policy();
        }
    }

private:
    std::uint64_t pick(std::uint64_t n) { return random_() % n; }
    bool chance() { return pick(2) == 0; }

    template <typename T, std::size_t N>
    T one_of(const T (&items)[N]) {
        return items[pick(N)];
    }

    std::string word() { return one_of<std::string>({"web", "12", "true", "null", "a-b", "off", "x.y", "1e3", "y"}); }

    policy::Metadata metadata(bool dots, bool namespaced) {
        policy::Metadata out;
        do {
            out.name = word();
        } while (!dots && out.name.find('.') != std::string::npos);
        if (namespaced) out.ns = one_of<std::string>({"default", "prod", "no", "123"});
        for (auto i = pick(3); i > 0; --i)
            out.labels["k" + std::to_string(i)] = one_of<std::string>({"", "yes", "1", "a_B.c", "022"});
        for (auto i = pick(3); i > 0; --i) {
            out.annotations["example.org/a" + std::to_string(i)] = one_of<std::string>({"",
                                                                                        " ",
                                                                                        "two\nlines\n",
                                                                                        "\ttab",
                                                                                        "it's \"both\"",
                                                                                        "\\ back",
                                                                                        "# no comment",
                                                                                        "- dash",
                                                                                        "a: b",
                                                                                        "{x}",
                                                                                        "*a",
                                                                                        "&b",
                                                                                        "!c",
                                                                                        "\xc3\xa9\xf0\x9f\x98\x80",
                                                                                        "%x",
                                                                                        "@at",
                                                                                        "`tick`",
                                                                                        "trailing ",
                                                                                        "? q",
                                                                                        "|",
                                                                                        ">-",
                                                                                        "...",
                                                                                        "---",
                                                                                        "0x10",
                                                                                        ".5",
                                                                                        "2001-01-01",
                                                                                        "a #b",
                                                                                        "<<"});
        }
        return out;
    }

    net::Address address(bool v6) {
        net::Address out = net::Address::v4(static_cast<std::uint32_t>(random_()));
        if (!v6) return out;
        out.family = net::Family::kIPv6;
        for (std::uint8_t& byte : out.bytes) byte = chance() ? 0 : static_cast<std::uint8_t>(random_());
        return out;
    }

    net::Prefix prefix(bool v6, unsigned shortest = 0) {
        const unsigned bits = v6 ? 128 : 32;
        return net::Prefix::around(address(v6), static_cast<std::uint8_t>(shortest + pick(bits - shortest + 1)));
    }

    std::string selector() {
        return one_of<std::string>({"all()", " ", "a == 'b'", "(a == \"it's\") || !has(b)", "a in {'x', \"y\"}",
                                    "!has(x)", "env == 'prod' && app == 'db'", "a not in {}", "n == '#: ,'"});
    }

    std::vector<policy::PortRange> ports() {
        std::vector<policy::PortRange> out;
        for (auto i = pick(4); i > 0; --i) {
            const auto first = static_cast<std::uint16_t>(1 + pick(65535));
            const auto last = chance() ? first : static_cast<std::uint16_t>(first + pick(65536U - first));
            out.push_back({first, last});
        }
        return out;
    }

    std::vector<std::string> port_names() {
        std::vector<std::string> out;
        for (auto i = pick(3); i > 0; --i)
            out.push_back(one_of<std::string>({"http", "y", "1e3", "null", "a-1", "on"}));
        return out;
    }

    enum class Ports : std::uint8_t { kNone, kNamed, kAll };

    policy::EntityRule entity(bool v6, Ports with_ports, bool services_may, bool destination) {
        policy::EntityRule out;
        if (services_may && pick(4) == 0) {
            out.services = policy::ServiceMatch{word(), word()};
            if (destination) return out;
        } else {
            for (auto i = pick(3); i > 0; --i) out.nets.push_back(prefix(v6));
            for (auto i = pick(3); i > 0; --i) out.not_nets.push_back(prefix(v6, 1));
            if (chance()) out.selector = selector();
            if (chance()) out.not_selector = selector();
            if (chance()) out.namespace_selector = pick(3) == 0 ? "global()" : selector();
            if (chance()) {
                out.service_accounts.emplace();
                for (auto i = pick(3); i > 0; --i) out.service_accounts->names.push_back(word());
                if (chance()) out.service_accounts->selector = selector();
            }
        }
        if (with_ports == Ports::kAll) {
            out.ports = ports();
            out.not_ports = ports();
        }
        if (with_ports != Ports::kNone) {
            out.named_ports = port_names();
            out.not_named_ports = port_names();
        }
        return out;
    }

    std::vector<std::string> domains() {
        std::vector<std::string> out;
        for (auto i = pick(3); i > 0; --i)
            out.push_back(one_of<std::string>({"*.example.com", "example.com", "no", "null", "_a.b-c.x", "1e3.de"}));
        return out;
    }

    void say_domains(policy::EntityRule& out) {
        policy::EntityRule named;
        named.domains = domains();
        named.ports = out.ports;
        named.not_ports = out.not_ports;
        named.named_ports = out.named_ports;
        named.not_named_ports = out.not_named_ports;
        out = std::move(named);
    }

    policy::HttpMatch http() {
        policy::HttpMatch out;
        if (chance()) out.methods = {"GET", "*", "off"};
        for (auto i = pick(3); i > 0; --i)
            out.paths.push_back({chance(), one_of<std::string>({"/", "/a: b", "/x'\""})});
        for (policy::HttpPath& path : out.paths) std::erase(path.path, ' ');
        return out;
    }

    Rule rule(Direction direction) {
        const bool v6 = chance();
        Rule out;
        out.action = one_of({Action::kAllow, Action::kDeny, Action::kPass, Action::kLog});
        if (chance()) out.ip_version = v6 ? net::Family::kIPv6 : net::Family::kIPv4;
        const std::uint8_t icmp = v6 ? 58 : 1;
        const std::uint8_t other = v6 ? 1 : 58;
        if (chance()) out.protocol = one_of<std::uint8_t>({6, 17, 132, 136, 47, 255, icmp});
        if (chance()) {
            do {
                out.not_protocol = static_cast<std::uint8_t>(1 + pick(255));
            } while (out.not_protocol == other);
        }
        if (out.protocol == icmp && chance()) out.icmp = icmp_match();
        if (chance()) out.not_icmp = icmp_match();
        const bool numbers = out.protocol == 6 || out.protocol == 17 || out.protocol == 132;
        const Ports ports = numbers ? Ports::kAll : out.protocol ? Ports::kNone : Ports::kNamed;
        out.source = entity(v6, ports, direction == Direction::kIngress, false);
        out.destination = entity(v6, ports, direction == Direction::kEgress, true);
        if (out.action == Action::kAllow && direction == Direction::kEgress && chance()) say_domains(out.destination);
        const bool http_may = out.action == Action::kAllow && direction == Direction::kIngress;
        if (http_may && (!out.protocol || out.protocol == 6) && chance()) out.http = http();
        if (chance()) out.annotations["note"] = "a: 'b'\n";
        return out;
    }

    std::vector<Rule> rules(Direction direction) {
        std::vector<Rule> out;
        for (auto i = pick(4); i > 0; --i) out.push_back(rule(direction));
        return out;
    }

    policy::Icmp icmp_match() {
        policy::Icmp out{static_cast<std::uint8_t>(pick(255)), std::nullopt};
        if (chance()) out.code = static_cast<std::uint8_t>(pick(256));
        return out;
    }

    double number() {
        return one_of<double>(
            {0, 1, -1, 0.1, 99.5, 1e15, 1e17, 1.7976931348623157e308, 5e-324, -0.25, 9007199254740993.0, 1'000'000});
    }

    policy::Tier tier() {
        policy::Tier out;
        out.metadata = metadata(false, false);
        out.order = number();
        out.default_action = chance() ? Action::kDeny : Action::kPass;
        return out;
    }

    Policy policy() {
        const bool namespaced = chance();
        Policy out;
        do {
            out.metadata = metadata(true, namespaced);
        } while (std::count(out.metadata.name.begin(), out.metadata.name.end(), '.') > 1);
        out.enforced_kind = namespaced ? policy::Kind::kNetworkPolicy : policy::Kind::kGlobalNetworkPolicy;
        out.tier = chance() ? "default" : "null";
        if (chance()) {
            out.staged_action = one_of({policy::StagedAction::kSet, policy::StagedAction::kDelete,
                                        policy::StagedAction::kLearn, policy::StagedAction::kIgnore});
        }
        if (out.staged_action == policy::StagedAction::kDelete) return out;
        if (chance()) out.order = number();
        if (chance()) out.selector = selector();
        if (chance()) out.service_account_selector = selector();
        if (chance()) out.performance_hints = {"AssumeNeededOnEveryNode"};
        out.ingress_type = chance();
        out.egress_type = !out.ingress_type || chance();
        out.ingress = rules(Direction::kIngress);
        out.egress = rules(Direction::kEgress);
        if (namespaced) return out;
        if (chance()) out.namespace_selector = selector();
        out.apply_on_forward = chance();
        out.do_not_track = out.apply_on_forward && chance();
        if (!out.apply_on_forward || out.do_not_track || chance()) return out;
        out.pre_dnat = true;
        out.egress.clear();
        out.ingress_type = true;
        out.egress_type = false;
        return out;
    }

    policy::Profile profile() {
        policy::Profile out;
        out.metadata = metadata(true, false);
        out.ingress = rules(Direction::kIngress);
        out.egress = rules(Direction::kEgress);
        for (auto i = pick(3); i > 0; --i) out.labels_to_apply["pcns.k" + std::to_string(i)] = "022";
        return out;
    }

    std::optional<std::vector<policy::FailsafePort>> failsafe_ports() {
        if (chance()) return std::nullopt;
        std::vector<policy::FailsafePort> out;
        for (auto i = pick(3); i > 0; --i) {
            policy::FailsafePort port{one_of<std::uint8_t>({6, 17}), static_cast<std::uint16_t>(1 + pick(65535)), {}};
            if (chance()) port.net = prefix(chance());
            out.push_back(port);
        }
        return out;
    }

    policy::FelixConfiguration felix() {
        policy::FelixConfiguration out;
        out.metadata = metadata(true, false);
        out.failsafe_inbound = failsafe_ports();
        out.failsafe_outbound = failsafe_ports();
        return out;
    }

    std::vector<policy::NamedPort> named_ports() {
        std::vector<policy::NamedPort> out;
        for (const std::string& name : port_names()) {
            out.push_back({name, one_of<std::uint8_t>({6, 17, 132}), static_cast<std::uint16_t>(1 + pick(65535))});
        }
        return out;
    }

    policy::NetworkSet network_set() {
        policy::NetworkSet out;
        out.global = chance();
        out.metadata = metadata(true, !out.global);
        for (auto i = pick(5); i > 0; --i) out.nets.push_back(prefix(chance()));
        out.allowed_egress_domains = domains();
        return out;
    }

    policy::HostEndpoint host() {
        policy::HostEndpoint out;
        out.metadata = metadata(true, false);
        out.node = word();
        for (auto i = pick(3); i > 0; --i) out.expected_ips.push_back(address(chance()));
        if (out.expected_ips.empty() || chance()) out.interface_name = one_of<std::string>({"eth0", "1", "no", "*"});
        out.ports = named_ports();
        if (chance()) out.profiles.emplace_back("projectcalico-default-allow");
        return out;
    }

    policy::WorkloadEndpoint workload() {
        policy::WorkloadEndpoint out;
        out.metadata = metadata(true, true);
        if (chance()) out.node = word();
        if (chance()) out.orchestrator = "cni";
        if (chance()) out.container_id = "0123";
        if (chance()) out.workload = word();
        if (chance()) out.mac = "02:00:00:00:00:01";
        if (chance()) out.interface_name = "veth.1";
        if (chance()) out.service_account = word();
        out.ports = named_ports();
        for (auto i = pick(3); i > 0; --i) out.ip_networks.push_back(address(chance()));
        return out;
    }

    std::mt19937_64 random_;
};

TEST(RoundTrip, AnyResourceWrittenAsYamlOrJsonLoadsToAnEqualOne) {
    for (std::uint64_t seed = 0; seed < 2000; ++seed) {
        const policy::Resource resource = RandomResources(seed).next();
        const std::string json = to_json(resource);
        for (const std::string& text : {to_yaml(resource), json}) {
            const auto again = load_resources({"p.yaml", text});
            ASSERT_TRUE(again) << "seed " << seed << "\n" << text << again.error().text();
            ASSERT_EQ(again->size(), 1U) << "seed " << seed;
            ASSERT_EQ(to_json(again->front()), json) << "seed " << seed << "\n" << text;
            ASSERT_EQ(policy::id_of(again->front()), policy::id_of(resource)) << "seed " << seed;
        }
    }
}

TEST(RoundTrip, OfAPolicyKeepsEveryRule) {
    for (std::uint64_t seed = 0; seed < 2000; ++seed) {
        const policy::Resource resource = RandomResources(seed).next();
        const auto* policy = std::get_if<Policy>(&resource);
        if (policy == nullptr) continue;
        const auto again = load_resources({"p.yaml", to_yaml(resource)});
        ASSERT_TRUE(again) << "seed " << seed;
        const auto& read = std::get<Policy>(again->front());
        ASSERT_EQ(read.ingress, policy->ingress) << "seed " << seed;
        ASSERT_EQ(read.egress, policy->egress) << "seed " << seed;
        ASSERT_EQ(read.order, policy->order) << "seed " << seed;
        ASSERT_EQ(read.namespace_selector, policy->namespace_selector) << "seed " << seed;
        ASSERT_EQ(read.service_account_selector, policy->service_account_selector) << "seed " << seed;
        ASSERT_EQ(read.do_not_track, policy->do_not_track) << "seed " << seed;
        ASSERT_EQ(read.pre_dnat, policy->pre_dnat) << "seed " << seed;
        ASSERT_EQ(read.performance_hints, policy->performance_hints) << "seed " << seed;
        ASSERT_EQ(read.selector, policy->selector) << "seed " << seed;
        ASSERT_EQ(read.metadata.labels, policy->metadata.labels) << "seed " << seed;
        ASSERT_EQ(read.metadata.annotations, policy->metadata.annotations) << "seed " << seed;
    }
}

TEST(RoundTrip, OfAFelixConfigurationTellsAbsentFromNone) {
    for (std::uint64_t seed = 0; seed < 2000; ++seed) {
        const policy::Resource resource = RandomResources(seed).next();
        const auto* felix = std::get_if<policy::FelixConfiguration>(&resource);
        if (felix == nullptr) continue;
        const auto again = load_resources({"p.yaml", to_yaml(resource)});
        ASSERT_TRUE(again) << "seed " << seed;
        const auto& read = std::get<policy::FelixConfiguration>(again->front());
        ASSERT_EQ(read.failsafe_inbound, felix->failsafe_inbound) << "seed " << seed;
        ASSERT_EQ(read.failsafe_outbound, felix->failsafe_outbound) << "seed " << seed;
    }
}

TEST(WriteResources, NumbersArePrintedAsPeopleWriteThem) {
    const auto order = [](const std::string& text) {
        const auto resources = load_resources({"p.yaml", resource_text("Tier", "{name: t}", "{order: " + text + "}")});
        return to_json(resources->front());
    };
    EXPECT_NE(order("100.0").find("\"order\":100,"), std::string::npos);
    EXPECT_NE(order("99.5").find("\"order\":99.5,"), std::string::npos);
    EXPECT_NE(order("1e3").find("\"order\":1000,"), std::string::npos);
    EXPECT_EQ(order("-0"), order("0"));
}

TEST(WriteResources, YamlReadsAsAPersonWouldWriteIt) {
    const auto resources =
        load_resources({"p.yaml", policy_text("{selector: app in {'a'}, types: [Ingress], ingress: [{action: Allow, "
                                              "protocol: TCP, destination: {ports: [80, \"90:91\"]}}]}")});
    EXPECT_FALSE(resources);  // a flow mapping ends at the set's brace: YAML wants quotes there
    const auto good =
        load_resources({"p.yaml", policy_text("{selector: \"app in {'a'}\", ingress: [{action: Allow, protocol: 6, "
                                              "destination: {ports: [80, \"90:91\"]}}]}")});
    ASSERT_TRUE(good) << good.error().text();
    EXPECT_EQ(to_yaml(good->front()),
              "apiVersion: projectcalico.org/v3\n"
              "kind: GlobalNetworkPolicy\n"
              "metadata:\n"
              "  name: p\n"
              "spec:\n"
              "  tier: default\n"
              "  selector: app in {'a'}\n"
              "  types:\n"
              "  - Ingress\n"
              "  ingress:\n"
              "  - action: Allow\n"
              "    protocol: TCP\n"
              "    destination:\n"
              "      ports:\n"
              "      - 80\n"
              "      - \"90:91\"\n");
}

}  // namespace
}  // namespace drywall::loader

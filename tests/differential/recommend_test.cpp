// Recommendations for random clusters and random flows, held against what they promise: staged, they allow in the
// pending world all that was seen; of what was not seen they allow only what they tell; and nothing enforced changes.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "dice.h"
#include "drywall/explain/protocols.h"
#include "drywall/explain/site.h"
#include "drywall/loader/resources.h"
#include "drywall/whatif/recommend.h"

namespace drywall::whatif {
namespace {

using drywall::test::Dice;

struct Machine {
    std::string ns;
    std::string name;
    net::Address address;
};

struct SeenService {
    std::uint8_t protocol;
    std::uint16_t port;
    auto operator<=>(const SeenService&) const = default;
};

const std::vector<SeenService> kServices{{6, 22}, {6, 80}, {6, 81}, {6, 5432}, {17, 53}, {1, 8 << 8}, {47, 0}};
const std::vector<net::Address> kStrangers{*net::Address::parse("192.0.2.4"), *net::Address::parse("192.0.2.5"),
                                           *net::Address::parse("198.51.100.1")};

// A cluster, and flows through it.
struct Scene {
    std::vector<Machine> machines;
    std::string text;

    explicit Scene(Dice& dice) {
        const std::size_t count = 3 + dice.below(5);
        for (std::size_t i = 0; i < count; ++i) add_machine(dice, i);
        if (dice.chance(40)) add_policy(dice);
        if (dice.chance(30))
            text +=
                "---\napiVersion: projectcalico.org/v3\nkind: NetworkSet\nmetadata: {name: set, namespace: shop, "
                "labels: "
                "{app: a}}\nspec: {nets: [203.0.113.0/24]}\n";
    }

    void add_machine(Dice& dice, std::size_t i) {
        const bool host = dice.chance(15);
        Machine machine{host ? std::string() : dice.pick<std::string>({"shop", "ops"}), "m" + std::to_string(i),
                        *net::Address::parse("10.0.0." + std::to_string(i + 1))};
        std::string labels = "app: " + dice.pick<std::string>({"a", "b", "c"});
        if (dice.chance(60)) labels += ", env: " + dice.pick<std::string>({"x", "y"});
        if (dice.chance(20)) labels += ", unique: u" + std::to_string(i);
        text += "---\napiVersion: projectcalico.org/v3\nkind: ";
        text += host ? "HostEndpoint\nmetadata: {name: " : "WorkloadEndpoint\nmetadata: {name: ";
        text += machine.name + (host ? std::string() : ", namespace: " + machine.ns) + ", labels: {" + labels + "}}\n";
        text += host ? "spec: {node: n" + std::to_string(i) + ", expectedIPs: [" + machine.address.text() + "]"
                     : "spec: {node: n, orchestrator: k8s, ipNetworks: [" + machine.address.text() + "/32]";
        text += ", profiles: [projectcalico-default-allow]}\n";
        machines.push_back(std::move(machine));
    }

    void add_policy(Dice& dice) {
        text +=
            "---\napiVersion: projectcalico.org/v3\nkind: " +
            dice.pick<std::string>({"GlobalNetworkPolicy", "StagedGlobalNetworkPolicy"}) +
            "\nmetadata: {name: known}\nspec: {order: 10, selector: app == 'a', types: [Ingress], ingress: [{action: " +
            dice.pick<std::string>({"Allow", "Deny"}) + ", protocol: TCP, destination: {ports: [22]}}]}\n";
    }
};

RecordedFlow flow_of(const ruleset::Ruleset& ruleset, const net::Address& source, const net::Address& destination,
                     const SeenService& service) {
    RecordedFlow flow;
    flow.source = source;
    flow.destination = destination;
    flow.protocol = service.protocol;
    flow.destination_port = service.port;
    flow.connections = 1;
    flow.action = ruleset.verdict(ruleset.classify(first_packet(flow, PortId{0}))).enforced;
    return flow;
}

std::string shown(const Machine& machine) {
    return machine.ns.empty() ? machine.name : machine.ns + '/' + machine.name;
}

std::string shown(const SeenService& service) {
    const std::string name = explain::protocol_name(service.protocol);
    if (net::is_icmp(service.protocol)) return name + "/8/0";
    return net::has_ports(service.protocol) ? name + '/' + std::to_string(service.port) : name;
}

bool decided_by_a_rule(const ruleset::Ruleset& ruleset, TraceId id) {
    const classify::Trace& trace = ruleset.trace(id);
    for (const std::vector<HitId>* hits : {&trace.enforced_hits, &trace.pending_hits})
        for (const HitId hit : *hits)
            if (ruleset.hit(hit).kind == ruleset::HitKind::kRule ||
                ruleset.hit(hit).kind == ruleset::HitKind::kHostFailsafe)
                return true;
    return false;
}

class Round {
public:
    explicit Round(std::uint64_t seed) : dice_(seed), scene_(dice_), settings_(loader::settings_for_questions()) {
        const std::vector<loader::Source> sources{{"scene", scene_.text}};
        auto site = explain::build_site(sources, settings_);
        if (!site) ADD_FAILURE() << site.error().text() << '\n' << scene_.text;
        if (!site) std::abort();
        site_ = *std::move(site);
        see();
    }

    void check() {
        const auto recommended = recommend(*site_.inventory, *site_.ruleset, seen_, {});
        ASSERT_TRUE(recommended) << recommended.error().text() << scene_.text;
        std::vector<loader::Source> sources{{"scene", scene_.text}};
        for (const RecommendedPolicy& one : recommended->policies)
            sources.push_back({one.policy.metadata.name, yaml_of(one)});
        auto with = explain::build_site(sources, settings_);
        ASSERT_TRUE(with) << with.error().text() << '\n' << text(*recommended);
        EXPECT_EQ(with->ruleset->enforced_image(), site_.ruleset->enforced_image());
        check_seen(*recommended, *with->ruleset);
        check_unseen(*recommended, *with->ruleset);
    }

private:
    void see() {
        const std::size_t count = 1 + dice_.below(12);
        for (std::size_t i = 0; i < count; ++i) {
            const net::Address source = someone();
            const net::Address destination = someone();
            if (source == destination) continue;
            seen_.push_back(flow_of(*site_.ruleset, source, destination, dice_.one_of(kServices)));
        }
    }

    net::Address someone() {
        return dice_.chance(20) ? dice_.one_of(kStrangers)
                                : scene_.machines[dice_.below(scene_.machines.size())].address;
    }

    // What passes now passes then, and so does all that the policies are for.
    void check_seen(const Recommendation& recommended, const ruleset::Ruleset& with) const {
        std::set<std::string> told;
        for (const NotCovered& left : recommended.not_covered)
            told.insert(left.flow.source.text() + left.flow.destination.text() +
                        std::to_string(left.flow.destination_port));
        for (const RecordedFlow& flow : seen_) {
            const net::Tuple tuple = first_packet(flow, PortId{0});
            const TraceId before = site_.ruleset->classify(tuple);
            if (flow.action == Verdict::kDeny || decided_by_a_rule(*site_.ruleset, before)) continue;
            if (told.contains(flow.source.text() + flow.destination.text() + std::to_string(flow.destination_port)))
                continue;
            EXPECT_EQ(with.verdict(with.classify(tuple)).pending, Verdict::kAllow)
                << flow.source.text() << " -> " << flow.destination.text() << ' ' << flow.destination_port << '\n'
                << scene_.text << text(recommended);
        }
    }

    void check_unseen(const Recommendation& recommended, const ruleset::Ruleset& with) const {
        std::set<std::string> governed_in;
        std::set<std::string> governed_out;
        std::set<std::string> told;
        for (const RecommendedPolicy& one : recommended.policies) {
            for (const std::string& endpoint : one.endpoints) {
                if (one.policy.ingress_type) governed_in.insert(endpoint.substr(endpoint.find('/') + 1));
                if (one.policy.egress_type) governed_out.insert(endpoint.substr(endpoint.find('/') + 1));
            }
            EXPECT_EQ(one.admitted_unseen.size(), one.admitted_unseen_count);
            told.insert(one.admitted_unseen.begin(), one.admitted_unseen.end());
        }
        for (const Machine& source : scene_.machines)
            for (const Machine& destination : scene_.machines)
                for (const SeenService& service : kServices) {
                    if (source.address == destination.address) continue;
                    if (!governed_out.contains(shown(source)) && !governed_in.contains(shown(destination))) continue;
                    const RecordedFlow flow = flow_of(*site_.ruleset, source.address, destination.address, service);
                    if (was_seen(flow) ||
                        told.contains(shown(source) + " -> " + shown(destination) + ' ' + shown(service)))
                        continue;
                    const net::Tuple tuple = first_packet(flow, PortId{0});
                    if (decided_by_a_rule(*site_.ruleset, site_.ruleset->classify(tuple))) continue;
                    EXPECT_EQ(with.verdict(with.classify(tuple)).pending, Verdict::kDeny)
                        << shown(source) << " -> " << shown(destination) << ' ' << shown(service) << " was not seen\n"
                        << scene_.text << text(recommended);
                }
    }

    [[nodiscard]] bool was_seen(const RecordedFlow& flow) const {
        return std::any_of(seen_.begin(), seen_.end(), [&](const RecordedFlow& one) {
            return one.source == flow.source && one.destination == flow.destination && one.protocol == flow.protocol &&
                   one.destination_port == flow.destination_port;
        });
    }

    static std::string text(const Recommendation& recommended) {
        std::string out;
        for (const RecommendedPolicy& one : recommended.policies) out += "---\n" + yaml_of(one);
        return out;
    }

    Dice dice_;
    Scene scene_;
    loader::Settings settings_;
    explain::Site site_;
    std::vector<RecordedFlow> seen_;
};

TEST(RecommendRandom, AllThatWasSeenIsAllowedAndNothingElseThatIsNotTold) {
    const char* rounds = std::getenv("DRYWALL_ROUNDS");
    const char* first = std::getenv("DRYWALL_SEED");
    const std::uint64_t from = first != nullptr ? std::strtoull(first, nullptr, 10) : 1;
    const std::uint64_t count = rounds != nullptr ? std::strtoull(rounds, nullptr, 10) : 150;
    for (std::uint64_t seed = from; seed < from + count && !testing::Test::HasFailure(); ++seed) {
        SCOPED_TRACE("DRYWALL_SEED=" + std::to_string(seed));
        Round(seed).check();
    }
}

}  // namespace
}  // namespace drywall::whatif

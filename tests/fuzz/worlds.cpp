#include "worlds.h"

#include <functional>
#include <string>
#include <utility>

#include "rulesets.h"

namespace drywall::fuzz {

namespace {

using engine::add;
using engine::icmp_rule;
using engine::ingress_policy;
using engine::rule;
using policy::Inventory;
using policy::Policy;
using policy::Surroundings;

// The same connections as by guarded(), by other rules.
Inventory guarded_in_other_words() {
    Inventory inventory = engine::guarded();
    policy::Rule web = rule(Action::kAllow, 6);
    web.destination.ports = {{8000, 8999}};
    policy::Rule pings = rule(Action::kAllow, 1);
    add(inventory, ingress_policy("server-in", "server",
                                  {web, rule(Action::kAllow, 17, 53), pings, icmp_rule(Action::kAllow, 58, 128)}));
    return inventory;
}

// What the client asks for is looked at too, in a tier of its own that passes on what it does not name.
Inventory in_two_tiers() {
    Inventory inventory = engine::guarded();
    policy::Tier tier;
    tier.metadata.name = "security";
    tier.order = 10;
    tier.default_action = Action::kPass;
    add(inventory, tier);
    Policy quarantine = ingress_policy("security.quarantine", "client", {rule(Action::kDeny, 132)});
    quarantine.tier = "security";
    quarantine.egress_type = true;
    policy::Rule logged = rule(Action::kLog, 6);
    policy::Rule old = rule(Action::kDeny, 17, 22);
    policy::Rule wide = rule(Action::kPass, 6);
    wide.destination.not_ports = {{22, 22}};
    quarantine.egress = {logged, old, wide};
    add(inventory, quarantine);
    return inventory;
}

// By addresses: sets, nets, and what is not in them.
Inventory by_networks() {
    Inventory inventory = engine::two_workloads();
    policy::NetworkSet set;
    set.metadata.name = "segment";
    set.metadata.labels = {{"side", "lan"}};
    set.nets = {*net::Prefix::parse_strict("10.0.0.0/30"), *net::Prefix::parse_strict("2001:db8::/64")};
    add(inventory, set);
    policy::Rule from_lan;
    from_lan.action = Action::kAllow;
    from_lan.source.selector = "side == 'lan'";
    from_lan.source.not_nets = {*net::Prefix::parse_strict("10.0.0.2/32")};
    add(inventory, ingress_policy("server-in", "server", {from_lan, rule(Action::kAllow, 17)}));
    return inventory;
}

// The appliance's own ports: what comes in by lan, before any other policy, and what is forwarded by it.
Inventory with_guarded_port() {
    Inventory inventory = engine::guarded();
    policy::HostEndpoint port;
    port.metadata.name = "lan";
    port.metadata.labels = {{"port", "lan"}};
    port.node = "appliance";
    port.interface_name = "lan";
    add(inventory, port);
    Policy early;
    early.metadata.name = "early";
    early.selector = "port == 'lan'";
    early.order = 1;
    early.pre_dnat = early.apply_on_forward = true;
    early.ingress = {rule(Action::kDeny, 132), rule(Action::kAllow, 17, 53)};
    add(inventory, early);
    Policy forward;
    forward.metadata.name = "forward";
    forward.selector = "port == 'lan'";
    forward.order = 2;
    forward.apply_on_forward = true;
    forward.ingress = {rule(Action::kAllow, 6), rule(Action::kAllow, 1), rule(Action::kAllow, 58)};
    add(inventory, forward);
    return inventory;
}

// A host that traffic reaches, with an untracked policy in one direction and an ordinary one in the other.
Inventory with_untracked_resolver() {
    Inventory inventory = engine::with_untracked_host("10.1.0.8");
    Policy answers = ingress_policy("answers", "resolver", {rule(Action::kAllow, 6, 8080)});
    answers.apply_on_forward = true;
    add(inventory, answers);
    return inventory;
}

Inventory rehearsing(Inventory inventory) {
    Policy lock = ingress_policy("lock", "server", {rule(Action::kDeny, 6)});
    lock.order = 1;
    add(inventory, engine::staged(lock));
    Policy open = ingress_policy("open", "client", {rule(Action::kAllow, 17, 53)});
    open.order = 2;
    add(inventory, engine::staged(open));
    return inventory;
}

Surroundings with_failsafe() {
    Surroundings surroundings = engine::wire_surroundings(Verdict::kDeny);
    surroundings.failsafe = {{6, 22, {*net::Prefix::parse_strict("10.1.0.0/24")}, {}}};
    return surroundings;
}

std::vector<std::pair<Inventory, Surroundings>> scenes() {
    const Surroundings open = engine::wire_surroundings();
    const Surroundings closed = engine::wire_surroundings(Verdict::kDeny);
    return {
        {engine::guarded(), open},
        {engine::locked(), open},
        {engine::two_workloads(), closed},
        {guarded_in_other_words(), open},
        {with_untracked_resolver(), open},
        {engine::guarded_with_staged_lock(), open},
        {in_two_tiers(), open},
        {by_networks(), closed},
        {with_guarded_port(), open},
        {engine::locked(), with_failsafe()},
        {policy::initial_inventory(), open},
        {with_untracked_resolver(), closed},
    };
}

}  // namespace

World::World(Inventory inventory, Surroundings surroundings)
    : inventory_(std::move(inventory)), surroundings_(std::move(surroundings)) {
    auto built = ruleset::Ruleset::build(Generation{0}, inventory_, surroundings_);
    if (!policy::check(inventory_, surroundings_.port_names) || !built) std::abort();
    ruleset_ = *std::move(built);
    paths_ = engine::paths_by_identity(*ruleset_);
}

const std::vector<World>& worlds() {
    static const std::vector<World> all = [] {
        std::vector<World> result;
        for (auto& [inventory, surroundings] : scenes()) result.emplace_back(std::move(inventory), surroundings);
        return result;
    }();
    return all;
}

const std::vector<World>& rehearsing_worlds() {
    static const std::vector<World> all = [] {
        std::vector<World> result;
        for (auto& [inventory, surroundings] : scenes())
            result.emplace_back(rehearsing(std::move(inventory)), surroundings);
        return result;
    }();
    return all;
}

Publication publish(const World& world, Generation generation, ruleset::Enforcement enforcement, How how,
                    const Publication* before) {
    engine::Existing existing;
    if (before != nullptr) existing = before->existing;
    if (how != How::kKeep || before == nullptr) existing.keep_from = generation;
    if (how == How::kReset) existing.reset_before = generation;
    existing.paths = world.paths();
    return {world.ruleset().again(generation, enforcement), existing};
}

}  // namespace drywall::fuzz

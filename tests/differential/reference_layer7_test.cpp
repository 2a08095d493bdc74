// Rules on requests and names: the compiled ruleset against the reference evaluator, the same verdict and the same hits
// in both worlds, for random scenes, packets, and what connections show of themselves. And the promotion property for
// them.
//
//   DRYWALL_SEED=N       begins at another seed; a failure prints the seed that repeats it
//   DRYWALL_ROUNDS=N     that many inventories, four hundred packets each
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "dice.h"
#include "drywall/reference/evaluator.h"
#include "drywall/ruleset/ruleset.h"
#include "random_scene.h"
#include "told.h"

namespace drywall::test {
namespace {

constexpr std::uint64_t kSeed = 1;
constexpr std::uint64_t kRounds = 150;
constexpr std::size_t kPackets = 400;

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

const std::vector<std::string> kPaths{"/", "/a", "/a/", "/a/b", "/ab", "/b"};
const std::vector<std::string> kTargets{"/",       "/a",       "/a/",    "/a/b?q=1",         "/ab",
                                        "/b/../a", "/%61/b",   "//a//b", "/a;v=1/b",         "/a/%2e%2e/b",
                                        "*",       "/a/%zz",   "/a%2fb", "http://h/a/b",     "http://h",
                                        "/a\\b",   "/a/..;/b", "h:443",  "/a/b/c/../../../b"};
const std::vector<std::string> kMethods{"GET", "POST", "get", "*"};
const std::vector<std::string> kDomains{"a.example", "*.a.example", "b.example", "*.example"};
const std::vector<std::string> kNames{"a.example", "x.a.example", "A.Example.", "b.example", "example", "c.test"};

bool restricts_addresses(const policy::EntityRule& side) {
    return !side.nets.empty() || !side.not_nets.empty() || side.selector || side.not_selector ||
           side.namespace_selector || side.service_accounts || side.services;
}

policy::HttpMatch random_http(Dice& dice) {
    policy::HttpMatch match;
    if (dice.chance(60)) match.methods.push_back(dice.one_of(kMethods));
    if (dice.chance(20)) match.methods.push_back("PUT");
    if (dice.chance(80)) match.paths.push_back({.prefix = dice.chance(60), .path = dice.one_of(kPaths)});
    if (dice.chance(20)) match.paths.push_back({.prefix = dice.chance(60), .path = dice.one_of(kPaths)});
    return match;
}

void add_conditions(Dice& dice, std::vector<policy::Rule>& rules, Direction direction) {
    for (policy::Rule& rule : rules) {
        if (rule.action != Action::kAllow || !dice.chance(80)) continue;
        const bool could_be_tcp = (!rule.protocol || *rule.protocol == net::protocol::kTcp) && !rule.icmp;
        if (direction == Direction::kIngress && could_be_tcp) rule.http = random_http(dice);
        if (direction == Direction::kEgress && !restricts_addresses(rule.destination))
            rule.destination.domains.push_back(dice.one_of(kDomains));
    }
}

Scene random_layer7_scene(std::uint64_t seed) {
    Scene scene = random_scene(seed);
    Dice dice(seed + 77);
    constexpr std::array kEvidence{policy::DomainEvidence::kAddress, policy::DomainEvidence::kAddressAndSni,
                                   policy::DomainEvidence::kAddressOrSni};
    scene.surroundings.domains.evidence = kEvidence[dice.below(kEvidence.size())];
    scene.surroundings.domains.missing_sni = dice.chance(50) ? Verdict::kAllow : Verdict::kDeny;
    scene.surroundings.domains.ech = dice.chance(50) ? Verdict::kAllow : Verdict::kDeny;
    for (auto& [id, resource] : scene.inventory) {
        policy::Resource changed = *resource;
        if (auto* policy = std::get_if<policy::Policy>(&changed); policy != nullptr && !policy->do_not_track) {
            add_conditions(dice, policy->ingress, Direction::kIngress);
            add_conditions(dice, policy->egress, Direction::kEgress);
        }
        if (auto* set = std::get_if<policy::NetworkSet>(&changed); set != nullptr && dice.chance(60))
            set->allowed_egress_domains.push_back(dice.one_of(kDomains));
        resource = std::make_shared<const policy::Resource>(std::move(changed));
    }
    return scene;
}

reference::ConnectionFacts random_facts(Dice& dice) {
    reference::ConnectionFacts facts;
    if (dice.chance(75))
        facts.http = reference::HttpRequest{.method = dice.one_of(kMethods), .target = dice.one_of(kTargets)};
    if (dice.chance(60)) facts.names.push_back(dice.one_of(kNames));
    if (dice.chance(30)) facts.names.push_back(dice.one_of(kNames));
    if (dice.chance(50))
        facts.tls = reference::TlsHello{.server_name = dice.chance(80) ? dice.one_of(kNames) : std::string(),
                                        .encrypted = dice.chance(15)};
    return facts;
}

std::string text_of(const reference::ConnectionFacts& facts) {
    std::string text;
    if (facts.http) text += "request " + facts.http->method + " " + facts.http->target + "\n";
    for (const std::string& name : facts.names) text += "known as " + name + "\n";
    if (facts.tls) text += "greeting '" + facts.tls->server_name + (facts.tls->encrypted ? "' (ECH)\n" : "'\n");
    return text;
}

std::size_t depended = 0;  // packets whose answer hung on what was shown

void expect_agreement(std::uint64_t seed) {
    const Scene scene = random_layer7_scene(seed);
    ASSERT_TRUE(policy::check(scene.inventory, scene.surroundings.port_names)) << "seed " << seed;
    const auto built = ruleset::Ruleset::build(Generation{1}, scene.inventory, scene.surroundings);
    ASSERT_TRUE(built) << "seed " << seed << ": " << built.error().text();
    const ruleset::Ruleset& compiled = **built;
    if (!compiled.inspects()) return;
    inspect::ConditionWorkspace workspace;
    ASSERT_TRUE(workspace.grow_for(compiled.conditions()));
    const reference::Evaluator evaluator(scene.inventory, scene.surroundings);
    Dice dice(seed);
    for (const net::Tuple& packet : random_packets(scene, seed, kPackets)) {
        const reference::ConnectionFacts facts = random_facts(dice);
        TraceId id = compiled.classify(packet);
        if (compiled.verdict(id).inspection == ruleset::Inspection::kNone) continue;
        ++depended;
        id = compiled.resolve(id, facts, workspace);
        const std::string expected = told(evaluator.judge(packet, facts));
        ASSERT_EQ(told(compiled, compiled.trace(id)), expected)
            << "DRYWALL_SEED=" << seed << " DRYWALL_ROUNDS=1 shows it again\n"
            << text(scene) << text(packet) << "\n"
            << text_of(facts);
    }
}

TEST(ReferenceLayer7, TheCompiledRulesetSaysTheSameOfEveryConnection) {
    const std::uint64_t first = number_from_environment("DRYWALL_SEED", kSeed);
    const std::uint64_t rounds = number_from_environment("DRYWALL_ROUNDS", kRounds);
    for (std::uint64_t seed = first; seed < first + rounds && !HasFatalFailure(); ++seed) expect_agreement(seed);
    EXPECT_TRUE(rounds < 100 || depended > 500U) << depended << " show little";
}

// Where the enforced world denies whatever is said, its trace is told at once; nothing that is shown may change that.
TEST(ReferenceLayer7, WhatIsNotWaitedForIsDeniedOrHasNoCondition) {
    for (std::uint64_t seed = kSeed; seed < kSeed + 60; ++seed) {
        const Scene scene = random_layer7_scene(seed);
        const auto built = ruleset::Ruleset::build(Generation{1}, scene.inventory, scene.surroundings);
        ASSERT_TRUE(built);
        const reference::Evaluator evaluator(scene.inventory, scene.surroundings);
        Dice dice(seed);
        for (const net::Tuple& packet : random_packets(scene, seed, kPackets)) {
            const TraceId id = (*built)->classify(packet);
            if ((*built)->verdict(id).inspection != ruleset::Inspection::kNone) continue;
            const reference::ConnectionFacts facts = random_facts(dice);
            ASSERT_EQ((*built)->trace(id).enforced, evaluator.judge(packet, facts).enforced.verdict)
                << "seed " << seed << "\n"
                << text(scene) << text(packet) << "\n"
                << text_of(facts) << told((**built), (*built)->trace(id)) << "\nreference:\n"
                << told(evaluator.judge(packet, facts));
        }
    }
}

}  // namespace
}  // namespace drywall::test

#include "drywall/classify/classifier.h"

#include <gtest/gtest.h>

#include "program_builder.h"

namespace drywall::classify {
namespace {

constexpr const char* kClient = "10.0.0.1";
constexpr const char* kServer = "10.0.1.1";

// A server whose ingress walk is under test; nothing else is declared.
class Server : public ProgramBuilder {
public:
    void ingress(std::vector<Tier> tiers, Verdict otherwise, std::uint32_t otherwise_hit) {
        const Walks walks = both(walk(std::move(tiers), otherwise, otherwise_hit));
        party({"10.0.1.0/24"}, both(walk({}, Verdict::kAllow, 999)), walks);
    }
    [[nodiscard]] Trace from_client(std::uint16_t port = 80) const {
        return judged(packet(kClient, kServer, net::protocol::kTcp, port));
    }
};

Trace allowed(std::initializer_list<std::uint32_t> of) {
    return {Verdict::kAllow, Verdict::kAllow, false, hits(of), hits(of)};
}
Trace denied(std::initializer_list<std::uint32_t> of) {
    return {Verdict::kDeny, Verdict::kDeny, false, hits(of), hits(of)};
}

TEST(Walk, WithoutPoliciesItsProfileDecides) {
    Server server;
    server.ingress({}, Verdict::kAllow, 7);
    EXPECT_EQ(server.from_client(), allowed({7}));
}

TEST(Walk, WithoutPoliciesAndProfilesDenies) {
    Server server;
    server.ingress({}, Verdict::kDeny, 8);
    EXPECT_EQ(server.from_client(), denied({8}));
}

TEST(Walk, AnUndecidedTierDeniesAtItsEnd) {
    Server server;
    server.ingress({tier({server.rule(Action::kAllow, 1, tcp(443))}, Action::kDeny, 2)}, Verdict::kAllow, 9);
    EXPECT_EQ(server.from_client(80), denied({2}));
    EXPECT_EQ(server.from_client(443), allowed({1}));
}

TEST(Walk, ATierWithoutRulesStillEnds) {
    Server server;
    server.ingress({tier({}, Action::kDeny, 2)}, Verdict::kAllow, 9);
    EXPECT_EQ(server.from_client(), denied({2}));
}

TEST(Walk, ATierThatEndsWithPassGoesOnToTheNext) {
    Server server;
    server.ingress({tier({server.rule(Action::kAllow, 1, tcp(443))}, Action::kPass, 2)}, Verdict::kAllow, 9);
    EXPECT_EQ(server.from_client(80), allowed({2, 9}));
}

TEST(Walk, PassInTheLastTierLeavesItToTheProfile) {
    Server server;
    server.ingress({tier({server.rule(Action::kPass, 1), server.rule(Action::kDeny, 3)}, Action::kDeny, 2)},
                   Verdict::kAllow, 9);
    EXPECT_EQ(server.from_client(), allowed({1, 9}));
}

TEST(Walk, PassInOneTierThenDenyInTheNext) {
    Server server;
    server.ingress({tier({server.rule(Action::kPass, 1, tcp(80)), server.rule(Action::kAllow, 2)}, Action::kDeny, 3),
                    tier({server.rule(Action::kDeny, 4)}, Action::kDeny, 5)},
                   Verdict::kAllow, 9);
    EXPECT_EQ(server.from_client(80), denied({1, 4}));
    EXPECT_EQ(server.from_client(443), allowed({2}));
}

TEST(Walk, WhatOnlyLeadsOnLeavesNoHit) {
    Server server;
    const std::uint32_t none = static_cast<std::uint32_t>(kNoHit);
    server.ingress({tier({server.rule(Action::kPass, none, tcp(80)), server.rule(Action::kAllow, 2, tcp(443))},
                         Action::kPass, none)},
                   Verdict::kDeny, 9);
    EXPECT_EQ(server.from_client(80), denied({9}));
    EXPECT_EQ(server.from_client(81), denied({9}));
    EXPECT_EQ(server.from_client(443), allowed({2}));
}

TEST(Walk, ALogRuleIsNotedAndGoesOnToTheEndOfTheTier) {
    Server server;
    server.ingress({tier({server.rule(Action::kLog, 1)}, Action::kDeny, 2)}, Verdict::kAllow, 9);
    EXPECT_EQ(server.from_client(), denied({1, 2}));
}

TEST(Walk, ALogRuleLoweredToManyIsNotedOnce) {
    Server server;
    server.ingress({tier({server.rule(Action::kLog, 1), server.rule(Action::kLog, 1, tcp(80)),
                          server.rule(Action::kLog, 3), server.rule(Action::kAllow, 4)},
                         Action::kDeny, 2)},
                   Verdict::kAllow, 9);
    EXPECT_EQ(server.from_client(80), allowed({1, 3, 4}));
}

TEST(Walk, AConditionalRuleIsNotedAndItsDenyLeavesTheNextStepsOpen) {
    ProgramBuilder builder;
    const RuleIndex may = builder.rule({.action = Action::kLog, .hit = conditional(HitId{7})});
    const WalkId source = builder.walk({tier({may}, Action::kDeny, 1)}, Verdict::kAllow, 2);
    const WalkId open = builder.walk({}, Verdict::kAllow, 3);
    const WalkId shut = builder.walk({}, Verdict::kDeny, 4);
    builder.party({"10.0.0.1"}, both(source), both(shut));
    builder.party({"10.0.0.2"}, both(shut), both(open));
    const Trace trace = builder.judged(packet("10.0.0.1", "10.0.0.2"));
    EXPECT_EQ(trace.enforced, Verdict::kDeny) << "where it does not hold";
    EXPECT_EQ(trace.enforced_hits, (std::vector<HitId>{conditional(HitId{7}), HitId{1}, HitId{3}}));
    EXPECT_EQ(builder.judged(packet("10.0.0.1", "10.0.0.1")).enforced_hits,
              (std::vector<HitId>{conditional(HitId{7}), HitId{1}, HitId{4}}));
    EXPECT_EQ(builder.judged(packet("10.0.0.2", "10.0.0.1")).enforced_hits, hits({4})) << "a deny without one ends it";
}

TEST(Walk, AConditionalRuleThatDecidesIsInvalid) {
    ProgramBuilder builder;
    builder.rule({.action = Action::kAllow, .hit = conditional(HitId{7})});
    EXPECT_FALSE(Classifier::compile(builder.program()));
}

TEST(Walk, TheFirstMatchWins) {
    Server server;
    server.ingress(
        {tier({server.rule(Action::kDeny, 1, tcp(80)), server.rule(Action::kAllow, 2, tcp(80))}, Action::kDeny, 3)},
        Verdict::kAllow, 9);
    EXPECT_EQ(server.from_client(80), denied({1}));
}

TEST(Walk, ARuleForTheOtherFamilyIsAbsent) {
    Server server;
    const SetId v4_only = server.set({"10.0.0.0/8"});
    server.ingress({tier({server.rule({.source = {.in = {v4_only}}, .action = Action::kDeny, .hit = HitId{1}}),
                          server.rule(Action::kAllow, 2)},
                         Action::kDeny, 3)},
                   Verdict::kAllow, 9);
    server.program().parties[0].addresses.push_back(prefix("fd00::/16"));
    EXPECT_EQ(server.judged(packet("fd01::1", "fd00::1")), allowed({2}));
    EXPECT_EQ(server.from_client(), denied({1}));
}

TEST(Walk, AnEmptySetMatchesNothingAndItsNegationEverything) {
    Server server;
    const SetId empty = server.set({});
    server.ingress({tier({server.rule({.source = {.in = {empty}}, .action = Action::kDeny, .hit = HitId{1}}),
                          server.rule({.source = {.not_in = {empty}}, .action = Action::kAllow, .hit = HitId{2}})},
                         Action::kDeny, 3)},
                   Verdict::kDeny, 9);
    EXPECT_EQ(server.from_client(), allowed({2}));
}

TEST(Walk, AnAddressMustBeInAllSetsAndInNoneOfTheNegatedOnes) {
    Server server;
    const SetId wide = server.set({"10.0.0.0/24"});
    const SetId narrow = server.set({"10.0.0.0/30", "10.0.0.128/32"});
    const SetId except = server.set({"10.0.0.128/25"});
    server.ingress(
        {tier({server.rule(
                  {.source = {.in = {wide, narrow}, .not_in = {except}}, .action = Action::kAllow, .hit = HitId{1}})},
              Action::kDeny, 2)},
        Verdict::kDeny, 9);
    EXPECT_EQ(server.judged(packet("10.0.0.3", kServer)), allowed({1}));
    EXPECT_EQ(server.judged(packet("10.0.0.4", kServer)), denied({2}));
    EXPECT_EQ(server.judged(packet("10.0.0.128", kServer)), denied({2}));
}

TEST(Steps, TheSourceIsJudgedBeforeTheDestinationAndADenyEndsTheList) {
    ProgramBuilder builder;
    const Walks allow = both(builder.walk({}, Verdict::kAllow, 1));
    const Walks deny = both(builder.walk({}, Verdict::kDeny, 2));
    builder.party({kClient}, allow, deny).party({kServer}, deny, allow);
    EXPECT_EQ(builder.judged(packet(kClient, kServer)), allowed({1, 1}));
    EXPECT_EQ(builder.judged(packet(kServer, kClient)), denied({2}));
}

TEST(Steps, WorldsEndTheirListsSeparately) {
    ProgramBuilder builder;
    const WalkId allow = builder.walk({}, Verdict::kAllow, 1);
    const WalkId deny = builder.walk({}, Verdict::kDeny, 2);
    builder.party({kClient}, {allow, deny}, both(deny)).party({kServer}, both(deny), both(allow));
    const Trace trace = builder.judged(packet(kClient, kServer));
    EXPECT_EQ(trace, (Trace{Verdict::kAllow, Verdict::kDeny, false, hits({1, 1}), hits({2})}));
}

TEST(Steps, PortsAreJudgedAroundTheEndpoints) {
    ProgramBuilder builder;
    const auto walk = [&](std::uint32_t hit) { return both(builder.walk({}, Verdict::kAllow, hit)); };
    builder.party({kClient}, walk(2), walk(99)).party({kServer}, walk(99), walk(3));
    builder.lane({.ingress_port = walk(1), .egress_port = walk(4)});
    net::Tuple tuple = packet(kClient, kServer);
    EXPECT_EQ(builder.judged(tuple), allowed({2, 3}));
    tuple.ingress_port = 1;
    EXPECT_EQ(builder.judged(tuple), allowed({1, 2, 3, 4}));
}

TEST(Steps, WithoutAnyStepTheUnmatchedDefaultDecides) {
    ProgramBuilder builder;
    builder.unmatched(Verdict::kDeny, 5);
    EXPECT_EQ(builder.judged(packet(kClient, kServer)),
              (Trace{Verdict::kDeny, Verdict::kDeny, true, hits({5}), hits({5})}));
}

TEST(Steps, APortsOwnPolicyIsAStepEvenBetweenStrangers) {
    ProgramBuilder builder;
    builder.unmatched(Verdict::kDeny, 5);
    builder.lane({.ingress_port = both(builder.walk({}, Verdict::kAllow, 1)), .egress_port = {}});
    net::Tuple tuple = packet(kClient, kServer);
    tuple.ingress_port = 1;
    EXPECT_EQ(builder.judged(tuple), allowed({1}));
}

TEST(Failsafe, AllowsInFrontOfEverythingInBothWorlds) {
    Server server;
    server.ingress({}, Verdict::kDeny, 9);
    server.failsafe(server.rule(Action::kDeny, 1, tcp(22)));  // whatever the rule says, a match allows
    server.failsafe(server.rule(Action::kAllow, 2));
    server.program().failsafe.pop_back();
    EXPECT_EQ(server.from_client(22), allowed({1}));
    EXPECT_EQ(server.from_client(23), denied({9}));
}

TEST(Failsafe, HoldsForStrangersToo) {
    ProgramBuilder builder;
    builder.unmatched(Verdict::kDeny, 5);
    builder.failsafe(builder.rule(Action::kAllow, 1, tcp(22)));
    EXPECT_EQ(builder.judged(packet(kClient, kServer, net::protocol::kTcp, 22)), allowed({1}));
    EXPECT_TRUE(builder.judged(packet(kClient, kServer)).unmatched);
}

TEST(Compile, PartiesThatOverlapAreInvalid) {
    ProgramBuilder builder;
    const Walks allow = both(builder.walk({}, Verdict::kAllow, 1));
    builder.party({"10.0.0.0/8"}, allow, allow).party({"10.1.0.0/16"}, allow, allow);
    const auto classifier = Classifier::compile(builder.program());
    ASSERT_FALSE(classifier);
    EXPECT_EQ(classifier.error().kind, ErrorKind::kInvalid);
    EXPECT_NE(classifier.error().text().find("10.1.0.0/16"), std::string::npos) << classifier.error().text();
}

TEST(Compile, ThePartiesOfOneAddressAreInvalidAndThoseSideBySideAreNot) {
    ProgramBuilder same;
    const Walks walks = both(same.walk({}, Verdict::kAllow, 1));
    same.party({"10.0.0.1"}, walks, walks).party({"10.0.0.1"}, walks, walks);
    EXPECT_FALSE(Classifier::compile(same.program()));
    same.program().parties[1].addresses = prefixes({"10.0.0.2"});
    EXPECT_TRUE(Classifier::compile(same.program()));
}

TEST(Compile, NamesThatPointNowhereAreInvalid) {
    const auto kind_of = [](const Program& program) {
        const auto classifier = Classifier::compile(program);
        return classifier ? ErrorKind::kInternal : classifier.error().kind;
    };
    EXPECT_EQ(kind_of(Program{}), ErrorKind::kInvalid) << "no lane";
    ProgramBuilder walkless;
    walkless.party({"10.0.0.1"}, both(WalkId{0}), both(WalkId{0}));
    EXPECT_EQ(kind_of(walkless.program()), ErrorKind::kInvalid);
    ProgramBuilder ruleless;
    ruleless.failsafe(RuleIndex{3});
    EXPECT_EQ(kind_of(ruleless.program()), ErrorKind::kInvalid);
    ProgramBuilder setless;
    setless.rule({.source = {.in = {SetId{1}}}});
    EXPECT_EQ(kind_of(setless.program()), ErrorKind::kInvalid);
    ProgramBuilder unending;
    unending.walk({tier({}, Action::kLog, 1)}, Verdict::kAllow, 2);
    EXPECT_EQ(kind_of(unending.program()), ErrorKind::kInvalid);
}

TEST(Compile, EqualPartiesAndEqualLanesShareTheirTables) {
    ProgramBuilder builder;
    const auto walk = [&] { return both(builder.walk({tier({}, Action::kDeny, 1)}, Verdict::kAllow, 2)); };
    builder.party({"10.0.0.1"}, walk(), walk()).party({"10.0.0.2"}, walk(), walk());
    for (int lane = 0; lane < 10; ++lane) builder.lane({.ingress_port = walk(), .egress_port = {}});
    const auto classifier = Classifier::compile(builder.program());
    ASSERT_TRUE(classifier);
    const Footprint& footprint = classifier->footprint();
    EXPECT_EQ(footprint.address_classes, 2U) << "a party, and none";
    EXPECT_EQ(footprint.source_classes, 2U);
    EXPECT_LE(footprint.blocks, 4U);
}

TEST(Compile, StagedRulesAddNoStepToALookup) {
    Server server;
    const WalkId enforced = server.walk({}, Verdict::kAllow, 1);
    const WalkId pending =
        server.walk({tier({server.rule(Action::kAllow, 2, tcp(443))}, Action::kDeny, 3)}, Verdict::kAllow, 1);
    server.party({kServer}, both(enforced), {enforced, pending});
    EXPECT_EQ(server.from_client(80), (Trace{Verdict::kAllow, Verdict::kDeny, false, hits({1}), hits({3})}));
    EXPECT_EQ(server.from_client(443), (Trace{Verdict::kAllow, Verdict::kAllow, false, hits({1}), hits({2})}));
}

TEST(Footprint, TheTotalIsTheSumOfItsParts) {
    Server server;
    server.ingress({tier({server.rule(Action::kAllow, 1, tcp(80))}, Action::kDeny, 2)}, Verdict::kAllow, 9);
    const auto classifier = Classifier::compile(server.program());
    ASSERT_TRUE(classifier);
    const Footprint& footprint = classifier->footprint();
    EXPECT_EQ(footprint.table_bytes,
              footprint.trie_bytes + footprint.pair_bytes + footprint.block_bytes + footprint.service_bytes);
    EXPECT_EQ(footprint.traces, classifier->traces().size());
    EXPECT_EQ(footprint.service_classes, 2U) << "TCP 80, and the rest";
}

TEST(Budget, TablesThatDoNotFitAreRefusedWithTheFigure) {
    Server server;
    server.ingress({tier({server.rule(Action::kAllow, 1, tcp(80))}, Action::kDeny, 2)}, Verdict::kAllow, 9);
    const auto whole = Classifier::compile(server.program());
    ASSERT_TRUE(whole);
    const std::size_t needed = whole->footprint().table_bytes;
    EXPECT_TRUE(Classifier::compile(server.program(), {.table_bytes = needed}));
    for (const std::size_t bytes : {needed - 1, needed / 2, std::size_t{1000}, std::size_t{0}}) {
        const auto classifier = Classifier::compile(server.program(), {.table_bytes = bytes});
        ASSERT_FALSE(classifier) << bytes << " bytes";
        EXPECT_EQ(classifier.error().kind, ErrorKind::kRefused);
        EXPECT_NE(classifier.error().text().find("bytes"), std::string::npos) << classifier.error().text();
    }
}

TEST(Budget, MoreTracesThanAllowedAreRefused) {
    Server server;
    server.ingress(
        {tier({server.rule(Action::kAllow, 1, tcp(80)), server.rule(Action::kAllow, 2, tcp(81))}, Action::kDeny, 3)},
        Verdict::kAllow, 9);
    const auto whole = Classifier::compile(server.program());
    ASSERT_TRUE(whole);
    const std::size_t traces = whole->footprint().traces;
    EXPECT_TRUE(Classifier::compile(server.program(), {.traces = traces}));
    const auto classifier = Classifier::compile(server.program(), {.traces = traces - 1});
    ASSERT_FALSE(classifier);
    EXPECT_EQ(classifier.error().kind, ErrorKind::kRefused);
    EXPECT_NE(classifier.error().text().find("traces"), std::string::npos) << classifier.error().text();
}

TEST(Budget, PortsScatteredOnBothSidesAreRefusedBeforeTheyAreMultiplied) {
    Server server;
    std::vector<RuleIndex> rules;
    for (std::uint16_t at = 0; at < 5000; ++at) {
        const auto port = static_cast<std::uint16_t>(at * 13);
        rules.push_back(
            server.rule(Action::kAllow, at, {.source_ports = {{port, port}}, .destination_ports = {{port, port}}}));
    }
    server.ingress({tier(rules, Action::kDeny, 6000)}, Verdict::kAllow, 9);
    const auto classifier = Classifier::compile(server.program());
    ASSERT_FALSE(classifier);
    EXPECT_EQ(classifier.error().kind, ErrorKind::kRefused);
    EXPECT_NE(classifier.error().text().find("5001 source and 5001 destination"), std::string::npos)
        << classifier.error().text();
}

}  // namespace
}  // namespace drywall::classify

// Warnings: each names what is probably not meant, and nothing is said about sets that are as they should be.
#include "drywall/explain/warnings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster.h"

namespace drywall::test {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

constexpr auto kWeb = "10.0.0.1";
constexpr auto kDb = "10.0.0.2";

class Warnings : public ::testing::Test {
protected:
    Warnings() { cluster.workload("web", kWeb, {{"app", "web"}}).workload("db", kDb, {{"app", "db"}}); }

    Texts all() {
        const auto ruleset = cluster.build();
        Texts texts;
        for (const Complaint& each : explain::warnings(*ruleset, policy::calico_view(cluster.inventory())))
            texts.push_back(each.text());
        return texts;
    }

    Cluster cluster;
};

TEST_F(Warnings, APolicyThatAllowsAllHasNone) {
    cluster.add(gnp("open").selects("app == 'web'").ingress(allow()));
    EXPECT_THAT(all(), IsEmpty());
}

TEST_F(Warnings, APolicyThatSelectsNoEndpointIsNamed) {
    cluster.add(gnp("cache").selects("app == 'cache'").ingress(allow()));
    EXPECT_THAT(all(), ElementsAre(HasSubstr("globalnetworkpolicy/cache selects no endpoint")));
}

TEST_F(Warnings, AStagedPolicyThatShallTakeNoPartIsNotAskedForEndpoints) {
    cluster.add(sgnp("old", policy::StagedAction::kIgnore).selects("app == 'cache'"));
    EXPECT_THAT(all(), IsEmpty());
}

TEST_F(Warnings, ASelectorThatMatchesNothingIsNamedWithItsRule) {
    cluster.add(gnp("p").selects("app == 'db'").ingress(allow().from("app == 'nobody'")).ingress(allow()));
    EXPECT_THAT(all(), ElementsAre(HasSubstr("globalnetworkpolicy/p: ingress rule 0 names no address")));
}

TEST_F(Warnings, AShadowedRuleNamesTheRuleThatTakesItsPacketsAndAnExample) {
    cluster.add(gnp("p").selects("app == 'db'").ingress(allow()).ingress(deny().from("app == 'web'").tcp(8080)));
    EXPECT_THAT(all(), ElementsAre("globalnetworkpolicy/p: ingress rule 1 can never match: default|gnp:p|allow|0 comes "
                                   "before it and takes its packets; example: tcp 10.0.0.1 -> 10.0.0.2:8080"));
}

TEST_F(Warnings, ARuleBehindAnotherPolicyNamesThatPolicy) {
    cluster.add(gnp("first").order(1).selects("app == 'db'").ingress(allow().tcp(80)).ingress(allow()))
        .add(gnp("second").order(2).selects("app == 'db'").ingress(deny().tcp(80)));
    EXPECT_THAT(all(), Contains(AllOf(HasSubstr("globalnetworkpolicy/second: ingress rule 0 can never match"),
                                      HasSubstr("default|gnp:first|allow|0"))));
}

TEST_F(Warnings, AnIngressRuleIsShadowedByADenyOfTheSourcesEgress) {
    cluster.workload("only", "10.0.0.3", {{"app", "only"}}, kNoProfiles);
    cluster.add(gnp("out").selects("app == 'only'").only_egress().egress(deny()))
        .add(gnp("in").selects("app == 'db'").ingress(allow().from("app == 'only'")).ingress(allow()));
    EXPECT_THAT(all(), Contains(AllOf(HasSubstr("globalnetworkpolicy/in: ingress rule 0 can never match"),
                                      HasSubstr("default|gnp:out|deny|0"))));
}

TEST_F(Warnings, AStagedRuleIsShadowedInThePendingWorld) {
    cluster.add(gnp("p").order(1).selects("app == 'db'").ingress(allow()))
        .add(sgnp("late").order(2).selects("app == 'db'").ingress(deny().tcp(80)));
    EXPECT_THAT(all(), ElementsAre(HasSubstr("stagedglobalnetworkpolicy/late: ingress rule 0 can never match")));
}

TEST_F(Warnings, APolicyThatAloneTurnsEndpointsToDefaultDenySaysHowMany) {
    cluster.add(gnp("p").selects("has(app)").ingress(allow().tcp(80)));
    EXPECT_THAT(all(), ElementsAre(HasSubstr("globalnetworkpolicy/p turns ingress of 2 addresses to default deny")));
}

TEST_F(Warnings, TwoPoliciesThatDenyByDefaultTogetherTurnNothingAlone) {
    cluster.add(gnp("a").selects("all()").ingress(allow().tcp(80)))
        .add(gnp("b").selects("all()").ingress(allow().tcp(81)));
    EXPECT_THAT(all(), Not(Contains(HasSubstr("default deny"))));
}

TEST_F(Warnings, AnEndpointThatIsDeniedWithoutPoliciesIsNotTurned) {
    Cluster strict;
    strict.workload("w", kWeb, {}, kNoProfiles).add(gnp("p").ingress(allow().tcp(80)));
    const auto ruleset = strict.build();
    EXPECT_THAT(explain::warnings(*ruleset, policy::calico_view(strict.inventory())), IsEmpty());
}

TEST_F(Warnings, ADenyOfManagementTrafficNamesWhatItEnds) {
    cluster.add(gnp("p").selects("app == 'db'").ingress(allow().tcp(22)).ingress(deny()));
    const Texts texts = all();
    ASSERT_THAT(texts, ElementsAre(HasSubstr("globalnetworkpolicy/p: ingress rule 1 denies ")));
    EXPECT_THAT(texts.front(), HasSubstr("DNS (udp/53)"));
    EXPECT_THAT(texts.front(), Not(HasSubstr("SSH"))) << "an earlier rule allows it";
}

TEST_F(Warnings, AMissingProfileSaysThatItDenies) {
    cluster.workload("lost", "10.0.0.9", {}, {"kns.nowhere"});
    EXPECT_THAT(all(), ElementsAre(AllOf(HasSubstr("profile 'kns.nowhere' does not exist"), HasSubstr("1 endpoint"))));
}

TEST_F(Warnings, AHostEndpointThatAnotherGovernsSaysWhich) {
    cluster.port("a-left", "left").port("b-left", "left");
    EXPECT_THAT(
        all(), ElementsAre(HasSubstr("hostendpoint/b-left does nothing at port left: hostendpoint/a-left governs it")));
}

TEST_F(Warnings, UntrackedPoliciesHaveNoEffectAtEveryInterface) {
    policy::Policy untracked = gnp("raw").selects("role == 'edge'").ingress(allow()).on_forward();
    untracked.do_not_track = true;
    cluster.port("every", "*", {{"role", "edge"}}).add(policy::Resource(untracked));
    EXPECT_THAT(all(), Contains(HasSubstr("globalnetworkpolicy/raw: doNotTrack has no effect at hostendpoint/every")));
}

TEST_F(Warnings, TheyComeInTheOrderOfTheText) {
    policy::Policy late = gnp("b").selects("app == 'x'");
    late.metadata.place = {"a.yaml", 20, 3};
    policy::Policy early = gnp("z").selects("app == 'y'");
    early.metadata.place = {"a.yaml", 4, 3};
    cluster.add(policy::Resource(late)).add(policy::Resource(early));
    EXPECT_THAT(all(), ElementsAre(StartsWith("a.yaml:4:3"), StartsWith("a.yaml:20:3")));
}

policy::HttpMatch paths(std::vector<policy::HttpPath> list) { return {.methods = {}, .paths = std::move(list)}; }

TEST_F(Warnings, RequestsOnAPortOfTlsCanNotBeRead) {
    cluster.add(gnp("p").selects("app == 'db'").ingress(allow().tcp(443).http(paths({}))).ingress(allow()));
    EXPECT_THAT(all(),
                ElementsAre(AllOf(HasSubstr("globalnetworkpolicy/p: ingress rule 0 asks for requests on tcp/443"),
                                  HasSubstr("usually TLS"))));
}

TEST_F(Warnings, APathThatIsNotInTheFormOfRequestsSaysWhatToWrite) {
    const auto warned = [&](const std::string& path) {
        cluster.add(gnp("p")
                        .selects("app == 'db'")
                        .ingress(allow().tcp(80).http(paths({{.prefix = true, .path = path}})))
                        .ingress(allow()));
        return all();
    };
    EXPECT_THAT(warned("/a//b"),
                ElementsAre(AllOf(HasSubstr("'/a//b', which no request ever has"), HasSubstr("'/a/b'"))));
    EXPECT_THAT(warned("/a/../b"), ElementsAre(AllOf(HasSubstr("no request ever has"), HasSubstr("write '/b'"))));
    EXPECT_THAT(warned("/a\\b"), ElementsAre(HasSubstr("no request ever has")));
    EXPECT_THAT(warned("/%41"), ElementsAre(AllOf(HasSubstr("only as '/%2541'"), HasSubstr("write '/A'"))));
    for (const char* fine : {"/", "/a", "/a/", "/a/b.c", "/a_b-c~d"}) EXPECT_THAT(warned(fine), IsEmpty()) << fine;
}

TEST_F(Warnings, NamesThatNobodyLearnsAllowNothing) {
    cluster.add(
        gnp("p").selects("app == 'db'").ingress(allow()).egress(allow().to_domains({"a.example"})).egress(allow()));
    cluster.set("partners", {}, {{"who", "partner"}}, {"b.example"});
    EXPECT_THAT(all(), IsEmpty());
    cluster.surroundings().domains.learned = false;
    EXPECT_THAT(all(),
                UnorderedElementsAre(AllOf(HasSubstr("egress rule 0 asks for names"), HasSubstr("layer7.dns.servers")),
                                     HasSubstr("globalnetworkset/partners: allowedEgressDomains asks for names")));
    cluster.surroundings().domains.evidence = policy::DomainEvidence::kAddressOrSni;
    EXPECT_THAT(all(), IsEmpty()) << "the name in TLS suffices";
}

TEST_F(Warnings, WhatTakesThePacketsOfADeadRuleIsNoCondition) {
    cluster.add(gnp("p")
                    .selects("app == 'db'")
                    .ingress(allow().tcp(80).http(paths({{.prefix = true, .path = "/a"}})))
                    .ingress(allow().tcp(80))
                    .ingress(deny().tcp(80))
                    .ingress(allow()));
    EXPECT_THAT(all(), ElementsAre(HasSubstr("ingress rule 2 can never match: default|gnp:p|allow|1 comes before it")));
}

}  // namespace
}  // namespace drywall::test

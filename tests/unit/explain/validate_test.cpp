// Everything that is wrong in a set of files, at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "compiled_site.h"
#include "drywall/explain/validate.h"

namespace drywall::explain {
namespace {

using test::files;
using test::kEndpoints;
using test::kStagedClosed;
using test::kWebToDb;
using test::with;
using testing::HasSubstr;

std::vector<Problem> problems_of(std::vector<std::string> texts) {
    return validate(files(std::move(texts)), loader::settings_for_questions());
}

TEST(Validate, SaysNothingAboutWhatIsGood) { EXPECT_TRUE(problems_of({kEndpoints}).empty()); }

TEST(Validate, WarnsOfWhatIsLegalAndProbablyNotMeant) {
    const auto problems = problems_of({kEndpoints, kWebToDb});
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_EQ(problems.front().severity, Severity::kWarning);
    EXPECT_THAT(problems.front().complaint.message, HasSubstr("web-to-db turns ingress of"));
    EXPECT_EQ(problems.front().complaint.about.kind, "GlobalNetworkPolicy");
}

TEST(Validate, TellsTheMistakesOfEveryFile) {
    const auto problems =
        problems_of({with(kWebToDb, "Allow", "Alow"), kEndpoints, with(kStagedClosed, "order: 10", "order: x")});
    ASSERT_EQ(problems.size(), 2U);
    EXPECT_EQ(problems[0].complaint.place.file, "file1.yaml");
    EXPECT_EQ(problems[0].complaint.place.line, 9);
    EXPECT_EQ(problems[1].complaint.place.file, "file3.yaml");
    EXPECT_EQ(problems[1].severity, Severity::kError);
}

TEST(Validate, ChecksResourcesAgainstEachOther) {
    const auto problems = problems_of({kEndpoints, with(kWebToDb, "  order: 100", "  tier: nowhere")});
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_THAT(problems[0].complaint.message, HasSubstr("nowhere"));
    EXPECT_EQ(problems[0].complaint.place.file, "file2.yaml");
    const auto twice = problems_of({kEndpoints, kWebToDb, kWebToDb});
    ASSERT_EQ(twice.size(), 1U);
    EXPECT_EQ(twice[0].complaint.place.file, "file3.yaml");
    EXPECT_EQ(twice[0].complaint.about.name, "web-to-db");
}

// All problems of a request at once: those between resources too, although others can't be read.
TEST(Validate, ChecksWhatCanBeReadAlthoughNotAllCan) {
    const auto problems = problems_of(
        {kEndpoints, with(kWebToDb, "  order: 100", "  tier: defualt"), with(kStagedClosed, "order: 10", "order: x")});
    ASSERT_EQ(problems.size(), 2U);
    EXPECT_THAT(problems[0].complaint.message, HasSubstr("tier 'defualt' is not defined"));
    EXPECT_THAT(problems[0].complaint.hint, HasSubstr("did you mean 'default'?"));
    EXPECT_EQ(problems[0].complaint.place.column, 9);
    EXPECT_EQ(problems[1].complaint.place.file, "file3.yaml");
    // A tier that can't be read is a tier all the same.
    const std::string tier = "apiVersion: projectcalico.org/v3\nkind: Tier\nmetadata: {name: sec}\nspec: {order: x}\n";
    const auto wrong_tier = problems_of({kEndpoints, with(kWebToDb, "  order: 100", "  tier: sec"), tier});
    ASSERT_EQ(wrong_tier.size(), 1U);
    EXPECT_EQ(wrong_tier[0].complaint.place.file, "file3.yaml");
}

TEST(Validate, RulesOnRequestsAreAsSoundAsOthers) {
    const auto problems =
        problems_of({kEndpoints, with(kWebToDb, "action: Allow", "action: Allow\n      http: {methods: [GET]}")});
    ASSERT_EQ(problems.size(), 1U) << problems.back().complaint.text();
    EXPECT_THAT(problems.front().complaint.message, HasSubstr("web-to-db turns ingress of"));
}

TEST(Validate, WhereNoConnectionIsFollowedNothingCanBeReadOfIt) {
    const auto problems =
        problems_of({"apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: out}\n"
                     "spec: {doNotTrack: true, applyOnForward: true,\n"
                     "  egress: [{action: Allow, destination: {domains: [example.com]}}]}\n"});
    const bool told = std::any_of(problems.begin(), problems.end(), [](const Problem& problem) {
        return problem.severity == Severity::kError &&
               problem.complaint.message.find("rules with domains can't stand") != std::string::npos;
    });
    EXPECT_TRUE(told);
}

// C12: an interface elsewhere. What a dump of a cluster says of its hosts is no mistake before the appliance's ports
// are known.
TEST(Validate, AnInterfaceIsAMistakeOnlyWhereThePortsAreKnown) {
    const std::string host =
        "apiVersion: projectcalico.org/v3\nkind: HostEndpoint\nmetadata: {name: h}\n"
        "spec: {node: n1, interfaceName: eth0}\n";
    const auto warned = problems_of({host});
    ASSERT_EQ(warned.size(), 1U);
    EXPECT_EQ(warned[0].severity, Severity::kWarning);
    EXPECT_THAT(warned[0].complaint.message, HasSubstr("interface 'eth0'"));
    loader::Settings settings = loader::settings_for_questions();
    settings.ports_assumed = false;
    const auto refused = validate(files({host}), settings);
    ASSERT_EQ(refused.size(), 1U);
    EXPECT_EQ(refused[0].severity, Severity::kError);
}

TEST(Validate, AnEmptyListIsWhatADumpOfNothingHolds) {
    EXPECT_TRUE(problems_of({R"({"apiVersion": "v1", "kind": "List", "items": []})"}).empty());
    EXPECT_TRUE(problems_of({"apiVersion: v1\nkind: PodList\nitems: []\n"}).empty());
}

TEST(Validate, AFileThatHoldsNothingIsAMistake) { EXPECT_EQ(problems_of({"# nothing\n"}).size(), 1U); }

}  // namespace
}  // namespace drywall::explain

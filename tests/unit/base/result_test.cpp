#include "drywall/base/result.h"

#include <memory>

#include <gtest/gtest.h>

namespace drywall {
namespace {

TEST(Place, TextSaysWhatIsKnownAndNoMore) {
    EXPECT_EQ((Place{"site.yaml", 14, 7}).text(), "site.yaml:14:7");
    EXPECT_EQ((Place{"site.yaml", 14}).text(), "site.yaml:14");
    EXPECT_EQ((Place{"site.yaml"}).text(), "site.yaml");
    EXPECT_EQ((Place{"", 14, 7}).text(), "14:7");
    EXPECT_EQ(Place{}.text(), "");
    EXPECT_EQ((Place{"site.yaml", 0, 7}).text(), "site.yaml") << "a column without its line leads nowhere";
}

TEST(Complaint, TextNamesPlaceThingAndNextStep) {
    const Complaint complaint{{"site.yaml", 14, 7}, "zone 'dmz' is not defined", "defined zones are lan, wan"};
    EXPECT_EQ(complaint.text(), "site.yaml:14:7: zone 'dmz' is not defined; defined zones are lan, wan");
}

TEST(Complaint, TextLeavesOutWhatIsMissing) {
    EXPECT_EQ((Complaint{{}, "no room", ""}).text(), "no room");
    EXPECT_EQ((Complaint{{}, "no room", "free some"}).text(), "no room; free some");
}

TEST(Error, TextHasOneLinePerComplaint) {
    Error error = Error::invalid({"a.yaml", 1, 1}, "first");
    error.complaints.push_back({{"b.yaml", 2, 2}, "second", "do this"});
    EXPECT_EQ(error.kind, ErrorKind::kInvalid);
    EXPECT_EQ(error.text(), "a.yaml:1:1: first\nb.yaml:2:2: second; do this");
}

TEST(Error, OfHasNoPlace) {
    const Error error = Error::of(ErrorKind::kRefused, "too large", "raise the limit");
    EXPECT_EQ(error.kind, ErrorKind::kRefused);
    EXPECT_EQ(error.text(), "too large; raise the limit");
}

TEST(ErrorKind, NamesAreTheApisWords) {
    EXPECT_EQ(name(ErrorKind::kInvalid), "invalid");
    EXPECT_EQ(name(ErrorKind::kNotFound), "not-found");
    EXPECT_EQ(name(ErrorKind::kConflict), "conflict");
    EXPECT_EQ(name(ErrorKind::kRefused), "refused");
    EXPECT_EQ(name(ErrorKind::kUnavailable), "unavailable");
    EXPECT_EQ(name(ErrorKind::kInternal), "internal");
}

TEST(Result, HoldsAValue) {
    Result<std::string> result = std::string("yes");
    ASSERT_TRUE(result);
    EXPECT_EQ(*result, "yes");
    EXPECT_EQ(result->size(), 3U);
}

TEST(Result, HoldsAnError) {
    const Result<std::string> result = Error::of(ErrorKind::kNotFound, "nothing there");
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::kNotFound);
}

TEST(Result, GivesItsValueAway) {
    Result<std::unique_ptr<int>> result = std::make_unique<int>(7);
    const std::unique_ptr<int> taken = *std::move(result);
    EXPECT_EQ(*taken, 7);
}

TEST(Result, AnErrorTravelsFromOneResultToAnother) {
    const Result<int> inner = Error::of(ErrorKind::kConflict, "taken");
    const Status outer = inner.error();
    ASSERT_FALSE(outer);
    EXPECT_EQ(outer.error().text(), "taken");
}

}  // namespace
}  // namespace drywall

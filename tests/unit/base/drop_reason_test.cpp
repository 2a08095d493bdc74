#include "drywall/base/drop_reason.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace drywall {
namespace {

// The names in the first column of the page's table: the lines that start with "| `name` |".
std::set<std::string> documented_names() {
    constexpr std::string_view kOpening = "| `";
    std::ifstream in(DRYWALL_DROP_REASONS_PAGE);
    EXPECT_TRUE(in.good()) << DRYWALL_DROP_REASONS_PAGE << " can't be read";
    std::set<std::string> names;
    for (std::string line; std::getline(in, line);) {
        if (!line.starts_with(kOpening)) continue;
        names.insert(line.substr(kOpening.size(), line.find('`', kOpening.size()) - kOpening.size()));
    }
    return names;
}

TEST(DropReason, NamesAndEnumeratorsAreUnique) {
    std::set<std::string_view> names;
    std::set<DropReason> reasons;
    for (const DropReasonText& text : kDropReasons) {
        EXPECT_TRUE(names.insert(text.name).second) << text.name;
        EXPECT_TRUE(reasons.insert(text.reason).second) << text.name;
    }
}

TEST(DropReason, EveryReasonHasASlotAndNoneIsTheFirst) {
    EXPECT_EQ(static_cast<std::size_t>(DropReason::kNone), 0U);
    for (const DropReasonText& text : kDropReasons) EXPECT_LT(static_cast<std::size_t>(text.reason), kDropReasonSlots);
}

TEST(DropReason, NamesAreLowerCaseWords) {
    for (const DropReasonText& text : kDropReasons) {
        const bool plain =
            std::all_of(text.name.begin(), text.name.end(), [](char c) { return c == '_' || (c >= 'a' && c <= 'z'); });
        EXPECT_TRUE(plain) << text.name;
        EXPECT_FALSE(text.meaning.empty()) << text.name;
    }
}

TEST(DropReason, NameFindsTheReason) {
    EXPECT_EQ(name(DropReason::kPolicyDeny), "policy_deny");
    EXPECT_EQ(name(DropReason::kTxRefused), "tx_refused");
    EXPECT_EQ(name(DropReason::kNone), "none");
}

TEST(DropReason, ANameThatIsAddedMakesANewVersionOfTheList) {
    constexpr const char* kHowTo =
        "raise kDropReasonsVersion, say so in docs/drop-reasons.md, and write both numbers here; never use a name "
        "again";
    EXPECT_EQ(kDropReasonsVersion, 3U) << kHowTo;
    EXPECT_EQ(kDropReasons.size(), 36U) << kHowTo;
    std::ifstream in(DRYWALL_DROP_REASONS_PAGE);
    const std::string page{std::istreambuf_iterator<char>(in), {}};
    EXPECT_NE(page.find("version " + std::to_string(kDropReasonsVersion) + " of the list"), std::string::npos)
        << kHowTo;
}

TEST(DropReason, EveryReasonIsDocumentedAndNoOther) {
    std::set<std::string> known;
    for (const DropReasonText& text : kDropReasons) known.emplace(text.name);
    EXPECT_EQ(documented_names(), known) << "docs/drop-reasons.md has one row for every reason of drop_reason.h";
}

}  // namespace
}  // namespace drywall

// Differences as diff -u writes them.
#include "text_diff.h"

#include <gtest/gtest.h>

namespace drywall::control {
namespace {

TEST(TextDiff, EqualTextsDifferInNothing) { EXPECT_EQ(text_diff("a\nb\n", "a\nb\n"), ""); }

TEST(TextDiff, AChangedLineStandsBetweenThreeLinesOnEachSide) {
    EXPECT_EQ(text_diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n"),
              "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
}

TEST(TextDiff, NewAndGoneTextsAreWhole) {
    EXPECT_EQ(text_diff("", "a\nb\n"), "@@ -0,0 +1,2 @@\n+a\n+b\n");
    EXPECT_EQ(text_diff("a\n", ""), "@@ -1 +0,0 @@\n-a\n");
}

TEST(TextDiff, ChangesThatAreFarApartAreTwoHunks) {
    EXPECT_EQ(text_diff("a\n1\n2\n3\n4\n5\n6\n7\nb\n", "A\n1\n2\n3\n4\n5\n6\n7\nB\n"),
              "@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n 3\n@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-b\n+B\n");
}

TEST(TextDiff, ChangesThatAreNearAreOne) {
    EXPECT_EQ(text_diff("a\n1\n2\nb\n", "A\n1\n2\nB\n"), "@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n-b\n+B\n");
}

}  // namespace
}  // namespace drywall::control

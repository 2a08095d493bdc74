#include "drywall/inspect/http_path.h"

#include <array>
#include <string>

#include <gtest/gtest.h>

namespace drywall::inspect {
namespace {

std::string normal(std::string_view target) {
    std::string buffer(target.size(), '?');  // exactly: the path is never longer
    const NormalisedPath path = normalise_path(target, buffer);
    EXPECT_EQ(path.problem, PathProblem::kNone) << target;
    return std::string(path.path);
}

PathProblem problem(std::string_view target) {
    std::string buffer(target.size(), '?');
    const NormalisedPath path = normalise_path(target, buffer);
    EXPECT_TRUE(path.path.empty());
    return path.problem;
}

TEST(HttpPath, APlainPathStaysAsItIs) {
    for (const char* path : {"/", "/a", "/a/", "/a/b.c", "/a..b/...", "/a/.b/b.", "/~u", "/A"})
        EXPECT_EQ(normal(path), path);
}

TEST(HttpPath, TheQueryIsCutOff) {
    EXPECT_EQ(normal("/a?b/../c"), "/a");
    EXPECT_EQ(normal("/?"), "/");
    EXPECT_EQ(normal("/a%3fb"), "/a?b") << "an encoded question mark begins no query";
}

TEST(HttpPath, EncodingIsUndoneOnce) {
    EXPECT_EQ(normal("/%61%2F%62"), "/a/b");
    EXPECT_EQ(normal("/%2561"), "/%61");
    EXPECT_EQ(normal("/%c3%a9"), "/\xc3\xa9");
    EXPECT_EQ(normal("/%252e%252e/a"), "/%2e%2e/a");
}

TEST(HttpPath, DotSegmentsAreResolved) {
    EXPECT_EQ(normal("/a/./b"), "/a/b");
    EXPECT_EQ(normal("/a/../b"), "/b");
    EXPECT_EQ(normal("/a/b/.."), "/a/");
    EXPECT_EQ(normal("/a/."), "/a/");
    EXPECT_EQ(normal("/.."), "/");
    EXPECT_EQ(normal("/../../a"), "/a");
    EXPECT_EQ(normal("/a/%2e%2E/b"), "/b");
    EXPECT_EQ(normal("/a%2f..%2fb"), "/b");
    EXPECT_EQ(normal("/a/b/../../../c/"), "/c/");
    EXPECT_EQ(normal("/a/.../b"), "/a/.../b");
}

TEST(HttpPath, RunsOfSlashesAreOne) {
    EXPECT_EQ(normal("//"), "/");
    EXPECT_EQ(normal("///a//b///"), "/a/b/");
    EXPECT_EQ(normal("/a//../b"), "/b") << "the empty segment is none that could be left";
    EXPECT_EQ(normal("/a/%2f/b"), "/a/b");
}

TEST(HttpPath, MatrixParametersAreRemovedBeforeDotsAreLookedAt) {
    EXPECT_EQ(normal("/a;v=1/b;x"), "/a/b");
    EXPECT_EQ(normal("/a/..;x=/b"), "/b");
    EXPECT_EQ(normal("/a/.;/b"), "/a/b");
    EXPECT_EQ(normal("/;x/a"), "/a");
    EXPECT_EQ(normal("/a;"), "/a");
    EXPECT_EQ(normal("/a%3bx/b"), "/a/b");
    EXPECT_EQ(normal("/a;x=%2e%2e/b"), "/a/b");
}

TEST(HttpPath, WhatHasTwoReadingsHasNoNormalForm) {
    for (const char* target : {"/%", "/%4", "/%4g", "/%g4", "/a%%41", "/%u0041", "/a;%4"})
        EXPECT_EQ(problem(target), PathProblem::kBadEncoding) << target;
    EXPECT_EQ(problem("/a%00b"), PathProblem::kNul);
    EXPECT_EQ(problem(std::string_view("/a\0b", 4)), PathProblem::kNul);
    EXPECT_EQ(problem("/a\\..\\b"), PathProblem::kBackslash);
    EXPECT_EQ(problem("/a%5cb"), PathProblem::kBackslash);
    EXPECT_EQ(problem(""), PathProblem::kNotAbsolute);
    EXPECT_EQ(problem("*"), PathProblem::kNotAbsolute);
    EXPECT_EQ(problem("?/a"), PathProblem::kNotAbsolute);
}

TEST(HttpPath, ABufferThatIsTooSmallIsSaid) {
    std::array<char, 4> buffer{};
    EXPECT_EQ(normalise_path("/abcd", buffer).problem, PathProblem::kTooLong);
    EXPECT_EQ(normalise_path("/abc?long query", buffer).path, "/abc");
}

TEST(HttpPath, ATargetMeansEveryByteOfItsPath) {
    EXPECT_EQ(target_of("/shop/a-b_c.d~e"), "/shop/a-b_c.d~e");
    EXPECT_EQ(target_of("/a?b;c%41"), "/a%3Fb%3Bc%2541");
    std::array<char, 1024> buffer{};
    for (int byte = 1; byte < 256; ++byte) {
        if (byte == '/' || byte == '\\' || byte == ';') continue;  // in no normal path so
        const std::string path = std::string("/a") + static_cast<char>(byte) + "z";
        EXPECT_EQ(normalise_path(target_of(path), buffer).path, path) << byte;
    }
}

}  // namespace
}  // namespace drywall::inspect

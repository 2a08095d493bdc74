#include "drywall/net/domain_name.h"

#include <gtest/gtest.h>

namespace drywall::net {
namespace {

std::string labels(std::size_t count, std::size_t length) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += std::string(length, 'a') + ".";
    return text;
}

TEST(DomainName, IsLabelsBetweenDots) {
    for (const char* good : {"example.com", "EXAMPLE.com", "example.com.", "a", "localhost", "_dmarc.example.com",
                             "xn--bcher-kva.example", "1.2.3.4.in-addr.arpa", "4.example", "a-b.c"})
        EXPECT_EQ(trouble_with_domain_name(good), "") << good;
    for (const char* bad : {"", ".", "a..b", ".a", "a..", "a b", "b\xc3\xbc.example", "-a.b", "a-.b", "*.a", "a.*",
                            "10.0.0.1", "2001:db8::1", "a/b", "http://a", "a.b:80", "a.123"})
        EXPECT_NE(trouble_with_domain_name(bad), "") << bad;
}

TEST(DomainName, HasTheLengthsOfDns) {
    EXPECT_EQ(trouble_with_domain_name(std::string(63, 'a')), "");
    EXPECT_EQ(trouble_with_domain_name(std::string(64, 'a')), "has at most 63 characters between dots");
    EXPECT_EQ(trouble_with_domain_name(labels(3, 63) + std::string(61, 'a')), "");        // 253
    EXPECT_EQ(trouble_with_domain_name(labels(3, 63) + std::string(61, 'a') + "."), "");  // and its dot
    EXPECT_EQ(trouble_with_domain_name(labels(3, 63) + std::string(62, 'a')), "has at most 253 characters");
}

TEST(DomainName, APatternHasItsStarInFront) {
    for (const char* good : {"example.com", "*.example.com", "*.com", "*.EXAMPLE.com."})
        EXPECT_EQ(trouble_with_domain_pattern(good), "") << good;
    for (const char* bad : {"*", "*.", "*..a", "*.*.com", "www.*.com", "a*.com", "*a.com", "**.com", "*.10", ""})
        EXPECT_NE(trouble_with_domain_pattern(bad), "") << bad;
}

TEST(DomainName, IsFoldedForComparison) {
    EXPECT_EQ(folded_domain("WWW.Example.COM."), "www.example.com");
    EXPECT_EQ(folded_domain("*.Example.com"), "*.example.com");
    EXPECT_EQ(folded_domain(""), "");
}

}  // namespace
}  // namespace drywall::net

#include "drywall/net/address.h"

#include <gtest/gtest.h>

namespace drywall::net {
namespace {

Prefix prefix(std::string_view text) { return Prefix::parse_strict(text).value(); }
Address address(std::string_view text) { return Address::parse(text).value(); }

TEST(Address, TextIsReadBackAsTheSameAddress) {
    for (const char* text : {"0.0.0.0", "10.0.0.1", "255.255.255.255", "::", "::1", "2001:db8::1", "fe80::a:b:c:d"})
        EXPECT_EQ(address(text).text(), text);
}

TEST(Address, FamilyFollowsFromTheText) {
    EXPECT_EQ(address("10.0.0.1").family, Family::kIPv4);
    EXPECT_EQ(address("10.0.0.1").bits(), 32U);
    EXPECT_EQ(address("2001:db8::1").family, Family::kIPv6);
    EXPECT_EQ(address("2001:db8::1").bits(), 128U);
}

TEST(Address, AnIPv4AddressStandsInTheFirstFourBytes) {
    EXPECT_EQ(address("10.1.2.3"), Address::v4(0x0a010203));
    const AddressBytes expected{10, 1, 2, 3};
    EXPECT_EQ(address("10.1.2.3").bytes, expected);
}

TEST(Address, NothingButAnAddressIsAccepted) {
    for (const char* text : {"", "10.0.0", "10.0.0.256", "010.0.0.1", "10.0.0.1/32", "10.0.0.1:80", " 10.0.0.1",
                             "10.0.0.1 ", "fe80::1%eth0", "[::1]", "1:2:3", "host", "0x0a000001", "10.0.0.1.",
                             "2001:db8:0000:0000:0000:0000:0000:0001:0000:0000:0000"})
        EXPECT_FALSE(Address::parse(text)) << text;
}

TEST(Address, ANulInsideHidesNothing) { EXPECT_FALSE(Address::parse(std::string_view("10.0.0.1\0junk", 13))); }

TEST(Address, FamiliesNeverCompareEqual) { EXPECT_NE(address("0.0.0.0"), address("::")); }

TEST(Prefix, ContainsWhatSharesItsBits) {
    EXPECT_TRUE(prefix("10.0.0.0/8").contains(address("10.255.1.2")));
    EXPECT_FALSE(prefix("10.0.0.0/8").contains(address("11.0.0.0")));
    EXPECT_TRUE(prefix("10.0.0.128/25").contains(address("10.0.0.255")));
    EXPECT_FALSE(prefix("10.0.0.128/25").contains(address("10.0.0.127")));
    EXPECT_TRUE(prefix("0.0.0.0/0").contains(address("203.0.113.9")));
    EXPECT_TRUE(prefix("2001:db8::/33").contains(address("2001:db8:7fff::1")));
    EXPECT_FALSE(prefix("2001:db8::/33").contains(address("2001:db8:8000::1")));
}

TEST(Prefix, NeverContainsTheOtherFamily) {
    EXPECT_FALSE(prefix("0.0.0.0/0").contains(address("::1")));
    EXPECT_FALSE(prefix("::/0").contains(address("10.0.0.1")));
    EXPECT_FALSE(prefix("::/0").contains(prefix("0.0.0.0/0")));
}

TEST(Prefix, ContainsLongerPrefixesOnly) {
    EXPECT_TRUE(prefix("10.0.0.0/8").contains(prefix("10.1.0.0/16")));
    EXPECT_TRUE(prefix("10.0.0.0/8").contains(prefix("10.0.0.0/8")));
    EXPECT_FALSE(prefix("10.0.0.0/16").contains(prefix("10.0.0.0/8")));
}

TEST(Prefix, AroundMasksTheHostBits) {
    EXPECT_EQ(Prefix::around(address("10.1.2.3"), 20).text(), "10.1.0.0/20");
    EXPECT_EQ(Prefix::around(address("10.1.2.3"), 0).text(), "0.0.0.0/0");
    EXPECT_EQ(Prefix::around(address("10.1.2.3"), 32), Prefix::host(address("10.1.2.3")));
    EXPECT_EQ(Prefix::around(address("2001:db8:ffff::1"), 35).text(), "2001:db8:e000::/35");
}

TEST(Prefix, StrictWantsALengthAndNoHostBits) {
    EXPECT_EQ(Prefix::parse_strict("10.0.0.0/8")->text(), "10.0.0.0/8");
    for (const char* text :
         {"10.0.0.1", "10.0.0.1/8", "2001:db8::1/64", "10.0.0.0/33", "::/129", "10.0.0.0/", "/8", "10.0.0.0/08",
          "10.0.0.0/+8", "10.0.0.0/-1", "10.0.0.0/8 ", "10.0.0.0/8/8", "10.0.0.0/1e1"})
        EXPECT_FALSE(Prefix::parse_strict(text)) << text;
}

TEST(Prefix, LooseTakesABareAddressAndMasksHostBits) {
    EXPECT_EQ(Prefix::parse_loose("10.0.0.1")->text(), "10.0.0.1/32");
    EXPECT_EQ(Prefix::parse_loose("2001:db8::1")->text(), "2001:db8::1/128");
    EXPECT_EQ(Prefix::parse_loose("10.1.2.3/8")->text(), "10.0.0.0/8");
    EXPECT_FALSE(Prefix::parse_loose("10.1.2.3/"));
    EXPECT_FALSE(Prefix::parse_loose("10.1.2/8"));
}

}  // namespace
}  // namespace drywall::net

#include "drywall/inspect/tls_hello.h"

#include <gtest/gtest.h>

#include "client_hello.h"
#include "http_pieces.h"

namespace drywall::inspect {
namespace {

// What is told of the first `size` bytes.
std::string told_of(const ByteVector& stream, std::size_t size, std::size_t limit) {
    const ByteVector exact(stream.begin(), stream.begin() + static_cast<std::ptrdiff_t>(size));
    ByteVector working(limit);
    const HelloProgress read = read_client_hello(exact, working);
    if (read.step == HelloStep::kMore) return "more";
    if (read.step == HelloStep::kProblem) return std::string(name_of(read.problem));
    return "hello " + std::string(read.greeting.server_name) + (read.greeting.encrypted_client_hello ? " ech" : "");
}

// What is told in the end, which must be the same however much came at once: "more" until then.
std::string told(const ByteVector& stream, std::size_t limit = 1024) {
    std::string whole = told_of(stream, stream.size(), limit);
    bool decided = false;
    for (std::size_t size = 0; size < stream.size(); ++size) {
        const std::string so_far = told_of(stream, size, limit);
        if (!decided && so_far == "more") continue;
        decided = true;
        EXPECT_EQ(so_far, whole) << "after " << size;
    }
    return whole;
}

TEST(ClientHello, NamesItsServer) {
    EXPECT_EQ(told(records_of(client_hello({.server_name = "www.Example.com"}))), "hello www.Example.com");
    EXPECT_EQ(told(records_of(client_hello({}))), "hello ");
    EXPECT_EQ(told(records_of(client_hello({.extensions = false}))), "hello ");
}

TEST(ClientHello, SaysWhetherAnotherNameIsHidden) {
    EXPECT_EQ(told(records_of(client_hello({.server_name = "outer.example", .encrypted_client_hello = true}))),
              "hello outer.example ech");
}

TEST(ClientHello, MayBeSpreadOverRecordsOfAnySize) {
    const ByteVector hello = client_hello({.server_name = "example.com", .padding = 100});
    for (const std::size_t largest : {1U, 2U, 3U, 4U, 5U, 7U, 50U, 100U})
        EXPECT_EQ(told(records_of(hello, largest), 4096), "hello example.com") << largest;
}

TEST(ClientHello, WhatFollowsItIsNotRead) {
    ByteVector stream = records_of(client_hello({.server_name = "example.com"}));
    append(stream, {0xff, 0xff, 0xff});
    EXPECT_EQ(told(stream), "hello example.com");
}

TEST(ClientHello, OtherProtocolsAreKnownByTheirFirstBytes) {
    EXPECT_EQ(told({'G', 'E', 'T', ' '}), "not TLS");
    EXPECT_EQ(told({0x80, 0x2e, 0x01, 0x03, 0x01}), "not TLS") << "SSLv2's greeting";
    EXPECT_EQ(told({23, 3, 3}), "not TLS") << "the middle of a connection";
    EXPECT_EQ(told({22, 0xfe, 0xfd}), "not TLS") << "DTLS";
    EXPECT_EQ(told({22, 3, 1, 0, 0}), "not TLS") << "an empty record";
    EXPECT_EQ(told({22, 3, 1, 0x40, 1}), "not TLS") << "a record that is too long";
}

TEST(ClientHello, OtherMessagesAndRecordsAreMalformed) {
    EXPECT_EQ(told(records_of({2, 0, 0, 0})), "malformed") << "a ServerHello";
    ByteVector broken = records_of(client_hello({.server_name = "example.com"}), 20);
    broken[25] = 23;
    EXPECT_EQ(told(broken), "malformed") << "application data between the records of the greeting";
}

TEST(ClientHello, LengthsMustFit) {
    const ByteVector hello = client_hello({.server_name = "example.com"});
    // Each byte that is a length or the upper half of one; what is read then is not what was meant.
    for (const std::size_t at : {38UL, 71UL, 77UL, 79UL, hello.size() - 18, hello.size() - 16, hello.size() - 13}) {
        ByteVector wrong = hello;
        wrong[at] = 0xff;
        EXPECT_EQ(told(records_of(wrong)), "malformed") << at;
    }
    ByteVector shorter = hello;
    shorter.pop_back();
    --shorter[3];
    EXPECT_EQ(told(records_of(shorter)), "malformed");
    ByteVector longer = hello;
    longer.push_back(0);
    ++longer[3];
    EXPECT_EQ(told(records_of(longer)), "malformed");
}

TEST(ClientHello, ANameIsOneAndPlain) {
    EXPECT_EQ(told(records_of(client_hello({.server_name = "a.example", .second_name = true}))), "malformed");
    EXPECT_EQ(told(records_of(client_hello({.server_name = std::string_view("a\0.example", 10)}))), "malformed");
    EXPECT_EQ(told(records_of(client_hello({.server_name = "a b"}))), "malformed");
    EXPECT_EQ(told(records_of(client_hello({.server_name = "*.example"}))), "malformed");
    EXPECT_EQ(told(records_of(client_hello({.server_name = std::string(254, 'a')}))), "malformed");
}

TEST(ClientHello, HasALongestLength) {
    const ByteVector hello = client_hello({.server_name = "example.com"});
    EXPECT_EQ(told(records_of(hello), hello.size()), "hello example.com");
    EXPECT_EQ(told(records_of(hello), hello.size() - 1), "over limit");
    EXPECT_EQ(told(records_of(hello, 1), hello.size()), "over limit") << "six bytes for one";
}

}  // namespace
}  // namespace drywall::inspect

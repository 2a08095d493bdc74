#include "drywall/inspect/http_request.h"

#include <gtest/gtest.h>

#include "http_pieces.h"

namespace drywall::inspect {
namespace {

using Told = std::vector<std::string>;

// What is told of a stream, which must be the same wherever it is cut.
Told told(std::string_view stream, std::uint32_t max_head = 1024) {
    const Told whole = told_whole(stream, max_head);
    for (std::size_t cut = 1; cut < stream.size(); ++cut)
        EXPECT_EQ(told_cut_at(stream, cut, max_head), whole) << "cut at " << cut << " of: " << stream;
    EXPECT_EQ(told_by_bytes(stream, max_head), whole) << "byte by byte: " << stream;
    return whole;
}

Told malformed_head(const std::string& fields) { return told("POST /a HTTP/1.1\r\n" + fields + "\r\n"); }

const Told kMalformed{"malformed"};

TEST(HttpReader, ReadsARequestWithItsHost) {
    EXPECT_EQ(told("GET /a/b?c=d HTTP/1.1\r\nHost: example.com:80\r\nAccept: */*\r\n\r\n"),
              (Told{"GET /a/b?c=d example.com:80"}));
    EXPECT_EQ(told("GET / HTTP/1.0\r\n\r\n"), (Told{"GET / "}));
    EXPECT_EQ(told("M-SEARCH / HTTP/1.1\r\nhOsT:\t x \t\r\n\r\n"), (Told{"M-SEARCH / x"}));
}

TEST(HttpReader, SaysNothingBeforeTheHeadIsWhole) {
    EXPECT_EQ(told("GET / HTTP/1.1\r\nHost: x\r\n\r"), Told{});
    EXPECT_EQ(told("G"), Told{});
}

TEST(HttpReader, FindsEveryPipelinedRequest) {
    EXPECT_EQ(told("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
                   "GET /3 HTTP/1.1\r\nHost: a\r\n\r\n"),
              (Told{"GET /1 a", "POST /2 a length 3", "contents 3", "GET /3 a"}));
}

TEST(HttpReader, ContentsThatLookLikeARequestAreContents) {
    EXPECT_EQ(
        told("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18\r\n\r\nGET /x HTTP/1.1\r\n\nGET /y HTTP/1.1\r\n\r\n"),
        (Told{"POST / a length 18", "contents 18", "GET /y "}));
}

TEST(HttpReader, FollowsChunksAndTrailers) {
    EXPECT_EQ(told("POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\nA;x=\"y\"\r\n0123456789\r\n"
                   "000\r\nX-Sum: 7\r\n\r\nGET /next HTTP/1.1\r\n\r\n"),
              (Told{"POST /  chunked", "contents 13", "GET /next "}));
}

TEST(HttpReader, ChunksAreStrict) {
    const std::string head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (const char* chunk : {"\r\n", "x\r\n", "0x3\r\nabc\r\n", "3 \r\nabc\r\n", "-1\r\n", "+3\r\n",
                              "1000000000000000\r\n", "3\nabc\r\n", ";\r\n", "3;a\x01\r\n", "3\rabc"})
        EXPECT_EQ(told(head + chunk), (Told{"POST /  chunked", "malformed"})) << chunk;
    for (const char* chunk : {"3\r\nabcd\r\n", "3\r\nabc\n", "3\r\nabc\rX"})
        EXPECT_EQ(told(head + chunk), (Told{"POST /  chunked", "contents 3", "malformed"})) << chunk;
    for (const char* trailer : {"0\r\n folded: x\r\n\r\n", "0\r\nname\r\n\r\n", "0\r\na : b\r\n\r\n", "0\r\na: b\n\r\n",
                                "0\r\nContent-Length: 3\r\n\r\n", "0\r\nTransfer-Encoding: chunked\r\n\r\n"})
        EXPECT_EQ(told(head + trailer), (Told{"POST /  chunked", "malformed"})) << trailer;
}

TEST(HttpReader, FramingThatCanBeReadInTwoWaysIsMalformed) {
    for (const char* fields : {"Content-Length: 3\r\nContent-Length: 4\r\n",
                               "Content-Length: 3, 3\r\n",
                               "Content-Length: +3\r\n",
                               "Content-Length: 0x3\r\n",
                               "Content-Length: -1\r\n",
                               "Content-Length:\r\n",
                               "Content-Length: 3 3\r\n",
                               "Content-Length: 1000000000000000000\r\n",
                               "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
                               "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
                               "Transfer-Encoding: gzip\r\n",
                               "Transfer-Encoding: gzip, chunked\r\n",
                               "Transfer-Encoding: chunked, identity\r\n",
                               "Transfer-Encoding: xchunked\r\n",
                               "Transfer-Encoding: \"chunked\"\r\n",
                               "Transfer-Encoding:\r\n",
                               "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                               "Transfer-Encoding: \x0b"
                               "chunked\r\n",
                               "Transfer-Encoding : chunked\r\n",
                               " Transfer-Encoding: chunked\r\n",
                               "X: y\r\n Transfer-Encoding: chunked\r\n",
                               "X: y\r\n\tz\r\n",
                               "Host: a\r\nHost: a\r\n",
                               "Connection: close, Content-Length\r\n",
                               "Connection: transfer-encoding\r\n",
                               "Host: a b\r\n",
                               "Host: a@b\r\n",
                               "Host: a/b\r\n",
                               "Transfer-Encoding:\tchunked\r\n",
                               "Transfer-Encoding: chunked\t\r\n",
                               "Content-Length:\t3\r\n",
                               "no colon\r\n",
                               ": no name\r\n",
                               "a b: c\r\n",
                               "X: a\rb\r\n",
                               "X: a\nb: c\r\n",
                               "X: a\x01\r\n",
                               "X: a\x7f\r\n",
                               "X\xff: a\r\n"})
        EXPECT_EQ(malformed_head(fields), kMalformed) << fields;
    EXPECT_EQ(malformed_head(std::string("X: a\0b\r\n", 8)), kMalformed);
    EXPECT_EQ(told("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), kMalformed);
}

TEST(HttpReader, OfControlCharactersAFieldMayHoldOnlyTabs) {
    for (unsigned byte = 0; byte < 256; ++byte) {
        const bool fine = byte == '\t' || (byte >= 0x20 && byte != 0x7f);
        for (std::size_t at = 0; at < 17; ++at) {  // the reader looks at eight at once
            std::string value(17, 'v');
            value[at] = static_cast<char>(byte);
            const Told whole = told_whole("GET / HTTP/1.1\r\nX: " + value + "\r\n\r\n");
            EXPECT_EQ(whole, fine ? Told{"GET / "} : kMalformed) << byte << " at " << at;
        }
    }
}

TEST(HttpReader, TheSameLengthTwiceIsOneLength) {
    EXPECT_EQ(told("POST / HTTP/1.1\r\nContent-Length: 03\r\nContent-Length: 3\r\n\r\nabc\r\nGET / HTTP/1.1\r\n\r\n"),
              (Told{"POST /  length 3", "contents 3", "GET / "}));
}

TEST(HttpReader, ARequestLineIsWhatTheGrammarSays) {
    for (const char* line :
         {"GET /a", "GET /a HTTP/1.2", "GET /a HTTP/2.0", "GET /a HTTP/0.9", "GET /a http/1.1", "GET  /a HTTP/1.1",
          "GET /a  HTTP/1.1", "GET /a HTTP/1.1 ", "GET /a b HTTP/1.1", "GET /a#b HTTP/1.1", "GET\t/a HTTP/1.1 HTTP/1.1",
          "GET * HTTP/1.1", "GET a HTTP/1.1", "GET http:///a HTTP/1.1", "GET http://u@h/ HTTP/1.1",
          "CONNECT /a HTTP/1.1", "CONNECT host HTTP/1.1", "CONNECT host:x HTTP/1.1", "GET ftp://h/ HTTP/1.1"}) {
        const Told got = told("GET /first HTTP/1.1\r\n\r\n" + std::string(line) + "\r\nHost: a\r\n\r\n");
        EXPECT_EQ(got, (Told{"GET /first ", "malformed"})) << line;
    }
}

// A server that speaks HTTP/0.9 answers after the first line: the judgement must not wait for the end of a head.
TEST(HttpReader, ALineIsJudgedWhenItIsComplete) {
    EXPECT_EQ(told("GET /a\r\n"), kMalformed);
    EXPECT_EQ(told("GET /a HTTP/1.1\n"), kMalformed);
    EXPECT_EQ(told("GET /a HTTP/1.1\r\nHost: a\n"), kMalformed);
    EXPECT_EQ(told("GET /a HTTP/1.1\r\nA : b\r\n"), kMalformed);
}

TEST(HttpReader, TargetsHaveFourForms) {
    EXPECT_EQ(told("GET http://h:8/a?b HTTP/1.1\r\nHost: other\r\n\r\n"), (Told{"GET /a?b h:8"}));
    EXPECT_EQ(told("GET HTTPS://h HTTP/1.1\r\n\r\n"), (Told{"GET / h"}));
    EXPECT_EQ(told("GET http://h?x=/../ HTTP/1.1\r\n\r\n"), (Told{"GET / h"}));
    EXPECT_EQ(told("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), (Told{"OPTIONS * a"}));
    EXPECT_EQ(told("CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n"), (Told{"CONNECT  h:443 upgrade"}));
    EXPECT_EQ(told("CONNECT h:443 HTTP/1.1\r\nContent-Length: 0\r\n\r\n"), kMalformed);
}

TEST(HttpReader, OneEmptyLineMayPrecedeARequest) {
    EXPECT_EQ(told("\r\nGET / HTTP/1.1\r\n\r\n\r\nGET /2 HTTP/1.1\r\n\r\n"), (Told{"GET / ", "GET /2 "}));
    EXPECT_EQ(told("GET / HTTP/1.1\r\n\r\n\r\n\r\nGET /2 HTTP/1.1\r\n\r\n"), (Told{"GET / ", "malformed"}));
    EXPECT_EQ(told("GET / HTTP/1.1\r\n\r\n\nGET /2 HTTP/1.1\r\n\r\n"), (Told{"GET / ", "malformed"}));
}

TEST(HttpReader, OtherProtocolsAreKnownByTheirFirstBytes) {
    EXPECT_EQ(told("\x16\x03\x01"), Told{"not HTTP"});
    EXPECT_EQ(told("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"), Told{"not HTTP"});
    EXPECT_EQ(told("SSH-2.0-x\r\n"), Told{"not HTTP"});
    EXPECT_EQ(told("EHLO example.com\r\n"), Told{"not HTTP"});
    EXPECT_EQ(told(" GET / HTTP/1.1\r\n"), Told{"malformed"}) << "some servers skip what is before it";
    EXPECT_EQ(told(std::string(33, 'A')), Told{"not HTTP"});
    EXPECT_EQ(told(std::string_view("\0", 1)), Told{"not HTTP"});
}

TEST(HttpReader, Http2IsNamed) {
    EXPECT_EQ(told("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Told{"HTTP/2"});
    EXPECT_EQ(
        told("GET / HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAM\r\n\r\n"
             "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        (Told{"GET /  upgrade", "HTTP/2"}));
    EXPECT_EQ(told("GET / HTTP/1.1\r\n\r\nPRI * HTTP/2.0\r\n\r\n"), (Told{"GET / ", "malformed"}));
}

TEST(HttpReader, WhatFollowsAnUpgradeIsHttpOrNot) {
    const std::string upgrade = "GET /chat HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    EXPECT_EQ(told(upgrade + "\x81\x05hello"), (Told{"GET /chat  upgrade", "upgraded"}));
    EXPECT_EQ(told(upgrade + "GET /declined HTTP/1.1\r\n\r\n\x81"),
              (Told{"GET /chat  upgrade", "GET /declined ", "malformed"}));
    EXPECT_EQ(told("CONNECT h:1 HTTP/1.1\r\n\r\n\x16\x03\x01"), (Told{"CONNECT  h:1 upgrade", "upgraded"}));
}

TEST(HttpReader, AHeadHasALongestLength) {
    const std::string head = "GET /" + std::string(200, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n";
    const auto size = static_cast<std::uint32_t>(head.size());
    EXPECT_EQ(told(head, size).size(), 1U);
    EXPECT_EQ(told(head, size), told(head, size + 1));
    for (const std::uint32_t limit : {size - 1, size - 2, size - 3, size - 10, 100U})
        EXPECT_EQ(told(head, limit), Told{"over limit"}) << limit;
    const std::string chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
    EXPECT_EQ(told(chunked + "1;" + std::string(200, 'x'), 100), (Told{"POST /  chunked", "over limit"}));
    EXPECT_EQ(told(chunked + "0\r\n" + std::string(60, 'x') + ": 1\r\n" + std::string(60, 'y') + ": 1\r\n\r\n", 100),
              (Told{"POST /  chunked", "over limit"}));
}

TEST(HttpReader, ExpectationsAndUpgradesAreFlags) {
    EXPECT_EQ(told("PUT /a HTTP/1.1\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n"),
              (Told{"PUT /a  length 1 expect"}));
}

TEST(HttpReader, ContentsNeedNoReading) {
    HttpReader reader(1024);
    HttpHead head;
    EXPECT_EQ(reader.body_left(), 0U);
    EXPECT_EQ(reader.read("POST / HTTP/1.1\r\nContent-Length: 1000\r\n\r\nab", head).step, HttpStep::kHead);
    EXPECT_EQ(reader.body_left(), 1000U);
    EXPECT_EQ(reader.read("ab", head).size, 2U);
    EXPECT_EQ(reader.body_left(), 998U);
}

}  // namespace
}  // namespace drywall::inspect

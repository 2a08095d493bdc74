// HttpReader beside http_parser (of Node.js; old and no longer kept up, but independent of us): what we read without a
// problem it reads too, and the same requests with the same contents. That we refuse more is the intention.
#include <array>
#include <cctype>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <http_parser.h>

#include "drywall/inspect/http_request.h"

namespace drywall::inspect {
namespace {

using Random = std::mt19937_64;

struct Message {
    std::string method;
    std::string target;
    std::size_t contents = 0;
    bool operator==(const Message&) const = default;
};

void PrintTo(const Message& message, std::ostream* out) {
    *out << message.method << " " << message.target << " +" << message.contents;
}

struct Reading {
    std::vector<Message> messages;
    bool refused = false;
    bool by_taste = false;  // refused, but not because it means something else
};

Reading by_us(std::string_view stream) {
    Reading reading;
    HttpReader reader(1 << 16);
    for (;;) {
        HttpHead head;
        const HttpProgress read = reader.read(stream, head);
        reading.refused = read.step == HttpStep::kProblem;
        if (read.step == HttpStep::kMore || reading.refused) return reading;
        if (read.step == HttpStep::kHead)
            reading.messages.push_back({std::string(head.method), std::string(head.target), 0});
        if (read.step == HttpStep::kBody) reading.messages.back().contents += read.size;
        stream.remove_prefix(read.size);
    }
}

// A message counts when its head is whole.
struct Peer {
    Reading reading;
    std::string target;
};

Peer& peer_of(http_parser* parser) { return *static_cast<Peer*>(parser->data); }

int on_begin(http_parser* parser) {
    peer_of(parser).target.clear();
    return 0;
}
int on_target(http_parser* parser, const char* at, std::size_t size) {
    peer_of(parser).target.append(at, size);
    return 0;
}
int on_head(http_parser* parser) {
    const auto method = static_cast<http_method>(parser->method);
    peer_of(parser).reading.messages.push_back({http_method_str(method), peer_of(parser).target, 0});
    return 0;
}
int on_contents(http_parser* parser, const char* /*at*/, std::size_t size) {
    peer_of(parser).reading.messages.back().contents += size;
    return 0;
}

// It takes the beginning of such a name for Transfer-Encoding.
bool has_longer_name(std::string stream) {
    for (char& c : stream) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    constexpr std::string_view kName = "transfer-encoding";
    for (auto at = stream.find(kName); at != std::string::npos; at = stream.find(kName, at + 1))
        if (stream[at + kName.size()] != ':') return true;
    return false;
}

Reading by_peer(std::string_view stream) {
    http_parser_settings settings;
    http_parser_settings_init(&settings);
    settings.on_message_begin = on_begin;
    settings.on_url = on_target;
    settings.on_headers_complete = on_head;
    settings.on_body = on_contents;
    Peer peer;
    http_parser parser;
    http_parser_init(&parser, HTTP_REQUEST);
    parser.data = &peer;
    http_parser_execute(&parser, &settings, stream.data(), stream.size());
    peer.reading.refused = HTTP_PARSER_ERRNO(&parser) != HPE_OK;
    // It knows a list of methods, where any token is one; and RFC 9112 6.3 leaves it open whether the same length may
    // be said twice.
    const http_errno error = HTTP_PARSER_ERRNO(&parser);
    peer.reading.by_taste = error == HPE_INVALID_METHOD || error == HPE_UNEXPECTED_CONTENT_LENGTH ||
                            (error == HPE_INVALID_TRANSFER_ENCODING && has_longer_name(std::string(stream)));
    return peer.reading;
}

constexpr std::array<std::string_view, 26> kFields{"Host: a",
                                                   "Accept: */*",
                                                   "X:",
                                                   "X: a, b\t c",
                                                   "Content-Length: 3",
                                                   "Content-Length: 0",
                                                   "Content-Length:3 ",
                                                   "content-length: 12",
                                                   "Content-Length: +3",
                                                   "Content-Length: 3,3",
                                                   "Content-Length: ",
                                                   "Transfer-Encoding: chunked",
                                                   "transfer-encoding:chunked",
                                                   "Transfer-Encoding: CHUNKED",
                                                   "Transfer-Encoding: gzip, chunked",
                                                   "Transfer-Encoding: identity",
                                                   "Transfer-Encoding: xchunked",
                                                   "Transfer-Encoding : chunked",
                                                   " folded",
                                                   "Content-Length : 3",
                                                   "X: \x01",
                                                   "X: \x80\xff",
                                                   "Transfer-Encoding: chunked ",
                                                   "Expect: 100-continue",
                                                   "no colon",
                                                   "Transfer-Encoding:\tchunked"};
constexpr std::array<std::string_view, 8> kLines{
    "GET / HTTP/1.1",    "POST /a?b=c HTTP/1.1", "OPTIONS * HTTP/1.1",   "GET http://h/a HTTP/1.1",
    "GET /%41 HTTP/1.1", "GET /a b HTTP/1.1",    "M-SEARCH /x HTTP/1.1", "GET /a HTTP/1.2"};
constexpr std::array<std::string_view, 6> kWhole{
    "GET /a HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /b HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
    "PUT /c HTTP/1.1\r\nX: y\r\nContent-Length: 0\r\n\r\n",
    "POST /d HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0a;b=c\r\n0123456789\r\n0\r\nT: v\r\n\r\n",
    "GET http://h:80/e HTTP/1.1\r\n\r\n",
    "DELETE /%2e%2e/f?g=h HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"};
constexpr std::array<std::string_view, 10> kContents{"",
                                                     "abc",
                                                     "0\r\n\r\n",
                                                     "3\r\nabc\r\n0\r\n\r\n",
                                                     "5;a=b\r\nhello\r\n0\r\nT: v\r\n\r\n",
                                                     "3 \r\nabc\r\n0\r\n\r\n",
                                                     "3\nabc\n0\n\n",
                                                     "0x3\r\nabc\r\n0\r\n\r\n",
                                                     "\r\n",
                                                     "G"};

template <typename Words>
std::string_view any(Random& random, const Words& words) {
    return words[random() % words.size()];
}

std::string random_stream(Random& random) {
    std::string out;
    for (std::size_t messages = 1 + random() % 4; messages > 0; --messages) {
        if (random() % 4 != 0) {
            out.append(any(random, kWhole));
            continue;
        }
        out.append(any(random, kLines)).append("\r\n");
        for (std::size_t fields = random() % 4; fields > 0; --fields) out.append(any(random, kFields)).append("\r\n");
        out.append("\r\n").append(any(random, kContents));
    }
    if (random() % 3 == 0)
        out[random() % out.size()] = static_cast<char>(random() % 4 == 0 ? random() : "\r\n \t:;\0x"[random() % 8]);
    if (random() % 8 == 0) out.erase(random() % out.size(), 1);
    return out + "\r\n";  // a line that is not whole may be refused sooner or later
}

TEST(HttpReaderBesideHttpParser, WhatWeReadItReadsInTheSameWay) {
    const std::uint64_t seed = std::random_device{}();
    Random random(seed);
    int read = 0;
    int refused_by_us_alone = 0;
    for (int round = 0; round < 200'000; ++round) {
        const std::string stream = random_stream(random);
        const Reading ours = by_us(stream);
        const Reading peers = by_peer(stream);
        refused_by_us_alone += ours.refused && !peers.refused ? 1 : 0;
        if (ours.refused || peers.by_taste) continue;
        ++read;
        ASSERT_FALSE(peers.refused) << "seed " << seed << ", round " << round << ":\n"
                                    << testing::PrintToString(stream);
        ASSERT_EQ(ours.messages, peers.messages) << "seed " << seed << ", round " << round << ":\n"
                                                 << testing::PrintToString(stream);
    }
    EXPECT_GT(read, 10'000);
    EXPECT_GT(refused_by_us_alone, 1'000) << "we are the stricter ones";
}

}  // namespace
}  // namespace drywall::inspect

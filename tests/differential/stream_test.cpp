// Random segments of random streams: what the inspector finds is what receivers put together.
#include <array>
#include <random>

#include <gtest/gtest.h>

#include "client_hello.h"
#include "stream_twin.h"

namespace drywall::inspect {
namespace {

using Random = std::mt19937_64;

std::string random_request(Random& random, int number) {
    std::string out = "GET /" + std::to_string(number) + std::string(random() % 60, 'p');
    out += " HTTP/1.1\r\nHost: h" + std::string(random() % 30, 'o') + "\r\n";
    std::string contents;
    switch (random() % 4) {
        case 0:
            contents.assign(random() % (random() % 4 == 0 ? 4000 : 400), 'c');
            out += "Content-Length: " + std::to_string(contents.size()) + "\r\n";
            break;
        case 1:
            out += "Transfer-Encoding: chunked\r\n";
            for (std::size_t n = random() % 6; n > 0; --n) {
                constexpr std::array<std::string_view, 3> kChunks{"1\r\nx\r\n", "5;e=f\r\n12345\r\n",
                                                                  "0a\r\n0123456789\r\n"};
                contents += kChunks[random() % kChunks.size()];
            }
            contents += random() % 2 == 0 ? "0\r\n\r\n" : "0\r\nSum: 1\r\n\r\n";
            break;
        case 2: out += "X: " + std::string(random() % 300, 'x') + "\r\n"; break;
        default: break;
    }
    return out + "\r\n" + contents;
}

std::string random_source(Random& random, Protocol protocol) {
    std::string out;
    if (protocol == Protocol::kHttp) {
        for (int i = static_cast<int>(random() % 12); i >= 0; --i) out += random_request(random, i);
        return out;
    }
    const ByteVector hello = client_hello({.server_name = "www.example.com", .padding = random() % 300});
    const ByteVector records = records_of(hello, 20 + random() % 400);
    return {records.begin(), records.end()};
}

void check_stream(std::uint64_t seed, Protocol protocol, std::size_t& found) {
    Random random(seed);
    const std::string source = random_source(random, protocol);
    StreamTrial trial(protocol, source, static_cast<std::uint32_t>(random()), random);
    for (std::size_t steps = random() % 100; steps > 0 && !trial.finished(); --steps) {
        const auto wrong = trial.step();
        ASSERT_FALSE(wrong) << *wrong << "\nseed " << seed;
    }
    if (!trial.finished()) {
        const auto wrong = trial.finish();
        ASSERT_FALSE(wrong) << *wrong << "\nseed " << seed;
    }
    found += trial.told().size();
}

TEST(StreamAgainstReceivers, WhatIsFoundIsWhatTheyRead) {
    const std::uint64_t seed = std::random_device{}();
    std::size_t found = 0;
    for (std::uint64_t round = 0; round < 3000 && !testing::Test::HasFatalFailure(); ++round)
        check_stream(seed + round, round % 4 == 0 ? Protocol::kTls : Protocol::kHttp, found);
    EXPECT_GT(found, 3000U) << "too little was looked at; seed " << seed;
}

}  // namespace
}  // namespace drywall::inspect

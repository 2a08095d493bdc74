#include "drywall/inspect/dns_questions.h"

#include <gtest/gtest.h>

#include "dns_words.h"
#include "packets.h"

namespace drywall::inspect {
namespace {

using namespace std::chrono_literals;
using test::Bytes;
using test::dns_query;
using test::DnsWords;

constexpr DnsFlow kFlow{1};
constexpr Instant kNow{1s};

struct Said {
    explicit Said(const DnsWords& words) : bytes(words.bytes()), message(*DnsMessage::read(bytes)) {}
    Bytes bytes;
    DnsMessage message;
};

bool asked(DnsQuestions& questions, const DnsWords& words, DnsFlow flow = kFlow, Instant now = kNow) {
    return questions.ask(flow, Said(words).message, now);
}
bool answers(DnsQuestions& questions, const DnsWords& words, DnsFlow flow = kFlow, Instant now = kNow) {
    return questions.answers(flow, Said(words.answer()).message, now);
}

TEST(DnsQuestions, AnAnswerIsToAQuestionAndOnce) {
    DnsQuestions questions(64, 1);
    EXPECT_FALSE(answers(questions, dns_query(7, "a.b")));
    EXPECT_TRUE(asked(questions, dns_query(7, "a.b")));
    EXPECT_TRUE(answers(questions, dns_query(7, "A.B")));  // case is no difference
    EXPECT_FALSE(answers(questions, dns_query(7, "a.b")));
}

TEST(DnsQuestions, WhatDiffersInAnythingIsNoAnswer) {
    DnsQuestions questions(64, 1);
    EXPECT_TRUE(asked(questions, dns_query(7, "a.b")));
    EXPECT_FALSE(answers(questions, dns_query(8, "a.b")));
    EXPECT_FALSE(answers(questions, dns_query(7, "a.c")));
    EXPECT_FALSE(answers(questions, dns_query(7, "a.b").type(28)));
    EXPECT_FALSE(answers(questions, dns_query(7, "a.b"), DnsFlow{2}));
    EXPECT_TRUE(answers(questions, dns_query(7, "a.b")));
}

TEST(DnsQuestions, NobodyWaitsForever) {
    DnsQuestions questions(64, 1);
    EXPECT_TRUE(asked(questions, dns_query(7, "a.b")));
    EXPECT_FALSE(answers(questions, dns_query(7, "a.b"), kFlow, kNow + DnsQuestions::kPatience + 1ns));
    EXPECT_TRUE(asked(questions, dns_query(7, "a.b")));
    EXPECT_TRUE(asked(questions, dns_query(7, "a.b"), kFlow, kNow + 10s));  // again
    EXPECT_TRUE(answers(questions, dns_query(7, "a.b"), kFlow, kNow + 20s));
}

TEST(DnsQuestions, WhereThereIsNoRoomTheOldestGoes) {
    DnsQuestions questions(8, 1);
    EXPECT_EQ(questions.capacity(), 8U);
    for (std::uint16_t id = 0; id < 8; ++id)
        EXPECT_TRUE(asked(questions, dns_query(id, "a.b"), kFlow, kNow + std::chrono::milliseconds(id == 3 ? 0 : 1)));
    EXPECT_FALSE(asked(questions, dns_query(8, "a.b"), kFlow, kNow + 2ms));
    EXPECT_FALSE(answers(questions, dns_query(3, "a.b")));
    for (const std::uint16_t id : {0, 1, 2, 4, 5, 6, 7, 8}) EXPECT_TRUE(answers(questions, dns_query(id, "a.b"))) << id;
}

TEST(DnsQuestions, WhatWasGivenUpMakesRoomWithoutALoss) {
    DnsQuestions questions(8, 1);
    for (std::uint16_t id = 0; id < 8; ++id) EXPECT_TRUE(asked(questions, dns_query(id, "a.b")));
    EXPECT_TRUE(asked(questions, dns_query(8, "a.b"), kFlow, kNow + 1min));
}

}  // namespace
}  // namespace drywall::inspect

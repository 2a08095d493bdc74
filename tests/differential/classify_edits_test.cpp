// Programs that are changed again and again, compiled with what the compile before left, against a fresh compile and
// the oracle. A failure prints the seed: DRYWALL_SEED=<that seed> DRYWALL_ROUNDS=1 repeats it alone.
#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>

#include "classify_random_program.h"
#include "drywall/base/cache_line.h"
#include "drywall/classify/classifier.h"
#include "drywall/classify/oracle.h"

namespace drywall::classify {
namespace {

constexpr std::size_t kPackets = 2 * kMaxBurst;

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::stoull(text);
}

std::uint64_t first_seed() {
    static const std::uint64_t seed = number_from_environment(
        "DRYWALL_SEED", static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count()));
    return seed;
}

std::uint64_t rounds() { return number_from_environment("DRYWALL_ROUNDS", 60); }

std::vector<std::string> contents(std::span<const Trace> traces) {
    std::vector<std::string> contents;
    for (const Trace& trace : traces) {
        std::string text = std::string(name(trace.enforced)) + std::string(name(trace.pending));
        if (trace.unmatched) text += " unmatched";
        for (const auto* hits : {&trace.enforced_hits, &trace.pending_hits}) {
            text += " |";
            for (const HitId hit : *hits) text += " " + std::to_string(index(hit));
        }
        contents.push_back(std::move(text));
    }
    std::ranges::sort(contents);
    return contents;
}

// Both kernels of `again` answer as `fresh` and the oracle do; and it has the same traces, no older ones.
void expect_alike(RandomProgram& random, const Program& program, const Classifier& again, const Classifier& fresh) {
    std::vector<net::Tuple> packets;
    for (std::size_t at = 0; at < kPackets; ++at) packets.push_back(random.packet(program));
    std::vector<TraceId> burst(kMaxBurst);
    for (std::size_t at = 0; at < packets.size(); at += kMaxBurst) {
        again.lookup(std::span(packets).subspan(at, kMaxBurst), burst);
        for (std::size_t which = 0; which < kMaxBurst; ++which) {
            const net::Tuple& packet = packets[at + which];
            const Trace& trace = again.traces()[index(burst[which])];
            ASSERT_EQ(index(burst[which]), index(again.lookup(packet)));
            ASSERT_EQ(trace, fresh.traces()[index(fresh.lookup(packet))]);
            ASSERT_EQ(trace, judge(program, packet));
        }
    }
    ASSERT_EQ(contents(again.traces()), contents(fresh.traces()));
}

struct Tally {
    std::size_t rows = 0;
    std::size_t copied = 0;
    std::size_t refused = 0;
};

void change_again_and_again(std::uint64_t seed, std::size_t edits, Tally& tally) {
    RandomProgram random(seed);
    Program program = seed % 3 == 0 ? random.program() : random.crowd();
    CompileCache cache;
    std::optional<Classifier> in_force;
    for (std::size_t edit = 0; edit <= edits; ++edit) {
        SCOPED_TRACE("seed " + std::to_string(seed) + ", edit " + std::to_string(edit));
        const Program next = edit == 0 ? program : random.edited(program);
        Result<Classifier> again = Classifier::compile(next, {}, &cache);
        const Result<Classifier> fresh = Classifier::compile(next);
        ASSERT_EQ(static_cast<bool>(again), static_cast<bool>(fresh));
        if (!again) {
            EXPECT_EQ(again.error().text(), fresh.error().text());
            ++tally.refused;  // the program before stays
            continue;
        }
        expect_alike(random, next, *again, *fresh);
        if (testing::Test::HasFatalFailure()) return;
        tally.rows += again->footprint().rows;
        tally.copied += again->footprint().rows_copied;
        in_force = *std::move(again);
        program = next;
    }
}

TEST(ClassifyEdits, AChangeIsCompiledAsTheProgramByItself) {
    std::cout << "seed " << first_seed() << ", " << rounds() << " rounds\n";
    Tally tally;
    for (std::uint64_t seed = first_seed(); seed < first_seed() + rounds(); ++seed) {
        change_again_and_again(seed, 25, tally);
        if (HasFatalFailure()) return;
    }
    std::cout << tally.copied << " of " << tally.rows << " rows copied, " << tally.refused << " refused\n";
    if (rounds() >= 20) {
        EXPECT_GT(tally.copied * 4, tally.rows);  // so it did what it is for
    }
}

// What was made for programs that are gone is not kept for ever, and all of it is given back.
TEST(ClassifyEdits, MemoryStaysBoundedAndComesBack) {
    const auto in_use = [] { return mallinfo2().uordblks; };
    const auto run = [](std::uint64_t seed) {
        RandomProgram random(seed);
        Program program = random.crowd();
        CompileCache cache;
        std::size_t most = 0;
        std::size_t largest = 0;  // of what some of the programs on the way take by themselves
        for (int edit = 0; edit < 400; ++edit) {
            Program next = random.edited(program);
            if (!Classifier::compile(next, {}, &cache)) continue;
            program = std::move(next);
            most = std::max(most, cache.bytes());
            if (edit % 20 != 0) continue;
            CompileCache fresh;
            EXPECT_TRUE(Classifier::compile(program, {}, &fresh));
            largest = std::max(largest, fresh.bytes());
        }
        EXPECT_LT(most, 4 * largest + (std::size_t{1} << 20)) << "seed " << seed;
    };
    run(first_seed());
    const std::size_t before = in_use();
    run(first_seed() + 1);
    EXPECT_LE(in_use(), before + (std::size_t{1} << 16));
}

TEST(ClassifyEdits, OnlyRowsThatAChangeTouchesAreWorkedOut) {
    // 100 endpoints, into each of which a rule of its own leads; what they send is allowed.
    Program program;
    program.lanes.resize(1);
    program.sets.push_back({{net::Prefix::host(net::Address::v4(0x0a010001))}});
    program.walks.push_back({.tiers = {}, .otherwise = Verdict::kAllow, .otherwise_hit = HitId{1001}});
    for (std::uint32_t at = 0; at < 100; ++at) {
        const auto port = static_cast<std::uint16_t>(at % 2 == 0 ? 80 : 443);
        program.rules.push_back({.source = {.in = {SetId{0}}, .not_in = {}},
                                 .destination = {},
                                 .service = {.protocol = net::protocol::kTcp, .destination_ports = {{port, port}}},
                                 .action = Action::kAllow,
                                 .hit = HitId{at}});
        program.walks.push_back({.tiers = {{.rules = {RuleIndex{at}}, .end = Action::kDeny, .end_hit = HitId{1000}}},
                                 .otherwise = Verdict::kDeny,
                                 .otherwise_hit = HitId{1001}});
        program.parties.push_back({.addresses = {net::Prefix::host(net::Address::v4(0x0a000000 + at))},
                                   .egress = {WalkId{0}, WalkId{0}},
                                   .ingress = {WalkId{at + 1}, WalkId{at + 1}}});
    }
    CompileCache cache;
    const auto worked_out = [&] {
        const auto made = Classifier::compile(program, {}, &cache);
        EXPECT_TRUE(made);
        EXPECT_GE(made->footprint().rows, 101U);
        return made->footprint().rows - made->footprint().rows_copied;
    };
    EXPECT_GE(worked_out(), 101U);
    EXPECT_EQ(worked_out(), 0U) << "nothing changed";
    program.parties[7].addresses[0] = net::Prefix::host(net::Address::v4(0x0a0000f0));
    EXPECT_EQ(worked_out(), 0U) << "an endpoint moved";
    program.rules[8].service = program.rules[9].service;
    EXPECT_EQ(worked_out(), 1U) << "a rule asks for another port";
    program.sets[0].prefixes.push_back(net::Prefix::host(net::Address::v4(0x0a010002)));
    EXPECT_EQ(worked_out(), 0U) << "another client has the labels";
    program.parties.pop_back();
    EXPECT_EQ(worked_out(), 1U) << "an endpoint is gone, and its row vacant";
}
TEST(ClassifyEdits, AProgramThatIsRefusedLeavesNoTrace) {
    RandomProgram random(first_seed());
    const Program program = random.crowd();
    Program refused = program;
    refused.parties.push_back(refused.parties.front());  // two parties of one address,
    const WalkId walk{static_cast<std::uint32_t>(refused.walks.size())};
    refused.walks.push_back({.tiers = {}, .otherwise = Verdict::kDeny, .otherwise_hit = HitId{7}});
    refused.parties.back().ingress = {walk, walk};  // that are judged differently
    CompileCache cache;
    for (int time = 0; time < 3; ++time) {
        const auto made = Classifier::compile(program, {}, &cache);
        const auto fresh = Classifier::compile(program);
        ASSERT_TRUE(made) << "seed " << first_seed();
        expect_alike(random, program, *made, *fresh);
        const auto error = Classifier::compile(refused, {}, &cache);
        ASSERT_FALSE(error);
        EXPECT_EQ(error.error().kind, ErrorKind::kInvalid);
    }
}

}  // namespace
}  // namespace drywall::classify

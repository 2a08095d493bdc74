// The compiled tables against the oracle, on random programs and packets. A failure prints the seed of its program:
// DRYWALL_SEED=<that seed> DRYWALL_ROUNDS=1 repeats it alone.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>

#include "classify_random_program.h"
#include "drywall/base/cache_line.h"
#include "drywall/classify/classifier.h"
#include "drywall/classify/oracle.h"

namespace drywall::classify {
namespace {

constexpr std::size_t kPackets = 500;

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::stoull(text);
}

std::uint64_t first_seed() {
    static const std::uint64_t seed = number_from_environment(
        "DRYWALL_SEED", static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count()));
    return seed;
}

std::uint64_t rounds() { return number_from_environment("DRYWALL_ROUNDS", 250); }

std::string text(const net::Tuple& tuple) {
    return "protocol " + std::to_string(tuple.protocol) + " " + net::Address{tuple.family, tuple.source}.text() + " " +
           std::to_string(tuple.source_port) + " -> " + net::Address{tuple.family, tuple.destination}.text() + " " +
           std::to_string(tuple.destination_port) + " port " + std::to_string(tuple.ingress_port);
}

std::string text(const Trace& trace) {
    std::string out = std::string(name(trace.enforced)) + "/" + std::string(name(trace.pending));
    if (trace.unmatched) out += " unmatched";
    for (const auto* hits : {&trace.enforced_hits, &trace.pending_hits}) {
        out += " [";
        for (const HitId hit : *hits) out += std::to_string(index(hit)) + " ";
        out += "]";
    }
    return out;
}

std::vector<std::string> contents(std::span<const Trace> traces) {
    std::vector<std::string> texts;
    for (const Trace& trace : traces) texts.push_back(text(trace));
    std::ranges::sort(texts);
    return texts;
}

std::vector<net::Tuple> packets(RandomProgram& random, const Program& program) {
    std::vector<net::Tuple> packets;
    for (std::size_t at = 0; at < kPackets; ++at) packets.push_back(random.packet(program));
    return packets;
}

class ClassifyDifferential : public testing::Test {
protected:
    void SetUp() override { std::cout << "seed " << first_seed() << ", " << rounds() << " rounds\n"; }
};

TEST_F(ClassifyDifferential, CompiledTracesAreTheOraclesTraces) {
    for (std::uint64_t seed = first_seed(); seed < first_seed() + rounds(); ++seed) {
        RandomProgram random(seed);
        const Program program = random.program();
        const auto classifier = Classifier::compile(program);
        ASSERT_TRUE(classifier) << "seed " << seed << ": " << classifier.error().text();
        for (const net::Tuple& packet : packets(random, program)) {
            const Trace& compiled = classifier->traces()[index(classifier->lookup(packet))];
            const Trace judged = judge(program, packet);
            ASSERT_EQ(compiled, judged) << "seed " << seed << ", " << text(packet) << "\n  compiled " << text(compiled)
                                        << "\n  oracle   " << text(judged);
        }
    }
}

// More classes than one chunk of sources has, which small programs do not reach.
TEST_F(ClassifyDifferential, CrowdsOfEndpointsAreJudgedAsByTheOracle) {
    std::size_t most_classes = 0;
    for (std::uint64_t seed = first_seed(); seed < first_seed() + (rounds() + 7) / 8; ++seed) {
        RandomProgram random(seed);
        const Program program = random.crowd();
        const auto classifier = Classifier::compile(program);
        ASSERT_TRUE(classifier) << "seed " << seed << ": " << classifier.error().text();
        most_classes = std::max(most_classes, classifier->footprint().source_classes);
        const std::vector<net::Tuple> all = packets(random, program);
        std::vector<TraceId> traces(kMaxBurst);
        for (std::size_t at = 0; at + kMaxBurst <= all.size(); at += kMaxBurst) {
            classifier->lookup(std::span(all).subspan(at, kMaxBurst), traces);
            for (std::size_t which = 0; which < kMaxBurst; ++which) {
                const net::Tuple& packet = all[at + which];
                const Trace& compiled = classifier->traces()[index(traces[which])];
                const Trace judged = judge(program, packet);
                ASSERT_EQ(index(traces[which]), index(classifier->lookup(packet))) << "seed " << seed;
                ASSERT_EQ(compiled, judged) << "seed " << seed << ", " << text(packet) << "\n  compiled "
                                            << text(compiled) << "\n  oracle   " << text(judged);
            }
        }
    }
    if (rounds() >= 100) {
        EXPECT_GT(most_classes, 64U);  // so it did what it is for
    }
}

// Pairs have two forms; both kernels of each are held to the oracle.
TEST_F(ClassifyDifferential, RowsAndBlocksAnswerAlike) {
    for (std::uint64_t seed = first_seed(); seed < first_seed() + (rounds() + 3) / 4; ++seed) {
        RandomProgram random(seed);
        const Program program = seed % 4 == 0 ? random.crowd() : random.program();
        const auto rows = Classifier::compile(program, {.structure = Structure::kRows});
        const auto blocks = Classifier::compile(program, {.structure = Structure::kBlocks});
        ASSERT_TRUE(rows) << "seed " << seed << ": " << rows.error().text();
        ASSERT_TRUE(blocks) << "seed " << seed << ": " << blocks.error().text();
        ASSERT_EQ(contents(rows->traces()), contents(blocks->traces())) << "seed " << seed;  // none that no packet has
        const std::vector<net::Tuple> all = packets(random, program);
        for (const Classifier* classifier : {&*rows, &*blocks}) {
            std::vector<TraceId> traces(kMaxBurst);
            for (std::size_t at = 0; at + kMaxBurst <= all.size(); at += kMaxBurst) {
                classifier->lookup(std::span(all).subspan(at, kMaxBurst), traces);
                for (std::size_t which = 0; which < kMaxBurst; ++which) {
                    const net::Tuple& packet = all[at + which];
                    ASSERT_EQ(index(traces[which]), index(classifier->lookup(packet))) << "seed " << seed;
                    ASSERT_EQ(classifier->traces()[index(traces[which])], judge(program, packet))
                        << "seed " << seed << ", " << text(packet);
                }
            }
        }
    }
}

TEST_F(ClassifyDifferential, BurstsOfEverySizeAnswerAsSinglePacketsDo) {
    for (std::uint64_t seed = first_seed(); seed < first_seed() + (rounds() + 9) / 10; ++seed) {
        RandomProgram random(seed);
        const Program program = random.program();
        const auto classifier = Classifier::compile(program);
        ASSERT_TRUE(classifier) << "seed " << seed << ": " << classifier.error().text();
        const std::vector<net::Tuple> all = packets(random, program);
        for (std::size_t size = 1; size <= kMaxBurst; ++size) {
            const auto burst = std::span(all).subspan(seed % (kPackets - kMaxBurst), size);
            std::vector<TraceId> traces(size);
            classifier->lookup(burst, traces);
            for (std::size_t at = 0; at < size; ++at) {
                ASSERT_EQ(index(traces[at]), index(classifier->lookup(burst[at])))
                    << "seed " << seed << ", size " << size << ", packet " << at << ": " << text(burst[at]);
            }
        }
    }
}

TEST_F(ClassifyDifferential, ListsOfRulesAnswerAlikeAsTreesAsPairsAndByTheOracle) {
    for (std::uint64_t seed = first_seed(); seed < first_seed() + rounds() / 2 + 1; ++seed) {
        RandomProgram random(seed);
        const Program program = random.rule_list();
        const auto trees = Classifier::compile(program, {.structure = Structure::kForest});
        const auto pairs = Classifier::compile(program, {.structure = Structure::kPairs});
        const auto chosen = Classifier::compile(program);
        ASSERT_TRUE(trees) << "seed " << seed << ": " << trees.error().text();
        // Ports on both sides may be more than pairs can tell apart; trees can.
        ASSERT_TRUE(pairs || pairs.error().kind == ErrorKind::kRefused)
            << "seed " << seed << ": " << pairs.error().text();
        ASSERT_TRUE(chosen) << "seed " << seed << ": " << chosen.error().text();
        for (const net::Tuple& packet : packets(random, program)) {
            const Trace judged = judge(program, packet);
            for (const Classifier* classifier : {&*trees, &*chosen, pairs ? &*pairs : &*trees}) {
                const Trace& compiled = classifier->traces()[index(classifier->lookup(packet))];
                ASSERT_EQ(compiled, judged) << "seed " << seed << ", " << text(packet) << "\n  compiled "
                                            << text(compiled) << "\n  oracle   " << text(judged);
            }
        }
    }
}

TEST_F(ClassifyDifferential, BurstsOfEverySizeDownTheTreesAnswerAsSinglePacketsDo) {
    for (std::uint64_t seed = first_seed(); seed < first_seed() + (rounds() + 4) / 5; ++seed) {
        RandomProgram random(seed);
        const Program program = random.rule_list();
        const auto classifier = Classifier::compile(program, {.structure = Structure::kForest});
        ASSERT_TRUE(classifier) << "seed " << seed << ": " << classifier.error().text();
        const std::vector<net::Tuple> all = packets(random, program);
        for (std::size_t size = 1; size <= kMaxBurst; ++size) {
            const auto burst = std::span(all).subspan((seed + size) % (kPackets - kMaxBurst), size);
            std::vector<TraceId> traces(size);
            classifier->lookup(burst, traces);
            for (std::size_t at = 0; at < size; ++at) {
                ASSERT_EQ(index(traces[at]), index(classifier->lookup(burst[at])))
                    << "seed " << seed << ", size " << size << ", packet " << at << ": " << text(burst[at]);
            }
        }
    }
}

TEST_F(ClassifyDifferential, StagedRulesLeaveTheEnforcedWorldAsItWas) {
    for (std::uint64_t seed = first_seed(); seed < first_seed() + rounds(); ++seed) {
        RandomProgram random(seed);
        const Program program = random.program();
        const Program staged = random.with_staged_rules(program);
        const auto before = Classifier::compile(program);
        const auto after = Classifier::compile(staged);
        ASSERT_TRUE(before) << "seed " << seed << ": " << before.error().text();
        ASSERT_TRUE(after) << "seed " << seed << ": " << after.error().text();
        for (const net::Tuple& packet : packets(random, staged)) {
            const Trace& was = before->traces()[index(before->lookup(packet))];
            const Trace& is = after->traces()[index(after->lookup(packet))];
            ASSERT_EQ(was.enforced, is.enforced) << "seed " << seed << ", " << text(packet);
            ASSERT_EQ(was.enforced_hits, is.enforced_hits) << "seed " << seed << ", " << text(packet);
        }
    }
}

}  // namespace
}  // namespace drywall::classify

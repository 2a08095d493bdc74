// Every allocation of a compile, failing in its turn: an error each time, never a crash, and never other tables.
#include <gtest/gtest.h>

#include <random>
#include <utility>

#include "allocations.h"
#include "program_builder.h"

namespace drywall::classify {
namespace {

using drywall::test::fail_allocations;
using drywall::test::FailingAllocation;
using drywall::test::Faults;
using drywall::test::Memory;
using drywall::test::one_of;

// Clients that differ by set, two servers of which one is judged differently in the pending world, a failsafe service.
Program policies(const char* net, const std::string& host) {
    ProgramBuilder builder;
    const SetId clients = builder.set({net});
    const SetId one = builder.set({(host + "7").c_str()});
    const RuleIndex web = builder.rule(
        {.source = {.in = {clients}, .not_in = {one}}, .service = tcp(80), .action = Action::kAllow, .hit = HitId{1}});
    const RuleIndex ssh = builder.rule(Action::kAllow, 2, tcp(22));
    const RuleIndex staged = builder.rule({.source = {.in = {one}}, .action = Action::kDeny, .hit = HitId{3}});
    const WalkId open = builder.walk({}, Verdict::kAllow, 4);
    const WalkId now = builder.walk({tier({web}, Action::kDeny, 5)}, Verdict::kAllow, 6);
    const WalkId then = builder.walk({tier({staged, web}, Action::kDeny, 5)}, Verdict::kAllow, 6);
    builder.party({(host + "1").c_str(), (host + "7").c_str()}, both(open), both(open));
    builder.party({(host + "9").c_str()}, both(open), {now, then});
    return builder.failsafe(ssh).unmatched(Verdict::kDeny, 9).program();
}

// What a perimeter's access list is: no parties, one step.
Program list_of(std::size_t rules) {
    ProgramBuilder builder;
    std::mt19937 random(7);
    std::vector<RuleIndex> all;
    for (std::uint32_t i = 0; i < rules; ++i) {
        const std::string source =
            "10." + std::to_string(random() % 4) + "." + std::to_string(random() % 256) + ".0/24";
        const std::string destination = "172.16." + std::to_string(random() % 8) + ".0/24";
        all.push_back(builder.rule({.source = {.in = {builder.set({source.c_str()})}},
                                    .destination = {.in = {builder.set({destination.c_str()})}},
                                    .service = tcp(static_cast<std::uint16_t>(random() % 1024)),
                                    .action = i % 3 == 0 ? Action::kDeny : Action::kAllow,
                                    .hit = HitId{i}}));
    }
    const WalkId walk = builder.walk({tier(std::move(all), Action::kDeny, 100'000)}, Verdict::kDeny, 100'000);
    builder.program().lanes = {{.ingress_port = both(walk), .egress_port = {}}};
    return builder.program();
}

void expect_same_answers(const Classifier& made, const Classifier& wanted, const std::string& net) {
    for (unsigned host = 0; host < 16; ++host)
        for (const std::uint16_t port : {std::uint16_t{22}, std::uint16_t{80}, std::uint16_t{443}}) {
            const std::string to = net.starts_with("10.0.0.")           ? net + "9"
                                   : net.find(':') == std::string::npos ? "172.16.1." + std::to_string(host)
                                                                        : net + "9";
            const net::Tuple tuple = packet(net + std::to_string(host), to, net::protocol::kTcp, port);
            EXPECT_EQ(made.traces()[index(made.lookup(tuple))], wanted.traces()[index(wanted.lookup(tuple))]);
        }
}

// Returns how many allocations failed.
std::uint64_t compile_with_faults(const Program& program, const Budget& budget, const std::string& net,
                                  Faults faults = one_of(1)) {
    const auto wanted = Classifier::compile(program, budget);
    EXPECT_TRUE(wanted) << wanted.error().text();
    std::uint64_t survived = 0;
    const auto compile = [&] { return Classifier::compile(program, budget); };
    const std::uint64_t failed = fail_allocations(faults, compile, [&](Result<Classifier> made, std::uint64_t) {
        if (!made) {
            EXPECT_EQ(made.error().kind, ErrorKind::kUnavailable) << made.error().text();
            return;
        }
        ++survived;  // what asks for memory without a need (std::stable_sort) goes on without it
        expect_same_answers(*made, *wanted, net);
    });
    const auto made = compile();
    EXPECT_TRUE(made);
    expect_same_answers(*made, *wanted, net);
    EXPECT_LE(survived * 10, failed + 50);
    testing::Test::RecordProperty("survived", static_cast<int>(survived));
    testing::Test::RecordProperty("faults", static_cast<int>(failed));
    return failed;
}

TEST(OutOfMemory, EveryAllocationOfCompiledPoliciesAsRows) {
    EXPECT_GT(compile_with_faults(policies("10.0.0.0/28", "10.0.0."), {.structure = Structure::kRows}, "10.0.0."), 10U);
}

TEST(OutOfMemory, EveryAllocationOfCompiledPoliciesAsBlocks) {
    const Budget budget{.structure = Structure::kBlocks};
    EXPECT_GT(compile_with_faults(policies("10.0.0.0/28", "10.0.0."), budget, "10.0.0."), 10U);
}

TEST(OutOfMemory, EveryAllocationOfCompiledPoliciesForIpv6) {
    EXPECT_GT(compile_with_faults(policies("2001:db8::/124", "2001:db8::"), {}, "2001:db8::"), 10U);
}

// The cache is as the compile of the program before left it, each time; what it is like after the fault must not
// matter.
TEST(OutOfMemory, EveryAllocationOfAChange) {
    const Budget budget{.structure = Structure::kRows};
    const Program before = policies("10.0.0.0/28", "10.0.0.");
    Program after = before;
    after.rules[0].service = after.rules[1].service;
    const auto wanted = Classifier::compile(after, budget);
    ASSERT_TRUE(wanted);
    std::uint64_t failed = 0;
    for (std::uint64_t nth = 0;; ++nth) {
        CompileCache cache;
        ASSERT_TRUE(Classifier::compile(before, budget, &cache));
        const auto [made, happened] = [&] {
            const FailingAllocation failing(nth);
            auto compiled = Classifier::compile(after, budget, &cache);
            return std::pair(std::move(compiled), failing.happened());
        }();
        if (!happened) {
            ASSERT_TRUE(made);
            EXPECT_GT(made->footprint().rows_copied, 0U);
            break;
        }
        if (!made) {
            EXPECT_EQ(made.error().kind, ErrorKind::kUnavailable) << made.error().text();
        }
        ++failed;
        const auto again = Classifier::compile(after, budget, &cache);
        ASSERT_TRUE(again) << "after allocation " << nth;
        expect_same_answers(*again, *wanted, "10.0.0.");
    }
    EXPECT_GT(failed, 10U);
}

TEST(OutOfMemory, EveryAllocationOfAListAsPairs) { EXPECT_GT(compile_with_faults(list_of(12), {}, "10.1.0."), 10U); }

TEST(OutOfMemory, EveryAllocationOfAListAsForest) {
    EXPECT_GT(compile_with_faults(list_of(40), {.structure = Structure::kForest}, "10.1.0."), 10U);
}

TEST(OutOfMemory, SomeAllocationsOfALongList) {
    const std::uint64_t first = std::random_device()() % 997;
    SCOPED_TRACE("from allocation " + std::to_string(first));
    EXPECT_GT(compile_with_faults(list_of(5000), {}, "10.1.0.", {.first = first, .step = 9973}), 10U);
}

TEST(OutOfMemory, WithoutMemoryForWordsTheExceptionGoesOn) {
    const Program program = policies("10.0.0.0/28", "10.0.0.");
    const FailingAllocation none(0, Memory::kStaysAway);
    EXPECT_THROW((void)Classifier::compile(program), std::bad_alloc);
}

}  // namespace
}  // namespace drywall::classify

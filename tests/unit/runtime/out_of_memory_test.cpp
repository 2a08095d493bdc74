// Every allocation of a publication, failing in its turn: the old ruleset is in force, or the new one is; the books
// know which, and no generation stays in memory.
#include <gtest/gtest.h>

#include <new>
#include <utility>

#include "allocations.h"
#include "testbed.h"

namespace drywall::runtime {
namespace {

using drywall::test::fail_allocations;

// Closed in even generations, with a staged policy that would open a service.
RulesetPtr numbered(std::uint64_t generation) {
    std::vector<policy::Policy> policies;
    if (generation % 2 == 0) policies.push_back(server_policy("closed", {}));
    policies.push_back(staged(server_policy("service", {udp_rule(Action::kAllow, 53, 53)})));
    return with_policies(generation, std::move(policies));
}

TEST(OutOfMemory, EveryAllocationOfAPublication) {
    std::uint64_t in_force = 1;
    std::uint64_t next = 2;
    std::uint64_t through = 0;
    Testbed bed(numbered(in_force));
    RulesetPtr ready = numbered(next);
    const auto publish = [&]() -> bool {
        try {
            return static_cast<bool>(bed.dataplane->publish(std::move(ready), Existing::kRecheck));
        } catch (const std::bad_alloc&) {
            return false;
        }
    };
    const auto judge = [&](bool published, std::uint64_t nth) {
        SCOPED_TRACE("allocation " + std::to_string(nth));
        if (published) ++through, in_force = next;
        ASSERT_EQ(bed.dataplane->current()->generation(), Generation{in_force});
        ASSERT_EQ(bed.dataplane->snapshot().generation, Generation{in_force});
        bed.send({test::udp().from("10.0.0.1", static_cast<std::uint16_t>(1000 + nth)).to("10.1.0.9", 99)});
        ASSERT_EQ(bed.wan->collect().size(), in_force % 2) << "judged by another generation";
        ready = numbered(++next);
    };
    const std::uint64_t failed = fail_allocations({}, publish, judge);
    EXPECT_GT(failed, 20U);
    EXPECT_LT(through, failed / 2);
    RecordProperty("faults", static_cast<int>(failed));
    RecordProperty("through", static_cast<int>(through));
    EXPECT_EQ(bed.dataplane->current()->generation(), Generation{next}) << "the last one failed nowhere";
    wait_until([&] { return bed.dataplane->snapshot().rulesets_alive == 1; });
}

}  // namespace
}  // namespace drywall::runtime

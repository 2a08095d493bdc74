// Every allocation of a generation's making, failing in its turn: an error each time, and no other policy.
#include <gtest/gtest.h>

#include <string>

#include "allocations.h"

#include "cluster.h"

namespace drywall::test {
namespace {

using RulesetPtr = std::shared_ptr<const ruleset::Ruleset>;

// Something of everything: tiers, namespaces, named ports, sets, a host, both families, and staged policies of each
// action.
Cluster everything() {
    Cluster cluster;
    cluster.tier("security", 10, Action::kPass).ns("prod", {{"env", "prod"}});
    cluster.workload("web", "10.0.0.1", {{"app", "web"}})
        .workload("db", "10.1.0.9", {{"app", "db"}})
        .workload("six", "2001:db8::6", {{"app", "db"}})
        .pod("prod", "api", "10.0.0.5", {{"app", "api"}}, {{"http", 6, 8080}})
        .host("gate", "10.9.0.1", {{"role", "gate"}});
    cluster.set("partners", {"192.0.2.0/24", "2001:db8:7::/48"}, {{"who", "partner"}});
    cluster.add(gnp("block").tier("security").order(1).ingress(deny().from("who == 'partner'").tcp(22)))
        .add(gnp("web-to-db").selects("app == 'db'").ingress(allow().from("app == 'web'").tcp(5432)))
        .add(gnp("gate").selects("role == 'gate'").on_forward().ingress(allow().icmp(8)))
        .add(np("prod", "api").ingress(allow().to_named({"http"}).protocol(6)));
    cluster.add(sgnp("closed").selects("app == 'web'").order(5).ingress(deny()))
        .add(sgnp("web-to-db").selects("app == 'db'").ingress(allow().from("app == 'api'").tcp(5432)))
        .add(sgnp("block", policy::StagedAction::kDelete).tier("security"));
    cluster.surroundings().failsafe.push_back({.protocol = 6,
                                               .port = 22,
                                               .to = {*net::Prefix::parse_loose("10.9.0.1")},
                                               .from = {*net::Prefix::parse_loose("192.0.2.1")}});
    return cluster;
}

// An enforced policy, and a staged one in its place.
Cluster a_little() {
    Cluster cluster;
    cluster.workload("web", "10.0.0.1", {{"app", "web"}}).workload("db", "10.1.0.9", {{"app", "db"}});
    cluster.add(gnp("web-to-db").selects("app == 'db'").ingress(allow().from("app == 'web'").tcp(5432)));
    cluster.add(sgnp("web-to-db").selects("app == 'db'").ingress(deny()));
    return cluster;
}

std::vector<Packet> packets() {
    std::vector<Packet> all;
    for (const char* from : {"10.0.0.1", "10.0.0.5", "192.0.2.1", "198.51.100.7"})
        for (const char* to : {"10.1.0.9", "10.0.0.1", "10.0.0.5", "10.9.0.1"})
            for (const std::uint16_t port : {22, 5432, 8080}) all.push_back(tcp().from(from).to(to, port));
    all.push_back(tcp().from("2001:db8:7::1").to("2001:db8::6", 22));
    return all;
}

void expect_same_policy(const ruleset::Ruleset& made, const ruleset::Ruleset& wanted) {
    EXPECT_EQ(made.enforced_image(), wanted.enforced_image());
    for (const Packet& packet : packets()) {
        const Judged a = judge(made, packet);
        const Judged b = judge(wanted, packet);
        EXPECT_EQ(a.enforced, b.enforced);
        EXPECT_EQ(a.enforced_hits, b.enforced_hits);
        EXPECT_EQ(a.pending, b.pending);
        EXPECT_EQ(a.pending_hits, b.pending_hits);
    }
}

// Returns how many allocations failed.
std::uint64_t build_with_faults(const Cluster& cluster, Faults faults) {
    const RulesetPtr wanted = cluster.build();
    const auto build = [&] { return cluster.try_build(); };
    std::uint64_t survived = 0;
    const std::uint64_t failed = fail_allocations(faults, build, [&](Result<RulesetPtr> made, std::uint64_t) {
        if (!made) {
            EXPECT_EQ(made.error().kind, ErrorKind::kUnavailable) << made.error().text();
            return;
        }
        ++survived;  // what asks for memory without a need (std::stable_sort) goes on without it
        expect_same_policy(**made, *wanted);
    });
    EXPECT_LE(survived * 10, failed + 50);
    testing::Test::RecordProperty("faults", static_cast<int>(failed));
    testing::Test::RecordProperty("survived", static_cast<int>(survived));
    const auto made = build();
    EXPECT_TRUE(made);
    if (made) expect_same_policy(**made, *wanted);
    return failed;
}

TEST(OutOfMemory, SomeAllocationsOfASmallRuleset) {
    const Faults faults = one_of(11);
    SCOPED_TRACE("from allocation " + std::to_string(faults.first));
    EXPECT_GT(build_with_faults(a_little(), faults), 30U);
}

TEST(OutOfMemory, SomeAllocationsOfARulesetWithSomethingOfEverything) {
    const Faults faults = one_of(29);
    SCOPED_TRACE("from allocation " + std::to_string(faults.first));
    EXPECT_GT(build_with_faults(everything(), faults), 50U);
}

TEST(OutOfMemory, TheSameTablesUnderAnotherNumber) {
    const RulesetPtr wanted = everything().build();
    const std::uint64_t failed = fail_allocations(
        {},
        [&]() -> RulesetPtr {
            try {
                return wanted->again(Generation{9}, ruleset::Enforcement::kEnforce);
            } catch (const std::bad_alloc&) {
                return nullptr;
            }
        },
        [](const RulesetPtr& made, std::uint64_t) { EXPECT_EQ(made, nullptr); });
    EXPECT_GT(failed, 1U);
}

}  // namespace
}  // namespace drywall::test

#include "self_check.h"

#include <gtest/gtest.h>

#include <set>

#include "cluster.h"

namespace drywall::test {
namespace {

Cluster small() {
    Cluster cluster;
    cluster.workload("w", "10.0.0.1", {{"app", "w"}}).port("uplink", "left");
    cluster.add(gnp("p").on_forward().ingress(allow().protocol(6).to_ports({{80, 90}}).from_net("192.0.2.0/24")));
    return cluster;
}

TEST(SelfCheck, KeysStandAtTheBoundariesOfTheRules) {
    const auto built = small().build();
    std::set<std::uint16_t> ports;
    std::set<std::string> sources;
    std::set<std::uint16_t> lanes;
    for (const net::Tuple& key : ruleset::boundary_keys(built->program(), ruleset::kSelfCheckKeys)) {
        if (key.protocol == net::protocol::kTcp) ports.insert(key.destination_port);
        sources.insert(net::Address{key.family, key.source}.text());
        lanes.insert(key.ingress_port);
    }
    for (const std::uint16_t port : {79, 80, 90, 91}) EXPECT_TRUE(ports.contains(port)) << port;
    for (const char* source : {"192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0"})
        EXPECT_TRUE(sources.contains(source)) << source;
    EXPECT_EQ(lanes, (std::set<std::uint16_t>{0, 1}));
}

TEST(SelfCheck, KeysAreBoundedAndTheSameEveryTime) {
    const auto built = small().build();
    const auto keys = ruleset::boundary_keys(built->program(), 10);
    EXPECT_LE(keys.size(), 10u + 64u);
    EXPECT_EQ(keys, ruleset::boundary_keys(built->program(), 10));
}

TEST(SelfCheck, NamesAKeyOnWhichTableAndRulesDisagree) {
    const auto built = small().build();
    classify::Program changed = built->program();
    for (classify::Rule& rule : changed.rules) rule.service.destination_ports = {{80, 91}};
    const auto compiled = classify::Classifier::compile(changed);
    ASSERT_TRUE(compiled);
    const Status status = ruleset::self_check(built->program(), *compiled);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().kind, ErrorKind::kInternal);
    EXPECT_NE(status.error().text().find(":91"), std::string::npos) << status.error().text();
}

TEST(SelfCheck, AcceptsWhatWasCompiledFromTheSameProgram) {
    const auto built = small().build();
    const auto compiled = classify::Classifier::compile(built->program());
    ASSERT_TRUE(compiled);
    EXPECT_TRUE(ruleset::self_check(built->program(), *compiled));
}

// 300 policies with a rule each; the last one's ports are given.
std::shared_ptr<const ruleset::Ruleset> many(const policy::PortRange& last) {
    Cluster cluster;
    cluster.workload("w", "10.0.0.1", {{"app", "w"}});
    for (int number = 0; number < 300; ++number) {
        const policy::PortRange ports = number == 299 ? last : policy::PortRange{80, 90};
        const std::string net = "10.1." + std::to_string(number / 4) + "." + std::to_string(number % 4 * 64) + "/26";
        cluster.add(gnp("p" + std::to_string(number))
                        .order(number)
                        .ingress(allow().protocol(6).to_ports({ports}).from_net(net)));
    }
    return cluster.build();
}

TEST(SelfCheck, LooksFirstAtWhatTheGenerationBeforeDidNotHave) {
    const auto before = many({80, 90});
    const auto after = many({4000, 4010});
    std::set<std::uint16_t> ports;
    std::set<std::string> sources;
    const auto keys = ruleset::boundary_keys(after->program(), ruleset::kSelfCheckKeys, &before->program(), 7);
    for (const net::Tuple& key : keys) {
        const std::string source = net::Address{key.family, key.source}.text();
        if (key.protocol == net::protocol::kTcp && source.starts_with("10.1.74.")) ports.insert(key.destination_port);
        sources.insert(source);
    }
    for (const std::uint16_t port : {3999, 4000, 4010, 4011}) EXPECT_TRUE(ports.contains(port)) << port;  // it came
    for (const std::uint16_t port : {79, 80, 90, 91}) EXPECT_TRUE(ports.contains(port)) << port;          // and went
    EXPECT_LE(keys.size(), ruleset::kSelfCheckKeys / 2);
    EXPECT_GT(sources.size(), 50u) << "a sample of all others";
    EXPECT_NE(keys, ruleset::boundary_keys(after->program(), ruleset::kSelfCheckKeys, &before->program(), 8))
        << "the next generation looks at others";
}

TEST(SelfCheck, FindsThatTheTablesAreThoseOfTheGenerationBefore) {
    const auto before = many({80, 90});
    const auto old_tables = classify::Classifier::compile(before->program());
    ASSERT_TRUE(old_tables);
    for (std::uint64_t generation = 1; generation < 20; ++generation) {
        const auto after = many({90, 91});
        EXPECT_FALSE(ruleset::self_check(after->program(), *old_tables, &before->program(), generation));
        EXPECT_TRUE(ruleset::self_check(before->program(), *old_tables, &before->program(), generation));
    }
}

TEST(SelfCheck, LooksAtAddressesThatOthersJudge) {
    const auto with = [](const std::string& moved) {
        Cluster cluster;
        for (int number = 0; number < 200; ++number)
            cluster.workload("w" + std::to_string(number), "10.0.0." + std::to_string(number), {{"app", "w"}});
        cluster.workload("moved", moved, {{"app", "x"}});
        cluster.add(gnp("p").selects("app == 'x'").ingress(allow().protocol(6).to_ports({{80, 90}})));
        return cluster.build();
    };
    const auto before = with("10.9.0.1");
    const auto old_tables = classify::Classifier::compile(before->program());
    ASSERT_TRUE(old_tables);
    const auto after = with("10.9.0.2");
    for (std::uint64_t generation = 1; generation < 20; ++generation)
        EXPECT_FALSE(ruleset::self_check(after->program(), *old_tables, &before->program(), generation));
}

}  // namespace
}  // namespace drywall::test

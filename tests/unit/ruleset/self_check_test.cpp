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

}  // namespace
}  // namespace drywall::test

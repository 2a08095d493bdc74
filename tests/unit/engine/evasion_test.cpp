// tests/data/evasion/cases.jsonl: packets by which firewalls have been talked around, one test each.
#include <gtest/gtest.h>

#include <cctype>
#include <fstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "drywall/net/ethernet.h"
#include "rulesets.h"
#include "wire.h"

namespace drywall::engine {
namespace {

using Json = nlohmann::json;

std::vector<Json> all_cases() {
    std::ifstream file(DRYWALL_EVASION_CASES);
    std::vector<Json> cases;
    for (std::string line; std::getline(file, line);) cases.push_back(Json::parse(line));
    return cases;
}

test::Bytes bytes_of(const std::string& hex) {
    test::Bytes out;
    for (std::size_t at = 0; at + 1 < hex.size(); at += 2)
        out.push_back(static_cast<std::uint8_t>(std::stoul(hex.substr(at, 2), nullptr, 16)));
    return out;
}

std::string outcome(DropReason reason) { return reason == DropReason::kNone ? "pass" : std::string(name(reason)); }

class Evasion : public testing::TestWithParam<Json> {};

// One frame after the other, and all in one burst: the outcome is the same.
TEST_P(Evasion, EndsAsItHasTo) {
    const Json& one = GetParam();
    static const RulesetPtr ruleset = build(1, guarded());  // it changes nothing and takes its time
    EngineSettings settings = Wire::default_settings();
    settings.non_ip = {{net::ether_type::kArp, Verdict::kAllow}, {net::non_ip::kSpanningTree, Verdict::kAllow}};
    Wire single(ruleset, settings);
    Wire together(ruleset, settings);
    test::Frames frames;
    std::vector<std::string> expected;
    for (const Json& step : one["frames"]) {
        test::Frames alone;
        const test::Bytes frame = bytes_of(step["hex"]);
        alone.add(frame, step["port"].get<std::uint16_t>());
        frames.add(frame, step["port"].get<std::uint16_t>());
        expected.push_back(step["expect"]);
        EXPECT_EQ(outcome(single.burst(alone.views()).front()), expected.back())
            << one["name"] << ", frame " << expected.size() << " (" << one["source"] << ")";
    }
    single.expect_all_accounted();
    if (frames.size() > kMaxBurst) return;
    std::vector<std::string> got;
    for (const DropReason reason : together.burst(frames.views())) got.push_back(outcome(reason));
    EXPECT_EQ(got, expected) << one["name"] << ", as one burst";
    together.expect_all_accounted();
}

INSTANTIATE_TEST_SUITE_P(Cases, Evasion, testing::ValuesIn(all_cases()), [](const auto& one) {
    std::string name = one.param["name"];
    for (char& c : name)
        if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
    return name;
});

TEST(Evasions, AreMany) { EXPECT_GE(all_cases().size(), 150U); }

}  // namespace
}  // namespace drywall::engine

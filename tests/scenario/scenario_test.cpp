#include "scenario.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "cases.h"

namespace drywall::test {

namespace {

const std::filesystem::path kCases = DRYWALL_SCENARIO_CASES;

std::vector<std::string> case_names() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(kCases))
        if (entry.is_directory()) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
}

std::uint64_t sum(const Counts& counts, const std::string& section) {
    std::uint64_t total = 0;
    if (const auto found = counts.find(section); found != counts.end())
        for (const auto& [name, count] : found->second) total += count;
    return total;
}

std::uint64_t packets(const Counts& counts, const std::string& name) {
    const auto section = counts.find("packets");
    if (section == counts.end()) return 0;
    const auto count = section->second.find(name);
    return count == section->second.end() ? 0 : count->second;
}

// "out-outside.pcap: frame 3 of 5 differs": where to look first.
std::string first_difference(const std::string& port, const std::vector<io::CapturedFrame>& expected,
                             const std::vector<io::CapturedFrame>& actual) {
    const auto [wanted, got] = std::mismatch(expected.begin(), expected.end(), actual.begin(), actual.end());
    const std::string at = std::to_string(wanted - expected.begin() + 1);
    return "port " + port + ": frame " + at + " of " + std::to_string(expected.size()) + " expected and " +
           std::to_string(actual.size()) + " seen is the first that differs";
}

class Scenario : public testing::TestWithParam<std::string> {};

TEST_P(Scenario, ComesOutAsItsFolderSays) {
    const auto actual = run_scenario(kCases / GetParam());
    ASSERT_TRUE(actual) << actual.error().text();
    const auto expected = expected_outcome(kCases / GetParam());
    ASSERT_TRUE(expected) << expected.error().text();

    for (const std::string port : {"inside", "outside"}) {
        const auto frames_of = [&](const Outcome& outcome) {
            const auto found = outcome.out.find(port);
            return found == outcome.out.end() ? std::vector<io::CapturedFrame>{} : found->second;
        };
        const auto wanted = frames_of(*expected);
        const auto seen = frames_of(*actual);
        EXPECT_TRUE(wanted == seen) << first_difference(port, wanted, seen);
    }
    EXPECT_EQ(to_text(actual->counts), to_text(expected->counts));
    EXPECT_EQ(packets(actual->counts, "received"),
              packets(actual->counts, "transmitted") + sum(actual->counts, "drops"));
}

std::string test_name(const testing::TestParamInfo<std::string>& scenario) {
    std::string name = scenario.param;
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
}

INSTANTIATE_TEST_SUITE_P(Cases, Scenario, testing::ValuesIn(case_names()), test_name);

TEST(ScenarioFiles, EveryCaptureIsTheOneThatTheWordsSay) {
    for (const auto& [name, story] : all_cases()) {
        for (const auto& [file, frames] : story.captures()) {
            const auto stored = io::read_pcap(kCases / name / file);
            ASSERT_TRUE(stored) << stored.error().text() << "; run make_cases";
            EXPECT_TRUE(*stored == frames) << name << "/" << file << " is not what cases.cpp says; run make_cases";
        }
    }
}

}  // namespace
}  // namespace drywall::test

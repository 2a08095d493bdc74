// `drywall replay` on the captures of every scenario: what leaves, and what is counted, is what the folder demands.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "counts.h"
#include "drywall/explain/site.h"
#include "drywall/io/pcap_file.h"
#include "drywall/whatif/replay_captures.h"
#include "scenario.h"

namespace drywall::test {
namespace {

namespace fs = std::filesystem;

const fs::path kFolders = DRYWALL_SCENARIO_CASES;

std::vector<std::string> folders() {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(kFolders))
        if (entry.is_directory()) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
}

loader::Settings configuration_of(const fs::path& folder) {
    const std::string plain =
        "ports: [{name: inside, device: net_null0}, {name: outside, device: net_null1}]\n"
        "pairs: [[inside, outside]]\nworkers: {cores: [0]}\n";
    loader::Source source{"plain", plain};
    if (fs::exists(folder / "drywall.yaml")) source = loader::read_sources(folder / "drywall.yaml")->front();
    auto settings = loader::load_settings(source);
    EXPECT_TRUE(settings) << settings.error().text();
    return *std::move(settings);
}

void count(Counts& counts, const std::string& section, std::string_view name, std::uint64_t packets) {
    if (packets > 0) counts[section][std::string(name)] += packets;
}

Counts counts_of(const runtime::Snapshot& counted) {
    Counts out;
    count(out, "packets", "received", counted.received.packets);
    count(out, "packets", "transmitted", counted.transmitted.packets);
    count(out, "packets", "non_ip_passed", counted.non_ip_passed.packets);
    count(out, "packets", "neighbour_discovery_passed", counted.neighbour_discovery_passed.packets);
    count(out, "packets", "related_passed", counted.related_passed.packets);
    count(out, "packets", "flows_opened", counted.flows_opened);
    for (const auto& [reason, dropped] : counted.drops) count(out, "drops", name(reason), dropped.packets);
    for (const runtime::RuleCounts& rule : counted.rules) {
        count(out, "enforced", rule.hit.text(), rule.enforced.packets);
        count(out, "pending", rule.hit.text(), rule.pending.packets);
    }
    for (const runtime::PolicyCounts& policy : counted.staged) {
        count(out, "would_deny", policy.policy.text(), policy.would_deny.packets);
        count(out, "would_allow", policy.policy.text(), policy.would_allow.packets);
    }
    return out;
}

class ReplayedScenario : public testing::TestWithParam<std::string> {};

TEST_P(ReplayedScenario, ComesOutAsItsFolderSays) {
    const fs::path folder = kFolders / GetParam();
    const loader::Settings settings = configuration_of(folder);
    std::vector<loader::Source> sources{{"nothing", "apiVersion: v1\nkind: List\nitems: []\n"}};
    if (fs::exists(folder / "resources.yaml")) sources = *loader::read_sources(folder / "resources.yaml");
    const auto site = explain::build_site(sources, settings);
    ASSERT_TRUE(site) << site.error().text();

    std::vector<whatif::CaptureInput> inputs;
    const std::vector<std::string>& ports = site->ruleset->surroundings().port_names;
    for (std::size_t port = 0; port < ports.size(); ++port) {
        const fs::path file = folder / ("in-" + ports[port] + ".pcap");
        if (!fs::exists(file)) continue;
        auto reader = io::CaptureReader::open(file);
        ASSERT_TRUE(reader) << reader.error().text();
        inputs.push_back({*std::move(reader), {PortId(port), {}}});
    }
    const fs::path written = fs::path(testing::TempDir()) / ("replayed-" + GetParam() + ".pcap");
    const auto replayed = whatif::replay_captures(site->ruleset, settings, std::move(inputs), {written, false});
    ASSERT_TRUE(replayed) << replayed.error().text();

    const auto expected = expected_outcome(folder);
    ASSERT_TRUE(expected) << expected.error().text();
    Counts wanted = expected->counts;
    wanted["packets"].erase("flows_ended");  // a matter of when tables are swept
    EXPECT_EQ(to_text(counts_of(replayed->report.counted)), to_text(wanted));

    std::vector<io::CapturedFrame> leaving;
    for (const auto& [port, frames] : expected->out) leaving.insert(leaving.end(), frames.begin(), frames.end());
    std::stable_sort(leaving.begin(), leaving.end(), [](const auto& a, const auto& b) { return a.time < b.time; });
    const auto left = io::read_pcap(written);
    ASSERT_TRUE(left) << left.error().text();
    EXPECT_TRUE(*left == leaving) << left->size() << " packets left, " << leaving.size() << " should have";
    fs::remove(written);
}

std::string named(const testing::TestParamInfo<std::string>& scenario) {
    std::string name = scenario.param;
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
}

INSTANTIATE_TEST_SUITE_P(Cases, ReplayedScenario, testing::ValuesIn(folders()), named);

}  // namespace
}  // namespace drywall::test

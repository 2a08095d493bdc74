// What people are told about a packet against what is decided: queries in JSON get the reference's answers from the
// compiled ruleset, and the walk that tells why rules did not match goes where the trace goes.
//
//   DRYWALL_SEED=N       begins at another seed; a failure prints the seed that repeats it
//   DRYWALL_ROUNDS=N     that many inventories, fifty packets each
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "drywall/explain/eval.h"
#include "drywall/explain/walk.h"
#include "drywall/reference/evaluator.h"
#include "random_scene.h"

namespace drywall::test {
namespace {

constexpr std::uint64_t kRounds = 60;
constexpr std::size_t kPackets = 50;

using ruleset::HitDescriptor;
using ruleset::HitKind;

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::string query_of(const net::Tuple& packet, const policy::Surroundings& around) {
    std::string out = R"({"id":1,"src":")" + net::Address{packet.family, packet.source}.text() + R"(","dst":")" +
                      net::Address{packet.family, packet.destination}.text() + R"(","protocol":)" +
                      std::to_string(packet.protocol) + R"(,"inPort":")" + around.port_names[packet.ingress_port] + '"';
    if (net::is_icmp(packet.protocol))
        out += ",\"icmpType\":" + std::to_string(packet.destination_port >> 8) +
               ",\"icmpCode\":" + std::to_string(packet.destination_port & 0xff);
    else
        out += ",\"srcPort\":" + std::to_string(packet.source_port) +
               ",\"dstPort\":" + std::to_string(packet.destination_port);
    return out + '}';
}

std::string answered(explain::Evaluation& evaluation, const std::string& query) {
    std::string out;
    evaluation.answer(query, out);
    return out;
}

// The rules among the hits of a world, as a walk names them.
std::vector<std::string> rules_of(const ruleset::Ruleset& ruleset, const std::vector<HitId>& hits) {
    std::vector<std::string> out;
    for (const HitId id : hits) {
        const HitDescriptor& hit = ruleset.hit(id);
        const std::string name = hit.policy                           ? hit.policy->text()
                                 : hit.kind == HitKind::kHostFailsafe ? "hep:" + hit.service
                                                                      : "pro:" + hit.profile;
        if (hit.kind == HitKind::kRule || hit.kind == HitKind::kProfile || hit.kind == HitKind::kHostFailsafe)
            out.push_back(name + '|' + std::to_string(hit.rule_index));
    }
    return out;
}

std::vector<std::string> matched_of(const std::vector<explain::WalkedStep>& walk) {
    std::vector<std::string> out;
    for (const explain::WalkedStep& step : walk)
        for (const explain::WalkedTier& tier : step.tiers)
            for (const explain::WalkedPolicy& policy : tier.policies)
                for (const explain::WalkedRule& rule : policy.rules) {
                    EXPECT_EQ(rule.matched, rule.why_not.empty())
                        << policy.name << " rule " << rule.index << ": " << rule.why_not;
                    if (rule.matched) out.push_back(policy.name + '|' + std::to_string(rule.index));
                }
    return out;
}

void expect_agreement(std::uint64_t seed) {
    const Scene scene = random_scene(seed);
    const auto built = ruleset::Ruleset::build(Generation{1}, scene.inventory, scene.surroundings);
    ASSERT_TRUE(built) << "seed " << seed << ": " << built.error().text();
    const explain::Site site{std::make_shared<const policy::Inventory>(scene.inventory), *built};
    const policy::CalicoView view = policy::calico_view(scene.inventory);
    const reference::Evaluator evaluator(scene.inventory, scene.surroundings);
    explain::Evaluation compiled(site);
    explain::Evaluation reference(site, [&](const net::Tuple& tuple, const reference::ConnectionFacts& facts) {
        return evaluator.judge(tuple, facts);
    });
    for (const net::Tuple& packet : random_packets(scene, seed, kPackets)) {
        if (packet.protocol == 0) continue;  // no query can name it, as no rule can
        SCOPED_TRACE("DRYWALL_SEED=" + std::to_string(seed) + " DRYWALL_ROUNDS=1: " + text(packet));
        const std::string query = query_of(packet, scene.surroundings);
        ASSERT_EQ(answered(compiled, query), answered(reference, query)) << query;
        ASSERT_EQ(compiled.wrong(), 0u) << query;
        const classify::Trace& trace = (*built)->trace((*built)->classify(packet));
        ASSERT_EQ(matched_of(explain::walked(**built, view, packet, false)), rules_of(**built, trace.enforced_hits));
        ASSERT_EQ(matched_of(explain::walked(**built, view, packet, true)), rules_of(**built, trace.pending_hits));
        if (testing::Test::HasFailure()) return;
    }
}

TEST(Explain, TellsWhatIsDecidedForEveryPacket) {
    const std::uint64_t first = number_from_environment("DRYWALL_SEED", 1);
    const std::uint64_t rounds = number_from_environment("DRYWALL_ROUNDS", kRounds);
    for (std::uint64_t seed = first; seed < first + rounds && !HasFailure(); ++seed) expect_agreement(seed);
}

}  // namespace
}  // namespace drywall::test

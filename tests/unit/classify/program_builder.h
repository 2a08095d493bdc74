// Words to build small programs with, for tests.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "drywall/classify/classifier.h"
#include "drywall/classify/oracle.h"
#include "drywall/classify/program.h"

namespace drywall::classify {

inline net::Prefix prefix(const std::string& text) { return net::Prefix::parse_loose(text).value(); }

inline std::vector<net::Prefix> prefixes(std::initializer_list<const char*> texts) {
    std::vector<net::Prefix> all;
    for (const char* text : texts) all.push_back(prefix(text));
    return all;
}

// A program under construction. Hits are numbers that the test chooses.
class ProgramBuilder {
public:
    ProgramBuilder() { program_.lanes.emplace_back(); }

    SetId set(std::initializer_list<const char*> members) {
        program_.sets.push_back({prefixes(members)});
        return SetId{static_cast<std::uint32_t>(program_.sets.size() - 1)};
    }
    RuleIndex rule(Rule rule) {
        program_.rules.push_back(std::move(rule));
        return RuleIndex{static_cast<std::uint32_t>(program_.rules.size() - 1)};
    }
    RuleIndex rule(Action action, std::uint32_t hit, ServiceMatch service = {}) {
        return rule({.service = std::move(service), .action = action, .hit = HitId{hit}});
    }
    WalkId walk(std::vector<Tier> tiers, Verdict otherwise, std::uint32_t otherwise_hit) {
        program_.walks.push_back({std::move(tiers), otherwise, HitId{otherwise_hit}});
        return WalkId{static_cast<std::uint32_t>(program_.walks.size() - 1)};
    }
    ProgramBuilder& party(std::initializer_list<const char*> addresses, Walks egress, Walks ingress) {
        program_.parties.push_back({prefixes(addresses), egress, ingress});
        return *this;
    }
    ProgramBuilder& lane(Lane lane) {
        program_.lanes.push_back(lane);
        return *this;
    }
    ProgramBuilder& failsafe(RuleIndex rule) {
        program_.failsafe.push_back(rule);
        return *this;
    }
    ProgramBuilder& unmatched(Verdict verdict, std::uint32_t hit) {
        program_.unmatched = verdict;
        program_.unmatched_hit = HitId{hit};
        return *this;
    }

    [[nodiscard]] Program& program() { return program_; }

    // The compiled answer, after making sure that both kernels and the oracle give the same.
    [[nodiscard]] Trace judged(const net::Tuple& packet) const {
        const auto classifier = Classifier::compile(program_);
        if (!classifier) {
            ADD_FAILURE() << classifier.error().text();
            return {};
        }
        const Trace& compiled = classifier->traces()[index(classifier->lookup(packet))];
        TraceId from_burst{};
        classifier->lookup(std::span(&packet, 1), std::span(&from_burst, 1));
        EXPECT_EQ(classifier->traces()[index(from_burst)], compiled);
        EXPECT_EQ(judge(program_, packet), compiled);
        return compiled;
    }

private:
    Program program_;
};

inline Walks both(WalkId walk) { return {walk, walk}; }
inline Tier tier(std::vector<RuleIndex> rules, Action end, std::uint32_t end_hit) {
    return {std::move(rules), end, HitId{end_hit}};
}
inline std::vector<HitId> hits(std::initializer_list<std::uint32_t> numbers) {
    std::vector<HitId> all;
    for (const std::uint32_t number : numbers) all.push_back(HitId{number});
    return all;
}

inline net::Tuple packet(const std::string& source, const std::string& destination,
                         std::uint8_t protocol = net::protocol::kTcp, std::uint16_t destination_port = 80,
                         std::uint16_t source_port = 40000) {
    const net::Address from = net::Address::parse(source).value();
    return {.source = from.bytes,
            .destination = net::Address::parse(destination).value().bytes,
            .source_port = source_port,
            .destination_port = destination_port,
            .protocol = protocol,
            .family = from.family,
            .ingress_port = 0};
}

inline ServiceMatch tcp(std::uint16_t port) {
    return {.protocol = net::protocol::kTcp, .destination_ports = {{port, port}}};
}

}  // namespace drywall::classify

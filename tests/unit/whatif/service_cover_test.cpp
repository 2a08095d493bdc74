#include "service_cover.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <utility>

#include <gtest/gtest.h>

namespace drywall::whatif {
namespace {

using Pairs = std::set<std::pair<std::uint32_t, std::uint16_t>>;

Pairs pairs_of(const SeenServices& seen) {
    Pairs out;
    for (const auto& [peer, services] : seen)
        for (const std::uint16_t service : services) out.insert({peer, service});
    return out;
}

Pairs pairs_of(const std::vector<ServiceRule>& rules) {
    Pairs out;
    for (const ServiceRule& rule : rules)
        for (const std::uint32_t peer : rule.peers)
            for (const std::uint16_t service : rule.services) out.insert({peer, service});
    return out;
}

// The fewest products of peers and services that make up exactly these pairs: every set of peers with all that they
// have in common, tried in all combinations of up to three; more otherwise.
std::size_t fewest_rules(const SeenServices& seen) {
    std::vector<std::uint32_t> peers;
    for (const auto& [peer, services] : seen) peers.push_back(peer);
    std::vector<Pairs> products;
    for (std::size_t chosen = 1; chosen < (std::size_t{1} << peers.size()); ++chosen) {
        std::vector<std::uint32_t> some;
        std::set<std::uint16_t> common;
        for (std::size_t i = 0; i < peers.size(); ++i) {
            if ((chosen >> i & 1U) == 0) continue;
            if (some.empty())
                common = seen.at(peers[i]);
            else
                std::erase_if(common, [&](std::uint16_t s) { return !seen.at(peers[i]).contains(s); });
            some.push_back(peers[i]);
        }
        Pairs product;
        for (const std::uint32_t peer : some)
            for (const std::uint16_t service : common) product.insert({peer, service});
        if (!product.empty()) products.push_back(std::move(product));
    }
    const Pairs all = pairs_of(seen);
    const auto covers = [&](std::initializer_list<const Pairs*> some) {
        Pairs together;
        for (const Pairs* one : some) together.insert(one->begin(), one->end());
        return together == all;
    };
    for (const Pairs& a : products)
        if (covers({&a})) return 1;
    for (const Pairs& a : products)
        for (const Pairs& b : products)
            if (covers({&a, &b})) return 2;
    return 3;
}

TEST(ServiceCover, PeersWithTheSameServicesShareARule) {
    EXPECT_EQ(service_rules({{1, {80, 443}}, {2, {80, 443}}}), (std::vector<ServiceRule>{{{1, 2}, {80, 443}}}));
}

TEST(ServiceCover, NothingSeenIsNoRule) { EXPECT_TRUE(service_rules({}).empty()); }

TEST(ServiceCover, CoversExactlyWhatWasSeenWithFewRules) {
    for (unsigned seed = 0; seed < 300; ++seed) {
        std::mt19937 random(seed);
        SeenServices seen;
        for (std::uint32_t peer = 0; peer < 4; ++peer)
            for (const std::uint16_t service : {22, 53, 80, 443})
                if (random() % 2 == 0) seen[peer].insert(service);
        const std::vector<ServiceRule> rules = service_rules(seen);
        EXPECT_EQ(pairs_of(rules), pairs_of(seen)) << "seed " << seed;
        if (seen.empty()) continue;
        const auto pairs = static_cast<double>(pairs_of(seen).size());
        EXPECT_LE(static_cast<double>(rules.size()), static_cast<double>(fewest_rules(seen)) * (std::log(pairs) + 1))
            << "seed " << seed;
        EXPECT_LE(rules.size(), seen.size()) << "never more than a rule for each peer; seed " << seed;
    }
}

}  // namespace
}  // namespace drywall::whatif

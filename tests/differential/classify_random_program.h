// Random programs for the classifier, and packets that aim at their edges. Everything follows from the seed.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "drywall/classify/program.h"
#include "drywall/net/packet_meta.h"

namespace drywall::classify {

class RandomProgram {
public:
    explicit RandomProgram(std::uint64_t seed) : random_(seed) {}

    // Nested and overlapping sets of both families, every field of a match, tiers, Pass, Log, lanes, parties, failsafe.
    // Both worlds of every step are walks of their own.
    Program program();

    // Many endpoints that few walks judge by overlapping sets: hundreds of classes on either side.
    Program crowd();

    // Lanes that each are one list of rules of which the first match decides, with up to a few hundred rules, many of
    // them between the same addresses.
    Program rule_list();

    // The same enforced world, with rules and tiers added to every pending walk.
    Program with_staged_rules(const Program& program);

    // As an operator changes it: rules, walks, sets and parties come, go and change, numbers shift; sometimes nothing
    // changes. Now and then it is such that it can't be compiled, because parties overlap.
    Program edited(Program program);

    // Random, or at the first and last values of what the program names, and one beside them.
    net::Tuple packet(const Program& program);

private:
    std::uint64_t below(std::uint64_t bound) {
        return std::uniform_int_distribution<std::uint64_t>(0, bound - 1)(random_);
    }
    bool one_in(std::uint64_t n) { return below(n) == 0; }
    template <typename T>
    const T& any(const std::vector<T>& items) {
        return items[below(items.size())];
    }

    net::Address address();
    net::Prefix prefix();
    net::Address address_near(const Program& program, net::Family family);
    std::uint16_t port();
    std::uint8_t protocol();
    std::vector<PortRange> ranges();
    IcmpMatch icmp();
    ServiceMatch service();
    AddressMatch address_match(std::size_t sets);
    Action action();
    HitId hit() { return HitId{static_cast<std::uint32_t>(next_hit_++)}; }
    RuleIndex add_rule(Program& program);
    Tier tier(Program& program);
    WalkId add_walk(Program& program);
    Walks walks(Program& program);
    void add_parties(Program& program);
    void add_lanes(Program& program);

    WalkId add_list(Program& program, std::uint64_t rules);

    void edit_rule(Program& program);
    void edit_walk(Program& program);
    void edit_set(Program& program);
    void edit_party(Program& program);
    void edit_lane(Program& program);
    void insert_set(Program& program);
    void shift_hits(Program& program);

    std::mt19937_64 random_;
    std::uint64_t next_hit_ = 0;
    std::uint32_t next_endpoint_ = 0;  // of edits
};

}  // namespace drywall::classify

// PolicyShape: a made-up cluster in Calico's shape, from a seed: endpoints of workloads (a workload's endpoints have
// one set of labels), groups of labels that policies select and name, and policies that allow a group on a few TCP
// ports.
//
// Threads: a value, made once by a perf program.
#pragma once

#include <cstdint>
#include <optional>
#include <random>

#include <vector>

#include "classbench.h"
#include "drywall/classify/program.h"

namespace drywall::perf {

struct PolicySize {
    std::size_t endpoints = 1000;
    std::size_t labelsets = 100;
    std::size_t groups = 50;
    std::size_t policies = 100;
    std::size_t staged = 0;
    net::Family family = net::Family::kIPv4;
};

// What is asked of a packet by one policy rule.
struct GroupRule {
    std::uint32_t group = 0;
    std::uint16_t port = 0;
    HitId hit{};
};

struct GroupPolicy {
    std::uint32_t selects = 0;  // a group
    std::vector<GroupRule> rules;
};

// How a dataplane without a compiler judges: the endpoint of each address, then the rules of the policies that select
// the destination, one after the other.
class PolicyShape {
public:
    explicit PolicyShape(const PolicySize& size);

    [[nodiscard]] classify::Program program() const;
    // Nothing when they would be more than `most`.
    [[nodiscard]] std::optional<std::vector<FiveTupleRule>> expanded(std::size_t most) const;
    // Half of them allowed pairs, three tenths random pairs of endpoints, a fifth from outside.
    [[nodiscard]] std::vector<FiveTupleHeader> packets(std::size_t count) const;

    // The hit that decides the enforced world.
    [[nodiscard]] HitId walk(const FiveTupleHeader& header) const noexcept;
    // By number of an expanded rule (its list ends with kUnselected): the hit.
    [[nodiscard]] const std::vector<HitId>& expanded_hits() const noexcept { return expanded_hits_; }

    // Edits, as an operator makes them.
    void move_endpoint(std::size_t endpoint);
    void change_rule(std::size_t policy);
    void change_policy(std::size_t policy);

    static constexpr HitId kUnselected{0};  // no policy selects the destination: allowed
    static constexpr HitId kEndOfTier{1};   // policies do, and none allows: denied

private:
    GroupPolicy random_policy();
    std::uint32_t below(std::size_t bound) {
        return static_cast<std::uint32_t>(std::uniform_int_distribution<std::size_t>(0, bound - 1)(random_));
    }
    void index();
    [[nodiscard]] std::vector<const GroupPolicy*> selecting(std::size_t labelset,
                                                            const std::vector<GroupPolicy>& policies) const;
    [[nodiscard]] bool in(std::size_t labelset, std::size_t group) const noexcept {
        return (bits_[labelset * words_ + group / 64] >> (group % 64) & 1) != 0;
    }
    [[nodiscard]] std::uint32_t labelset_at(std::uint32_t address) const noexcept;

    PolicySize size_;
    std::mt19937_64 random_{7};
    std::uint32_t next_hit_ = 2;
    std::uint32_t next_address_ = 0;
    std::size_t words_ = 0;
    std::vector<std::vector<std::uint32_t>> groups_of_;  // by label set
    std::vector<std::uint64_t> bits_;                    // [label set][group]
    std::vector<std::uint32_t> labelset_of_;             // by endpoint
    std::vector<std::uint32_t> address_of_;              // by endpoint
    std::vector<GroupPolicy> policies_;
    std::vector<GroupPolicy> staged_;
    // What the walk reads.
    struct Slot {
        std::uint32_t address = 0;
        std::uint32_t labelset = 0xffffffff;
    };
    std::vector<Slot> slots_;
    std::vector<std::uint32_t> first_rule_;  // by label set, one more at the end
    std::vector<GroupRule> rules_;
    std::vector<bool> selected_;
    mutable std::vector<HitId> expanded_hits_;
};

}  // namespace drywall::perf

// FlowGroups: the groups that are known now, bounded in number, each with what it counted since it was first seen and
// what of that belongs to the interval in the making.
//
// Threads: none of its own; FlowLog's mutex guards it.
// Order:   groups lie in the order of their last change, so that the front is the one that has been quiet for longest
//          and a follower reads from the back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <unordered_map>
#include <vector>

#include "drywall/net/packet_meta.h"
#include "drywall/observe/flow_group.h"

namespace drywall::observe {

struct GroupKey {
    net::AddressBytes source{};
    net::AddressBytes destination{};
    net::Family family{};
    std::uint8_t protocol = 0;
    std::uint16_t destination_port = 0;
    Decision decision;
    bool operator==(const GroupKey&) const = default;
};
[[nodiscard]] GroupKey key_of(const net::Tuple& tuple, Decision decision);

// What one event adds.
struct Counted {
    std::uint64_t started = 0;
    std::uint64_t completed = 0;
    telemetry::PacketsBytes forward;
    telemetry::PacketsBytes reverse;
};

class FlowGroups {
public:
    struct Group;
    using List = std::list<Group>;
    struct Group {
        GroupKey key;
        FlowRecord total;
        std::uint64_t serial = 0;    // never used again in this run
        std::uint64_t sequence = 0;  // of its last change
        Counted in_interval;
        WallTime changed_first;  // within the interval in the making
        std::size_t change = kUnchanged;
        List::iterator self;
    };

    explicit FlowGroups(std::size_t most);

    [[nodiscard]] Group* find(const GroupKey& key);
    [[nodiscard]] Group* find(std::uint64_t serial);
    // REQUIRES: find(key) == nullptr. `record` has parties and service filled in.
    Group& add(GroupKey key, FlowRecord record, WallTime now);
    void count(Group& group, const Counted& counted, WallTime now);

    [[nodiscard]] const List& list() const noexcept { return groups_; }
    [[nodiscard]] std::uint64_t sequence() const noexcept { return sequence_; }
    [[nodiscard]] std::uint64_t evicted() const noexcept { return evicted_; }
    [[nodiscard]] std::uint64_t evicted_sequence() const noexcept { return evicted_sequence_; }

    // What changed since the last take_changes(), also of groups that are forgotten by now.
    [[nodiscard]] std::vector<FlowRecord> changes() const;
    [[nodiscard]] std::vector<FlowRecord> take_changes();
    [[nodiscard]] std::size_t change_count() const noexcept { return changed_.size() + of_evicted_.size(); }

private:
    static constexpr std::size_t kUnchanged = static_cast<std::size_t>(-1);
    struct KeyHash {
        // Not noexcept: then the table keeps the hashes beside the keys, and compares them before it compares keys.
        std::size_t operator()(const GroupKey& key) const;
    };

    [[nodiscard]] static FlowRecord change_of(const Group& group);
    void evict_quietest();

    std::size_t most_;
    List groups_;
    std::unordered_map<GroupKey, List::iterator, KeyHash> by_key_;
    std::unordered_map<std::uint64_t, List::iterator> by_serial_;
    std::vector<Group*> changed_;  // in the interval in the making; null where the group is forgotten
    std::vector<FlowRecord> of_evicted_;
    std::uint64_t sequence_ = 0;
    std::uint64_t last_serial_ = 0;
    std::uint64_t evicted_ = 0;
    std::uint64_t evicted_sequence_ = 0;  // of the last one: they go in the order of their sequence
};

}  // namespace drywall::observe

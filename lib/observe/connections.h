// Connections: those that workers track now, as far as their records say; bounded in number.
//
// Threads: none of its own; FlowLog's mutex guards it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <unordered_map>

#include "drywall/net/packet_meta.h"
#include "drywall/observe/flow_group.h"
#include "drywall/telemetry/event.h"

namespace drywall::observe {

struct Connection {
    WorkerId worker{};
    std::uint64_t flow = 0;
    std::uint64_t group = 0;  // FlowGroups::Group::serial
    net::Tuple tuple;
    Decision decision;  // with the parties: what its group is made of, should that be forgotten
    std::shared_ptr<const Party> source_party;
    std::shared_ptr<const Party> destination_party;
    Generation generation{};
    telemetry::PacketsBytes forward;  // as last reported, and counted in some group
    telemetry::PacketsBytes reverse;
    bool closed = false;  // it is over, and only its end has not been told: it counts as live no more
};

class Connections {
public:
    explicit Connections(std::size_t most) : most_(most) {}

    [[nodiscard]] Connection* find(const telemetry::FlowEvent& event);
    // REQUIRES: find(event) == nullptr
    void add(Connection connection);
    void remove(const Connection& connection);
    [[nodiscard]] bool too_many() const noexcept { return list_.size() > most_; }

    [[nodiscard]] const std::list<Connection>& list() const noexcept { return list_; }  // oldest first

private:
    struct Key {
        WorkerId worker{};
        std::uint64_t flow = 0;
        bool operator==(const Key&) const = default;
    };
    struct KeyHash {
        std::size_t operator()(const Key& key) const noexcept {
            return (key.flow * 0x9e3779b97f4a7c15ULL) ^ (index(key.worker) << 48);
        }
    };

    std::size_t most_;
    std::list<Connection> list_;
    std::unordered_map<Key, std::list<Connection>::iterator, KeyHash> by_key_;
};

inline Connection* Connections::find(const telemetry::FlowEvent& event) {
    const auto known = by_key_.find({event.worker, event.flow});
    return known == by_key_.end() ? nullptr : &*known->second;
}

inline void Connections::add(Connection connection) {
    const Key key{connection.worker, connection.flow};
    list_.push_back(std::move(connection));
    by_key_.emplace(key, std::prev(list_.end()));
}

inline void Connections::remove(const Connection& connection) {
    const auto known = by_key_.find({connection.worker, connection.flow});
    list_.erase(known->second);
    by_key_.erase(known);
}

}  // namespace drywall::observe

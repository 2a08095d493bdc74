#include "connection_table.h"

#include <bit>
#include <cstring>

#include "random.h"

namespace drywall::generate {

namespace {

bool same(const FlowEnds& one, const FlowEnds& other) noexcept {
    return one.source_port == other.source_port && one.destination_port == other.destination_port &&
           one.source == other.source && one.destination == other.destination;
}

}  // namespace

ConnectionTable::ConnectionTable(std::uint32_t capacity)
    : connections_(capacity), index_(std::bit_ceil(std::size_t{capacity} * 2), kNobody) {
    for (std::uint32_t i = capacity; i > 0; --i) free_.push_back(i - 1);
}

std::size_t ConnectionTable::home(const FlowEnds& ends) const noexcept {
    std::array<std::uint64_t, 4> words{};
    std::memcpy(words.data(), ends.source.data(), 16);
    std::memcpy(&words[2], ends.destination.data(), 16);
    std::uint64_t hash = std::uint64_t{ends.source_port} << 16U | ends.destination_port;
    for (const std::uint64_t word : words) hash = mixed(hash ^ word);
    return hash & (index_.size() - 1);
}

// Where it stands in the index, or the free place where it would.
std::size_t ConnectionTable::place(const FlowEnds& ends) const noexcept {
    std::size_t at = home(ends);
    while (index_[at] != kNobody && !same(connections_[index_[at]].ends, ends)) at = (at + 1) & (index_.size() - 1);
    return at;
}

TcpConnection* ConnectionTable::find(const FlowEnds& ends) noexcept {
    const std::uint32_t found = index_[place(ends)];
    return found == kNobody ? nullptr : &connections_[found];
}

TcpConnection* ConnectionTable::open(const FlowEnds& ends) noexcept {
    if (free_.empty()) return nullptr;
    const std::uint32_t taken = free_.back();
    free_.pop_back();
    index_[place(ends)] = taken;
    connections_[taken] = {};
    connections_[taken].ends = ends;
    ++size_;
    return &connections_[taken];
}

// Those behind it move up, so that no look-up ends at its place before it has come to theirs.
void ConnectionTable::close(TcpConnection& connection) noexcept {
    disarm(connection);
    std::size_t hole = place(connection.ends);
    const std::size_t mask = index_.size() - 1;
    for (std::size_t at = (hole + 1) & mask; index_[at] != kNobody; at = (at + 1) & mask) {
        const std::size_t wanted = home(connections_[index_[at]].ends);
        if (((at - wanted) & mask) < ((at - hole) & mask)) continue;
        index_[hole] = index_[at];
        hole = at;
    }
    index_[hole] = kNobody;
    connection.state = TcpState::kFree;
    free_.push_back(number(connection));
    --size_;
}

void ConnectionTable::arm(TcpConnection& connection, TcpTimer timer, std::uint64_t deadline) noexcept {
    disarm(connection);
    List& list = timers_[static_cast<std::size_t>(timer)];
    connection.timer = timer;
    connection.deadline = deadline;
    connection.earlier = list.last;
    connection.later = kNobody;
    const std::uint32_t mine = number(connection);
    (list.last == kNobody ? list.first : connections_[list.last].later) = mine;
    list.last = mine;
}

void ConnectionTable::disarm(TcpConnection& connection) noexcept {
    if (connection.timer == TcpTimer::kNone) return;
    List& list = timers_[static_cast<std::size_t>(connection.timer)];
    (connection.earlier == kNobody ? list.first : connections_[connection.earlier].later) = connection.later;
    (connection.later == kNobody ? list.last : connections_[connection.later].earlier) = connection.earlier;
    connection.timer = TcpTimer::kNone;
}

TcpConnection* ConnectionTable::expired(TcpTimer timer, std::uint64_t now) noexcept {
    const std::uint32_t first = timers_[static_cast<std::size_t>(timer)].first;
    if (first == kNobody || connections_[first].deadline > now) return nullptr;
    return &connections_[first];
}

}  // namespace drywall::generate

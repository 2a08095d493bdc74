// SourceTable: how many connections each address has opened.
//
// Threads: only the owning worker calls in; nothing here locks.
// Memory:  reserved at start, twice as many places as there can be connections: there are never more sources than
//          connections, so there is always room, and every count is exact.
// Worst:   places are searched from one that a seeded hash chooses; nobody can choose addresses that lie together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "drywall/net/address.h"

namespace drywall::flow {

struct Source {
    net::AddressBytes address{};
    std::uint32_t family = 0;  // net::Family, without padding behind it

    bool operator==(const Source&) const = default;
};

class SourceTable {
public:
    SourceTable(std::uint32_t most_connections, std::uint64_t hash_seed);

    [[nodiscard]] std::uint32_t count(const Source& source) const noexcept { return places_[find(source)].connections; }

    // REQUIRES: no more additions that were not taken back than `most_connections`
    void add(const Source& source) noexcept;
    // REQUIRES: count(source) > 0
    void take(const Source& source) noexcept;

    [[nodiscard]] std::size_t memory_bytes() const noexcept { return places_.size() * sizeof(Place); }

private:
    struct Place {
        Source source;
        std::uint32_t connections = 0;  // 0: free
    };

    [[nodiscard]] std::size_t home_of(const Source& source) const noexcept;
    [[nodiscard]] std::size_t after(std::size_t place) const noexcept { return (place + 1) & (places_.size() - 1); }
    // Where it is, or the free place where it would be.
    [[nodiscard]] std::size_t find(const Source& source) const noexcept;
    void close_gap(std::size_t gap) noexcept;

    std::vector<Place> places_;  // a power of two
    std::uint64_t hash_seed_;
};

}  // namespace drywall::flow

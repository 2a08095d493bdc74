#include "drywall/flow/source_table.h"

#include <algorithm>
#include <bit>
#include <cassert>

#include "hash.h"

namespace drywall::flow {

SourceTable::SourceTable(std::uint32_t most_connections, std::uint64_t hash_seed)
    : places_(std::bit_ceil(2 * std::max<std::size_t>(most_connections, 1))), hash_seed_(hash_seed) {}

std::size_t SourceTable::home_of(const Source& source) const noexcept {
    return hash(source, hash_seed_) & (places_.size() - 1);
}

std::size_t SourceTable::find(const Source& source) const noexcept {
    std::size_t place = home_of(source);
    while (places_[place].connections != 0 && places_[place].source != source) place = after(place);
    return place;
}

void SourceTable::add(const Source& source) noexcept {
    Place& place = places_[find(source)];
    place.source = source;
    ++place.connections;
}

void SourceTable::take(const Source& source) noexcept {
    const std::size_t place = find(source);
    assert(places_[place].connections > 0);
    if (--places_[place].connections == 0) close_gap(place);
}

// Nothing may lie behind a gap that is searched for from before it: each that does moves up into the gap (Knuth, The
// Art of Computer Programming 3, 6.4, algorithm R).
void SourceTable::close_gap(std::size_t gap) noexcept {
    for (std::size_t place = after(gap); places_[place].connections != 0; place = after(place)) {
        const std::size_t mask = places_.size() - 1;
        const std::size_t from_home = (place - home_of(places_[place].source)) & mask;
        if (from_home < ((place - gap) & mask)) continue;  // its home lies behind the gap
        places_[gap] = places_[place];
        places_[place].connections = 0;
        gap = place;
    }
}

}  // namespace drywall::flow

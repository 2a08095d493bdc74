#include "set_numbers.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "interner.h"
#include "normal_program.h"

namespace drywall::classify {
namespace {

std::uint64_t digest(const AddressSet& set) {
    std::uint64_t hash = set.prefixes.size();
    for (const net::Prefix& prefix : set.prefixes) {
        for (std::size_t at = 0; at < prefix.address.bytes.size(); at += 4) {
            const auto& bytes = prefix.address.bytes;
            hash = mix(hash, std::uint64_t{bytes[at]} << 24 | std::uint64_t{bytes[at + 1]} << 16 |
                                 std::uint64_t{bytes[at + 2]} << 8 | bytes[at + 3]);
        }
        hash = mix(hash, std::uint64_t{prefix.length} << 8 | static_cast<std::uint64_t>(prefix.address.family));
    }
    return hash;
}

}  // namespace

const std::vector<std::uint32_t>& SetNumbers::number(const std::vector<AddressSet>& sets) {
    std::vector<std::uint32_t> numbers(sets.size(), kNone);
    std::vector<bool> taken(next_, false);
    const std::size_t common = std::min(sets.size(), sets_.size());
    unchanged_ = sets.size() == sets_.size();
    for (std::size_t at = 0; at < common; ++at) {
        if (sets[at].prefixes != sets_[at].prefixes) {
            unchanged_ = false;
            continue;
        }
        numbers[at] = numbers_[at];
        taken[numbers_[at]] = true;
    }
    changed_.assign(next_, !unchanged_);
    if (unchanged_) return numbers_;
    if (!sets_.empty()) find_moved(sets, numbers, taken);
    for (std::size_t number = 0; number < taken.size(); ++number) changed_[number] = !taken[number];
    for (std::size_t at = 0; at < common; ++at) {
        if (numbers[at] != kNone || taken[numbers_[at]]) continue;
        numbers[at] = numbers_[at];
        taken[numbers_[at]] = true;
    }
    for (std::uint32_t& number : numbers) {
        if (number == kNone) number = next_++;
    }
    changed_.resize(next_, true);
    sets_.resize(sets.size());
    for (std::size_t at = 0; at < sets.size(); ++at) {
        if (sets_[at].prefixes != sets[at].prefixes) sets_[at] = sets[at];
    }
    numbers_ = std::move(numbers);
    return numbers_;
}

void SetNumbers::find_moved(const std::vector<AddressSet>& sets, std::vector<std::uint32_t>& numbers,
                            std::vector<bool>& taken) {
    std::unordered_multimap<std::uint64_t, std::size_t> left;
    for (std::size_t at = 0; at < sets_.size(); ++at) {
        if (!taken[numbers_[at]]) left.emplace(digest(sets_[at]), at);
    }
    for (std::size_t at = 0; at < sets.size(); ++at) {
        if (numbers[at] != kNone) continue;
        const auto [first, last] = left.equal_range(digest(sets[at]));
        const auto same = std::find_if(
            first, last, [&](const auto& entry) { return sets_[entry.second].prefixes == sets[at].prefixes; });
        if (same == last) continue;
        numbers[at] = numbers_[same->second];
        taken[numbers[at]] = true;
        left.erase(same);
    }
}

std::size_t SetNumbers::bytes() const noexcept {
    std::size_t prefixes = 0;
    for (const AddressSet& set : sets_) prefixes += set.prefixes.size();
    return prefixes * sizeof(net::Prefix) + sets_.size() * (sizeof(AddressSet) + sizeof(std::uint32_t));
}

}  // namespace drywall::classify

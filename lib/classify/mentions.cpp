#include "mentions.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace drywall::classify {
namespace {

std::uint64_t word_at(const net::Prefix& prefix, std::size_t first) noexcept {
    std::uint64_t word = 0;
    for (std::size_t at = first; at < first + sizeof(word); ++at) word = word << 8 | prefix.address.bytes[at];
    return word;
}

bool is_set(const std::vector<bool>& flags, std::size_t at) { return at < flags.size() && flags[at]; }

}  // namespace

Mention::Mention(const net::Prefix& named, std::uint32_t in_party, std::uint32_t in_set) noexcept
    : high(word_at(named, 0)), low(word_at(named, sizeof(high))), prefix(named), party(in_party), set(in_set) {}

const std::vector<Mention>& Mentions::update(const Program& program, const std::vector<std::uint32_t>& set_numbers,
                                             const std::vector<bool>& used, const std::vector<bool>& changed) {
    std::vector<Mention> fresh;
    for (std::size_t at = 0; at < program.sets.size(); ++at) {
        const std::uint32_t set = set_numbers[at];
        if (!used[set] || (!changed[set] && is_set(used_, set))) continue;
        for (const net::Prefix& prefix : program.sets[at].prefixes) fresh.emplace_back(prefix, kNone, set);
    }
    std::vector<bool> stays(parties_.size(), false);
    for (std::uint32_t party = 0; party < program.parties.size(); ++party) {
        const std::vector<net::Prefix>& addresses = program.parties[party].addresses;
        if (party < parties_.size() && parties_[party] == addresses) {
            stays[party] = true;
            continue;
        }
        for (const net::Prefix& prefix : addresses) fresh.emplace_back(prefix, party, kNone);
    }
    std::erase_if(sorted_, [&](const Mention& mention) {
        return mention.set != kNone ? changed[mention.set] || !used[mention.set] : !stays[mention.party];
    });
    std::ranges::sort(fresh, {}, &Mention::order);
    std::vector<Mention> merged;
    merged.reserve(sorted_.size() + fresh.size());
    std::ranges::merge(sorted_, fresh, std::back_inserter(merged), {}, &Mention::order, &Mention::order);
    sorted_ = std::move(merged);
    parties_.resize(program.parties.size());
    for (std::size_t party = 0; party < parties_.size(); ++party)
        if (!is_set(stays, party)) parties_[party] = program.parties[party].addresses;
    used_ = used;
    known_ = true;
    return sorted_;
}

bool Mentions::current(const Program& program, const std::vector<bool>& used) const {
    return known_ && used == used_ && std::ranges::equal(parties_, program.parties, {}, {}, &Party::addresses);
}

std::size_t Mentions::bytes() const noexcept {
    std::size_t addresses = 0;
    for (const auto& of_party : parties_) addresses += of_party.size();
    return sorted_.size() * sizeof(Mention) + addresses * sizeof(net::Prefix);
}

}  // namespace drywall::classify

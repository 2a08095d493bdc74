#include "address_trie.h"

#include <algorithm>
#include <array>
#include <bit>
#include <string>
#include <utility>

#include "interner.h"

namespace drywall::classify {
namespace {

// The number that `bits` bits of an address make, from bit `offset` on. Both are multiples of 8.
std::size_t slot_of(const net::AddressBytes& bytes, unsigned offset, unsigned bits) noexcept {
    std::size_t slot = 0;
    for (unsigned at = offset / 8; at < (offset + bits) / 8; ++at) slot = slot << 8 | bytes[at];
    return slot;
}

// The mask of the first `length` bits.
net::AddressBytes mask_of(unsigned length) noexcept {
    net::AddressBytes mask{};
    for (unsigned bit = 0; bit < length; ++bit)
        mask[bit / 8] = static_cast<std::uint8_t>(mask[bit / 8] | 0x80 >> bit % 8);
    return mask;
}

// How many leading bits all of these prefixes, sorted, have in common; no more than the shortest has.
unsigned common_bits(std::span<const ClassedPrefix> prefixes) noexcept {
    unsigned common = 128;
    for (const ClassedPrefix& classed : prefixes) common = std::min<unsigned>(common, classed.prefix.length);
    const net::AddressBytes& first = prefixes.front().prefix.address.bytes;
    const net::AddressBytes& last = prefixes.back().prefix.address.bytes;
    for (unsigned bit = 0; bit < common; ++bit) {
        if (((first[bit / 8] ^ last[bit / 8]) & 0x80 >> bit % 8) != 0) return bit;
    }
    return common;
}

class TrieBuilder {
public:
    explicit TrieBuilder(std::size_t budget_bytes) : budget_bytes_(budget_bytes) {}

    // The entries of one node: the `bits` bits from `offset` on, for prefixes that are not shorter than `offset`.
    // Prefixes come sorted, so a covering prefix is written before those inside it, and the longest one wins.
    std::vector<std::uint32_t> entries(std::span<const ClassedPrefix> prefixes, unsigned offset, unsigned bits,
                                       std::uint32_t inherited) {
        std::vector<std::uint32_t> entries(std::size_t{1} << bits, inherited);
        for (std::size_t at = 0; at < prefixes.size() && !over_budget_;) {
            const net::Prefix& prefix = prefixes[at].prefix;
            const std::size_t slot = slot_of(prefix.address.bytes, offset, bits);
            if (prefix.length <= offset + bits) {
                const std::size_t covered = std::size_t{1} << (offset + bits - prefix.length);
                std::fill_n(entries.begin() + static_cast<std::ptrdiff_t>(slot), covered, prefixes[at].address_class);
                ++at;
                continue;
            }
            const std::size_t end = end_of_slot(prefixes, at, offset, bits, slot);
            entries[slot] = below(prefixes.subspan(at, end - at), offset + bits, entries[slot]);
            at = end;
        }
        return entries;
    }

    [[nodiscard]] bool over_budget() const noexcept { return over_budget_; }

    void move_to(AddressTrie& trie) {
        trie.nodes.reserve(nodes_.size() * kTrieFanout);
        for (std::uint32_t id = 0; id < nodes_.size(); ++id) {
            const auto node = nodes_[id];
            trie.nodes.insert(trie.nodes.end(), node.begin(), node.end());
        }
        trie.skips = std::move(skips_);
    }

private:
    static std::size_t end_of_slot(std::span<const ClassedPrefix> prefixes, std::size_t at, unsigned offset,
                                   unsigned bits, std::size_t slot) noexcept {
        while (at < prefixes.size() && slot_of(prefixes[at].prefix.address.bytes, offset, bits) == slot) ++at;
        return at;
    }

    // The entry for prefixes that all begin with the same `offset` bits and are longer.
    std::uint32_t below(std::span<const ClassedPrefix> prefixes, unsigned offset, std::uint32_t inherited) {
        const bool one = prefixes.size() == 1;
        const unsigned common = one ? prefixes[0].prefix.length : common_bits(prefixes) / 8 * 8;
        if (common < offset + kWorthSkipping) return node(prefixes, offset, inherited);
        // A lone prefix ends in its class; several go on where they part, or where the shortest of them ends.
        const std::uint32_t then = one ? prefixes[0].address_class : node(prefixes, common, inherited);
        return then == inherited ? inherited : skip(prefixes[0].prefix, common, then, inherited);
    }

    std::uint32_t skip(const net::Prefix& way, unsigned length, std::uint32_t then, std::uint32_t otherwise) {
        TrieSkip skip;
        const net::AddressBytes mask = mask_of(length);
        net::AddressBytes bits = way.address.bytes;
        for (std::size_t at = 0; at < bits.size(); ++at) bits[at] &= mask[at];
        skip.mask = std::bit_cast<std::array<std::uint64_t, 2>>(mask);
        skip.bits = std::bit_cast<std::array<std::uint64_t, 2>>(bits);
        skip.then = then;
        skip.otherwise = otherwise;
        skip.depth = length / 8;
        if (!afford(sizeof(TrieSkip), skips_.size())) return otherwise;
        skips_.push_back(skip);
        return kTrieNode | kTrieSkip | static_cast<std::uint32_t>(skips_.size() - 1);
    }

    std::uint32_t node(std::span<const ClassedPrefix> prefixes, unsigned offset, std::uint32_t inherited) {
        const std::vector<std::uint32_t> content = entries(prefixes, offset, 8, inherited);
        const bool uniform = std::ranges::all_of(content, [&](std::uint32_t entry) { return entry == content[0]; });
        if (uniform && (content[0] & kTrieNode) == 0) return content[0];
        if (!afford(kTrieFanout * sizeof(std::uint32_t), nodes_.size())) return inherited;
        return kTrieNode | nodes_.intern(content);
    }

    bool afford(std::size_t bytes, std::size_t number) {
        const std::size_t spent =
            nodes_.size() * kTrieFanout * sizeof(std::uint32_t) + skips_.size() * sizeof(TrieSkip);
        over_budget_ = over_budget_ || spent + bytes > budget_bytes_ || number >= kTrieNumber;
        return !over_budget_;
    }

    static constexpr unsigned kWorthSkipping = 16;  // bits: two levels

    std::size_t budget_bytes_;
    bool over_budget_ = false;
    Interner<std::uint32_t> nodes_;
    std::vector<TrieSkip> skips_;
};

}  // namespace

Result<AddressTrie> build_trie(std::span<const ClassedPrefix> prefixes, std::uint32_t none, std::size_t budget_bytes) {
    const auto first_v6 = std::ranges::find_if(
        prefixes, [](const ClassedPrefix& classed) { return classed.prefix.address.family == net::Family::kIPv6; });
    TrieBuilder builder(budget_bytes);
    AddressTrie trie;
    trie.root = builder.entries({prefixes.begin(), first_v6}, 0, 16, none);
    const std::vector<std::uint32_t> v6 = builder.entries({first_v6, prefixes.end()}, 0, 16, none);
    trie.root.insert(trie.root.end(), v6.begin(), v6.end());
    if (builder.over_budget()) {
        return Error::of(ErrorKind::kRefused,
                         "the address table of " + std::to_string(prefixes.size()) + " prefixes takes more than " +
                             std::to_string(budget_bytes) + " bytes",
                         "aggregate the prefixes, or raise the classifier's memory budget");
    }
    builder.move_to(trie);
    return trie;
}

}  // namespace drywall::classify

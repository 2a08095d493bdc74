#include "address_trie.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <string>
#include <unordered_map>
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
    explicit TrieBuilder(const TrieBudget& budget) : budget_(budget) {}

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

    // `roots`: what entries() said of both families' first 16 bits.
    void finish(const std::vector<std::uint32_t>& roots, AddressTrie& trie) {
        // Wide nodes come behind the others, whose number is known now.
        const auto behind = static_cast<std::uint32_t>(nodes_.size());
        const auto shifted = [behind](std::uint32_t cell) {
            const bool wide = (cell & (kTrieNode | kTrieSkip | kTrieWide)) == (kTrieNode | kTrieWide);
            return wide ? cell + behind : cell;
        };
        trie.cells.reserve(nodes_.size() * kTrieFanout + wide_.size());
        for (std::uint32_t id = 0; id < nodes_.size(); ++id) {
            const auto node = nodes_[id];
            trie.cells.insert(trie.cells.end(), node.begin(), node.end());
        }
        trie.cells.insert(trie.cells.end(), wide_.begin(), wide_.end());
        std::ranges::transform(trie.cells, trie.cells.begin(), shifted);
        trie.skips = std::move(skips_);
        for (TrieSkip& skip : trie.skips) skip.then = shifted(skip.then);
        write_root(roots, shifted, trie);
    }

private:
    // Most of a root says one thing: what is like the part before it is copied, not worked out.
    template <typename Shifted>
    static void write_root(const std::vector<std::uint32_t>& roots, Shifted&& shifted, AddressTrie& trie) {
        constexpr std::size_t kPart = 256;
        static_assert(kTrieRoot % kPart == 0);
        std::unordered_map<std::uint32_t, std::uint32_t> single;  // what no node is: where its cell is
        trie.root.reserve(roots.size());
        for (std::size_t first = 0; first < roots.size(); first += kPart) {
            const std::uint32_t* const part = roots.data() + first;
            if (first != 0 && std::memcmp(part, part - kPart, kPart * sizeof(*part)) == 0) {
                trie.root.resize(first + kPart);
                std::copy_n(trie.root.begin() + static_cast<std::ptrdiff_t>(first - kPart), kPart,
                            trie.root.begin() + static_cast<std::ptrdiff_t>(first));
                continue;
            }
            for (std::size_t at = 0; at < kPart; ++at)
                trie.root.push_back(place_of(shifted(part[at]), single, trie.cells));
        }
    }

    // Where the root leads to for what it said: a node, or a single cell.
    static std::uint32_t place_of(std::uint32_t said, std::unordered_map<std::uint32_t, std::uint32_t>& single,
                                  std::vector<std::uint32_t>& cells) {
        if ((said & (kTrieNode | kTrieSkip)) == kTrieNode) {
            const auto first = static_cast<std::uint32_t>((said & kTrieNumber) * kTrieFanout);
            return first << kRootShift | ((said & kTrieWide) != 0 ? 0U : 8U);
        }
        const auto [known, added] = single.try_emplace(said, static_cast<std::uint32_t>(cells.size()));
        if (added) cells.push_back(said);
        return known->second << kRootShift | 16U;
    }

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
        if (worth_widening(prefixes, offset)) return wide_node(prefixes, offset, inherited);
        const std::vector<std::uint32_t> content = entries(prefixes, offset, 8, inherited);
        const bool uniform = std::ranges::all_of(content, [&](std::uint32_t entry) { return entry == content[0]; });
        if (uniform && (content[0] & kTrieNode) == 0) return content[0];
        if (!afford(kTrieFanout * sizeof(std::uint32_t), nodes_.size())) return inherited;
        return kTrieNode | nodes_.intern(content);
    }

    // Two levels in one step, where so many nodes would be below this one that it costs few times their memory.
    [[nodiscard]] bool worth_widening(std::span<const ClassedPrefix> prefixes, unsigned offset) const noexcept {
        const std::size_t bytes = (wide_.size() + kWideFanout) * sizeof(std::uint32_t);
        if (offset + 16 > 128 || bytes > budget_.wide_bytes || spent() + bytes > budget_.bytes) return false;
        std::size_t below = 0;
        std::size_t last = kTrieFanout;
        for (const ClassedPrefix& classed : prefixes) {
            if (classed.prefix.length <= offset + 8) continue;
            const std::size_t slot = slot_of(classed.prefix.address.bytes, offset, 8);
            below += slot != last ? 1 : 0;
            last = slot;
        }
        return below >= kWorthWidening;
    }

    std::uint32_t wide_node(std::span<const ClassedPrefix> prefixes, unsigned offset, std::uint32_t inherited) {
        const std::size_t at = wide_.size();
        wide_.resize(at + kWideFanout);  // before those below it, which may be wide too
        const std::vector<std::uint32_t> content = entries(prefixes, offset, 16, inherited);
        std::ranges::copy(content, wide_.begin() + static_cast<std::ptrdiff_t>(at));
        return kTrieNode | kTrieWide | static_cast<std::uint32_t>(at / kTrieFanout);
    }

    [[nodiscard]] std::size_t spent() const noexcept {
        return (nodes_.size() * kTrieFanout + wide_.size()) * sizeof(std::uint32_t) + skips_.size() * sizeof(TrieSkip);
    }

    bool afford(std::size_t bytes, std::size_t number) {
        over_budget_ =
            over_budget_ || spent() + bytes > budget_.bytes || number >= kTrieNumber || spent() + bytes > kMostBytes;
        return !over_budget_;
    }

    static constexpr unsigned kWorthSkipping = 16;     // bits: two levels
    static constexpr std::size_t kWorthWidening = 32;  // nodes, an eighth of a wide one's memory

    // All cells that the root can lead to, with a single one for each of its own places.
    static constexpr std::size_t kMostBytes = (kMostTrieCells - 2 * kTrieRoot) * sizeof(std::uint32_t);

    TrieBudget budget_;
    bool over_budget_ = false;
    Interner<std::uint32_t> nodes_;
    std::vector<std::uint32_t> wide_;  // cells of wide nodes
    std::vector<TrieSkip> skips_;
};

}  // namespace

Result<AddressTrie> build_trie(std::span<const ClassedPrefix> prefixes, std::uint32_t none, const TrieBudget& budget) {
    const auto first_v6 = std::ranges::find_if(
        prefixes, [](const ClassedPrefix& classed) { return classed.prefix.address.family == net::Family::kIPv6; });
    TrieBuilder builder(budget);
    AddressTrie trie;
    std::vector<std::uint32_t> roots = builder.entries({prefixes.begin(), first_v6}, 0, 16, none);
    const std::vector<std::uint32_t> v6 = builder.entries({first_v6, prefixes.end()}, 0, 16, none);
    roots.insert(roots.end(), v6.begin(), v6.end());
    if (builder.over_budget()) {
        return Error::of(ErrorKind::kRefused,
                         "the address table of " + std::to_string(prefixes.size()) + " prefixes takes more than " +
                             std::to_string(budget.bytes) + " bytes",
                         "aggregate the prefixes, or raise the classifier's memory budget");
    }
    builder.finish(roots, trie);
    return trie;
}

}  // namespace drywall::classify

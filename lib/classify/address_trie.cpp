#include "address_trie.h"

#include <algorithm>
#include <string>

#include "interner.h"

namespace drywall::classify {
namespace {

// The number that `bits` bits of an address make, from bit `offset` on. Both are multiples of 8.
std::size_t slot_of(const net::AddressBytes& bytes, unsigned offset, unsigned bits) noexcept {
    std::size_t slot = 0;
    for (unsigned at = offset / 8; at < (offset + bits) / 8; ++at) slot = slot << 8 | bytes[at];
    return slot;
}

class TrieBuilder {
public:
    explicit TrieBuilder(std::size_t budget_bytes)
        : node_limit_(std::min<std::size_t>(budget_bytes / (kTrieFanout * sizeof(std::uint32_t)), kTrieNode)) {}

    // The entries of one node: the `bits` bits from `offset` on, for prefixes that are all longer than `offset`.
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
            entries[slot] = node(prefixes.subspan(at, end - at), offset + bits, entries[slot]);
            at = end;
        }
        return entries;
    }

    [[nodiscard]] bool over_budget() const noexcept { return over_budget_; }

    [[nodiscard]] std::vector<std::uint32_t> nodes() const {
        std::vector<std::uint32_t> all;
        all.reserve(nodes_.size() * kTrieFanout);
        for (std::uint32_t id = 0; id < nodes_.size(); ++id) {
            const auto node = nodes_[id];
            all.insert(all.end(), node.begin(), node.end());
        }
        return all;
    }

private:
    static std::size_t end_of_slot(std::span<const ClassedPrefix> prefixes, std::size_t at, unsigned offset,
                                   unsigned bits, std::size_t slot) noexcept {
        while (at < prefixes.size() && slot_of(prefixes[at].prefix.address.bytes, offset, bits) == slot) ++at;
        return at;
    }

    std::uint32_t node(std::span<const ClassedPrefix> prefixes, unsigned offset, std::uint32_t inherited) {
        const std::vector<std::uint32_t> content = entries(prefixes, offset, 8, inherited);
        const bool uniform = std::ranges::all_of(content, [&](std::uint32_t entry) { return entry == content[0]; });
        if (uniform && (content[0] & kTrieNode) == 0) return content[0];
        if (nodes_.size() >= node_limit_) {
            over_budget_ = true;
            return inherited;
        }
        return kTrieNode | nodes_.intern(content);
    }

    std::size_t node_limit_;
    bool over_budget_ = false;
    Interner<std::uint32_t> nodes_;
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
    trie.nodes = builder.nodes();
    return trie;
}

}  // namespace drywall::classify

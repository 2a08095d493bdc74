#include "kept_bytes.h"

#include <algorithm>
#include <cstring>

namespace drywall::inspect {

namespace {

// The part [from, end) of bytes that begin at `sequence`.
Bytes part(std::uint32_t sequence, Bytes bytes, std::uint32_t from, std::uint32_t end) noexcept {
    return bytes.subspan(from - sequence, end - from);
}

std::uint32_t later(std::uint32_t a, std::uint32_t b) noexcept { return after(a, b) ? a : b; }
std::uint32_t earlier(std::uint32_t a, std::uint32_t b) noexcept { return after(a, b) ? b : a; }

std::uint32_t end_of(std::uint32_t sequence, Bytes bytes) noexcept {
    return sequence + static_cast<std::uint32_t>(bytes.size());
}

}  // namespace

BlockPool::BlockPool(std::size_t blocks) : blocks_(blocks) {
    for (std::size_t i = blocks; i > 0; --i) {
        blocks_[i - 1].next = first_free_;
        first_free_ = static_cast<std::uint32_t>(i - 1);
    }
}

std::uint32_t BlockPool::take() noexcept {
    const std::uint32_t block = first_free_;
    if (block == kNoBlock) return block;
    first_free_ = blocks_[block].next;
    ++used_;
    return block;
}

void BlockPool::give_back(std::uint32_t block) noexcept {
    blocks_[block].next = first_free_;
    first_free_ = block;
    --used_;
}

bool KeptBytes::contradicts(const BlockPool& pool, std::uint32_t sequence, Bytes bytes) const noexcept {
    const std::uint32_t end = end_of(sequence, bytes);
    for (std::uint32_t at = first_; at != kNoBlock && after(end, pool[at].start); at = pool[at].next) {
        const Block& block = pool[at];
        const std::uint32_t from = later(sequence, block.start);
        const std::uint32_t to = earlier(end, block.end());
        if (!after(to, from)) continue;
        if (std::memcmp(part(sequence, bytes, from, to).data(), block.data.data() + (from - block.start), to - from) !=
            0)
            return true;
    }
    return false;
}

bool KeptBytes::add(BlockPool& pool, std::uint32_t sequence, Bytes bytes, Bytes available) noexcept {
    const std::uint32_t end = end_of(sequence, bytes);
    std::uint32_t previous = kNoBlock;  // the last block that begins before or at what is to be kept next
    std::uint32_t next = first_;
    while (next != kNoBlock && !after(pool[next].start, sequence)) {
        previous = next;
        next = pool[next].next;
    }
    std::uint32_t at = sequence;
    if (previous != kNoBlock) {
        const Block& before = pool[previous];
        const std::uint32_t first_available = end - static_cast<std::uint32_t>(available.size());
        const bool near = sequence - before.start < kBlockData && !after(first_available, before.end());
        at = near ? before.end() : later(sequence, before.end());
    }
    while (after(end, at)) {
        const std::uint32_t gap_end = next == kNoBlock ? end : earlier(end, pool[next].start);
        const std::uint32_t first_available = end - static_cast<std::uint32_t>(available.size());
        if (after(gap_end, at) && !fill_gap(pool, previous, at, part(first_available, available, at, gap_end)))
            return false;
        if (next == kNoBlock) break;
        at = later(gap_end, pool[next].end());
        previous = next;
        next = pool[next].next;
    }
    return true;
}

bool KeptBytes::fill_gap(BlockPool& pool, std::uint32_t& previous, std::uint32_t sequence, Bytes bytes) noexcept {
    while (!bytes.empty()) {
        const bool joins =
            previous != kNoBlock && pool[previous].end() == sequence && pool[previous].length < kBlockData;
        if (!joins) previous = insert_behind(pool, previous, sequence);
        if (previous == kNoBlock) return false;
        Block& block = pool[previous];
        const std::size_t size = std::min(bytes.size(), kBlockData - block.length);
        std::memcpy(block.data.data() + block.length, bytes.data(), size);
        block.length = static_cast<std::uint16_t>(block.length + size);
        sequence += static_cast<std::uint32_t>(size);
        bytes = bytes.subspan(size);
    }
    return true;
}

std::uint32_t KeptBytes::insert_behind(BlockPool& pool, std::uint32_t previous, std::uint32_t start) noexcept {
    const std::uint32_t block = pool.take();
    if (block == kNoBlock) return block;
    std::uint32_t& link = previous == kNoBlock ? first_ : pool[previous].next;
    pool[block].next = link;
    pool[block].start = start;
    pool[block].length = 0;
    link = block;
    ++count_;
    return block;
}

std::uint32_t KeptBytes::reach(const BlockPool& pool, std::uint32_t sequence) const noexcept {
    for (std::uint32_t at = first_; at != kNoBlock && !after(pool[at].start, sequence); at = pool[at].next)
        sequence = later(sequence, pool[at].end());
    return sequence;
}

void KeptBytes::copy(const BlockPool& pool, std::uint32_t sequence, std::span<std::uint8_t> out) const noexcept {
    const std::uint32_t end = end_of(sequence, out);
    for (std::uint32_t at = first_; at != kNoBlock && after(end, pool[at].start); at = pool[at].next) {
        const Block& block = pool[at];
        const std::uint32_t from = later(sequence, block.start);
        const std::uint32_t to = earlier(end, block.end());
        if (after(to, from))
            std::memcpy(out.data() + (from - sequence), block.data.data() + (from - block.start), to - from);
    }
}

void KeptBytes::forget_first(BlockPool& pool) noexcept {
    const std::uint32_t block = first_;
    first_ = pool[block].next;
    pool.give_back(block);
    --count_;
}

void KeptBytes::forget_before(BlockPool& pool, std::uint32_t sequence) noexcept {
    while (first_ != kNoBlock && !after(pool[first_].end(), sequence)) forget_first(pool);
}

void KeptBytes::forget_all(BlockPool& pool) noexcept {
    while (first_ != kNoBlock) forget_first(pool);
}

bool PassedContents::add(std::uint32_t start, std::uint32_t end) noexcept {
    // All that it touches become one with it.
    std::array<Part, 4> apart{};
    std::uint32_t count = 0;
    for (std::uint32_t i = 0; i < count_; ++i) {
        const Part& part = parts_[i];
        if (after(part.start, end) || after(start, part.end)) {
            apart[count++] = part;
        } else {
            start = earlier(start, part.start);
            end = later(end, part.end);
        }
    }
    if (count == apart.size()) return false;
    apart[count++] = {start, end};
    parts_ = apart;
    count_ = count;
    return true;
}

std::uint32_t PassedContents::reach(std::uint32_t sequence) const noexcept {
    // No two of them touch, so one at most holds a place.
    for (std::uint32_t i = 0; i < count_; ++i)
        if (!after(parts_[i].start, sequence) && after(parts_[i].end, sequence)) return parts_[i].end;
    return sequence;
}

void PassedContents::forget_before(std::uint32_t sequence) noexcept {
    std::uint32_t kept = 0;
    for (std::uint32_t i = 0; i < count_; ++i)
        if (after(parts_[i].end, sequence)) parts_[kept++] = parts_[i];
    count_ = kept;
}

bool KeptText::assign(BlockPool& pool, std::string_view head, std::string_view tail) noexcept {
    forget(pool);
    if (append(pool, head) && append(pool, tail)) return true;
    forget(pool);
    return false;
}

bool KeptText::append(BlockPool& pool, std::string_view text) noexcept {
    while (!text.empty()) {
        if (last_ == kNoBlock || pool[last_].length == kBlockData) {
            const std::uint32_t block = pool.take();
            if (block == kNoBlock) return false;
            pool[block].next = kNoBlock;
            pool[block].length = 0;
            (last_ == kNoBlock ? first_ : pool[last_].next) = block;
            last_ = block;
            ++count_;
        }
        Block& block = pool[last_];
        const std::size_t size = std::min(text.size(), kBlockData - block.length);
        std::memcpy(block.data.data() + block.length, text.data(), size);
        block.length = static_cast<std::uint16_t>(block.length + size);
        text.remove_prefix(size);
    }
    return true;
}

void KeptText::forget(BlockPool& pool) noexcept {
    while (first_ != kNoBlock) {
        const std::uint32_t next = pool[first_].next;
        pool.give_back(first_);
        first_ = next;
    }
    last_ = kNoBlock;
    count_ = 0;
}

std::string_view KeptText::copy(const BlockPool& pool, std::span<char> out) const noexcept {
    std::size_t size = 0;
    for (std::uint32_t at = first_; at != kNoBlock; at = pool[at].next) {
        std::memcpy(out.data() + size, pool[at].data.data(), pool[at].length);
        size += pool[at].length;
    }
    return {out.data(), size};
}

}  // namespace drywall::inspect

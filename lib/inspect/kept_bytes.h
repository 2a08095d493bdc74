// KeptBytes: the parts of a stream that one connection keeps copies of, by sequence number, in blocks of a pool that
// all connections of a worker share.
//
// Threads: one worker. The pool allocates when it is made; nothing else does.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "drywall/base/huge_pages.h"

namespace drywall::inspect {

using Bytes = std::span<const std::uint8_t>;

// Whether a comes after b, where numbers wrap (RFC 9293 3.4).
[[nodiscard]] constexpr bool after(std::uint32_t a, std::uint32_t b) noexcept {
    return static_cast<std::int32_t>(a - b) > 0;
}

inline constexpr std::uint32_t kNoBlock = ~std::uint32_t{0};
inline constexpr std::size_t kBlockSize = 256;
inline constexpr std::size_t kBlockData = 246;

struct Block {
    std::uint32_t next;
    std::uint32_t start;  // sequence number of data[0]
    std::uint16_t length;
    std::array<std::uint8_t, kBlockData> data;

    [[nodiscard]] std::uint32_t end() const noexcept { return start + length; }
    [[nodiscard]] Bytes bytes() const noexcept { return {data.data(), length}; }
};
static_assert(sizeof(Block) == kBlockSize);

class BlockPool {
public:
    explicit BlockPool(std::size_t blocks);

    [[nodiscard]] std::uint32_t take() noexcept;  // kNoBlock: none is left
    void give_back(std::uint32_t block) noexcept;
    [[nodiscard]] Block& operator[](std::uint32_t block) noexcept { return blocks_[block]; }
    [[nodiscard]] const Block& operator[](std::uint32_t block) const noexcept { return blocks_[block]; }
    [[nodiscard]] std::size_t size() const noexcept { return blocks_.size(); }
    [[nodiscard]] std::size_t used() const noexcept { return used_; }
    [[nodiscard]] std::size_t unused() const noexcept { return blocks_.size() - used_; }

private:
    std::vector<Block, HugePageAllocator<Block>> blocks_;
    std::uint32_t first_free_ = kNoBlock;
    std::size_t used_ = 0;
};

// A list of blocks, ascending and without overlaps, but with gaps.
class KeptBytes {
public:
    // Bytes [sequence, ...) are not what was kept of that place.
    [[nodiscard]] bool contradicts(const BlockPool& pool, std::uint32_t sequence, Bytes bytes) const noexcept;

    // Keeps what is not kept yet of bytes that contradict nothing. Where the block before has room for what lies
    // between it and them, and `available`, which they are the end of, has it, that is kept too. False: the pool was
    // empty.
    [[nodiscard]] bool add(BlockPool& pool, std::uint32_t sequence, Bytes bytes, Bytes available) noexcept;

    // How far bytes are kept without a gap from `sequence` on.
    [[nodiscard]] std::uint32_t reach(const BlockPool& pool, std::uint32_t sequence) const noexcept;

    // Writes what is kept of [sequence, sequence + out.size()) to its place in `out`.
    void copy(const BlockPool& pool, std::uint32_t sequence, std::span<std::uint8_t> out) const noexcept;

    // Forgets blocks that end before, or at, `sequence`.
    void forget_before(BlockPool& pool, std::uint32_t sequence) noexcept;
    void forget_all(BlockPool& pool) noexcept;

    [[nodiscard]] bool empty() const noexcept { return first_ == kNoBlock; }
    [[nodiscard]] std::size_t blocks() const noexcept { return count_; }

private:
    void forget_first(BlockPool& pool) noexcept;
    // A new block behind `previous` (kNoBlock: at the front); kNoBlock: the pool is empty.
    [[nodiscard]] std::uint32_t insert_behind(BlockPool& pool, std::uint32_t previous, std::uint32_t start) noexcept;
    // Keeps bytes of a gap behind `previous`, and moves it on to the last block that holds them.
    [[nodiscard]] bool fill_gap(BlockPool& pool, std::uint32_t& previous, std::uint32_t sequence, Bytes bytes) noexcept;

    std::uint32_t first_ = kNoBlock;
    std::uint32_t count_ = 0;
};

// Parts of a stream that passed before their turn and of which nothing is kept: contents, of which only the length
// matters. A few of them: as many as a sender usually has gaps in flight.
class PassedContents {
public:
    // False, and nothing changed: there would be too many parts.
    [[nodiscard]] bool add(std::uint32_t start, std::uint32_t end) noexcept;
    // How far they go without a gap from `sequence` on.
    [[nodiscard]] std::uint32_t reach(std::uint32_t sequence) const noexcept;
    // Forgets parts that end before, or at, `sequence`.
    void forget_before(std::uint32_t sequence) noexcept;

private:
    struct Part {
        std::uint32_t start = 0;
        std::uint32_t end = 0;
    };
    std::array<Part, 4> parts_{};
    std::uint32_t count_ = 0;
};

// A text of one connection, without a place in its stream, in blocks of the same pool.
class KeptText {
public:
    [[nodiscard]] static constexpr std::size_t blocks_for(std::size_t size) noexcept {
        return (size + kBlockData - 1) / kBlockData;
    }

    // Replaces the text. False: the pool was empty, and there is none now.
    [[nodiscard]] bool assign(BlockPool& pool, std::string_view head, std::string_view tail) noexcept;
    void forget(BlockPool& pool) noexcept;
    // REQUIRES: room for all of it
    [[nodiscard]] std::string_view copy(const BlockPool& pool, std::span<char> out) const noexcept;
    [[nodiscard]] std::size_t blocks() const noexcept { return count_; }

private:
    [[nodiscard]] bool append(BlockPool& pool, std::string_view text) noexcept;

    std::uint32_t first_ = kNoBlock;
    std::uint32_t last_ = kNoBlock;
    std::uint32_t count_ = 0;
};

}  // namespace drywall::inspect

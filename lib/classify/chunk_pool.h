// ChunkPool: rows of numbers over the classes of one side, cut into chunks of 64 classes. Most chunks hold one number
// throughout and are written as that number; the others are kept once each. So what a row costs is what it tells apart,
// not how many classes there are.
//
// Threads: owned by one compilation.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "interner.h"
#include "table_layout.h"

namespace drywall::classify {

using Chunk = std::array<std::uint32_t, kChunk>;

class ChunkPool {
public:
    // REQUIRES: every number < kUniform
    [[nodiscard]] std::uint32_t intern(const Chunk& numbers) {
        if (std::ranges::all_of(numbers, [&](std::uint32_t number) { return number == numbers[0]; }))
            return uniform(numbers[0]);
        return pool_.intern(numbers);
    }
    [[nodiscard]] static std::uint32_t uniform(std::uint32_t number) noexcept { return kUniform | number; }
    [[nodiscard]] static bool is_uniform(std::uint32_t id) noexcept { return (id & kUniform) != 0; }

    [[nodiscard]] std::uint32_t at(std::uint32_t id, std::size_t place) const noexcept {
        return is_uniform(id) ? id & ~kUniform : pool_[id][place];
    }
    [[nodiscard]] std::size_t size() const noexcept { return pool_.size(); }
    [[nodiscard]] std::span<const std::uint32_t> operator[](std::uint32_t id) const noexcept { return pool_[id]; }
    [[nodiscard]] std::size_t bytes() const noexcept { return pool_.bytes(); }
    // Written one after the other, as the finished tables have them.
    [[nodiscard]] std::size_t table_bytes() const noexcept { return pool_.size() * sizeof(Chunk); }

private:
    Interner<std::uint32_t> pool_;
};

[[nodiscard]] constexpr std::size_t chunks_of(std::size_t classes) noexcept { return (classes + kChunk - 1) / kChunk; }

}  // namespace drywall::classify

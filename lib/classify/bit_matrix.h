// BitMatrix: which of many things hold for which of many others, a row of words each.
//
// Threads: owned by one compilation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace drywall::classify {

class BitMatrix {
public:
    BitMatrix() = default;
    BitMatrix(std::size_t rows, std::size_t columns)
        : columns_(columns), words_((columns + 63) / 64), bits_(rows * words_, 0) {}

    [[nodiscard]] std::size_t columns() const noexcept { return columns_; }
    [[nodiscard]] std::size_t words() const noexcept { return words_; }
    [[nodiscard]] std::span<const std::uint64_t> row(std::size_t at) const noexcept {
        return std::span(bits_).subspan(at * words_, words_);
    }
    [[nodiscard]] std::span<std::uint64_t> row(std::size_t at) noexcept {
        return std::span(bits_).subspan(at * words_, words_);
    }
    [[nodiscard]] bool test(std::size_t at, std::size_t column) const noexcept {
        return (bits_[at * words_ + column / 64] >> (column % 64) & 1) != 0;
    }
    void set(std::size_t at, std::size_t column) noexcept {
        bits_[at * words_ + column / 64] |= std::uint64_t{1} << (column % 64);
    }

    static constexpr std::size_t bytes(std::size_t rows, std::size_t columns) noexcept {
        return rows * ((columns + 63) / 64) * sizeof(std::uint64_t);
    }

private:
    std::size_t columns_ = 0;
    std::size_t words_ = 0;
    std::vector<std::uint64_t> bits_;
};

}  // namespace drywall::classify

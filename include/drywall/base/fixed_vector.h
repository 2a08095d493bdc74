// FixedVector: a vector with room for N values inside itself. It never allocates; a full one refuses.
//
// Threads: like a std::vector. Used on the packet path for the lists that one burst needs.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <span>

namespace drywall {

template <typename T, std::size_t N>
class FixedVector {
public:
    // False, and nothing changed, when full.
    bool push_back(const T& value) noexcept {
        if (size_ == N) return false;
        values_[size_++] = value;
        return true;
    }
    void clear() noexcept { size_ = 0; }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] bool full() const noexcept { return size_ == N; }

    // REQUIRES: i < size()
    [[nodiscard]] T& operator[](std::size_t i) noexcept { return assert(i < size_), values_[i]; }
    [[nodiscard]] const T& operator[](std::size_t i) const noexcept { return assert(i < size_), values_[i]; }

    [[nodiscard]] auto begin() noexcept { return values_.begin(); }
    [[nodiscard]] auto end() noexcept { return values_.begin() + static_cast<std::ptrdiff_t>(size_); }
    [[nodiscard]] auto begin() const noexcept { return values_.begin(); }
    [[nodiscard]] auto end() const noexcept { return values_.begin() + static_cast<std::ptrdiff_t>(size_); }
    [[nodiscard]] std::span<T> span() noexcept { return {values_.data(), size_}; }
    [[nodiscard]] std::span<const T> span() const noexcept { return {values_.data(), size_}; }

private:
    std::array<T, N> values_{};
    std::size_t size_ = 0;
};

}  // namespace drywall

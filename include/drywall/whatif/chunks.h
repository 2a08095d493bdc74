// Chunks: a sequence that grows without moving what is in it. Memory that is new to the process is the dearest part of
// a large sequence, and a vector asks for it several times over: whenever it grows.
//
// Threads: one writer; readers only while nobody writes.
// Memory:  in chunks of 2^15 values, which lie in huge pages if they are large enough (base/huge_pages.h).
#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <iterator>
#include <utility>
#include <vector>

#include "drywall/base/huge_pages.h"

namespace drywall::whatif {

template <typename T>
class Chunks {
public:
    class Iterator {
    public:
        using iterator_category = std::forward_iterator_tag;
        using value_type = T;
        using difference_type = std::ptrdiff_t;
        using pointer = const T*;
        using reference = const T&;

        Iterator() = default;
        Iterator(const Chunks* chunks, std::size_t at) noexcept : chunks_(chunks), at_(at) {}
        const T& operator*() const noexcept { return (*chunks_)[at_]; }
        const T* operator->() const noexcept { return &(*chunks_)[at_]; }
        Iterator& operator++() noexcept {
            ++at_;
            return *this;
        }
        Iterator operator++(int) noexcept { return {chunks_, at_++}; }
        bool operator==(const Iterator&) const = default;

    private:
        const Chunks* chunks_ = nullptr;
        std::size_t at_ = 0;
    };

    Chunks() = default;
    Chunks(Chunks&& other) noexcept : chunks_(std::move(other.chunks_)), size_(std::exchange(other.size_, 0)) {}
    Chunks& operator=(Chunks&& other) noexcept {
        chunks_ = std::move(other.chunks_);
        size_ = std::exchange(other.size_, 0);
        return *this;
    }
    Chunks(const Chunks&) = default;
    Chunks& operator=(const Chunks&) = default;
    ~Chunks() = default;

    // So that the next push_back() can't fail. Throws std::bad_alloc, and nothing changed.
    void make_room() {
        if (size_ < chunks_.size() * kPerChunk) return;
        Chunk chunk;
        chunk.reserve(kPerChunk);
        chunks_.push_back(std::move(chunk));
    }
    void push_back(const T& value) {
        make_room();
        chunks_[size_ / kPerChunk].push_back(value);
        ++size_;
    }

    // REQUIRES: at < size()
    [[nodiscard]] T& operator[](std::size_t at) noexcept {
        assert(at < size_);
        return chunks_[at / kPerChunk][at % kPerChunk];
    }
    [[nodiscard]] const T& operator[](std::size_t at) const noexcept {
        assert(at < size_);
        return chunks_[at / kPerChunk][at % kPerChunk];
    }
    [[nodiscard]] const T& front() const noexcept { return (*this)[0]; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] Iterator begin() const noexcept { return {this, 0}; }
    [[nodiscard]] Iterator end() const noexcept { return {this, size_}; }

    friend bool operator==(const Chunks& a, const Chunks& b) {
        return a.size_ == b.size_ && std::equal(a.begin(), a.end(), b.begin());
    }

private:
    static constexpr std::size_t kPerChunk = std::size_t{1} << 15U;
    using Chunk = std::vector<T, HugePageAllocator<T>>;

    std::vector<Chunk> chunks_;  // all full but the last
    std::size_t size_ = 0;
};

}  // namespace drywall::whatif

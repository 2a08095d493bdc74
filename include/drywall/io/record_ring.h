// RecordRing: fixed-size records of one thread on their way to another (rte_ring over memory of our own; no EAL
// needed).
//
// Threads: one producer, one consumer; nobody waits.
// Memory:  all of it reserved at start; a full ring refuses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>

struct rte_ring;

namespace drywall::io {

// The ring itself, which knows of a record only how long it is.
class UntypedRing {
public:
    // REQUIRES: records > 0, record_bytes is a multiple of 4
    UntypedRing(std::uint32_t records, std::uint32_t record_bytes);

    [[nodiscard]] std::size_t push(const void* records, std::size_t count) noexcept;
    [[nodiscard]] std::size_t pop(void* records, std::size_t count) noexcept;
    [[nodiscard]] std::size_t capacity() const noexcept;

private:
    struct Free {
        void operator()(rte_ring* memory) const noexcept;
    };
    std::uint32_t record_bytes_;
    std::unique_ptr<rte_ring, Free> ring_;
};

template <typename Record>
class RecordRing {
    static_assert(std::is_trivially_copyable_v<Record>);
    static_assert(sizeof(Record) % 4 == 0, "rte_ring copies elements in words of four bytes");

public:
    // REQUIRES: records > 0
    explicit RecordRing(std::uint32_t records) : ring_(records, sizeof(Record)) {}

    // How many fitted, from the front.
    [[nodiscard]] std::size_t push(std::span<const Record> records) noexcept {
        return ring_.push(records.data(), records.size());
    }
    // How many were there to take.
    [[nodiscard]] std::size_t pop(std::span<Record> records) noexcept {
        return ring_.pop(records.data(), records.size());
    }
    [[nodiscard]] std::size_t capacity() const noexcept { return ring_.capacity(); }

private:
    UntypedRing ring_;
};

}  // namespace drywall::io

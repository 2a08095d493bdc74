// ByteWriter and ByteReader: numbers and texts as bytes, and back without ever reading past their end.
//
// Threads: values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace drywall::observe {

class ByteWriter {
public:
    void byte(std::uint8_t value) { bytes_ += static_cast<char>(value); }
    void raw(std::string_view bytes) { bytes_ += bytes; }
    void number(std::uint64_t value) {
        for (; value >= 0x80; value >>= 7) byte(static_cast<std::uint8_t>(value | 0x80));
        byte(static_cast<std::uint8_t>(value));
    }
    void signed_number(std::int64_t value) {
        const auto bits = static_cast<std::uint64_t>(value);
        number(bits << 1 ^ (value < 0 ? ~std::uint64_t{0} : 0));
    }
    void text(std::string_view text) {
        number(text.size());
        raw(text);
    }
    [[nodiscard]] std::string_view bytes() const noexcept { return bytes_; }
    [[nodiscard]] std::string take() { return std::exchange(bytes_, {}); }

private:
    std::string bytes_;
};

// After the first mistake everything reads as zero and good() is false.
class ByteReader {
public:
    explicit ByteReader(std::string_view bytes) : left_(bytes) {}

    [[nodiscard]] bool good() const noexcept { return good_; }
    [[nodiscard]] bool empty() const noexcept { return left_.empty(); }
    void spoil() noexcept {
        good_ = false;
        left_ = {};
    }

    std::string_view raw(std::size_t size) noexcept {
        if (size > left_.size()) {
            spoil();
            return {};
        }
        const std::string_view out = left_.substr(0, size);
        left_.remove_prefix(size);
        return out;
    }
    std::uint8_t byte() noexcept {
        const std::string_view one = raw(1);
        return one.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(one.front());
    }
    std::uint64_t number() noexcept {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            const std::uint8_t next = byte();
            value |= std::uint64_t{next & 0x7fU} << shift;
            if ((next & 0x80U) == 0) return value;
        }
        spoil();
        return 0;
    }
    std::int64_t signed_number() noexcept {
        const std::uint64_t bits = number();
        return static_cast<std::int64_t>(bits >> 1 ^ (~(bits & 1) + 1));
    }
    std::string_view text() noexcept { return raw(number()); }
    // Of things that take at least a byte each: more than there are bytes left is a mistake.
    std::uint64_t count() noexcept {
        const std::uint64_t value = number();
        if (value <= left_.size()) return value;
        spoil();
        return 0;
    }

private:
    std::string_view left_;
    bool good_ = true;
};

}  // namespace drywall::observe

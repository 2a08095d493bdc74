// Input: a fuzzer's bytes as numbers. When they are used up, all further ones are 0.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>

namespace drywall::fuzz {

// Ends the run, as a fuzzer wants it of a finding.
inline void require(bool condition, const char* what) {
    if (condition) return;
    std::fprintf(stderr, "violated: %s\n", what);
    std::abort();
}

class Input {
public:
    explicit Input(std::span<const std::uint8_t> bytes) : rest_(bytes) {}

    [[nodiscard]] bool empty() const noexcept { return rest_.empty(); }

    std::uint8_t byte() noexcept {
        if (rest_.empty()) return 0;
        const std::uint8_t first = rest_.front();
        rest_ = rest_.subspan(1);
        return first;
    }
    // A short number in most of its forms, so that little of the input decides much.
    std::uint64_t number() noexcept {
        constexpr std::uint8_t kLong = 0xf8;
        std::uint64_t value = byte();
        for (int more = value >= kLong ? 4 : 0; more > 0; --more) value = value << 8 | byte();
        return value;
    }
    std::span<const std::uint8_t> bytes(std::size_t count) noexcept {
        const auto taken = rest_.first(count < rest_.size() ? count : rest_.size());
        rest_ = rest_.subspan(taken.size());
        return taken;
    }

private:
    std::span<const std::uint8_t> rest_;
};

// The input as the generator of what is random in Traffic.
struct InputNumbers {
    Input& input;
    std::uint64_t operator()() noexcept { return input.number(); }
};

}  // namespace drywall::fuzz

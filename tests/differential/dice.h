// Dice: what random inventories and packets are rolled with. The same seed rolls the same on every machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <random>
#include <utility>
#include <vector>

namespace drywall::test {

class Dice {
public:
    explicit Dice(std::uint64_t seed) : random_(seed) {}

    // REQUIRES: bound > 0
    std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_() % bound); }
    bool chance(std::size_t in_a_hundred) { return below(100) < in_a_hundred; }

    template <typename Values>
    auto one_of(const Values& values) {
        return values[below(values.size())];
    }
    template <typename T>
    T pick(std::initializer_list<T> values) {
        return values.begin()[below(values.size())];
    }

    // Removes what it returns; REQUIRES: !values.empty()
    template <typename T>
    T draw(std::vector<T>& values) {
        const std::size_t at = below(values.size());
        T drawn = std::move(values[at]);
        values.erase(values.begin() + static_cast<std::ptrdiff_t>(at));
        return drawn;
    }

private:
    std::mt19937_64 random_;
};

}  // namespace drywall::test

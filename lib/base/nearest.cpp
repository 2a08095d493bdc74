#include "drywall/base/nearest.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace drywall {
namespace {

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Single-character edits, swapped neighbours and letter case count one each (optimal string alignment).
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1);
    std::vector<std::size_t> above(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(above.begin(), above.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
            row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + change});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = std::min(row[j], before[j - 2] + 1);
        }
        std::swap(before, above);
        std::swap(above, row);
    }
    return above[b.size()];
}

bool same_letters(std::string_view a, std::string_view b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

std::string did_you_mean(std::string_view text, const std::vector<std::string_view>& candidates) {
    constexpr std::size_t kLongest = 64;  // a name of ours is shorter; more is not worth the time
    if (text.size() > kLongest) return {};
    const std::size_t bound = std::max<std::size_t>(1, text.size() / 3);
    std::size_t nearest = bound + 1;
    std::string_view best;
    for (const std::string_view candidate : candidates) {
        const std::size_t distance = same_letters(text, candidate) ? 0 : edit_distance(text, candidate);
        if (distance >= nearest) continue;
        nearest = distance;
        best = candidate;
    }
    return best.empty() ? std::string() : "did you mean '" + std::string(best) + "'?";
}

}  // namespace drywall

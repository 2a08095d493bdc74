#include "text_diff.h"

#include <algorithm>
#include <cstdint>

#include "drywall/loader/resources.h"

namespace drywall::control {

namespace {

constexpr std::size_t kAround = 3;              // lines shown around a change
constexpr std::size_t kMostCells = 16'000'000;  // beyond that a text is replaced as a whole

using Lines = std::vector<std::string_view>;

struct Step {
    char mark;  // ' ', '-' or '+'
    std::string_view line;
};

Lines lines_of(std::string_view text) {
    Lines lines;
    while (!text.empty()) {
        lines.push_back(text.substr(0, text.find('\n')));
        text.remove_prefix(std::min(text.size(), lines.back().size() + 1));
    }
    return lines;
}

// longest[i][j]: of the common subsequence of what follows line i and line j.
class Longest {
public:
    Longest(const Lines& before, const Lines& after)
        : width_(after.size() + 1), cells_((before.size() + 1) * width_, 0) {
        for (std::size_t i = before.size(); i-- > 0;)
            for (std::size_t j = after.size(); j-- > 0;)
                cells_[i * width_ + j] =
                    before[i] == after[j] ? at(i + 1, j + 1) + 1 : std::max(at(i + 1, j), at(i, j + 1));
    }
    [[nodiscard]] std::uint32_t at(std::size_t i, std::size_t j) const { return cells_[i * width_ + j]; }

private:
    std::size_t width_;
    std::vector<std::uint32_t> cells_;
};

std::vector<Step> steps_between(const Lines& before, const Lines& after) {
    std::vector<Step> steps;
    std::size_t i = 0;
    std::size_t j = 0;
    if ((before.size() + 1) * (after.size() + 1) <= kMostCells) {
        const Longest longest(before, after);
        while (i < before.size() && j < after.size()) {
            if (before[i] == after[j]) {
                steps.push_back({' ', before[i++]});
                ++j;
            } else if (longest.at(i + 1, j) >= longest.at(i, j + 1)) {
                steps.push_back({'-', before[i++]});
            } else {
                steps.push_back({'+', after[j++]});
            }
        }
    }
    while (i < before.size()) steps.push_back({'-', before[i++]});
    while (j < after.size()) steps.push_back({'+', after[j++]});
    return steps;
}

// From the first change at or after `from` to where the unchanged lines behind it are too many to bridge.
struct Hunk {
    std::size_t begin;
    std::size_t end;
};

Hunk next_hunk(const std::vector<Step>& steps, std::size_t from) {
    std::size_t change = from;
    while (change < steps.size() && steps[change].mark == ' ') ++change;
    if (change == steps.size()) return {change, change};
    std::size_t last = change;
    for (std::size_t k = change; k < steps.size() && k <= last + 2 * kAround; ++k)
        if (steps[k].mark != ' ') last = k;
    return {std::max(from, change - std::min(change, kAround)), std::min(steps.size(), last + 1 + kAround)};
}

std::string range(char sign, std::size_t before, std::size_t count) {
    return sign + std::to_string(count == 0 ? before : before + 1) + (count == 1 ? "" : ',' + std::to_string(count));
}

std::string yaml_of(const policy::Inventory& inventory, const policy::ResourceId& id) {
    const auto found = inventory.find(id);
    return found == inventory.end() ? std::string() : loader::to_yaml(*found->second);
}

}  // namespace

std::string text_diff(std::string_view before, std::string_view after) {
    if (before == after) return {};
    const std::vector<Step> steps = steps_between(lines_of(before), lines_of(after));
    const auto count = [&](std::size_t begin, std::size_t end, char mark) {
        return static_cast<std::size_t>(std::count_if(
            steps.begin() + static_cast<std::ptrdiff_t>(begin), steps.begin() + static_cast<std::ptrdiff_t>(end),
            [mark](const Step& step) { return step.mark == ' ' || step.mark == mark; }));
    };
    std::string out;
    for (Hunk hunk = next_hunk(steps, 0); hunk.begin < steps.size(); hunk = next_hunk(steps, hunk.end)) {
        out += "@@ " + range('-', count(0, hunk.begin, '-'), count(hunk.begin, hunk.end, '-')) + ' ' +
               range('+', count(0, hunk.begin, '+'), count(hunk.begin, hunk.end, '+')) + " @@\n";
        for (std::size_t k = hunk.begin; k < hunk.end; ++k) {
            out += steps[k].mark;
            out.append(steps[k].line).push_back('\n');
        }
    }
    return out;
}

std::vector<ResourceDiff> resource_diffs(const policy::Inventory& before, const std::string& before_name,
                                         const policy::Inventory& after, const std::string& after_name) {
    std::vector<ResourceDiff> diffs;
    const auto add = [&](const policy::ResourceId& id, Outcome outcome) {
        const std::string text = text_diff(yaml_of(before, id), yaml_of(after, id));
        if (text.empty()) return;
        const std::string from = outcome == Outcome::kCreated ? "/dev/null" : id.text() + '\t' + before_name;
        const std::string to = outcome == Outcome::kDeleted ? "/dev/null" : id.text() + '\t' + after_name;
        diffs.push_back({{id, outcome}, "--- " + from + "\n+++ " + to + '\n' + text});
    };
    for (const auto& [id, resource] : after) {
        const auto known = before.find(id);
        if (known == before.end()) {
            add(id, Outcome::kCreated);
        } else if (known->second != resource) {
            add(id, Outcome::kConfigured);
        }
    }
    for (const auto& [id, resource] : before)
        if (!after.contains(id)) add(id, Outcome::kDeleted);
    return diffs;
}

}  // namespace drywall::control

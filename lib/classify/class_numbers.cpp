#include "class_numbers.h"

#include <algorithm>
#include <utility>

#include "normal_program.h"

namespace drywall::classify {

std::vector<std::uint32_t> ClassNumbers::start(const Contents& classes, std::span<const std::uint32_t> order,
                                               std::size_t spare) {
    std::vector<std::uint32_t> numbers(order.size());
    for (std::uint32_t number = 0; number < order.size(); ++number) {
        const std::uint32_t content = known(classes[order[number]]);
        number_of_[content] = number;
        content_at_.push_back(content);
        numbers[order[number]] = number;
    }
    content_at_.resize(order.size() + spare, kNone);
    at_first_ = order.size();
    return numbers;
}

std::optional<std::vector<std::uint32_t>> ClassNumbers::go_on(
    const Contents& classes, const std::function<std::uint32_t(std::uint32_t)>& place) {
    if (classes.size() > size() || 2 * classes.size() < at_first_) return std::nullopt;
    std::vector<std::uint32_t> content_of(classes.size());
    std::vector<bool> stays(size(), false);
    for (std::uint32_t id = 0; id < classes.size(); ++id) {
        content_of[id] = known(classes[id]);
        if (const std::uint32_t number = number_of_[content_of[id]]; number != kNone) stays[number] = true;
    }
    for (std::size_t number = 0; number < size(); ++number) {
        if (stays[number] || content_at_[number] == kNone) continue;
        number_of_[content_at_[number]] = kNone;
        content_at_[number] = kNone;
    }
    const auto settle = [&](std::uint32_t id, std::uint32_t number) {
        number_of_[content_of[id]] = number;
        content_at_[number] = content_of[id];
    };
    std::vector<std::uint32_t> homeless;
    for (std::uint32_t id = 0; id < classes.size(); ++id) {
        if (number_of_[content_of[id]] != kNone) continue;
        const std::uint32_t number = place(id);
        if (number != kNone && content_at_[number] == kNone) {
            settle(id, number);
        } else {
            homeless.push_back(id);
        }
    }
    std::uint32_t vacant = 0;
    for (const std::uint32_t id : homeless) {
        while (content_at_[vacant] != kNone) ++vacant;
        settle(id, vacant);
    }
    std::vector<std::uint32_t> numbers;
    numbers.reserve(classes.size());
    for (const std::uint32_t content : content_of) numbers.push_back(number_of_[content]);
    return numbers;
}

std::uint32_t ClassNumbers::known(std::span<const std::uint32_t> content) {
    const std::uint32_t id = contents_.intern(content);
    if (id == number_of_.size()) number_of_.push_back(kNone);
    return id;
}

}  // namespace drywall::classify

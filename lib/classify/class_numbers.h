// ClassNumbers: numbers of the classes of one side that stay while programs come and go. A class is known by its
// content (step and matches that hold). What is no more leaves its number vacant, and what is new takes one.
//
// Threads: owned by one compilation, and kept for the next one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "interner.h"

namespace drywall::classify {

class ClassNumbers {
public:
    using Contents = Interner<std::uint32_t>;

    // The first program: its classes are numbered in `order`, and `spare` numbers are left vacant behind them.
    [[nodiscard]] std::vector<std::uint32_t> start(const Contents& classes, std::span<const std::uint32_t> order,
                                                   std::size_t spare);
    // One after it. `place` says which number had the addresses of a class before that is new now, or kNone. Nothing:
    // there is no room, or less than half as many as there were at first.
    [[nodiscard]] std::optional<std::vector<std::uint32_t>> go_on(
        const Contents& classes, const std::function<std::uint32_t(std::uint32_t)>& place);

    [[nodiscard]] bool empty() const noexcept { return content_at_.empty(); }
    // Numbers, the vacant ones among them.
    [[nodiscard]] std::size_t size() const noexcept { return content_at_.size(); }
    // By number: what stands for the content, the same in all programs; kNone: vacant.
    [[nodiscard]] const std::vector<std::uint32_t>& content_at() const noexcept { return content_at_; }
    [[nodiscard]] std::size_t bytes() const noexcept {
        return contents_.bytes() + (number_of_.size() + content_at_.size()) * sizeof(std::uint32_t);
    }

private:
    std::uint32_t known(std::span<const std::uint32_t> content);

    Contents contents_;                     // of all programs
    std::vector<std::uint32_t> number_of_;  // by id of contents_; kNone: none has it now
    std::vector<std::uint32_t> content_at_;
    std::size_t at_first_ = 0;  // classes of the first program
};

}  // namespace drywall::classify

// Complaints: everything that is wrong with one source, collected so that its author mends it in one go.
//
// Threads: one pass over one source.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "drywall/base/result.h"

namespace drywall::loader {

inline constexpr std::size_t kMaxComplaints = 20;

class Complaints {
public:
    explicit Complaints(std::string file) : file_(std::move(file)) {}

    void add(int line, int column, std::string message, std::string hint = {});
    // Understood, but not there yet. If nothing else is wrong the Error is kRefused.
    void unsupported(int line, int column, std::string message, std::string hint = {});

    [[nodiscard]] bool empty() const noexcept { return list_.empty(); }
    [[nodiscard]] bool full() const noexcept { return list_.size() >= kMaxComplaints; }
    [[nodiscard]] Place place(int line, int column) const { return {file_, line, column}; }

    // In the order of the text. REQUIRES: !empty()
    [[nodiscard]] Error error() &&;

private:
    std::string file_;
    std::vector<Complaint> list_;
    bool only_refusals_ = true;
};

// "did you mean 'source'?" for the candidate nearest to `text`, or "" if none is near.
[[nodiscard]] std::string did_you_mean(std::string_view text, const std::vector<std::string_view>& candidates);

// "a, b, c"
[[nodiscard]] std::string joined(const std::vector<std::string_view>& words);

// A person's text between quotes, shortened.
[[nodiscard]] std::string shown(std::string_view text);

}  // namespace drywall::loader

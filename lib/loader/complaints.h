// Complaints: everything that is wrong with one source, collected so that its author mends it in one go.
//
// Threads: one pass over one source.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "drywall/base/nearest.h"
#include "drywall/base/result.h"

namespace drywall::loader {

inline constexpr std::size_t kMaxComplaints = 1000;

class Complaints {
public:
    explicit Complaints(std::string file) : file_(std::move(file)) {}

    void add(int line, int column, std::string message, std::string hint = {});
    // Understood, but not there yet. If nothing else is wrong the Error is kRefused.
    void unsupported(int line, int column, std::string message, std::string hint = {});

    // Nothing is wrong, but the author should know.
    void warn(int line, int column, std::string message, std::string hint = {});

    // The resource that what follows is about.
    void about(Subject subject);

    // A field written as null counts as absent, with a warning; otherwise it is a complaint.
    void take_null_as_absent() noexcept { null_is_absent_ = true; }
    [[nodiscard]] bool null_is_absent() const noexcept { return null_is_absent_; }

    [[nodiscard]] bool empty() const noexcept { return list_.empty(); }
    [[nodiscard]] std::size_t count() const noexcept { return list_.size() + not_kept_; }
    // No more are kept, only counted: what makes a complaint nicer is not worth its time any more.
    [[nodiscard]] bool full() const noexcept { return list_.size() >= kMaxComplaints; }
    [[nodiscard]] Place place(int line, int column) const { return {file_, line, column}; }

    // In the order of the text. REQUIRES: !empty()
    [[nodiscard]] Error error() &&;
    [[nodiscard]] std::vector<Complaint> take_warnings();

private:
    [[nodiscard]] Complaint made(int line, int column, std::string message, std::string hint) const;

    std::string file_;
    Subject about_;
    std::vector<Complaint> list_;
    std::vector<Complaint> warnings_;
    std::size_t not_kept_ = 0;
    std::size_t warnings_not_kept_ = 0;
    bool only_refusals_ = true;
    bool null_is_absent_ = false;
};

// "a, b, c"
[[nodiscard]] std::string joined(const std::vector<std::string_view>& words);

// A person's text between quotes, shortened.
[[nodiscard]] std::string shown(std::string_view text);

}  // namespace drywall::loader

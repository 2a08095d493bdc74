// RotatingFile: lines appended to a file that is renamed when it grows too long, so that all of them together are
// bounded: FILE, FILE.1 (the one before), FILE.2, ...
//
// Threads: one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "drywall/base/result.h"

namespace drywall::observe {

class RotatingFile {
public:
    // `files` counts the current one; at least 1.
    RotatingFile(std::filesystem::path file, std::uint64_t max_bytes, unsigned files);
    ~RotatingFile();
    RotatingFile(const RotatingFile&) = delete;
    RotatingFile& operator=(const RotatingFile&) = delete;

    // Whole lines. What could not be written completely is taken back where that is possible.
    [[nodiscard]] Status append(std::string_view lines);

private:
    [[nodiscard]] Status open();
    [[nodiscard]] Status rotate();
    void close() noexcept;

    std::filesystem::path file_;
    std::uint64_t max_bytes_;
    unsigned files_;
    int fd_ = -1;
    std::uint64_t size_ = 0;
};

}  // namespace drywall::observe

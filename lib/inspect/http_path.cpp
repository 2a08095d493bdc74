#include "drywall/inspect/http_path.h"

#include <cstddef>

#include "http_characters.h"

namespace drywall::inspect {

namespace {

// Writes the path into the buffer, byte by byte, always normalised up to the last "/" that was written.
class PathWriter {
public:
    explicit PathWriter(std::span<char> buffer) noexcept : buffer_(buffer) { append('/'); }

    void add(char c) noexcept {
        if (c == '/') {
            end_segment();
            parameters_ = false;
        } else if (c == ';') {
            parameters_ = true;
        } else if (!parameters_) {
            append(c);
        }
    }

    [[nodiscard]] std::string_view finish() noexcept {
        const std::string_view last = segment();
        if (last == "." || last == "..") end_segment();
        return {buffer_.data(), size_};
    }

private:
    void append(char c) noexcept { buffer_[size_++] = c; }
    [[nodiscard]] std::string_view segment() const noexcept { return {buffer_.data() + segment_, size_ - segment_}; }

    void end_segment() noexcept {
        const std::string_view ended = segment();
        if (ended == "..") {
            leave_folder();
        } else if (ended.empty() || ended == ".") {
            size_ = segment_;
        } else {
            append('/');
        }
        segment_ = size_;
    }
    // From "/a/b/.." to "/a/"; the root has nothing above it.
    void leave_folder() noexcept {
        size_ = segment_ - 1;
        while (size_ > 0 && buffer_[size_ - 1] != '/') --size_;
        if (size_ == 0) size_ = 1;
    }

    std::span<char> buffer_;
    std::size_t size_ = 0;
    std::size_t segment_ = 1;  // where the segment that is being written begins; a "/" is before it
    bool parameters_ = false;  // in the matrix parameters of a segment
};

constexpr NormalisedPath refused(PathProblem problem) noexcept { return {problem, {}}; }

}  // namespace

NormalisedPath normalise_path(std::string_view target, std::span<char> buffer) noexcept {
    const std::string_view raw = target.substr(0, target.find('?'));
    if (!raw.starts_with('/')) return refused(PathProblem::kNotAbsolute);
    if (raw.size() > buffer.size()) return refused(PathProblem::kTooLong);
    PathWriter writer(buffer);
    for (std::size_t i = 1; i < raw.size(); ++i) {
        char c = raw[i];
        if (c == '%') {
            const int high = i + 2 < raw.size() ? hexadecimal(raw[i + 1]) : -1;
            const int low = i + 2 < raw.size() ? hexadecimal(raw[i + 2]) : -1;
            if (high < 0 || low < 0) return refused(PathProblem::kBadEncoding);
            c = static_cast<char>(high << 4 | low);
            i += 2;
        }
        if (c == '\0') return refused(PathProblem::kNul);
        if (c == '\\') return refused(PathProblem::kBackslash);
        writer.add(c);
    }
    return {PathProblem::kNone, writer.finish()};
}

std::string target_of(std::string_view path) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    constexpr std::string_view kPlain = "-._~!$&'()*+,=:@/";  // RFC 3986 3.3, without the ";" of parameters
    std::string out;
    for (const char c : path) {
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (letter || kPlain.find(c) != std::string_view::npos) {
            out += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        out += {'%', kHex[byte >> 4U], kHex[byte & 0xfU]};
    }
    return out;
}

}  // namespace drywall::inspect

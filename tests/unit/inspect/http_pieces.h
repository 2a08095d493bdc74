// A stream of HTTP fed to the reader in pieces, and what came out of it as lines of text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "drywall/inspect/http_request.h"

namespace drywall::inspect {

inline std::string_view name_of(Problem problem) {
    switch (problem) {
        case Problem::kNone: return "none";
        case Problem::kMalformed: return "malformed";
        case Problem::kNotHttp: return "not HTTP";
        case Problem::kHttp2: return "HTTP/2";
        case Problem::kUpgraded: return "upgraded";
        case Problem::kNotTls: return "not TLS";
        case Problem::kOverLimit: return "over limit";
        case Problem::kUnseen: return "unseen";
    }
    return "?";
}

class HttpPieces {
public:
    explicit HttpPieces(std::uint32_t max_head = 1024) : reader_(max_head) {}

    // More of the stream. What is fed is moved to memory of its own, so that a sanitizer sees a reader that looks too
    // far.
    void feed(std::string_view more) {
        rest_.insert(rest_.end(), more.begin(), more.end());
        while (read_one()) {
        }
    }

    // "GET /path host", "body 5", "framing", "malformed at 17"
    [[nodiscard]] const std::vector<std::string>& told() const { return told_; }

private:
    bool read_one() {
        const std::vector<char> exact(rest_.begin(), rest_.end());
        HttpHead head;
        const HttpProgress step = reader_.read({exact.data(), exact.size()}, head);
        switch (step.step) {
            case HttpStep::kMore: return false;
            case HttpStep::kHead: tell(head); break;
            case HttpStep::kFraming: break;
            case HttpStep::kBody: body_ += step.size; break;
            case HttpStep::kProblem:
                end_body();
                if (!failed_) told_.emplace_back(name_of(step.problem));
                failed_ = true;
                return false;
        }
        rest_.erase(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(step.size));
        return true;
    }

    void tell(const HttpHead& head) {
        end_body();
        std::string line(head.method);
        line.append(" ").append(head.path).append(" ").append(head.host);
        if (head.content_length > 0) line += " length " + std::to_string(head.content_length);
        if (head.chunked) line += " chunked";
        if (head.upgrade) line += " upgrade";
        if (head.expect_continue) line += " expect";
        told_.push_back(line);
    }
    // Contents may come in any number of steps, so they are told as one, when something else comes.
    void end_body() {
        if (body_ > 0) told_.push_back("contents " + std::to_string(body_));
        body_ = 0;
    }

    HttpReader reader_;
    std::string rest_;
    std::vector<std::string> told_;
    std::size_t body_ = 0;
    bool failed_ = false;
};

// Whole, in two pieces for every place to cut, and byte by byte.
inline std::vector<std::string> told_whole(std::string_view stream, std::uint32_t max_head = 1024) {
    HttpPieces pieces(max_head);
    pieces.feed(stream);
    return pieces.told();
}
inline std::vector<std::string> told_cut_at(std::string_view stream, std::size_t cut, std::uint32_t max_head = 1024) {
    HttpPieces pieces(max_head);
    pieces.feed(stream.substr(0, cut));
    pieces.feed(stream.substr(cut));
    return pieces.told();
}
inline std::vector<std::string> told_by_bytes(std::string_view stream, std::uint32_t max_head = 1024) {
    HttpPieces pieces(max_head);
    for (const char& c : stream) pieces.feed({&c, 1});
    return pieces.told();
}

}  // namespace drywall::inspect

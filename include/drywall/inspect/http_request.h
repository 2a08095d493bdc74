// HttpReader: a client's byte stream as HTTP/1.x requests (RFC 9112), heads and framing, not contents.
//
// It is strict: what two programs may read in two ways is a problem, not a guess (request smuggling). Each line is
// judged when it is complete, and bytes that no line may hold are noticed at once, so nothing that a lenient server
// would take as a request passes before it was judged.
//
//   malformed   bare CR or LF, NUL and other control characters; no or another version than 1.0 and 1.1; a method
//               of more than 32 characters; a target that is of none of the four forms, or has a "#"; space before a
//               field's colon, obs-fold, names that are no token; Content-Length that is no number, or twice and
//               different, or together with Transfer-Encoding; Transfer-Encoding other than "chunked" once, or in
//               HTTP/1.0; tabs in either; Connection that names one of them; Host twice, or no host; a body of
//               CONNECT; chunk sizes and trailers against the grammar
//   over limit  a head, a chunk's line or a trailer section longer than max_head
//
// Threads: one stream, one owner. noexcept, nothing is allocated, nothing is kept of the bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "drywall/inspect/finding.h"

namespace drywall::inspect {

// The views are into the bytes that were given to read().
struct HttpHead {
    std::string_view method;
    std::string_view target;  // as sent
    std::string_view
        path;  // of the target: with query, not normalised; "/" of an absolute form without one; empty of CONNECT
    std::string_view host;  // of the target where it has one, else of the field; may be empty
    std::uint64_t content_length = 0;
    bool chunked = false;
    bool http_1_1 = false;
    bool connect = false;
    bool upgrade = false;          // an Upgrade field, or CONNECT
    bool expect_continue = false;  // the client waits for 100 (Continue) before it sends the body
};

// What was seen of the fields that frame a request, and may not be seen twice.
struct HttpFraming {
    std::uint64_t length = 0;  // the Content-Length
    bool host = false;
    bool content_length = false;
    bool transfer_encoding = false;
};

enum class HttpStep : std::uint8_t {
    kMore,     // what is there is fine so far, and no whole unit: come again with these bytes and more behind them
    kHead,     // a request's head, up to and with the empty line
    kFraming,  // a chunk's line, the end of a chunk, a trailer section, or an empty line before a request
    kBody,     // contents
    kProblem,  // for good: nothing further is read
};

struct HttpProgress {
    HttpStep step = HttpStep::kMore;
    std::size_t size = 0;  // bytes that are done with; 0 with kMore and kProblem
    Problem problem = Problem::kNone;
};

class HttpReader {
public:
    // max_head: the most bytes of a head, in all.
    explicit HttpReader(std::uint32_t max_head) noexcept : max_head_(max_head) {}

    // Reads the next unit. `bytes` is everything of the stream that is not done with, from the first such byte on,
    // contiguous; after kMore the same bytes come again, and more behind them. `head` is filled in with kHead.
    [[nodiscard]] HttpProgress read(std::string_view bytes, HttpHead& head) noexcept;

    // The next bytes that are contents, whatever they are, without reading them.
    [[nodiscard]] std::uint64_t body_left() const noexcept;

    // Is done with as many bytes of contents. REQUIRES: size <= body_left()
    void skip_body(std::uint64_t size) noexcept;

private:
    enum class State : std::uint8_t { kStart, kHead, kBody, kChunkSize, kChunkData, kChunkEnd, kTrailer, kDone };
    enum class Line : std::uint8_t { kWhole, kUnfinished, kWrong, kTooLong };

    // The next line of the unit that begins at bytes[0], without its CRLF.
    [[nodiscard]] Line next_line(std::string_view bytes, std::string_view& line) noexcept;

    [[nodiscard]] HttpProgress read_start(std::string_view bytes, HttpHead& head) noexcept;
    [[nodiscard]] HttpProgress read_head(std::string_view bytes, HttpHead& head) noexcept;
    [[nodiscard]] HttpProgress end_head(HttpHead& head) noexcept;
    [[nodiscard]] HttpProgress read_contents(std::string_view bytes) noexcept;
    [[nodiscard]] HttpProgress read_chunk_size(std::string_view bytes) noexcept;
    [[nodiscard]] HttpProgress read_chunk_end(std::string_view bytes) noexcept;
    [[nodiscard]] HttpProgress read_trailer(std::string_view bytes) noexcept;

    [[nodiscard]] HttpProgress done(HttpStep step, std::size_t size, State next) noexcept;
    [[nodiscard]] HttpProgress fail(Problem problem) noexcept;
    [[nodiscard]] HttpProgress fail(Line line) noexcept;
    [[nodiscard]] Problem start_problem() const noexcept;

    std::uint64_t left_ = 0;  // of the contents or chunk
    HttpFraming fields_;      // of the head that is being read
    std::uint32_t max_head_;
    std::uint32_t line_ = 0;     // where the first line begins that was not judged, from the beginning of the unit
    std::uint32_t scanned_ = 0;  // how far the characters of that line were looked at
    State state_ = State::kStart;
    Problem problem_ = Problem::kNone;
    bool first_ = true;           // no request yet
    bool after_upgrade_ = false;  // the request before asked for an upgrade
    bool empty_line_ = false;     // an empty line was let pass before this request
};

}  // namespace drywall::inspect

#include "drywall/inspect/http_request.h"

#include <algorithm>
#include <cassert>

#include "http_characters.h"
#include "http_head.h"

namespace drywall::inspect {

namespace {

constexpr HttpProgress kMore{};

// Whether the bytes begin as a request does: a token, then a space. What is shorter may still become one.
bool begins_with_method(std::string_view bytes) noexcept {
    const std::string_view beginning = bytes.substr(0, kMaxMethod + 1);
    for (std::size_t i = 0; i < beginning.size(); ++i)
        if (!is_of(beginning[i], kTokenCharacter)) return i > 0 && beginning[i] == ' ';
    return beginning.size() <= kMaxMethod;
}

// Servers skip blanks and empty lines before a request, and some take others for the space behind its method: what one
// of them would serve is no other protocol. Line ends behind a word are, as in "QUIT\r\n".
bool begins_with_blank_or_splits_method(std::string_view bytes) noexcept {
    const std::string_view beginning = bytes.substr(0, kMaxMethod + 1);
    const std::size_t at = beginning.find_first_of(" \t\v\f\r\n");
    if (at == std::string_view::npos || !all_of(beginning.substr(0, at), kTokenCharacter)) return false;
    return at == 0 || (beginning[at] != '\r' && beginning[at] != '\n');
}

// The lines came in pieces, and what was read of the first ones is gone. Each was fine; now all together.
void reread_head(std::string_view bytes, HttpHead& head) noexcept {
    HttpFraming fields;
    for (std::size_t from = 0, end = 0; from + 2 < bytes.size(); from = end + 2) {
        end = bytes.find("\r\n", from);
        const std::string_view line = bytes.substr(from, end - from);
        (void)(from == 0 ? read_request_line(line, head) : read_field(line, head, fields));
    }
}

}  // namespace

HttpProgress HttpReader::read(std::string_view bytes, HttpHead& head) noexcept {
    if (state_ == State::kDone) return {HttpStep::kProblem, 0, problem_};
    if (bytes.empty()) return kMore;
    switch (state_) {
        case State::kStart: return read_start(bytes, head);
        case State::kHead: return read_head(bytes, head);
        case State::kBody:
        case State::kChunkData: return read_contents(bytes);
        case State::kChunkSize: return read_chunk_size(bytes);
        case State::kChunkEnd: return read_chunk_end(bytes);
        case State::kTrailer: return read_trailer(bytes);
        case State::kDone: break;
    }
    return fail(Problem::kMalformed);
}

std::uint64_t HttpReader::body_left() const noexcept {
    return state_ == State::kBody || state_ == State::kChunkData ? left_ : 0;
}

HttpReader::Line HttpReader::next_line(std::string_view bytes, std::string_view& line) noexcept {
    const std::string_view allowed = bytes.substr(0, max_head_);
    const std::size_t end = find_no_field_character(allowed, scanned_);
    scanned_ = static_cast<std::uint32_t>(end);
    if (end == allowed.size()) return bytes.size() > max_head_ ? Line::kTooLong : Line::kUnfinished;
    line = bytes.substr(line_, end - line_);
    if (bytes[end] != '\r') return Line::kWrong;
    if (end + 1 == bytes.size()) return Line::kUnfinished;
    if (bytes[end + 1] != '\n') return Line::kWrong;
    if (end + 2 > max_head_) return Line::kTooLong;
    line_ = scanned_ = static_cast<std::uint32_t>(end + 2);
    return Line::kWhole;
}

HttpProgress HttpReader::read_start(std::string_view bytes, HttpHead& head) noexcept {
    if (bytes.front() == '\r' && !empty_line_) {  // RFC 9112 2.2: one is to be ignored
        if (bytes.size() == 1) return kMore;
        if (bytes[1] != '\n') return fail(Problem::kMalformed);
        empty_line_ = true;
        return done(HttpStep::kFraming, 2, State::kStart);
    }
    if (!begins_with_method(bytes))
        return fail(begins_with_blank_or_splits_method(bytes) ? Problem::kMalformed : start_problem());
    if (bytes.size() > kMaxMethod) state_ = State::kHead;  // the method was seen whole
    return read_head(bytes, head);
}

HttpProgress HttpReader::read_head(std::string_view bytes, HttpHead& head) noexcept {
    const bool in_one_piece = line_ == 0;
    for (;;) {
        const bool request_line = line_ == 0;
        std::string_view line;
        const Line read = next_line(bytes, line);
        if (read == Line::kUnfinished) return kMore;
        if (read == Line::kWrong && request_line && !looks_like_request(line)) return fail(start_problem());
        if (read != Line::kWhole) return fail(read);
        if (request_line) {
            fields_ = {};
            if (line == "PRI * HTTP/2.0" && (first_ || after_upgrade_)) return fail(Problem::kHttp2);
            if (read_request_line(line, head)) continue;
            return fail(looks_like_request(line) ? Problem::kMalformed : start_problem());
        }
        if (line.empty()) break;
        if (!read_field(line, head, fields_)) return fail(Problem::kMalformed);
    }
    if (!in_one_piece) reread_head(bytes.substr(0, line_), head);
    return fits_together(head, fields_) ? end_head(head) : fail(Problem::kMalformed);
}

HttpProgress HttpReader::end_head(HttpHead& head) noexcept {
    first_ = false;
    empty_line_ = false;
    after_upgrade_ = head.upgrade;
    left_ = head.content_length;
    return done(HttpStep::kHead, line_, head.chunked ? State::kChunkSize : left_ > 0 ? State::kBody : State::kStart);
}

HttpProgress HttpReader::read_contents(std::string_view bytes) noexcept {
    const std::uint64_t size = std::min<std::uint64_t>(left_, bytes.size());
    skip_body(size);
    return done(HttpStep::kBody, static_cast<std::size_t>(size), state_);
}

void HttpReader::skip_body(std::uint64_t size) noexcept {
    assert(size <= body_left());
    left_ -= size;
    if (size > 0 && left_ == 0) state_ = state_ == State::kBody ? State::kStart : State::kChunkEnd;
}

HttpProgress HttpReader::read_chunk_size(std::string_view bytes) noexcept {
    std::string_view line;
    const Line read = next_line(bytes, line);
    if (read == Line::kUnfinished) return kMore;
    if (read != Line::kWhole) return fail(read);
    if (!read_chunk_line(line, left_)) return fail(Problem::kMalformed);
    return done(HttpStep::kFraming, line_, left_ == 0 ? State::kTrailer : State::kChunkData);
}

HttpProgress HttpReader::read_chunk_end(std::string_view bytes) noexcept {
    if (bytes[0] != '\r') return fail(Problem::kMalformed);
    if (bytes.size() == 1) return kMore;
    if (bytes[1] != '\n') return fail(Problem::kMalformed);
    return done(HttpStep::kFraming, 2, State::kChunkSize);
}

HttpProgress HttpReader::read_trailer(std::string_view bytes) noexcept {
    for (;;) {
        std::string_view line;
        const Line read = next_line(bytes, line);
        if (read == Line::kUnfinished) return kMore;
        if (read != Line::kWhole) return fail(read);
        if (line.empty()) return done(HttpStep::kFraming, line_, State::kStart);
        if (!read_trailer_field(line)) return fail(Problem::kMalformed);
    }
}

HttpProgress HttpReader::done(HttpStep step, std::size_t size, State next) noexcept {
    state_ = next;
    line_ = scanned_ = 0;
    return {step, size, Problem::kNone};
}

HttpProgress HttpReader::fail(Problem problem) noexcept {
    state_ = State::kDone;
    problem_ = problem;
    return {HttpStep::kProblem, 0, problem};
}

HttpProgress HttpReader::fail(Line line) noexcept {
    return fail(line == Line::kTooLong ? Problem::kOverLimit : Problem::kMalformed);
}

Problem HttpReader::start_problem() const noexcept {
    if (first_) return Problem::kNotHttp;
    return after_upgrade_ ? Problem::kUpgraded : Problem::kMalformed;
}

}  // namespace drywall::inspect

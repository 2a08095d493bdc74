// Inspector: reads what one side of TCP connections sends, by its sequence numbers, and says what was found.
//
// One per worker. A connection that needs inspection gets a context; each of its segments that carries data is taken,
// its findings asked for, and the context closed when nobody asks any more:
//
//     ContextId context = inspector.open(Protocol::kHttp, first_sequence);
//     ...
//     const Fate fate = inspector.take(context, segment);
//     if (fate != Fate::kPass) drop;
//     for (Finding finding; inspector.next(finding);) judge(finding);   // to the end, or close()
//
// What makes the judgement hold, although the segment goes on and anybody may send again what was sent before:
//   - Data in order is read where it lies. What comes before its turn passes with a copy kept: the receiver can do
//     nothing with it before the gap is filled, and then the copy is read with what fills it, before that passes.
//   - What was read and has structure (heads, chunk lines) is kept until the receiver acknowledged it. Until then
//     every segment must repeat it to the byte (Fate::kOverlap). Of contents only the length matters, and neither
//     before nor in their turn are they kept.
//   - What the receiver acknowledged passes unread: it takes no other bytes in that place.
//   - Urgent data is malformed: some receivers take a byte of it out of the stream (RFC 6093), and read another one.
//
// Memory:  everything is allocated by create(): contexts, and blocks of 256 bytes for what is kept. Where blocks are
//          short a segment is not passed and nothing changed (Fate::kLimit): sent again later, it may.
// Threads: one worker. All but create() is noexcept and allocates nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "drywall/base/result.h"
#include "drywall/inspect/finding.h"

namespace drywall::inspect {

enum class Protocol : std::uint8_t {
    kHttp,  // a client's requests
    kTls,   // a client's greeting; then finished
    kDns,   // messages with their length before them (RFC 1035 4.2.2), either direction
};

struct InspectorSettings {
    std::size_t connections = 16384;        // contexts
    std::size_t buffers = 16 << 20;         // bytes, of all blocks together
    std::size_t per_connection = 64 << 10;  // bytes, of blocks that one connection may hold
    std::size_t max_head = 16 << 10;        // bytes of a head or ClientHello; at most a quarter of per_connection
};

enum class ContextId : std::uint32_t {};
inline constexpr ContextId kNoContext{~std::uint32_t{0}};

struct Segment {
    std::uint32_t sequence = 0;             // of the first byte of the payload (not of a SYN)
    std::span<const std::uint8_t> payload;  // stays until the last finding was taken
    std::uint32_t acknowledged = 0;         // the highest number that the receiver acknowledged; before it, it has all
    bool urgent = false;                    // the URG flag
};

enum class Fate : std::uint8_t {
    kPass,
    kOverlap,  // contradicts bytes that came before and that the receiver may not have yet
    kLimit,    // no memory for what would have to be kept; not read, nothing changed
};

struct InspectorUsage {
    std::size_t contexts = 0;       // open
    std::size_t blocks = 0;         // in use
    std::size_t contexts_most = 0;  // that exist
    std::size_t blocks_most = 0;
};

class Inspector {
public:
    // An error says which size makes no sense.
    [[nodiscard]] static Result<Inspector> create(const InspectorSettings& settings);

    Inspector(Inspector&&) noexcept;
    Inspector& operator=(Inspector&&) noexcept;
    ~Inspector();

    // first_sequence: of the first byte of data, which is one after the SYN's. kNoContext: all are in use.
    [[nodiscard]] ContextId open(Protocol protocol, std::uint32_t first_sequence) noexcept;

    // REQUIRES of all: the context is open
    void close(ContextId context) noexcept;

    // What is to happen to the segment, before its findings are judged. With kPass next() has the findings.
    [[nodiscard]] Fate take(ContextId context, const Segment& segment) noexcept;

    // The next finding of the segment that was taken last; false: there is none left. The views inside hold until the
    // next call. Who stops before the end, because the segment is dropped, closes the context.
    [[nodiscard]] bool next(Finding& finding) noexcept;

    // The receiver has everything before this sequence number, and what was kept of it is forgotten. So does take().
    void acknowledge(ContextId context, std::uint32_t acknowledged) noexcept;

    // Nothing further will be found: the greeting was read, or there was a problem. Segments pass unread.
    [[nodiscard]] bool finished(ContextId context) const noexcept;

    // The request that was found last, to be judged again by other rules; false: none yet. `host` is not kept. The
    // views hold until the next call.
    [[nodiscard]] bool last_request(ContextId context, Request& request) noexcept;

    [[nodiscard]] InspectorUsage usage() const noexcept;

private:
    struct State;
    explicit Inspector(std::unique_ptr<State> state) noexcept;

    std::unique_ptr<State> state_;
};

}  // namespace drywall::inspect

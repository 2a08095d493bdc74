// The ClientHello at the beginning of a TLS client's stream (RFC 8446 4.1.2, and the same in TLS 1.0 to 1.2): which
// server it names (RFC 6066), and whether it hides another one (Encrypted Client Hello, RFC 9849). It may be fragmented
// over several records, and they over any number of segments. QUIC and DTLS are other protocols.
//
// Threads: a function without state; noexcept, nothing is allocated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "drywall/inspect/finding.h"

namespace drywall::inspect {

enum class HelloStep : std::uint8_t {
    kMore,      // fine so far: come again with these bytes and more behind them
    kGreeting,  // read
    kProblem,   // kNotTls, kMalformed or kOverLimit
};

struct HelloProgress {
    HelloStep step = HelloStep::kMore;
    Problem problem = Problem::kNone;
    Greeting greeting;     // views into the stream or the working memory
    std::size_t size = 0;  // of the records that hold the greeting
};

// `stream`: everything that the client sent, from its first byte on. `working`: where a fragmented ClientHello is put
// together; its size is the limit of a ClientHello's.
[[nodiscard]] HelloProgress read_client_hello(std::span<const std::uint8_t> stream,
                                              std::span<std::uint8_t> working) noexcept;

}  // namespace drywall::inspect

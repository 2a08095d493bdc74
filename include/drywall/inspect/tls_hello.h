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
    Greeting greeting;  // its views are into the working memory
};

// `stream`: everything that the client sent, from its first byte on. `working`: where the ClientHello is put together;
// its size, at least 4, is the most that one may have.
[[nodiscard]] HelloProgress read_client_hello(std::span<const std::uint8_t> stream,
                                              std::span<std::uint8_t> working) noexcept;

}  // namespace drywall::inspect

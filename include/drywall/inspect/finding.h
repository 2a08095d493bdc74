// Finding: what reading a stream brought to light, for the engine to judge: a request, a greeting, a message, or why
// nothing can be said any more.
//
// Threads: values; the views inside point into the packet or the inspector's working memory, see inspector.h for how
// long.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace drywall::inspect {

// Why a stream is not read further. After any of these nothing is concluded about it: the configuration says what then
// counts.
enum class Problem : std::uint8_t {
    kNone,
    kMalformed,  // against the protocol's grammar, or readable in two ways (request smuggling)
    kNotHttp,    // the client's first bytes begin no HTTP/1.x request
    kHttp2,      // the client speaks HTTP/2 (prior knowledge, or after an upgrade to h2c)
    kUpgraded,   // after a request that asked for it (Upgrade, CONNECT), bytes that are no HTTP/1.x
    kNotTls,     // the client's first bytes begin no TLS record with a handshake
    kOverLimit,  // a head, greeting or message longer than the settings allow
    kUnseen,     // the receiver has acknowledged bytes that did not come past here
};

// The head of an HTTP/1.x request.
struct Request {
    std::string_view method;  // as sent; case matters
    std::string_view path;    // normalised (http_path.h); "*" of OPTIONS *, empty of CONNECT
    std::string_view host;    // of the target where it has one, else of the field; as sent, with the port; may be empty
    bool upgrade = false;     // asks to speak another protocol on this connection: Upgrade, CONNECT
};

// A TLS ClientHello.
struct Greeting {
    std::string_view server_name;         // SNI as sent; empty: none
    bool encrypted_client_hello = false;  // ECH is offered: the server name is then perhaps not the one that is meant
};

struct Finding {
    enum class Kind : std::uint8_t { kRequest, kGreeting, kMessage, kProblem };

    Kind kind = Kind::kProblem;
    Problem problem = Problem::kNone;         // of kProblem
    Request request;                          // of kRequest
    Greeting greeting;                        // of kGreeting
    std::span<const std::uint8_t> message{};  // of kMessage: one DNS message, without its length
};

}  // namespace drywall::inspect

#include "drywall/inspect/tls_hello.h"

#include <algorithm>

namespace drywall::inspect {

namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::uint8_t kHandshake = 22;      // RFC 8446 5.1, ContentType
constexpr std::uint8_t kClientHello = 1;     // RFC 8446 4, HandshakeType
constexpr std::size_t kRecordHeader = 5;     // type, version, length
constexpr std::size_t kMaxRecord = 1 << 14;  // RFC 8446 5.1: of a plaintext
constexpr std::size_t kHandshakeHeader = 4;  // type, length
constexpr unsigned kServerName = 0;
constexpr unsigned kEncryptedClientHello = 0xfe0d;
constexpr std::size_t kMaxName = 253;

constexpr HelloProgress failed(Problem problem) noexcept { return {HelloStep::kProblem, problem, {}}; }

// Takes numbers and vectors off the front. What is not there sets `bad`, and is 0 or empty.
struct Cursor {
    Bytes rest;
    bool bad = false;

    Bytes take(std::size_t size) noexcept {
        if (size > rest.size()) {
            bad = true;
            rest = {};
            return {};
        }
        const Bytes taken = rest.first(size);
        rest = rest.subspan(size);
        return taken;
    }
    std::size_t number(std::size_t bytes) noexcept {
        std::size_t value = 0;
        for (const std::uint8_t byte : take(bytes)) value = value << 8 | byte;
        return value;
    }
    Bytes vector(std::size_t length_bytes) noexcept { return take(number(length_bytes)); }
};

// Letters, digits, "-", "_" and dots: what a name in the DNS of the Internet is made of. A NUL or a space in it would
// be read as another name by somebody.
bool is_name(Bytes name) noexcept {
    return !name.empty() && name.size() <= kMaxName && std::all_of(name.begin(), name.end(), [](std::uint8_t c) {
        const auto small = static_cast<std::uint8_t>(c | 0x20U);
        return (small >= 'a' && small <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    });
}

// RFC 6066 3: a list of names, of which only host_name (0) was ever defined, and that once.
bool read_server_name(Bytes extension, Greeting& greeting) noexcept {
    Cursor outer{extension};
    Cursor list{outer.vector(2)};
    if (outer.bad || !outer.rest.empty() || list.rest.empty()) return false;
    const std::size_t type = list.number(1);
    const Bytes name = list.vector(2);
    if (list.bad || !list.rest.empty() || type != 0 || !is_name(name)) return false;
    greeting.server_name = {reinterpret_cast<const char*>(name.data()), name.size()};
    return true;
}

bool read_extensions(Bytes extensions, Greeting& greeting) noexcept {
    Cursor cursor{extensions};
    bool named = false;
    while (!cursor.rest.empty()) {
        const std::size_t type = cursor.number(2);
        const Bytes body = cursor.vector(2);
        if (cursor.bad) return false;
        if (type == kEncryptedClientHello) greeting.encrypted_client_hello = true;
        if (type != kServerName) continue;
        if (named || !read_server_name(body, greeting)) return false;  // RFC 8446 4.2: no extension twice
        named = true;
    }
    return true;
}

// RFC 8446 4.1.2. Before TLS 1.3 the extensions may be missing.
bool read_body(Bytes body, Greeting& greeting) noexcept {
    Cursor cursor{body};
    const std::size_t version = cursor.number(2);
    (void)cursor.take(32);  // random
    const std::size_t session = cursor.vector(1).size();
    const std::size_t suites = cursor.vector(2).size();
    const std::size_t compressions = cursor.vector(1).size();
    if (cursor.bad || version >> 8 != 3 || session > 32 || suites < 2 || suites % 2 != 0 || compressions == 0)
        return false;
    if (cursor.rest.empty()) return true;
    const Bytes extensions = cursor.vector(2);
    return !cursor.bad && cursor.rest.empty() && read_extensions(extensions, greeting);
}

// Records, one after the other, whose contents are the handshake.
class Records {
public:
    explicit Records(Bytes stream) noexcept : rest_(stream) {}

    // The next record's contents as far as they have come; false: none has begun, or problem() says why not.
    [[nodiscard]] bool next(Bytes& contents) noexcept {
        if (!check_header()) return false;
        if (rest_.size() < kRecordHeader) return false;
        const std::size_t length = std::size_t{rest_[3]} << 8 | rest_[4];
        contents = rest_.subspan(kRecordHeader, std::min(length, rest_.size() - kRecordHeader));
        rest_ = rest_.subspan(kRecordHeader + contents.size());
        first_ = false;
        return true;
    }
    [[nodiscard]] Problem problem() const noexcept { return problem_; }

private:
    // As far as it has come: a stream that is no TLS is known by its first byte, before others of it pass.
    bool check_header() noexcept {
        if (rest_.empty()) return false;
        const Problem wrong = first_ ? Problem::kNotTls : Problem::kMalformed;
        if (rest_[0] != kHandshake || (rest_.size() > 1 && rest_[1] != 3)) {
            problem_ = wrong;
        } else if (rest_.size() >= kRecordHeader) {
            const std::size_t length = std::size_t{rest_[3]} << 8 | rest_[4];
            if (length == 0 || length > kMaxRecord) problem_ = wrong;  // RFC 8446 5.1: no handshake fragment is empty
        }
        return problem_ == Problem::kNone;
    }

    Bytes rest_;
    Problem problem_ = Problem::kNone;
    bool first_ = true;
};

std::size_t size_of_message(Bytes handshake) noexcept {
    return kHandshakeHeader + (std::size_t{handshake[1]} << 16 | std::size_t{handshake[2]} << 8 | handshake[3]);
}

}  // namespace

HelloProgress read_client_hello(std::span<const std::uint8_t> stream, std::span<std::uint8_t> working) noexcept {
    const std::size_t limit = 2 * working.size();  // as much in headers of small records as in the greeting
    Records records(stream.first(std::min(stream.size(), limit)));
    std::size_t have = 0;
    for (Bytes contents; records.next(contents);) {
        const Bytes fitting = contents.first(std::min(contents.size(), working.size() - have));
        std::copy(fitting.begin(), fitting.end(), working.begin() + static_cast<std::ptrdiff_t>(have));
        have += fitting.size();
        if (have > 0 && working[0] != kClientHello) return failed(Problem::kMalformed);
        if (have < kHandshakeHeader) continue;
        const std::size_t size = size_of_message(working);
        if (size > working.size()) return failed(Problem::kOverLimit);
        if (have < size) continue;
        HelloProgress read{HelloStep::kGreeting, Problem::kNone, {}};
        const bool fine = read_body(working.subspan(kHandshakeHeader, size - kHandshakeHeader), read.greeting);
        return fine ? read : failed(Problem::kMalformed);
    }
    if (records.problem() == Problem::kNone && stream.size() > limit) return failed(Problem::kOverLimit);
    return records.problem() == Problem::kNone ? HelloProgress{} : failed(records.problem());
}

}  // namespace drywall::inspect

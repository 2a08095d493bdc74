// Request: the fixed-size record by which a worker tells the stats core what was asked for inside of a connection, and
// what became of it.
//
// Threads: a value. The engine fills a RequestBatch during a burst; the runtime carries it over a ring.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "drywall/base/cache_line.h"
#include "drywall/base/clock.h"
#include "drywall/base/drop_reason.h"
#include "drywall/base/fixed_vector.h"
#include "drywall/base/ids.h"
#include "drywall/net/packet_meta.h"

namespace drywall::telemetry {

// Text that is cut where it does not fit.
template <std::size_t kBytes>
class ShortText {
public:
    ShortText() noexcept = default;
    explicit ShortText(std::string_view text) noexcept
        : size_(static_cast<std::uint16_t>(std::min(text.size(), kBytes))), cut_(text.size() > kBytes) {
        std::copy_n(text.begin(), size_, bytes_.begin());
    }
    [[nodiscard]] std::string_view text() const noexcept { return {bytes_.data(), size_}; }
    [[nodiscard]] bool cut() const noexcept { return cut_; }

private:
    std::array<char, kBytes> bytes_{};
    std::uint16_t size_ = 0;
    bool cut_ = false;
};

enum class RequestKind : std::uint8_t {
    kHttp,    // a request's head
    kTls,     // a ClientHello
    kUnread,  // nothing could be read of it
};
[[nodiscard]] constexpr std::string_view name(RequestKind kind) noexcept {
    switch (kind) {
        case RequestKind::kHttp: return "http";
        case RequestKind::kTls: return "tls";
        case RequestKind::kUnread: break;
    }
    return "unread";
}

// Control side. What was sent is anybody's text: what is shown of it has "?" for every byte but printable ASCII, so
// that no terminal obeys it.
[[nodiscard]] inline std::string printable(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c < ' ' || c > '~') c = '?';
    return out;
}

struct Request {
    RequestKind kind = RequestKind::kHttp;
    WorkerId worker{};
    DropReason drop = DropReason::kNone;  // what its segment died of
    TraceId trace{};
    Generation generation{};
    std::uint64_t flow = 0;  // as in FlowEvent
    Instant time;
    net::Tuple tuple;  // as the initiator sent it
    ShortText<24> method;
    ShortText<255> host;  // HTTP: what it names; TLS: the SNI
    ShortText<255> path;  // normalised
};
static_assert(std::is_trivially_copyable_v<Request>);

inline constexpr std::size_t kMaxRequests = kMaxBurst;
using RequestBatch = FixedVector<Request, kMaxRequests>;

}  // namespace drywall::telemetry

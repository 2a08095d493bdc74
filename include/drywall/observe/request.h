// RequestRecord: what was asked for inside of a connection (an HTTP request, a TLS greeting, or a stream that could not
// be read) as people read it: who asked whom for what, and how both worlds decided it.
//
// Threads: values; matches() and json_of_request() are pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "drywall/base/drop_reason.h"
#include "drywall/base/result.h"
#include "drywall/base/verdict.h"
#include "drywall/observe/filter_conditions.h"
#include "drywall/observe/flow_filter.h"
#include "drywall/observe/flow_group.h"
#include "drywall/telemetry/request.h"

namespace drywall::observe {

struct RequestRecord {
    std::uint64_t sequence = 0;  // 1, 2, 3, ... of this run
    WallTime time{};             // when it was recorded, which is within milliseconds
    telemetry::RequestKind kind = telemetry::RequestKind::kHttp;
    // Printable ASCII: other bytes of the wire became "?", and what was too long ends in "...".
    std::string method;
    std::string host;      // HTTP: what it names; TLS: the SNI
    std::string path;      // normalised
    bool verbatim = true;  // nothing of these texts was replaced or cut
    // Who asked whom, and what policy decided about it; nothing is counted in it.
    FlowRecord connection;
    DropReason drop_reason = DropReason::kNone;  // what its segment died of

    // Policy's decision is known: its generation was not freed before it was read.
    [[nodiscard]] bool known() const noexcept { return connection.decision->known; }
    // What became of it.
    [[nodiscard]] Verdict enforced() const noexcept {
        return drop_reason == DropReason::kNone ? Verdict::kAllow : Verdict::kDeny;
    }
    // What would become of it after the promotion. What died of something else than policy would die of it then, too.
    // REQUIRES: known()
    [[nodiscard]] Verdict pending() const noexcept {
        const bool by_policy = connection.decision->enforced == enforced();
        return by_policy ? connection.decision->pending : enforced();
    }
    // Staged policies would decide it otherwise. Not so while the safety is open and lets pass what both worlds deny.
    [[nodiscard]] bool would_change() const noexcept {
        return known() && !connection.decision->responsible.empty() && enforced() != pending();
    }
    [[nodiscard]] bool would_deny() const noexcept { return would_change() && pending() == Verdict::kDeny; }
};

// Which requests are meant: those of FlowFilter's flags that say something about a connection, with their meanings, and
// what was asked for.
class RequestFilter {
public:
    RequestFilter() = default;  // everything

    // kInvalid names the flag, what it was given and what it takes.
    [[nodiscard]] static Result<RequestFilter> of(std::span<const FlowTerm> terms);

    // Every flag that there is, in the order of the manual.
    [[nodiscard]] static std::span<const FlowFlag> flags() noexcept;

    [[nodiscard]] bool matches(const RequestRecord& request) const { return conditions_.match(request); }

private:
    FilterConditions<RequestRecord> conditions_;
};

[[nodiscard]] nlohmann::ordered_json json_of_request(const RequestRecord& request);

// A line of the flow file: marked as what it is, since flows stand there, too.
[[nodiscard]] nlohmann::ordered_json line_of_request(const RequestRecord& request);
[[nodiscard]] bool is_request_line(const nlohmann::ordered_json& json);

}  // namespace drywall::observe

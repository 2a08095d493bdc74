// RequestLog: the newest things that were asked for inside of connections (HTTP requests, TLS greetings, and streams
// that could not be read), with what both worlds decided about each.
//
// Threads: the stats core adds, any thread reads. One mutex, held for short.
// Memory:  as many records as the settings say; then the oldest goes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "drywall/base/drop_reason.h"
#include "drywall/base/verdict.h"
#include "drywall/observe/flow_group.h"
#include "drywall/ruleset/ruleset.h"
#include "drywall/telemetry/request.h"

namespace drywall::observe {

// Texts from the wire are printable ASCII here: other bytes became "?".
struct RequestRecord {
    std::uint64_t sequence = 0;  // 1, 2, 3, ...
    WallTime time{};             // when it was recorded, which is within milliseconds
    telemetry::RequestKind kind = telemetry::RequestKind::kHttp;
    std::string method;
    std::string host;  // HTTP: what it names; TLS: the SNI
    std::string path;  // normalised
    std::string source;
    std::string source_name;  // of the endpoint; empty: none is declared
    std::uint16_t source_port = 0;
    std::string destination;
    std::string destination_name;
    std::uint16_t destination_port = 0;
    Generation generation{};
    bool known = false;  // not: its generation was freed before it was read, and what follows is not known
    Verdict enforced = Verdict::kDeny;
    Verdict pending = Verdict::kDeny;
    DropReason drop_reason = DropReason::kNone;
    std::string enforced_by;  // what decided, as Calico's string
    std::string pending_by;
    std::vector<std::string> responsible;  // staged policies to which a difference is owed
};

struct RequestQuery {
    bool only_denied = false;
    bool only_differing = false;
    std::size_t limit = 100;  // the newest
};

class RequestLog {
public:
    explicit RequestLog(std::size_t most = 4096) : most_(most) {}

    // `ruleset`: of the request's generation, null when it was freed long ago.
    void add(const telemetry::Request& request, const ruleset::Ruleset* ruleset, WallTime now);

    // In the order in which they were recorded.
    [[nodiscard]] std::vector<RequestRecord> query(const RequestQuery& query) const;

private:
    const std::size_t most_;
    mutable std::mutex mutex_;  // guards what follows
    std::deque<RequestRecord> records_;
    std::uint64_t last_ = 0;
};

[[nodiscard]] std::string_view name(telemetry::RequestKind kind) noexcept;

}  // namespace drywall::observe

#include "drywall/observe/request_log.h"

#include <algorithm>
#include <string_view>

#include "drywall/net/address.h"

namespace drywall::observe {

namespace {

std::string printable(std::string_view text, bool cut) {
    std::string out(text);
    for (char& c : out)
        if (c < ' ' || c > '~') c = '?';
    return cut ? out + "..." : out;
}

std::string endpoint_name(const ruleset::Ruleset* ruleset, const net::Address& address) {
    const ruleset::EndpointInfo* endpoint = ruleset == nullptr ? nullptr : ruleset->endpoint_of(address);
    return endpoint == nullptr ? std::string() : endpoint->id.text();
}

std::string decider(const ruleset::Ruleset& ruleset, const std::vector<HitId>& hits) {
    return hits.empty() ? std::string() : ruleset.hit(hits.back()).text();
}

}  // namespace

std::string_view name(telemetry::RequestKind kind) noexcept {
    switch (kind) {
        case telemetry::RequestKind::kHttp: return "http";
        case telemetry::RequestKind::kTls: return "tls";
        case telemetry::RequestKind::kUnread: break;
    }
    return "unread";
}

void RequestLog::add(const telemetry::Request& request, const ruleset::Ruleset* ruleset, WallTime now) {
    RequestRecord record;
    const net::Tuple& tuple = request.tuple;
    const net::Address source{tuple.family, tuple.source};
    const net::Address destination{tuple.family, tuple.destination};
    record.time = now;
    record.kind = request.kind;
    record.method = printable(request.method.text(), request.method.cut());
    record.host = printable(request.host.text(), request.host.cut());
    record.path = printable(request.path.text(), request.path.cut());
    record.source = source.text();
    record.source_name = endpoint_name(ruleset, source);
    record.source_port = tuple.source_port;
    record.destination = destination.text();
    record.destination_name = endpoint_name(ruleset, destination);
    record.destination_port = tuple.destination_port;
    record.generation = request.generation;
    record.drop_reason = request.drop;
    record.enforced = request.drop == DropReason::kNone ? Verdict::kAllow : Verdict::kDeny;
    if (ruleset != nullptr) {
        const classify::Trace& trace = ruleset->trace(request.trace);
        record.known = true;
        record.pending = trace.pending;
        record.enforced_by = decider(*ruleset, trace.enforced_hits);
        record.pending_by = decider(*ruleset, trace.pending_hits);
        for (const ruleset::PolicyRef& policy : ruleset->responsible(request.trace))
            record.responsible.push_back(policy.text());
    }
    const std::scoped_lock lock(mutex_);
    record.sequence = ++last_;
    if (records_.size() == most_) records_.pop_front();
    records_.push_back(std::move(record));
}

std::vector<RequestRecord> RequestLog::query(const RequestQuery& query) const {
    std::vector<RequestRecord> found;
    const std::scoped_lock lock(mutex_);
    for (auto record = records_.rbegin(); record != records_.rend() && found.size() < query.limit; ++record) {
        if (query.only_denied && record->enforced == Verdict::kAllow) continue;
        if (query.only_differing && (!record->known || record->enforced == record->pending)) continue;
        found.push_back(*record);
    }
    std::reverse(found.begin(), found.end());
    return found;
}

}  // namespace drywall::observe

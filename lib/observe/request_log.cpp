#include "drywall/observe/request_log.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "decisions.h"
#include "drywall/net/address.h"

namespace drywall::observe {

namespace {

constexpr std::size_t kMostHeld = 32768;  // for a recorder that comes every quarter of a second

}  // namespace

class RequestLog::Describer {
public:
    RequestRecord describe(const telemetry::Request& request, const ruleset::Ruleset* ruleset, WallTime now) {
        RequestRecord record;
        record.time = now;
        record.kind = request.kind;
        record.drop_reason = request.drop;
        const auto text = [&](const auto& told) {
            std::string out = telemetry::printable(told.text());
            record.verbatim = record.verbatim && !told.cut() && out == told.text();
            return told.cut() ? out + "..." : out;
        };
        record.method = text(request.method);
        record.host = text(request.host);
        record.path = text(request.path);
        FlowRecord& connection = record.connection;
        const net::Tuple& tuple = request.tuple;
        connection.source = {tuple.family, tuple.source};
        connection.destination = {tuple.family, tuple.destination};
        connection.source_party = parties_.of(ruleset, connection.source);
        connection.destination_party = parties_.of(ruleset, connection.destination);
        connection.protocol = tuple.protocol;
        connection.source_port = tuple.source_port;
        connection.destination_port = tuple.destination_port;
        connection.generation = request.generation;
        connection.first_seen = connection.last_seen = now;
        if (ruleset != nullptr && tuple.ingress_port < ruleset->surroundings().port_names.size())
            connection.ingress_port = ruleset->surroundings().port_names[tuple.ingress_port];
        connection.decision =
            ruleset == nullptr ? decisions_.without_hits(record.enforced()) : decisions_.of(*ruleset, request.trace);
        return record;
    }

private:
    Decisions decisions_;
    Parties parties_;
};

RequestLog::RequestLog(std::size_t most) : most_(most), describer_(std::make_unique<Describer>()) {}
RequestLog::~RequestLog() = default;

void RequestLog::add(const telemetry::Request& request, const ruleset::Ruleset* ruleset, WallTime now) {
    const auto record = std::make_shared<RequestRecord>(describer_->describe(request, ruleset, now));
    {
        const std::scoped_lock lock(mutex_);
        record->sequence = last_ + 1;
        records_.push_back(record);
        ++last_;
        make_room();
        if (record->would_change()) differing_.push_back(record);
        if (differing_.size() > most_) differing_.pop_front();
    }
    changed_.notify_all();
}

void RequestLog::make_room() {
    while (records_.size() > most_) {
        const RequestRecord& oldest = *records_.front();
        if (held_ && oldest.sequence > taken_ && records_.size() <= std::max(most_, kMostHeld)) return;
        ++forgotten_.requests;
        forgotten_.last = oldest.time;
        records_.pop_front();
    }
}

bool RequestLog::wanted(const RequestRecord& record, const RequestQuery& query) {
    if (query.only_denied && record.enforced() == Verdict::kAllow) return false;
    if (query.only_differing && !record.would_change()) return false;
    if (query.only_would_deny && !record.would_deny()) return false;
    return (!query.since || record.time >= *query.since) && query.filter.matches(record);
}

std::vector<RequestRecord> RequestLog::query(const RequestQuery& query) const {
    std::vector<RequestRecord> found;
    const std::scoped_lock lock(mutex_);
    const Records& records = query.only_differing || query.only_would_deny ? differing_ : records_;
    for (auto record = records.rbegin(); record != records.rend() && found.size() < query.limit; ++record) {
        if ((*record)->sequence <= query.after_sequence) break;
        if (wanted(**record, query)) found.push_back(**record);
    }
    std::reverse(found.begin(), found.end());
    return found;
}

RequestAnswer RequestLog::wait(const RequestQuery& query, std::chrono::milliseconds timeout) const {
    RequestAnswer answer;
    answer.next_sequence = query.after_sequence;
    std::unique_lock lock(mutex_);
    const auto look = [&] {
        if (records_.empty()) return false;
        const std::uint64_t oldest = records_.front()->sequence;
        if (oldest > answer.next_sequence + 1) {
            answer.missed += oldest - answer.next_sequence - 1;
            answer.next_sequence = oldest - 1;
        }
        for (std::size_t at = answer.next_sequence + 1 - oldest; at < records_.size(); ++at) {
            if (answer.requests.size() == query.limit) break;
            answer.next_sequence = records_[at]->sequence;
            if (wanted(*records_[at], query)) answer.requests.push_back(*records_[at]);
        }
        return !answer.requests.empty() || answer.missed > 0;
    };
    (void)changed_.wait_for(lock, timeout, look);
    return answer;
}

std::uint64_t RequestLog::last_sequence() const {
    const std::scoped_lock lock(mutex_);
    return last_;
}

RequestLog::Forgotten RequestLog::forgotten() const {
    const std::scoped_lock lock(mutex_);
    return forgotten_;
}

std::vector<RequestRecord> RequestLog::everything(WallTime since) const {
    std::vector<RequestRecord> out;
    const std::scoped_lock lock(mutex_);
    const std::uint64_t first = records_.empty() ? last_ + 1 : records_.front()->sequence;
    for (const auto& record : differing_)
        if (record->sequence < first && record->time >= since) out.push_back(*record);
    for (const auto& record : records_)
        if (record->time >= since) out.push_back(*record);
    return out;
}

void RequestLog::hold_for_recorder(bool hold) {
    const std::scoped_lock lock(mutex_);
    held_ = hold;
    taken_ = last_;
    make_room();
}

RequestLog::Taken RequestLog::take() {
    Taken out;
    const std::scoped_lock lock(mutex_);
    if (taken_ == last_) return out;
    const std::uint64_t fresh = std::min<std::uint64_t>(last_ - taken_, records_.size());
    out.missed = last_ - taken_ - fresh;
    out.requests.reserve(fresh);
    for (std::size_t at = records_.size() - fresh; at < records_.size(); ++at) out.requests.push_back(*records_[at]);
    taken_ = last_;
    make_room();
    return out;
}

}  // namespace drywall::observe

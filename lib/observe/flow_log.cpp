#include "drywall/observe/flow_log.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "flow_intake.h"

namespace drywall::observe {

namespace {

constexpr std::size_t kMostSums = 262'144;  // groups that a span's answer may have to hold while it is made

// What a query asks beside place in time.
bool wanted(const FlowRecord& flow, const FlowQuery& query) {
    if (query.enforced && flow.decision->enforced != *query.enforced) return false;
    if (query.pending && flow.decision->pending != *query.pending) return false;
    if (query.only_differing && flow.decision->enforced == flow.decision->pending) return false;
    return query.filter.matches(flow);
}

// What is copied while the lock is held: the texts are made afterwards.
struct Picked {
    FlowRecord record;
    std::uint64_t sequence = 0;
    std::uint64_t lost = 0;
};

FlowGroup published(Picked picked) {
    FlowGroup out(std::move(picked.record));
    out.sequence = picked.sequence;
    out.lost = picked.lost;
    if (out.lost > 0) out.doubt = out.doubt | Doubt::kRecordsLost;
    return out;
}

FlowAnswer published(FlowAnswer answer, std::vector<Picked> picked) {
    answer.groups.reserve(picked.size());
    for (Picked& one : picked) answer.groups.push_back(published(std::move(one)));
    return answer;
}

// Sums up intervals for a query about a span of time.
class Span {
public:
    explicit Span(const FlowQuery& query)
        : query_(query), since_(query.since.value_or(WallTime::min())), until_(query.until.value_or(WallTime::max())) {
        if (query.page) page_.emplace(query.page->after, query.limit);
    }

    void add(const FlowInterval& interval) {
        if (interval.end < since_ || interval.begin >= until_) return;
        if (interval.lost > 0) losses_.push_back({interval.begin, interval.end, interval.lost});
        for (const FlowRecord& record : interval.records) {
            if (record.last_seen < since_ || record.first_seen >= until_) continue;
            if ((page_ && page_->is_elsewhere(record)) || !wanted(record, query_)) continue;
            if (page_)
                page_->add(record);
            else
                sums_.add(record);
        }
    }

    FlowAnswer answer() && {
        FlowAnswer out;
        for (const Loss& loss : losses_) out.lost += loss.records;
        if (page_) {
            if (const auto next = page_->next()) out.next_page = PageCursor{query_.since, *query_.until, next};
            publish(page_->take(), out);
            return out;
        }
        out.left_out = sums_.left_out();
        std::vector<FlowRecord> records = sums_.take();
        const auto later = [](const FlowRecord& a, const FlowRecord& b) { return a.last_seen < b.last_seen; };
        std::sort(records.begin(), records.end(), later);
        if (records.size() > query_.limit) {
            out.left_out += records.size() - query_.limit;
            records.erase(records.begin(), records.end() - static_cast<std::ptrdiff_t>(query_.limit));
        }
        publish(std::move(records), out);
        return out;
    }

private:
    void publish(std::vector<FlowRecord> records, FlowAnswer& out) const {
        out.groups.reserve(records.size());
        for (FlowRecord& record : records) {
            FlowGroup& group = out.groups.emplace_back(std::move(record));
            group.lost = lost_during(group);
            if (group.lost > 0) group.doubt = group.doubt | Doubt::kRecordsLost;
        }
    }

    struct Loss {
        WallTime begin;
        WallTime end;
        std::uint64_t records = 0;
    };

    [[nodiscard]] std::uint64_t lost_during(const FlowRecord& record) const {
        std::uint64_t sum = 0;
        for (const Loss& loss : losses_)
            if (loss.begin <= record.last_seen && loss.end >= record.first_seen) sum += loss.records;
        return sum;
    }

    const FlowQuery& query_;
    WallTime since_;
    WallTime until_;
    FlowSums sums_{kMostSums};
    std::optional<FlowPage> page_;  // instead of the sums
    std::vector<Loss> losses_;
};

}  // namespace

// Everything the mutex guards.
class FlowLog::State {
public:
    State(const FlowLogSettings& settings, WallClock now) : intake(settings, std::move(now)) {}

    mutable std::mutex mutex;
    mutable std::condition_variable changed;
    mutable std::size_t waiting = 0;  // so that the stats core notifies nobody when nobody waits
    FlowIntake intake;
    const FlowArchive* archive = nullptr;

    // The groups that are meant; `answer` becomes what is said beside them.
    [[nodiscard]] std::vector<Picked> pick(const FlowQuery& query, FlowAnswer& answer) const;
    [[nodiscard]] bool has_match(const FlowQuery& query) const;

private:
    using Groups = FlowGroups::List;
    [[nodiscard]] std::vector<const FlowGroups::Group*> latest(const FlowQuery& query) const;
    [[nodiscard]] std::vector<const FlowGroups::Group*> first(const FlowQuery& query, std::uint64_t& next) const;
};

std::vector<Picked> FlowLog::State::pick(const FlowQuery& query, FlowAnswer& answer) const {
    const FlowGroups& groups = intake.groups();
    answer.next_sequence = groups.sequence();
    answer.lost = intake.losses().total();
    answer.evicted = groups.evicted();
    answer.unrecorded = intake.unrecorded();
    if (query.after_sequence > 0 && groups.evicted_sequence() > query.after_sequence)
        answer.missed = std::min(groups.evicted(), groups.evicted_sequence() - query.after_sequence);
    const auto chosen = query.latest ? latest(query) : first(query, answer.next_sequence);
    std::vector<Picked> picked;
    picked.reserve(chosen.size());
    for (const FlowGroups::Group* group : chosen)
        picked.push_back(
            {group->total, group->sequence, intake.losses().between(group->total.first_seen, group->total.last_seen)});
    return picked;
}

std::vector<const FlowGroups::Group*> FlowLog::State::latest(const FlowQuery& query) const {
    std::vector<const FlowGroups::Group*> out;
    const Groups& groups = intake.groups().list();
    for (auto group = groups.rbegin(); group != groups.rend() && out.size() < query.limit; ++group) {
        if (group->sequence <= query.after_sequence) break;
        if (wanted(group->total, query)) out.push_back(&*group);
    }
    std::reverse(out.begin(), out.end());
    return out;
}

// `next` becomes where to go on from when not all fitted.
std::vector<const FlowGroups::Group*> FlowLog::State::first(const FlowQuery& query, std::uint64_t& next) const {
    std::vector<const FlowGroups::Group*> out;
    const Groups& groups = intake.groups().list();
    auto at = groups.end();
    while (at != groups.begin() && std::prev(at)->sequence > query.after_sequence) --at;
    for (; at != groups.end(); ++at) {
        if (!wanted(at->total, query)) continue;
        if (out.size() == query.limit) {
            next = out.empty() ? query.after_sequence : out.back()->sequence;
            break;
        }
        out.push_back(&*at);
    }
    return out;
}

bool FlowLog::State::has_match(const FlowQuery& query) const {
    const Groups& groups = intake.groups().list();
    for (auto group = groups.rbegin(); group != groups.rend(); ++group) {
        if (group->sequence <= query.after_sequence) return false;
        if (wanted(group->total, query)) return true;
    }
    return false;
}

FlowLog::FlowLog(std::size_t max_groups, std::size_t max_connections, WallClock now)
    : FlowLog(FlowLogSettings{.max_groups = max_groups, .max_connections = max_connections}, std::move(now)) {}

FlowLog::FlowLog(const FlowLogSettings& settings, WallClock now)
    : clock_(now ? std::move(now) : WallClock(std::chrono::system_clock::now)),
      state_(std::make_unique<State>(settings, clock_)) {}

FlowLog::~FlowLog() = default;

void FlowLog::on_request(const telemetry::Request& request, const ruleset::Ruleset* ruleset) {
    requests_.add(request, ruleset, clock_());
}

void FlowLog::on_event(const telemetry::FlowEvent& event, const ruleset::Ruleset* ruleset) {
    const std::scoped_lock lock(state_->mutex);
    state_->intake.take(event, ruleset);
    if (state_->waiting > 0) state_->changed.notify_all();
}

void FlowLog::on_lost(std::uint64_t records) {
    const std::scoped_lock lock(state_->mutex);
    state_->intake.lose(records);
}

FlowAnswer FlowLog::query(const FlowQuery& query) const {
    if (query.page) {
        FlowQuery span = query;
        span.since = query.page->since;
        span.until = query.page->until;
        return query_span(span);
    }
    if (query.since || query.until) return query_span(query);
    FlowAnswer out;
    std::unique_lock lock(state_->mutex);
    std::vector<Picked> picked = state_->pick(query, out);
    lock.unlock();
    return published(std::move(out), std::move(picked));
}

FlowAnswer FlowLog::query_span(const FlowQuery& query) const {
    std::unique_lock lock(state_->mutex);
    const std::vector<std::shared_ptr<const FlowInterval>> recent = state_->intake.recent();
    const std::uint64_t unrecorded = state_->intake.unrecorded();
    const std::uint64_t evicted = state_->intake.groups().evicted();
    const std::uint64_t sequence = state_->intake.groups().sequence();
    const WallTime began = state_->intake.began();
    const FlowArchive* archive = state_->archive;
    lock.unlock();

    Span span(query);
    const WallTime since = query.since.value_or(WallTime::min());
    std::optional<WallTime> oldest = recent.empty() ? began : recent.front()->begin;
    if (archive != nullptr) {
        const std::uint64_t in_memory = recent.empty() ? UINT64_MAX : recent.front()->number;
        if (recent.empty() || recent.front()->begin > since || recent.front()->number > 1)
            archive->read(since, query.until.value_or(WallTime::max()), in_memory, [&](const FlowInterval& interval) {
                span.add(interval);
                return true;
            });
        if (const auto stored = archive->oldest()) oldest = std::min(*oldest, *stored);
    }
    for (const auto& interval : recent) span.add(*interval);

    FlowAnswer out = std::move(span).answer();
    out.unrecorded = unrecorded;
    out.evicted = evicted;
    out.next_sequence = sequence;
    if (query.since && *query.since < *oldest) out.reaches_back_to = oldest;
    if (archive != nullptr) out.archive_trouble = archive->trouble();
    return out;
}

FlowAnswer FlowLog::wait(const FlowQuery& query, std::chrono::milliseconds timeout) const {
    std::unique_lock lock(state_->mutex);
    ++state_->waiting;
    FlowQuery unseen = query;
    state_->changed.wait_for(lock, timeout, [&] {
        if (state_->has_match(unseen)) return true;
        unseen.after_sequence = state_->intake.groups().sequence();  // looked at, and nothing of interest: not again
        return false;
    });
    --state_->waiting;
    FlowAnswer out;
    std::vector<Picked> picked = state_->pick(query, out);
    lock.unlock();
    return published(std::move(out), std::move(picked));
}

void FlowLog::set_archive(const FlowArchive* archive) {
    const std::scoped_lock lock(state_->mutex);
    state_->archive = archive;
    state_->intake.hold_for_recorder(archive != nullptr);
}

std::vector<std::shared_ptr<const FlowInterval>> FlowLog::take_intervals(bool anyway) {
    const std::scoped_lock lock(state_->mutex);
    return state_->intake.take_intervals(anyway);
}

void FlowLog::not_recorded(std::uint64_t records) {
    const std::scoped_lock lock(state_->mutex);
    state_->intake.not_recorded(records);
}

RequestLog::Taken FlowLog::take_requests() { return requests_.take(); }

std::uint64_t FlowLog::first_interval_in_memory() const {
    const std::scoped_lock lock(state_->mutex);
    return state_->intake.first_in_memory();
}

void mark_changed(std::vector<FlowGroup>& groups, const ruleset::Ruleset& current) {
    const std::vector<std::string>& ports = current.surroundings().port_names;
    for (FlowGroup& group : groups) {
        if (group.generation == current.generation()) continue;
        const auto port = std::find(ports.begin(), ports.end(), group.ingress_port);
        const PortId ingress = port == ports.end() ? PortId{} : PortId(port - ports.begin());
        const Decided now = decided_by(current, current.classify(first_packet(group, ingress)));
        const bool same = now.enforced == group.decision->enforced && now.pending == group.decision->pending &&
                          now.enforced_hits == group.decision->enforced_hits &&
                          now.pending_hits == group.decision->pending_hits;
        if (!same) group.doubt = group.doubt | Doubt::kPolicyChanged;
    }
}

}  // namespace drywall::observe

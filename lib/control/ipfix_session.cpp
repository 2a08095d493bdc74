#include "ipfix_session.h"

#include <algorithm>
#include <vector>

namespace drywall::control {

namespace {

using std::chrono::system_clock;

telemetry::PacketsBytes minus(const telemetry::PacketsBytes& now, const telemetry::PacketsBytes& before) {
    return {now.packets - before.packets, now.bytes - before.bytes};
}

bool says_nothing(const FlowDelta& delta) {
    return delta.started == 0 && delta.completed == 0 && delta.forward == telemetry::PacketsBytes{} &&
           delta.reverse == telemetry::PacketsBytes{};
}

}  // namespace

void IpfixSession::add(const observe::FlowAnswer& answer, system_clock::time_point now) {
    send_templates_in_time(now);
    for (const observe::FlowGroup& group : answer.groups) {
        const FlowDelta delta = delta_of(group);
        if (!says_nothing(delta)) add_flow(packer_, group, delta, settings_.observation_point, now);
    }
    if (exported_.size() > 2 * most_groups_) forget_the_quietest();
}

void IpfixSession::finish(const ExportStatistics& statistics, system_clock::time_point now) {
    send_templates_in_time(now);
    add_statistics(packer_, statistics, settings_.observation_domain, now);
    packer_.flush();
}

// A clock that was set back counts as time for them too.
void IpfixSession::send_templates_in_time(system_clock::time_point now) {
    if (templates_sent_ && now >= *templates_sent_ && now < *templates_sent_ + settings_.template_interval) return;
    add_templates(packer_, settings_.enterprise, now);
    templates_sent_ = now;
}

FlowDelta IpfixSession::delta_of(const observe::FlowGroup& group) {
    const Exported now{.first_seen = group.first_seen,
                       .last_seen = group.last_seen,
                       .sequence = group.sequence,
                       .started = group.connections_started,
                       .completed = group.connections_completed,
                       .forward = group.forward,
                       .reverse = group.reverse};
    const auto [known, fresh] = exported_.try_emplace(group.id, now);
    const bool anew = fresh || known->second.first_seen != now.first_seen;
    const Exported before = anew ? Exported{} : known->second;
    known->second = now;
    return {.since = anew ? now.first_seen : before.last_seen,
            .started = now.started - before.started,
            .completed = now.completed - before.completed,
            .forward = minus(now.forward, before.forward),
            .reverse = minus(now.reverse, before.reverse)};
}

void IpfixSession::forget_the_quietest() {
    std::vector<std::uint64_t> sequences;
    sequences.reserve(exported_.size());
    for (const auto& [id, exported] : exported_) sequences.push_back(exported.sequence);
    const auto oldest_kept = sequences.end() - static_cast<std::ptrdiff_t>(most_groups_);
    std::nth_element(sequences.begin(), oldest_kept, sequences.end());
    std::erase_if(exported_, [oldest = *oldest_kept](const auto& entry) { return entry.second.sequence < oldest; });
}

}  // namespace drywall::control

#include "drywall/runtime/health.h"

#include <algorithm>

namespace drywall::runtime {

namespace {

bool same(const Reason& one, const Reason& other) { return one.trouble == other.trouble && one.worker == other.worker; }

const Reason* counterpart(const std::vector<Reason>& reasons, const Reason& wanted) {
    const auto found =
        std::find_if(reasons.begin(), reasons.end(), [&](const Reason& reason) { return same(reason, wanted); });
    return found == reasons.end() ? nullptr : &*found;
}

std::string seconds_text(Nanos age) {
    const auto tenths = std::chrono::duration_cast<std::chrono::milliseconds>(age).count() / 100;
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

std::string is_over(const Reason& reason) {
    switch (reason.trouble) {
        case Trouble::kWorkerHung: return "worker " + std::to_string(reason.worker) + " turns again";
        case Trouble::kStatsCoreBehind: return "the stats core goes round again";
        case Trouble::kStore: return "the state directory can be written again";
        case Trouble::kNothingEnforced: return "policies are enforced again";
    }
    return {};
}

std::vector<std::uint64_t> progress_of(const Vitals& vitals) {
    std::vector<std::uint64_t> out;
    for (const Vitals::Worker& worker : vitals.workers) out.push_back(worker.turns);
    out.push_back(vitals.stats_rounds);
    return out;
}

}  // namespace

std::string_view name(Trouble trouble) noexcept {
    switch (trouble) {
        case Trouble::kWorkerHung: return "worker-hung";
        case Trouble::kStatsCoreBehind: return "stats-core-behind";
        case Trouble::kStore: return "store";
        case Trouble::kNothingEnforced: return "nothing-enforced";
    }
    return "store";
}

std::vector<Reason> Diagnosis::found(const Look& look, const Vitals& vitals, std::span<const Reason> others) const {
    std::vector<Reason> reasons;
    for (std::size_t id = 0; id < vitals.workers.size(); ++id) {
        const Vitals::Worker& worker = vitals.workers[id];
        const Nanos age = look.now - worker.heartbeat;
        if (age > late_)
            reasons.push_back({Trouble::kWorkerHung, id,
                               "worker " + std::to_string(id) + " (CPU " + std::to_string(worker.core) +
                                   ") has not turned for " + seconds_text(age) +
                                   ": what arrives on its queues is not forwarded; a device that hangs needs a restart",
                               look.wall});
    }
    if (const Nanos age = look.now - vitals.stats_heartbeat; age > late_)
        reasons.push_back({Trouble::kStatsCoreBehind, 0,
                           "the stats core has not gone round for " + seconds_text(age) +
                               ": packets are forwarded, counts and link state stand still",
                           look.wall});
    for (const Reason& other : others) reasons.push_back({other.trouble, other.worker, other.text, look.wall});
    return reasons;
}

std::vector<News> Diagnosis::look(const Look& look, const Vitals& vitals, std::span<const Reason> others) {
    if (health_.state == ApplianceState::kStopped || comes_late(look)) return {};
    polled_ = polled_ || std::all_of(vitals.workers.begin(), vitals.workers.end(),
                                     [](const Vitals::Worker& worker) { return worker.turns > 0; });
    std::vector<Reason> reasons = found(look, vitals, others);
    if (reasons.empty() && !polled_) return {};  // on its way

    std::vector<News> news;
    for (Reason& reason : reasons) {
        if (const Reason* known = counterpart(health_.reasons, reason))
            reason.since = known->since;
        else
            news.push_back({true, "degraded: " + reason.text});
    }
    for (const Reason& known : health_.reasons)
        if (counterpart(reasons, known) == nullptr) news.push_back({false, is_over(known)});
    health_.reasons = std::move(reasons);
    enter(after(health_.state, health_.reasons.empty() ? ApplianceEvent::kSound : ApplianceEvent::kImpaired), look);
    return news;
}

bool Diagnosis::comes_late(const Look& look) {
    const bool late = looked_ != Instant{} && look.now - looked_ > late_ / 2;
    looked_ = look.now;
    looked_in_vain_ = late && !looked_in_vain_;
    return looked_in_vain_;
}

void Diagnosis::stop(const Look& look) {
    health_.reasons.clear();
    enter(after(health_.state, ApplianceEvent::kStop), look);
}

void Diagnosis::enter(ApplianceState state, const Look& look) {
    if (state == health_.state && health_.since != std::chrono::system_clock::time_point{}) return;
    health_.state = state;
    health_.since = look.wall;
}

bool WatchdogFeeder::due(Instant now, const Vitals& vitals) {
    if (timeout_ <= Nanos{0} || now - fed_ < timeout_ / 4) return false;
    const std::vector<std::uint64_t> turns = progress_of(vitals);
    if (!turns_.empty())
        for (std::size_t i = 0; i < turns.size(); ++i)
            if (turns[i] == turns_[i]) return false;
    turns_ = turns;
    fed_ = now;
    return true;
}

}  // namespace drywall::runtime

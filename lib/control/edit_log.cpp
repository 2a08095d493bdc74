#include "edit_log.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "drywall/policy/convert.h"

namespace drywall::control {

namespace {

using policy::Inventory;
using policy::Kind;
using policy::ResourceId;

constexpr std::size_t kMostEdits = 65536;
constexpr std::size_t kMostGenerations = 4096;
constexpr double kFirst = -std::numeric_limits<double>::infinity();
constexpr double kLast = std::numeric_limits<double>::infinity();

// A tier that nobody declared comes last (docs/life-of-a-policy.md).
double tier_order(const Inventory& inventory, std::string_view tier) {
    const auto found = inventory.find({Kind::kTier, "", std::string(tier)});
    const auto* declared = found == inventory.end() ? nullptr : std::get_if<policy::Tier>(&*found->second);
    if (declared == nullptr) return kLast;
    return declared->order;
}

std::optional<Standing> standing_of(const Inventory& inventory, const ResourceId& id) {
    const auto found = inventory.find(id);
    if (found == inventory.end()) return std::nullopt;
    const auto of_policy = [&](const policy::Policy& policy) {
        return Standing{tier_order(inventory, policy.tier), policy.order.value_or(kLast)};
    };
    if (const auto* policy = std::get_if<policy::Policy>(&*found->second)) return of_policy(*policy);
    if (const auto* policy = std::get_if<policy::KubernetesNetworkPolicy>(&*found->second))
        return of_policy(policy::converted(*policy));
    if (const auto* policy = std::get_if<policy::AdminPolicy>(&*found->second))
        return of_policy(policy::converted(*policy));
    if (const auto* tier = std::get_if<policy::Tier>(&*found->second)) return Standing{tier->order, kFirst};
    return std::nullopt;
}

std::optional<Standing> foremost(std::optional<Standing> a, std::optional<Standing> b) {
    if (!a || !b) return a ? a : b;
    return std::min(*a, *b);
}

}  // namespace

void EditLog::note(const Inventory& before, const Inventory& after, std::span<const Change> changes,
                   Generation generation, Time time) {
    const Instant now = monotonic_now();
    if (generations_.empty()) floor_ = {{}, generation, time, now};
    generations_[generation] = time;
    for (const Change& change : changes) {
        if (change.outcome == Outcome::kUnchanged) continue;
        const auto standing = foremost(standing_of(before, change.id), standing_of(after, change.id));
        if (standing) entries_[{change.id, *standing}] = {generation, time, now};
    }
    forget_what_is_old();
}

void EditLog::happened(Generation generation, Time time) noexcept {
    const Instant now = monotonic_now();
    const auto found = generations_.find(generation);
    if (found != generations_.end()) found->second = time;
    if (floor_.generation == generation) floor_ = {std::move(floor_.id), generation, time, now};
    for (auto& [key, entry] : entries_)
        if (entry.generation == generation) entry = {generation, time, now};
}

void EditLog::forget_what_is_old() {
    while (generations_.size() > kMostGenerations) generations_.erase(generations_.begin());
    while (entries_.size() > kMostEdits) {
        const auto oldest =
            std::ranges::min_element(entries_, {}, [](const auto& entry) { return entry.second.generation; });
        floor_ = {oldest->first.first, oldest->second.generation, oldest->second.time, oldest->second.at};
        entries_.erase(oldest);
    }
}

EditLog::Edit EditLog::last_that_concerns(const Inventory& inventory, const ResourceId& policy) const {
    const std::optional<Kind> enforced = policy::enforced_twin(policy.kind);
    const ResourceId twin{enforced.value_or(policy.kind), policy.ns, policy.name};
    const Standing mine = standing_of(inventory, policy).value_or(Standing{kLast, kLast});
    Edit last = floor_;
    for (const auto& [key, entry] : entries_) {
        const auto& [id, standing] = key;
        const bool concerns = id == policy || id == twin || standing <= mine;
        if (concerns && entry.generation >= last.generation) last = {id, entry.generation, entry.time, entry.at};
    }
    return last;
}

EditLog::Edit EditLog::last_of_any() const {
    Edit last = floor_;
    for (const auto& [key, entry] : entries_)
        if (entry.generation >= last.generation) last = {key.first, entry.generation, entry.time, entry.at};
    return last;
}

std::optional<EditLog::Time> EditLog::time_of(Generation generation) const {
    const auto found = generations_.find(generation);
    if (found == generations_.end()) return std::nullopt;
    return found->second;
}

}  // namespace drywall::control

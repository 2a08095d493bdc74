#include "drop_hub.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

namespace drywall::runtime {

class DropHub::Watch final : public DropWatch {
public:
    Watch(std::shared_ptr<DropHub> hub, std::size_t bytes) : hub_(std::move(hub)) { looking_.bytes = bytes; }
    ~Watch() override {
        const std::lock_guard lock(hub_->mutex_);
        std::erase(hub_->looking_, &looking_);
        hub_->look_as_far_as_needed();
    }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    std::size_t take(std::vector<DroppedPacket>& into, std::size_t most) override {
        const std::lock_guard lock(hub_->mutex_);
        hub_->bring_in();
        const std::size_t count = std::min(most, looking_.waiting.size());
        const auto end = looking_.waiting.begin() + static_cast<std::ptrdiff_t>(count);
        std::move(looking_.waiting.begin(), end, std::back_inserter(into));
        looking_.waiting.erase(looking_.waiting.begin(), end);
        return count;
    }

    [[nodiscard]] std::uint64_t missed() const override {
        const std::lock_guard lock(hub_->mutex_);
        return looking_.missed + hub_->missed_at_desks() - looking_.missed_before;
    }

    [[nodiscard]] bool ended() const override {
        const std::lock_guard lock(hub_->mutex_);
        return hub_->closed_;
    }

private:
    friend class DropHub;
    std::shared_ptr<DropHub> hub_;
    Looking looking_;  // guarded by the hub's mutex
};

DropHub::DropHub(std::size_t workers, std::uint32_t records, std::function<std::vector<RulesetPtr>()> known)
    : known_(std::move(known)) {
    for (std::size_t worker = 0; worker < workers; ++worker) desks_.push_back(std::make_unique<DropDesk>(records));
}

Result<std::unique_ptr<DropWatch>> DropHub::watch(std::size_t bytes) {
    auto watch = std::make_unique<Watch>(shared_from_this(), std::min(bytes, kMostDropBytes));
    const std::lock_guard lock(mutex_);
    if (closed_) return Error::of(ErrorKind::kUnavailable, "the dataplane has stopped; nothing is dropped any more");
    if (looking_.size() >= kMostWatches)
        return Error::of(ErrorKind::kUnavailable,
                         std::to_string(kMostWatches) + " are looking at dropped packets already",
                         "end one of them (`drywall watch drops`, `drywall capture --dropped`)");
    if (!looking_.empty()) bring_in();  // what is there already is not the new one's
    watch->looking_.missed_before = missed_at_desks();
    const bool first = looking_.empty();
    looking_.push_back(&watch->looking_);
    if (first) {
        rulesets_ = known_();
        for (const auto& desk : desks_) desk->ask(kHeaderBytes);
    }
    look_as_far_as_needed();
    return std::unique_ptr<DropWatch>(std::move(watch));
}

void DropHub::close() {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    bring_in();
    closed_ = true;
    known_ = nullptr;
    rulesets_.clear();
    for (const auto& desk : desks_) desk->dismiss();
}

void DropHub::look_as_far_as_needed() {
    if (closed_) return;
    std::size_t most = kHeaderBytes;
    for (const Looking* one : looking_) most = std::max(most, one->bytes);
    for (const auto& desk : desks_) {
        if (looking_.empty())
            desk->dismiss();
        else
            desk->change(most);
    }
    if (looking_.empty()) rulesets_.clear();
}

// At most one ring full of each worker, however fast it drops.
void DropHub::bring_in() {
    if (closed_ || looking_.empty()) return;
    wall_ = std::chrono::system_clock::now();
    monotonic_ = monotonic_now();
    std::vector<RulesetPtr> known = known_();
    // One that was freed since the last time judged some of what is brought in now.
    rulesets_.insert(rulesets_.begin(), known.begin(), known.end());
    for (std::size_t worker = 0; worker < desks_.size(); ++worker) {
        DropDesk& desk = *desks_[worker];
        const auto each = [&](const DropDesk::Record& record) { give(worker, record); };
        for (std::size_t taken = 0; taken < desk.capacity();) {
            const std::size_t some = desk.take(each);
            if (some == 0) break;
            taken += some;
        }
    }
    rulesets_ = std::move(known);
}

void DropHub::give(std::size_t worker, const DropDesk::Record& record) {
    const DropDesk::Facts& facts = record.facts;
    const bool judged = facts.trace != engine::Decision::kUnjudged;
    DroppedPacket packet{
        .time = wall_ - std::chrono::duration_cast<std::chrono::system_clock::duration>(monotonic_ - facts.time),
        .worker = WorkerId(worker),
        .ingress = facts.ingress,
        .reason = facts.reason,
        .trace = judged ? std::optional(facts.trace) : std::nullopt,
        .generation = facts.generation,
        .ruleset = ruleset_of(facts.generation),
        .length = facts.length,
        .bytes = {}};
    for (Looking* one : looking_) {
        if (one->waiting.size() >= kWaiting) {
            ++one->missed;
            continue;
        }
        const std::size_t wanted = std::min<std::size_t>(record.captured, std::max(one->bytes, kHeaderBytes));
        packet.bytes.assign(record.bytes.begin(), record.bytes.begin() + static_cast<std::ptrdiff_t>(wanted));
        one->waiting.push_back(packet);
    }
}

DropHub::RulesetPtr DropHub::ruleset_of(Generation generation) const {
    const auto found = std::find_if(rulesets_.begin(), rulesets_.end(),
                                    [&](const RulesetPtr& one) { return one->generation() == generation; });
    return found == rulesets_.end() ? nullptr : *found;
}

std::uint64_t DropHub::missed_at_desks() const {
    std::uint64_t sum = 0;
    for (const auto& desk : desks_) sum += desk->missed();
    return sum;
}

}  // namespace drywall::runtime

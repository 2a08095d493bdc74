// The small site of the control tests, and a dataplane that only remembers.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "drywall/control/controller.h"
#include "site_texts.h"

namespace drywall::control::test {

using drywall::test::files;
using drywall::test::kEndpoints;
using drywall::test::kStagedClosed;
using drywall::test::kWebToDb;
using drywall::test::with;

inline ruleset::Surroundings two_ports() {
    ruleset::Surroundings out;
    out.port_names = {"left", "right"};
    out.peer_of = {PortId{1}, PortId{0}};
    return out;
}

// What dies while somebody looks: `packets`, once, and then `missed` were missed.
struct FakeDrops {
    std::atomic<int> watching{0};
    std::atomic<std::size_t> asked_for{0};
    std::mutex mutex;  // guards what follows
    std::vector<runtime::DroppedPacket> packets;
    std::uint64_t missed = 0;
    bool ended = false;

    void add(std::vector<runtime::DroppedPacket> more) {
        const std::scoped_lock lock(mutex);
        packets.insert(packets.end(), more.begin(), more.end());
    }
};

class FakeWatch final : public runtime::DropWatch {
public:
    explicit FakeWatch(std::shared_ptr<FakeDrops> drops) : drops_(std::move(drops)) { ++drops_->watching; }
    ~FakeWatch() override { --drops_->watching; }
    FakeWatch(const FakeWatch&) = delete;
    FakeWatch& operator=(const FakeWatch&) = delete;
    std::size_t take(std::vector<runtime::DroppedPacket>& into, std::size_t most) override {
        const std::scoped_lock lock(drops_->mutex);
        const std::size_t count = std::min(most, drops_->packets.size());
        const auto end = drops_->packets.begin() + static_cast<std::ptrdiff_t>(count);
        into.insert(into.end(), drops_->packets.begin(), end);
        drops_->packets.erase(drops_->packets.begin(), end);
        return count;
    }
    [[nodiscard]] std::uint64_t missed() const override {
        const std::scoped_lock lock(drops_->mutex);
        return drops_->missed;
    }
    [[nodiscard]] bool ended() const override {
        const std::scoped_lock lock(drops_->mutex);
        return drops_->ended;
    }

private:
    std::shared_ptr<FakeDrops> drops_;
};

class FakePublisher final : public Publisher {
public:
    Status publish(std::shared_ptr<const ruleset::Ruleset> next, runtime::Existing existing) override {
        if (meanwhile) meanwhile();
        const std::scoped_lock lock(mutex_);
        existing_ = existing;
        attempted_.push_back(next->generation());
        if (failure_) return *failure_;
        published_.push_back(next->generation());
        return Done{};
    }
    runtime::Snapshot snapshot() override {
        const std::scoped_lock lock(mutex_);
        return snapshot_;
    }
    runtime::Census census() override {
        const std::scoped_lock lock(mutex_);
        return census_;
    }
    Result<std::unique_ptr<runtime::DropWatch>> watch_drops(std::size_t bytes) override {
        if (failure_) return *failure_;
        drops->asked_for = bytes;
        return std::unique_ptr<runtime::DropWatch>(std::make_unique<FakeWatch>(drops));
    }

    void fail_with(std::optional<Error> failure) { failure_ = std::move(failure); }
    void set_snapshot(runtime::Snapshot snapshot) { snapshot_ = std::move(snapshot); }
    void set_census(runtime::Census census) { census_ = std::move(census); }
    [[nodiscard]] std::vector<Generation> published() const {
        const std::scoped_lock lock(mutex_);
        return published_;
    }
    std::function<void()> meanwhile;  // happens while workers take over what is published
    std::shared_ptr<FakeDrops> drops = std::make_shared<FakeDrops>();
    [[nodiscard]] runtime::Existing existing() const { return existing_; }  // of the last publication
    [[nodiscard]] std::vector<Generation> attempted() const { return attempted_; }

private:
    mutable std::mutex mutex_;
    std::optional<Error> failure_;
    runtime::Existing existing_ = runtime::Existing::kRecheck;
    std::vector<Generation> published_;
    std::vector<Generation> attempted_;
    runtime::Snapshot snapshot_;
    runtime::Census census_;
};

// A controller over the fake dataplane, with the site's endpoints in generation 1.
class Site {
public:
    explicit Site(std::vector<std::string> texts = {kEndpoints}, classify::Budget budget = {}) {
        auto made = Controller::create(two_ports(), budget, files(std::move(texts)));
        if (!made) {
            ADD_FAILURE() << made.error().text();
            std::abort();
        }
        controller_ = *std::move(made);
        controller_->attach(dataplane);
    }

    Controller& operator*() { return *controller_; }
    Controller* operator->() { return controller_.get(); }

    Result<Applied> apply(std::vector<std::string> texts, std::optional<Generation> expected = {}) {
        return controller_->apply(files(std::move(texts)), kAna, ChangeOptions{.expected = expected});
    }

    Result<Applied> apply_with(std::vector<std::string> texts, const ChangeOptions& options) {
        return controller_->apply(files(std::move(texts)), kAna, options);
    }

    static constexpr Peer kAna{4711, 1000, 1000};
    FakePublisher dataplane;

private:
    std::unique_ptr<Controller> controller_;
};

inline std::vector<std::string> words(const Applied& applied) {
    std::vector<std::string> out;
    for (const Change& change : applied.changes)
        out.push_back(change.id.text() + ' ' + std::string(name(change.outcome)));
    return out;
}

}  // namespace drywall::control::test

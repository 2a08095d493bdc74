// The controller and its memory: how the last generation comes back, and how each new one is kept before it is
// published. docs/adr/0008-state-in-sqlite.md has the reasons.
#include <algorithm>
#include <utility>

#include "audit.h"
#include "drywall/base/logging.h"
#include "drywall/base/out_of_memory.h"
#include "drywall/control/controller.h"
#include "drywall/explain/warnings.h"
#include "drywall/policy/convert.h"
#include "edit_log.h"
#include "plan.h"

namespace drywall::control {

namespace {

std::string digits(Generation generation) { return std::to_string(index(generation)); }

// "12 of 40 resources differ, the first is globalnetworkpolicy/web-to-db"; empty when a directory's files change
// nothing.
std::string difference_of(const policy::Inventory& in_force, const std::vector<loader::Source>& sources) {
    const Result<Plan> plan = plan_apply(in_force, sources);
    if (!plan) return "they can't be applied: " + plan.error().complaints.front().text();
    const auto differs = [](const Change& change) { return change.outcome != Outcome::kUnchanged; };
    const auto first = std::find_if(plan->changes.begin(), plan->changes.end(), differs);
    if (first == plan->changes.end()) return {};
    return std::to_string(std::count_if(first, plan->changes.end(), differs)) + " of " +
           std::to_string(plan->changes.size()) + " resources differ, the first is " + first->id.text();
}

void warn_of_difference(const Origin& origin) {
    if (origin.difference.empty()) return;
    spdlog::warn(
        "the files in {} are not what is in force: {}. In force is {}; `drywall diff -f {}` shows the difference, "
        "`drywall apply -f {}` enforces the files",
        origin.policy_directory, origin.difference, origin.text, origin.policy_directory, origin.policy_directory);
}

}  // namespace

// --- the start ---

Result<std::unique_ptr<Controller>> Controller::create(ruleset::Surroundings surroundings, classify::Budget budget,
                                                       store::GenerationStore& store,
                                                       const std::string& policy_directory) {
    return unless_out_of_memory("load the policies", [&]() -> Result<std::unique_ptr<Controller>> {
        std::unique_ptr<Controller> controller(new Controller(std::move(surroundings), budget));
        controller->state_.inventory = std::make_shared<const policy::Inventory>(policy::initial_inventory());
        controller->store_ = &store;
        controller->last_number_ = index(store.last_number());
        controller->origin_.policy_directory = policy_directory;
        const auto known = store.in_force();
        if (!known) return known.error();
        const Status started = *known ? controller->start_from_store(**known, policy_directory)
                                      : controller->start_from_files(policy_directory);
        if (!started) return started.error();
        const store::StoreHealth health = store.health();
        if (health.state != store::StoreHealth::State::kOk)
            spdlog::error("{}: what is in force goes on, and changes are refused", health.words);
        return controller;
    });
}

Status Controller::start_from_files(const std::string& policy_directory) {
    Plan plan{*state_.inventory, {}};
    if (!policy_directory.empty()) {
        const auto sources = loader::read_sources(policy_directory);
        if (!sources) return sources.error();
        Result<Plan> wanted = plan_apply(*state_.inventory, *sources);
        if (!wanted) return wanted.error();
        plan = *std::move(wanted);
    }
    origin_.text =
        policy_directory.empty() ? "nothing: the store is new and no policies are configured" : policy_directory;
    const Result<Applied> first = carry_out("start", state_, std::move(plan), Peer{}, {});
    if (!first) return first.error();
    spdlog::info("generation {} is in force, from {}", digits(first->after), origin_.text);
    return Done{};
}

Status Controller::start_from_store(store::GenerationRecord record, const std::string& policy_directory) {
    auto pending = store_->pending();
    if (!pending) return pending.error();
    const bool unconfirmed = *pending && (*pending)->generation == record.number;
    const Generation source = unconfirmed ? (*pending)->previous : record.number;
    const Result<policy::Inventory> inventory = store_->content(source);
    if (!inventory) return inventory.error();
    if (unconfirmed) {
        const Result<policy::Inventory> unwanted = store_->content(record.number);
        Applied back;
        back.before = record.number;
        back.after = static_cast<Generation>(last_number_ + 1);
        back.enforced_changed = record.enforced_changed;
        if (unwanted) back.changes = plan_become(*unwanted, *inventory).changes;
        record = record_of("revert", back, Peer{},
                           "generation " + digits(record.number) + " was not confirmed before the restart");
        record.takes_back = back.before;
        origin_.taken_back = **pending;
    }
    origin_.text = "generation " + digits(source) + " of " + store_->file().string();
    if (Status back = bring_back(record, *inventory); !back) return back;
    if (policy_directory.empty()) return Done{};
    const auto sources = loader::read_sources(policy_directory);
    origin_.difference =
        sources ? difference_of(*state_.inventory, *sources) : sources.error().complaints.front().text();
    warn_of_difference(origin_);
    return Done{};
}

// A disk that is full is no reason to leave an unconfirmed change in force: it is taken back, and again by the next
// start, for the store still says that it was pending.
Status Controller::bring_back(const store::GenerationRecord& record, const policy::Inventory& inventory) {
    const Rehearsed built = compile(record.number, inventory, {.ruleset = nullptr, .cache = &compile_cache_});
    if (!built) return built.error();
    auto warned =
        std::make_shared<const std::vector<Complaint>>(explain::warnings(**built, policy::calico_view(inventory)));
    if (origin_.taken_back) {
        spdlog::warn("{}: what is in force again is generation {}, as generation {}", record.comment,
                     digits(origin_.taken_back->previous), digits(record.number));
        store_or_owe({record, std::make_shared<const policy::Inventory>(inventory), {}});
    }
    last_number_ = std::max<std::uint64_t>(last_number_, index(record.number));
    auto edits = std::make_shared<EditLog>();
    edits->note(inventory, inventory, {}, record.number, std::chrono::system_clock::now());
    state_ = {std::make_shared<const policy::Inventory>(inventory),
              *built,
              record.made,
              std::move(warned),
              std::move(edits),
              {}};
    spdlog::info("generation {} is in force, from {}", digits(record.number), origin_.text);
    return Done{};
}

// --- changes ---

Status Controller::keep(std::string_view verb, const Applied& applied, const policy::Inventory& content,
                        const Peer& who, const ChangeOptions& options,
                        const std::optional<store::PendingConfirmation>& pending) {
    if (store_ == nullptr) return Done{};
    if (applied.before == Generation{}) {
        first_ = applied;
        return Done{};
    }
    if (Status settled = settle(); !settled) return settled;
    return store_->record(record_of(verb, applied, who, options.comment), content, pending);
}

// Access matters more than the record of it. One that follows before the first is stored takes its place: then the
// history has a gap, and what a restart brings is right.
void Controller::store_or_owe(Owed owed) {
    if (store_ == nullptr) return;
    owed_ = std::move(owed);
    store_differs_ = true;
    const bool told = as_memory_allows([&] {
        if (Status settled = unless_out_of_memory("store it", [&] { return settle(); }); !settled)
            spdlog::error(
                "generation {} ({}) is in force and could not be stored; it will be, before anything else is changed: "
                "{}",
                digits(owed_->record.number), owed_->record.verb, settled.error().text());
    });
    if (!told)
        spdlog::error("what is in force could not be stored yet, and will be before anything is changed: no memory");
}

Status Controller::settle() {
    if (withdraw_to_) {
        store::AuditEntry entry = audit_entry("withdraw", Peer{}, {}, "withdrawn");
        entry.before = entry.after = *withdraw_to_;
        entry.words = "what could not be published is no longer what a restart brings";
        if (Status done = store_->put_back(*withdraw_to_, store::Fate::kWithdrawn, entry); !done) return done;
        withdraw_to_.reset();
    }
    if (owed_) {
        if (Status kept = store_->record(owed_->record, *owed_->content, owed_->pending); !kept) return kept;
        owed_.reset();
    }
    store_differs_ = false;
    return Done{};
}

void Controller::catch_up(Nanos boot) {
    if (!store_differs_ || !guarding_->settling.may(boot)) return;
    const std::optional<Status> settled = what_memory_allows([this] { return settle(); });
    const bool done = settled && *settled;
    guarding_->settling.tried(done, boot);
    if (done) spdlog::warn("what is in force is stored at last: a restart brings it");
}

void Controller::keep_first() {
    if (!first_) return;
    Owed first{record_of("start", *first_, Peer{}, {}), state().inventory, {}};
    first_.reset();
    // The files are what the operator wants in force, whether that can be stored or not.
    store_or_owe(std::move(first));
}

// If that fails too, a restart brings the withdrawn generation: it is whole, and it was asked for. So it is tried
// again, by the watchman and before the next change.
void Controller::withdraw(std::string_view verb, const Applied& applied, const Error* why, const Peer& who,
                          const ChangeOptions& options) {
    if (store_ == nullptr) return;
    const std::optional<Status> done = what_memory_allows([&] {
        store::AuditEntry entry = audit_entry(verb, who, options.comment, "withdrawn");
        entry.before = applied.before;
        entry.after = applied.before;
        entry.words = why == nullptr ? "not enough memory" : why->text();
        return store_->put_back(applied.before, store::Fate::kWithdrawn, entry);
    });
    if (done && *done) return;
    withdraw_to_ = applied.before;
    store_differs_ = true;
    as_memory_allows([&] {
        spdlog::error(
            "generation {} could not be published, and until the store has taken it back a restart brings it: {}",
            index(applied.after), done ? done->error().text() : "not enough memory");
    });
}

void Controller::note(std::string_view verb, const Result<Applied>& result, const Peer& who,
                      const ChangeOptions& options) {
    if (store_ == nullptr || (result && result->before != result->after)) return;  // keep() has noted it
    const bool noted = as_memory_allows([&] {
        store::AuditEntry entry = audit_entry(verb, who, options.comment, result ? "unchanged" : "failed");
        entry.before = generation();
        entry.after = entry.before;
        if (!result) entry.words = result.error().text();
        if (Status done = store_->note(entry); !done)
            spdlog::error("the audit trail has a gap: {}", done.error().text());
    });
    if (!noted) spdlog::error("the audit trail has a gap: not enough memory");
}

// --- questions ---

Result<std::unique_ptr<runtime::DropWatch>> Controller::watch_drops(std::size_t bytes, const Peer& who,
                                                                    const std::string& asked_for) {
    const Result<Publisher*> publisher = attached();
    if (!publisher) return publisher.error();
    auto watch = (*publisher)->watch_drops(bytes);
    if (store_ == nullptr) return watch;
    store::AuditEntry entry = audit_entry("watch-drops", who, {}, watch ? "started" : "failed");
    entry.before = entry.after = generation();
    entry.words = watch ? asked_for : watch.error().text();
    if (Status noted = store_->note(entry); !noted)
        return Error::of(
            ErrorKind::kUnavailable,
            "the audit trail can't be written, and nobody looks at packets unrecorded: " + noted.error().text());
    return watch;
}

Result<store::GenerationStore*> Controller::store() const {
    if (store_ != nullptr) return store_;
    return Error::of(ErrorKind::kUnavailable, "nothing is kept: the appliance runs without a store",
                     "give it a state directory");
}

Result<policy::Inventory> Controller::content(Generation generation) const {
    const State now = state();
    if (now.ruleset->generation() == generation) return *now.inventory;
    const Result<store::GenerationStore*> kept = store();
    if (!kept) return kept.error();
    return (*kept)->content(generation);
}

Result<policy::Inventory> Controller::candidate(std::span<const loader::Source> sources) const {
    Result<Plan> plan = plan_apply(*state().inventory, sources);
    if (!plan) return plan.error();
    return std::move(plan->after);
}

}  // namespace drywall::control

// Controller: the one owner of what is in force. It holds the inventory and the generation number, and carries every
// change through check, compile and publication; only a change that got through all of them becomes current.
//
// Threads: any. Changes happen one after another, in the order of their arrival; readers see the last finished one and
//          never wait for a change that is being compiled.
// Failure: an error anywhere leaves inventory, generation and dataplane as they were. No memory is such an error; where
//          there is not even enough to say so, std::bad_alloc.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "drywall/base/ids.h"
#include "drywall/base/result.h"
#include "drywall/classify/classifier.h"
#include "drywall/control/drill.h"
#include "drywall/control/guard.h"
#include "drywall/control/peer.h"
#include "drywall/loader/resources.h"
#include "drywall/policy/resources.h"
#include "drywall/ruleset/ruleset.h"
#include "drywall/runtime/dataplane.h"
#include "drywall/store/generation_store.h"

namespace drywall::control {

struct Guarding;
struct Plan;
class EditLog;

enum class Outcome : std::uint8_t { kCreated, kConfigured, kUnchanged, kDeleted };
[[nodiscard]] std::string_view name(Outcome outcome) noexcept;

struct Change {
    policy::ResourceId id;
    Outcome outcome = Outcome::kUnchanged;
};

// What a request did. `before == after` when it changed nothing: then there is no new generation.
struct Applied {
    std::vector<Change> changes;  // in the order of the request
    Generation before{};
    Generation after{};
    bool enforced_changed = false;
    // What is probably not meant: about the resources of this request, and what this change brought about elsewhere.
    std::vector<Complaint> warnings{};
    std::optional<PendingChange> waits{};  // to be confirmed, or it is taken back
};

// A moment's state, consistent in itself.
struct State {
    std::shared_ptr<const policy::Inventory> inventory;
    std::shared_ptr<const ruleset::Ruleset> ruleset;
    std::chrono::system_clock::time_point since;             // when it came into force
    std::shared_ptr<const std::vector<Complaint>> warnings;  // explain::warnings() of this state
    std::shared_ptr<const EditLog> edits;
    std::shared_ptr<const std::string> enforced_image;  // the ruleset's; null: not written yet
};

// Where a new generation goes, and where its numbers come from: what the controller needs of a Dataplane.
class Publisher {
public:
    virtual ~Publisher() = default;
    // As Dataplane::publish: on failure the previous ruleset is in force again.
    virtual Status publish(std::shared_ptr<const ruleset::Ruleset> next, runtime::Existing existing) = 0;
    virtual runtime::Snapshot snapshot() = 0;
    virtual runtime::Census census() = 0;
    // What was learned from DNS.
    virtual std::vector<inspect::KnownName> names() { return {}; }
    virtual Result<std::unique_ptr<runtime::DropWatch>> watch_drops(std::size_t bytes) = 0;
};

class DataplanePublisher final : public Publisher {
public:
    explicit DataplanePublisher(runtime::Dataplane& dataplane) : dataplane_(dataplane) {}
    Status publish(std::shared_ptr<const ruleset::Ruleset> next, runtime::Existing existing) override {
        return dataplane_.publish(std::move(next), existing);
    }
    runtime::Snapshot snapshot() override { return dataplane_.snapshot(); }
    runtime::Census census() override { return dataplane_.census(); }
    std::vector<inspect::KnownName> names() override { return dataplane_.names(); }
    Result<std::unique_ptr<runtime::DropWatch>> watch_drops(std::size_t bytes) override {
        return dataplane_.watch_drops(bytes);
    }

private:
    runtime::Dataplane& dataplane_;
};

// How a change is to be made, whatever the change is.
struct ChangeOptions {
    // The generation that the sender believes to be in force; kConflict when it is not.
    std::optional<Generation> expected{};
    std::string comment{};  // why, in the sender's words; kept with the generation
    // What becomes of the connections that are there; absent: as set_existing() said. A change that leaves what is
    // enforced as it is does nothing to them.
    std::optional<runtime::Existing> existing{};
    // Taken back unless it is confirmed within this time; 0: it stays.
    Nanos confirm_within{0};
    bool confirm_if_it_can_deny_more =
        false;                          // only then: what is enforced changes, and it is not proven that it only widens
    std::vector<TripWire> revert_if{};  // takes it back earlier, while it waits
    bool force = false;                 // also if it cuts off what was seen lately; on record
};

// Where the policies that were in force at the start came from.
struct Origin {
    std::string text{};              // "generation 41 of /var/lib/drywall/state.db", "/etc/drywall/policies"
    std::string policy_directory{};  // empty: none is configured
    std::string difference{};        // of its files from what came into force instead; empty: none
    // A change that nobody had confirmed when the last process ended, and that was therefore taken back.
    std::optional<store::PendingConfirmation> taken_back{};
};

class Controller {
public:
    // Builds generation 1 from the initial inventory and `sources` (the appliance's policy directory).
    [[nodiscard]] static Result<std::unique_ptr<Controller>> create(ruleset::Surroundings surroundings,
                                                                    classify::Budget budget = {},
                                                                    std::span<const loader::Source> sources = {});
    ~Controller();

    // The same with a memory: brings back the last confirmed generation of the store, under its number. Only for a
    // store that holds none, the files of `policy_directory` (may be empty) become a new generation. From then on a
    // change is in the store before it is published. `store` outlives the controller.
    [[nodiscard]] static Result<std::unique_ptr<Controller>> create(ruleset::Surroundings surroundings,
                                                                    classify::Budget budget,
                                                                    store::GenerationStore& store,
                                                                    const std::string& policy_directory);

    // How changes are guarded. Opens the safety when the rescue flag is there, or when it was open before a restart and
    // its time is not over. Call it once, before in_force().
    void guard_with(GuardSettings settings);

    // The services by which the site is managed, as guard_with() was told.
    [[nodiscard]] const std::vector<ManagementService>& management() const;

    // What the workers shall use: state().ruleset, enforced, or only observed while the safety is open.
    [[nodiscard]] std::shared_ptr<const ruleset::Ruleset> in_force() const;

    // From now on changes are published there. Start the dataplane with in_force(), then attach it, before anyone
    // may ask for changes. `publisher` outlives the controller or is detached first.
    void attach(Publisher& publisher);
    void detach();

    // For changes that do not say it themselves; before anyone may ask for changes.
    void set_existing(runtime::Existing existing) { existing_ = existing; }

    // Creates or replaces every resource of the sources: all of them or none.
    [[nodiscard]] Result<Applied> apply(std::span<const loader::Source> sources, const Peer& who,
                                        const ChangeOptions& options = {});

    // The same, with every enforced policy among them turned into its staged kind.
    [[nodiscard]] Result<Applied> stage(std::span<const loader::Source> sources, const Peer& who,
                                        const ChangeOptions& options = {});

    // Removes the named resources, all or none. kNotFound names those that do not exist.
    [[nodiscard]] Result<Applied> remove(std::span<const policy::ResourceId> ids, const Peer& who,
                                         const ChangeOptions& options = {});

    // Makes one staged policy enforced in one generation: the staged object goes, and the enforced policy of its name
    // is created, replaced, or (stagedAction Delete) removed. kRefused for stagedAction Ignore.
    [[nodiscard]] Result<Applied> promote(const policy::ResourceId& staged, const Peer& who,
                                          const ChangeOptions& options = {});

    // The resources of a kept generation become the resources in force, as a new generation.
    [[nodiscard]] Result<Applied> rollback(Generation to, const Peer& who, const ChangeOptions& options = {});

    // The resources of the sources become all that there is (the initial tiers stay), as a new generation.
    [[nodiscard]] Result<Applied> restore(std::span<const loader::Source> sources, const Peer& who,
                                          const ChangeOptions& options = {});

    // The resources of the generation in force or of any that is kept. kNotFound otherwise.
    [[nodiscard]] Result<policy::Inventory> content(Generation generation) const;
    // What apply() would make of the inventory; nothing is changed.
    [[nodiscard]] Result<policy::Inventory> candidate(std::span<const loader::Source> sources) const;

    // kUnavailable for a controller that has no store.
    [[nodiscard]] Result<store::GenerationStore*> store() const;
    [[nodiscard]] const Origin& origin() const noexcept { return origin_; }

    // The inverse: an enforced policy is staged again (stagedAction Set), and enforced no more.
    [[nodiscard]] Result<Applied> demote(const policy::ResourceId& enforced, const Peer& who,
                                         const ChangeOptions& options = {});

    // The ruleset that would be in force if these staged policies were promoted now, or these sources were applied.
    // Nothing is changed.
    using Rehearsed = Result<std::shared_ptr<const ruleset::Ruleset>>;
    [[nodiscard]] Rehearsed rehearse_promotion(const policy::ResourceId& staged) const {
        return rehearse_promotions({&staged, 1});
    }
    [[nodiscard]] Rehearsed rehearse_promotions(std::span<const policy::ResourceId> staged) const;
    [[nodiscard]] Rehearsed rehearse_apply(std::span<const loader::Source> sources) const;
    // What an inventory compiles to. Nothing is changed.
    [[nodiscard]] Rehearsed compile(Generation generation, const policy::Inventory& inventory) const {
        return compile(generation, inventory, {});
    }
    // The change that waits stays. `connected`: the boot clock when the connection came over which this is said.
    [[nodiscard]] Result<PendingChange> confirm(const Peer& who, Nanos connected, std::optional<Generation> meant = {});

    // Everything is observed and nothing enforced, for a while, through all changes; and the end of it.
    [[nodiscard]] Result<SafetyOpening> open_safety(Nanos how_long, std::string reason, const Peer& who);
    [[nodiscard]] Status close_safety(const Peer& who);

    // Takes back what nobody confirmed in time or what tore a trip-wire, and closes the safety when its time is over.
    // The watchman's.
    void keep_promises();

    [[nodiscard]] GuardView guard();
    // What this user must be told with the next answer, once: that a change was taken back.
    [[nodiscard]] std::string notice_for(const Peer& who);

    // What the change would cut off, and what would bring it back, worked out beside what is in force.
    [[nodiscard]] Result<Drill> drill(std::span<const loader::Source> sources) const;
    [[nodiscard]] Result<Drill> drill_promotion(const policy::ResourceId& staged) const;

    [[nodiscard]] State state() const;
    [[nodiscard]] Generation generation() const { return state().ruleset->generation(); }

    // The dataplane's counters; kUnavailable before attach().
    [[nodiscard]] Result<runtime::Snapshot> snapshot();
    // The connections that are open now, by a walk through the workers' tables; likewise.
    [[nodiscard]] Result<runtime::Census> census();
    [[nodiscard]] Result<std::vector<inspect::KnownName>> names();
    // Packets as they are dropped, the first `bytes` of each; likewise. On record, with what `who` asked for.
    [[nodiscard]] Result<std::unique_ptr<runtime::DropWatch>> watch_drops(std::size_t bytes, const Peer& who,
                                                                          const std::string& asked_for);

private:
    Controller(ruleset::Surroundings surroundings, classify::Budget budget);

    template <typename MakePlan>
    Result<Applied> change(std::string_view verb, const Peer& who, const ChangeOptions& options, MakePlan make);
    Result<Applied> carry_out(std::string_view verb, const State& before, Plan plan, const Peer& who,
                              const ChangeOptions& options);

    [[nodiscard]] Rehearsed compile(Generation generation, const policy::Inventory& inventory,
                                    const ruleset::Predecessor& before) const;
    Status publish(const std::shared_ptr<const ruleset::Ruleset>& next, runtime::Existing existing);
    [[nodiscard]] Result<Publisher*> attached() const;

    // controller_store.cpp. REQUIRES: change_mutex_ is held, or nobody else knows the controller yet
    Status start_from_store(store::GenerationRecord record, const std::string& policy_directory);
    Status start_from_files(const std::string& policy_directory);
    Status bring_back(const store::GenerationRecord& record, const policy::Inventory& inventory);
    // The first generation is stored when it is attached: a start that failed must not decide what the next one brings.
    void keep_first();
    // Into the store, before the publication; Done without a store. `pending`: it has to be confirmed.
    Status keep(std::string_view verb, const Applied& applied, const policy::Inventory& content, const Peer& who,
                const ChangeOptions& options, const std::optional<store::PendingConfirmation>& pending = {});
    // A generation that is in force before it is stored, because it could not wait for a disk: what is taken back, and
    // what the safety opens and closes.
    struct Owed {
        store::GenerationRecord record;
        std::shared_ptr<const policy::Inventory> content;
        std::optional<store::PendingConfirmation> pending{};
    };
    void store_or_owe(Owed owed);
    // Takes out of the store what was not published, and stores what is owed. Until then nothing is changed: the store
    // could not put back what it does not hold. The watchman tries it as well.
    Status settle();
    void catch_up(Nanos boot);
    // Out of the store, because it could not be published. `why`: null when there was no memory for an Error.
    void withdraw(std::string_view verb, const Applied& applied, const Error* why, const Peer& who,
                  const ChangeOptions& options);
    // A request that made no generation.
    void note(std::string_view verb, const Result<Applied>& result, const Peer& who, const ChangeOptions& options);

    // controller_guard.cpp. REQUIRES: change_mutex_ is held
    [[nodiscard]] Status nothing_waits() const;
    // kRefused, naming what would be cut off. With force: that in words, for the record; empty: nothing.
    [[nodiscard]] Result<std::string> cut_off_by_force(const ruleset::Ruleset& before, const ruleset::Ruleset& next,
                                                       const ChangeOptions& options, const Peer& who) const;
    [[nodiscard]] std::optional<PendingChange> promise_to_take_back(const Applied& applied,
                                                                    const ruleset::Ruleset& next,
                                                                    const ChangeOptions& options, const Peer& who);
    void break_promise();
    [[nodiscard]] std::uint64_t drops_counted();  // by the dataplane, since its start
    class PromiseToKeep;
    // From now on `told` runs out as `change`, its twin. Can't fail: it comes after the publication.
    void arm(PendingChange change, PendingChange& told, const State& previous);
    // For the cause that guarding_->taking_back gives. `who`: by hand; the appliance itself otherwise.
    Result<Applied> take_back(const Peer& who = {}, std::string_view comment = {});
    Result<Applied> bring_previous_back(const Peer& who, std::string_view comment);
    void note_taken_back(Reverted reverted);
    void note_closed_meanwhile(const SafetyOpening& opening);
    void note_interrupted(const store::PendingConfirmation& pending, const Moment& now);
    // Somebody rolls back to the generation that would come back by itself; nothing: that is another one.
    [[nodiscard]] std::optional<Result<Applied>> take_back_by_hand(
        Generation to, const Peer& who, const ChangeOptions& options);  // takes change_mutex_
    Status shut(const Peer& who, const std::string& why);
    Status publish_again(std::string_view verb, const Peer& who, const std::string& why);
    // Needs no mutex. The workers' counters are collected only where a trip-wire, or somebody who asks, wants them.
    enum class Looking : std::uint8_t { kAsWired, kEverywhere };
    [[nodiscard]] Signs signs_since_the_change(Looking looking);
    [[nodiscard]] Result<Drill> drill(const State& before, const Plan& plan) const;

    ruleset::Surroundings surroundings_;
    classify::Budget budget_;
    store::GenerationStore* store_ = nullptr;  // set before anyone else knows the controller
    Origin origin_;
    std::optional<Owed> owed_;  // guarded by change_mutex_
    // The store holds a newer one, which could not be published and could not be taken out either. Under change_mutex_.
    std::optional<Generation> withdraw_to_;
    std::atomic<bool> store_differs_{false};  // from what is in force; written under change_mutex_
    std::optional<Applied> first_;            // guarded by change_mutex_; made from files and not stored yet
    runtime::Existing existing_ = runtime::Existing::kRecheck;
    std::unique_ptr<Guarding> guarding_;
    std::mutex change_mutex_;               // held through a whole change
    classify::CompileCache compile_cache_;  // guarded by change_mutex_: of the last generation that was compiled
    std::uint64_t last_number_ = 0;         // guarded by change_mutex_; a number once published is never used again
    mutable std::mutex state_mutex_;        // guards what follows; held for the time of a copy
    State state_;
    Publisher* publisher_ = nullptr;
};

}  // namespace drywall::control

// What the controller does so that nobody locks themselves out: changes that undo themselves, the safety, refusals.
#include <algorithm>
#include <tuple>
#include <utility>

#include "audit.h"
#include "drywall/base/logging.h"
#include "drywall/base/out_of_memory.h"
#include "drywall/control/controller.h"
#include "drywall/explain/semantic_diff.h"
#include "edit_log.h"
#include "guarding.h"
#include "plan.h"

namespace drywall::control {

namespace {

using namespace std::chrono_literals;

constexpr std::string_view kSafety = "safety";
constexpr Nanos kStalled = 1s;              // a worker comes round its loop in microseconds
constexpr std::chrono::hours kLately{1};    // what a change may not silently cut off was seen in this time
constexpr std::size_t kMostGroups = 65536;  // of them: what the flow log remembers at most

std::string shown(Generation generation) { return std::to_string(index(generation)); }

std::uint64_t dropped(const runtime::Snapshot& snapshot) {
    std::uint64_t packets = 0;
    for (const auto& [reason, count] : snapshot.drops) packets += count.packets;
    return packets;
}

std::uint64_t stalled(const runtime::Snapshot& snapshot) {
    return static_cast<std::uint64_t>(
        std::count_if(snapshot.workers.begin(), snapshot.workers.end(),
                      [](const runtime::Snapshot::Worker& worker) { return worker.heartbeat_age > kStalled; }));
}

bool is_there(const std::filesystem::path& flag) {
    std::error_code ignored;
    return !flag.empty() && std::filesystem::exists(flag, ignored);
}

// It can, unless the compiled classes prove that it only widens. What takes too many questions is not proven.
bool can_deny_more(const ruleset::Ruleset& before, const ruleset::Ruleset& next) {
    constexpr std::size_t kMostQuestions = std::size_t{1} << 22U;
    const auto diff = explain::semantic_diff({&before, World::kEnforced}, {&next, World::kEnforced},
                                             {.regions = 0, .questions = kMostQuestions});
    return !diff || diff->newly_denied > 0;
}

// A memory that fails takes nothing from what happens now: it is said, and the appliance runs on.
template <typename Work>
void or_complain(const char* what, Work work) {
    const bool told = as_memory_allows([&] {
        const Status status = unless_out_of_memory("write it down", work);
        if (!status) spdlog::error("{}: {}", what, status.error().text());
    });
    if (!told) spdlog::error("{}: not enough memory", what);
}

}  // namespace

std::vector<observe::FlowGroup> Guarding::seen_lately() {
    if (settings.flows == nullptr) return {};
    const Moment now = settings.clocks();
    const auto by_boot_clock =
        began.wall + std::chrono::duration_cast<std::chrono::system_clock::duration>(now.boot - began.boot);
    const auto since = std::min(now.wall, by_boot_clock) - kLately;
    observe::FlowQuery query;
    query.enforced = Verdict::kAllow;
    query.limit = kMostGroups;
    query.latest = true;
    std::call_once(looked_back, [&] {
        observe::FlowQuery before = query;
        before.since = began.wall - kLately;
        before.until = began.wall;
        seen_before = settings.flows->query(before).groups;
        for (observe::FlowGroup& group : seen_before) group.connections_live = 0;  // that run is over
    });
    std::vector<observe::FlowGroup> groups = settings.flows->query(query).groups;
    groups.insert(groups.end(), seen_before.begin(), seen_before.end());
    std::erase_if(groups, [since](const observe::FlowGroup& group) {
        return group.connections_live == 0 && group.last_seen < since;
    });
    return groups;
}

// --- what is in force ---

void Controller::guard_with(GuardSettings settings) {
    const std::scoped_lock change(change_mutex_);
    guarding_->settings = std::move(settings);
    if (guarding_->settings.memory == nullptr && store_ != nullptr)
        guarding_->settings.memory = &guarding_->store_memory.emplace(*store_);
    const Moment now = guarding_->settings.clocks();
    guarding_->began = now;
    std::optional<SafetyOpening> opening;
    if (Memory* memory = guarding_->settings.memory; memory != nullptr) {
        const auto text = memory->recall(kSafety);
        if (!text)
            spdlog::error("whether the safety was open could not be read, and it is not: {}", text.error().text());
        if (text && *text) opening = safety_opening_of(**text);
        const bool over = opening && opening->until && opening->until->passed(now);
        if (over) {
            or_complain("the safety was open and could not be forgotten", [&] { return memory->forget(kSafety); });
            note_closed_meanwhile(*opening);
            opening.reset();
        }
    }
    const std::filesystem::path& flag = guarding_->settings.rescue_flag;
    if (is_there(flag)) opening = SafetyOpening{"rescue: " + flag.string() + " exists", Peer{}, {}, now.wall};
    if (const std::string& why = guarding_->settings.nothing_to_enforce; !why.empty())
        opening = SafetyOpening{why, Peer{}, {}, now.wall};
    if (origin_.taken_back) note_interrupted(*origin_.taken_back, now);
    const std::scoped_lock lock(guarding_->mutex);
    guarding_->safety = std::move(opening);
    if (guarding_->safety)
        spdlog::error(
            "THE SAFETY IS OPEN: everything is observed and NOTHING IS ENFORCED ({}); `drywall safety close` "
            "ends it",
            guarding_->safety->reason);
}

// The trail of an opening has an end, also where nobody was there to close it.
void Controller::note_closed_meanwhile(const SafetyOpening& opening) {
    spdlog::warn("the safety's time ended while the appliance was down: policies are enforced again");
    if (store_ == nullptr) return;
    store::AuditEntry entry = audit_entry("safety-close", Peer{}, opening.reason, "applied");
    entry.before = entry.after = generation();
    entry.words = "its time ended while the appliance was down";
    or_complain("the audit trail has a gap", [&] { return store_->note(entry); });
}

const std::vector<ManagementService>& Controller::management() const { return guarding_->settings.management; }

// The start brought back what the change of the last run had replaced.
void Controller::note_interrupted(const store::PendingConfirmation& pending, const Moment& now) {
    PendingChange change = pending_change_of(pending.terms).value_or(PendingChange{});
    change.generation = pending.generation;
    change.previous = pending.previous;
    const std::string cause = "the appliance was started anew before it was confirmed";
    {
        const std::scoped_lock lock(guarding_->mutex);
        guarding_->confirmation.arm(change);
        guarding_->confirmation.take_back(ConfirmationState::kInterrupted, cause);
    }
    note_taken_back({change.generation, change.previous, generation(), cause, change.who, now.wall});
}

std::shared_ptr<const ruleset::Ruleset> Controller::in_force() const {
    const std::shared_ptr<const ruleset::Ruleset> written = state().ruleset;
    const ruleset::Enforcement enforcement = guarding_->enforcement();
    return enforcement == written->enforcement() ? written : written->again(written->generation(), enforcement);
}

// The one way to the workers. A number is used up even if its publication fails: they may have seen it.
Status Controller::publish(const std::shared_ptr<const ruleset::Ruleset>& next, runtime::Existing existing) {
    Publisher* publisher = [this] {
        const std::scoped_lock lock(state_mutex_);
        return publisher_;
    }();
    last_number_ = index(next->generation());
    if (publisher == nullptr) return Done{};
    const bool observed = guarding_->enforcement() == ruleset::Enforcement::kObserve;
    return unless_out_of_memory("publish the generation", [&] {
        return publisher->publish(observed ? next->again(next->generation(), ruleset::Enforcement::kObserve) : next,
                                  existing);
    });
}

// --- changes that undo themselves ---

Status Controller::nothing_waits() const {
    const std::scoped_lock lock(guarding_->mutex);
    const Confirmation& confirmation = guarding_->confirmation;
    if (guarding_->taking_back)
        return Error::of(ErrorKind::kUnavailable,
                         "generation " + shown(confirmation.change()->previous) + " is being brought back",
                         "it could not be published yet; `drywall status` says why, the log says more");
    if (!confirmation.armed()) return Done{};
    const PendingChange& change = *confirmation.change();
    return Error::of(ErrorKind::kRefused,
                     "generation " + shown(change.generation) + " waits to be confirmed for another " +
                         time_left_text(change.deadline.left(guarding_->settings.clocks())) +
                         ": nothing else is changed meanwhile",
                     "`drywall confirm` keeps it, `drywall rollback " + shown(change.previous) + "` takes it back now");
}

Result<std::string> Controller::cut_off_by_force(const ruleset::Ruleset& before, const ruleset::Ruleset& next,
                                                 const ChangeOptions& options, const Peer& who) const {
    if (guarding_->settings.flows == nullptr) return std::string();
    const std::vector<observe::FlowGroup> seen = guarding_->seen_lately();
    const Lockouts lockouts = find_lockouts(before, next, seen, guarding_->settings.management);
    if (!lockouts.any()) return std::string();
    if (!options.force) return refusal(lockouts);
    std::string what = "forced: cuts off " + std::to_string(lockouts.management.size()) + " management path(s) and " +
                       std::to_string(lockouts.endpoints.size()) + " endpoint(s) of the last hour";
    spdlog::warn("{} by {}", what, who.text());
    return what;
}

std::optional<PendingChange> Controller::promise_to_take_back(const Applied& applied, const ruleset::Ruleset& next,
                                                              const ChangeOptions& options, const Peer& who) {
    if (options.confirm_within <= 0ns || applied.before == Generation{}) return std::nullopt;
    const bool resets = options.existing.value_or(existing_) == runtime::Existing::kReset;
    if (options.confirm_if_it_can_deny_more &&
        !(applied.enforced_changed && (resets || can_deny_more(*state().ruleset, next))))
        return std::nullopt;
    PendingChange change{.generation = applied.after,
                         .previous = applied.before,
                         .deadline = {guarding_->settings.clocks(), options.confirm_within},
                         .who = who,
                         .trip_wires = options.revert_if};
    const std::uint64_t drops = drops_counted();
    {
        const std::scoped_lock lock(guarding_->mutex);
        guarding_->drops_before = drops;
    }
    if (DenialWatch* denials = guarding_->settings.denials; denials != nullptr)
        denials->begin(applied.after, state().ruleset);
    return change;
}

void Controller::break_promise() {
    if (guarding_->settings.denials != nullptr) guarding_->settings.denials->end();
}

std::uint64_t Controller::drops_counted() {
    const Result<runtime::Snapshot> counted = snapshot();
    return counted ? dropped(*counted) : 0;
}

// From here on the time runs: a connection that was there before the publication proves nothing. Without memory to ask
// for the time and the drops anew, those stand that were asked for when the change was promised to come back.
void Controller::arm(PendingChange change, PendingChange& told, const State& previous) {
    as_memory_allows([&] {
        Moment now = guarding_->settings.clocks();
        told.deadline.set = now;
        change.deadline.set = std::move(now);
    });
    std::optional<std::uint64_t> drops;
    as_memory_allows([&] { drops = drops_counted(); });
    {
        const std::scoped_lock lock(guarding_->mutex);
        guarding_->previous = previous;
        if (drops) guarding_->drops_before = *drops;
        guarding_->confirmation.arm(std::move(change));
    }
    as_memory_allows([&] {
        spdlog::warn("generation {} is taken back in {} unless it is confirmed", shown(told.generation),
                     time_left_text(told.deadline.after));
    });
}

Result<PendingChange> Controller::confirm(const Peer& who, Nanos connected, std::optional<Generation> meant) {
    const std::scoped_lock change(change_mutex_);
    auto [confirmation, safety] = [this] {
        const std::scoped_lock lock(guarding_->mutex);
        return std::pair(guarding_->confirmation, guarding_->safety);
    }();
    if (confirmation.armed() && safety)
        return Error::of(ErrorKind::kRefused,
                         "the safety is open and nothing is enforced: that you can come in proves nothing",
                         "`drywall safety close`, then say `drywall confirm` over a new connection");
    if (Status said = confirmation.confirm(connected, guarding_->settings.clocks(), meant); !said)
        return std::move(said).error();
    PendingChange confirmed = *confirmation.change();
    if (store_ != nullptr) {
        if (Status settled = settle(); !settled) return std::move(settled).error();
        store::AuditEntry entry = audit_entry("confirm", who, {}, "confirmed");
        entry.before = entry.after = generation();
        // What can't be written down does not count: a restart would take the change back.
        if (Status kept = store_->confirm(entry); !kept) return std::move(kept).error();
    }
    break_promise();
    {
        const std::scoped_lock lock(guarding_->mutex);
        guarding_->confirmation = std::move(confirmation);
        guarding_->previous.reset();
    }
    as_memory_allows(
        [&] { spdlog::info("confirm by {}: generation {} stays", who.text(), shown(confirmed.generation)); });
    return confirmed;
}

// Published first and stored afterwards: access matters more than the record of it, and until it is stored the store
// says that the change is pending, and a restart takes it back again.
Result<Applied> Controller::take_back(const Peer& who, std::string_view comment) {
    return unless_out_of_memory("bring the previous generation back",
                                [&] { return bring_previous_back(who, comment); });
}

Result<Applied> Controller::bring_previous_back(const Peer& who, std::string_view comment) {
    const auto [previous, change, cause] = [&] {
        const std::scoped_lock lock(guarding_->mutex);
        return std::tuple(*guarding_->previous, *guarding_->confirmation.change(), *guarding_->taking_back);
    }();
    const auto next = static_cast<Generation>(last_number_ + 1);
    State again = previous;
    again.ruleset = previous.ruleset->again(next, ruleset::Enforcement::kEnforce);
    again.since = guarding_->settings.clocks().wall;
    const State undone = state();
    Applied applied;
    applied.before = undone.ruleset->generation();
    applied.after = next;
    applied.enforced_changed = undone.ruleset->enforced_image() != again.ruleset->enforced_image();
    applied.changes = plan_become(*undone.inventory, *previous.inventory).changes;
    const auto edits = std::make_shared<EditLog>(*undone.edits);  // the way back is an edit as well
    edits->note(*undone.inventory, *previous.inventory, applied.changes, next, again.since);
    again.edits = edits;
    Owed owed{record_of("revert", applied, who, comment.empty() ? cause : cause + ": " + std::string(comment)),
              again.inventory,
              {}};
    owed.record.takes_back = change.generation;
    Reverted reverted{change.generation, change.previous, next, cause, change.who, again.since};
    if (Status published = publish(again.ruleset, existing_); !published) {
        spdlog::error("generation {} could not be brought back yet: {}", shown(change.previous),
                      published.error().text());
        return std::move(published).error();
    }
    edits->happened(next, again.since);
    {
        const std::scoped_lock lock(state_mutex_);
        state_ = std::move(again);
    }
    store_or_owe(std::move(owed));
    note_taken_back(std::move(reverted));
    break_promise();
    return applied;
}

void Controller::note_taken_back(Reverted reverted) {
    std::optional<Reverted> last = std::move(reverted);
    const auto tell = [&] {
        std::string told = "generation " + shown(last->generation) + " was taken back (" + last->cause +
                           "): what is in force as generation " + shown(last->now) + " is generation " +
                           shown(last->previous);
        spdlog::warn("{}", told);
        const std::scoped_lock lock(guarding_->mutex);
        guarding_->notices[last->who.uid] = std::move(told);
    };
    as_memory_allows(tell);
    as_memory_allows([&] {
        const std::scoped_lock lock(guarding_->mutex);
        ++guarding_->taken_back[guarding_->confirmation.state()];
    });
    const std::scoped_lock lock(guarding_->mutex);
    guarding_->last_revert = std::move(last);
    guarding_->previous.reset();
    guarding_->taking_back.reset();
}

std::optional<Result<Applied>> Controller::take_back_by_hand(Generation to, const Peer& who,
                                                             const ChangeOptions& options) {
    const std::scoped_lock change(change_mutex_);
    const Generation before = generation();
    if (options.expected && *options.expected != before) return std::nullopt;  // a conflict, as for any other change
    {
        const std::scoped_lock lock(guarding_->mutex);
        if (!guarding_->confirmation.armed() || guarding_->confirmation.change()->previous != to) return std::nullopt;
        std::string cause = "rolled back by " + who.text();
        std::optional<std::string> taking_back = cause;
        guarding_->confirmation.take_back(ConfirmationState::kWithdrawn, std::move(cause));
        guarding_->taking_back = std::move(taking_back);
    }
    Result<Applied> back = take_back(who, options.comment);
    if (back) (void)notice_for(who);  // who did it knows it
    return back;
}

std::string Controller::notice_for(const Peer& who) {
    const std::scoped_lock lock(guarding_->mutex);
    const auto found = guarding_->notices.find(who.uid);
    if (found == guarding_->notices.end()) return {};
    std::string notice = std::move(found->second);
    guarding_->notices.erase(found);
    return notice;
}

void Controller::keep_promises() {
    if (!guarding_->anything_promised() && !store_differs_) return;
    const std::scoped_lock change(change_mutex_);
    const Moment now = guarding_->settings.clocks();
    const Signs signs = signs_since_the_change(Looking::kAsWired);
    const auto [due, safety_over] = [&] {
        const std::scoped_lock lock(guarding_->mutex);
        if (!guarding_->taking_back) guarding_->taking_back = guarding_->confirmation.due(now, signs);
        const bool over = guarding_->safety && guarding_->safety->until && guarding_->safety->until->passed(now);
        return std::pair(guarding_->taking_back.has_value(), over);
    }();
    Guarding& guarding = *guarding_;
    if (due && guarding.bringing_back.may(now.boot))
        guarding.bringing_back.tried(static_cast<bool>(take_back()), now.boot);
    if (safety_over && guarding.closing.may(now.boot)) {
        Status closed = shut(Peer{}, "its time is over");
        or_complain("the safety could not be closed yet", [&] { return closed; });
        guarding.closing.tried(static_cast<bool>(closed), now.boot);
    }
    catch_up(now.boot);
}

Signs Controller::signs_since_the_change(Looking looking) {
    Signs signs;
    if (guarding_->settings.denials != nullptr) {
        DenialWatch::Seen seen = guarding_->settings.denials->seen();
        signs.newly_denied = seen.connections;
        signs.examples = std::move(seen.examples);
    }
    const auto [counters, before] = [&] {
        const std::scoped_lock lock(guarding_->mutex);
        if (!guarding_->confirmation.armed()) return std::pair(false, std::uint64_t{0});
        const std::vector<TripWire>& wires = guarding_->confirmation.change()->trip_wires;
        const bool wired = std::any_of(wires.begin(), wires.end(),
                                       [](const TripWire& wire) { return wire.sign != WatchedSign::kNewlyDenied; });
        return std::pair(wired || looking == Looking::kEverywhere, guarding_->drops_before);
    }();
    if (!counters) return signs;
    if (const Result<runtime::Snapshot> counted = snapshot()) {
        signs.drops = dropped(*counted) - std::min(dropped(*counted), before);
        signs.workers_stalled = stalled(*counted);
    }
    return signs;
}

// --- the safety ---

Result<SafetyOpening> Controller::open_safety(Nanos how_long, std::string reason, const Peer& who) {
    const std::scoped_lock change(change_mutex_);
    const Moment now = guarding_->settings.clocks();
    SafetyOpening opening{std::move(reason), who, Deadline{now, how_long}, now.wall};
    std::optional<SafetyOpening> before = [&] {
        const std::scoped_lock lock(guarding_->mutex);
        return guarding_->safety;
    }();
    // One that ends by itself would end the rescue as well.
    if (before && !before->until)
        return Error::of(ErrorKind::kRefused, "the safety is open until somebody closes it (" + before->reason + ")",
                         "`drywall safety close` ends the rescue; open it for a time after that");
    {
        std::optional<SafetyOpening> open = opening;
        const std::scoped_lock lock(guarding_->mutex);
        guarding_->safety = std::move(open);
    }
    std::optional<Status> published =
        what_memory_allows([&] { return publish_again("safety-open", who, opening.reason); });
    if (!published || !*published) {
        {
            const std::scoped_lock lock(guarding_->mutex);
            guarding_->safety = std::move(before);
        }
        return published ? std::move(*published).error() : out_of_memory("open the safety");
    }
    if (Memory* memory = guarding_->settings.memory; memory != nullptr)
        or_complain("the safety is open, and a restart will not know it",
                    [&] { return memory->remember(kSafety, text_of(opening)); });
    as_memory_allows([&] {
        spdlog::error("THE SAFETY IS OPEN for {} by {}: everything is observed and NOTHING IS ENFORCED ({})",
                      time_left_text(how_long), who.text(), opening.reason);
    });
    return opening;
}

Status Controller::close_safety(const Peer& who) {
    const std::scoped_lock change(change_mutex_);
    if (guarding_->enforcement() == ruleset::Enforcement::kEnforce)
        return Error::of(ErrorKind::kNotFound, "the safety is not open", "what is enforced is enforced");
    if (is_there(guarding_->settings.rescue_flag))
        return Error::of(ErrorKind::kRefused,
                         "the rescue flag " + guarding_->settings.rescue_flag.string() + " is still there",
                         "remove the file, then say `drywall safety close` again");
    return shut(who, "closed by " + who.text());
}

// REQUIRES: the safety is open, and the change mutex is held
Status Controller::shut(const Peer& who, const std::string& why) {
    Nanos enforced_since = guarding_->settings.clocks().boot;  // asked anew below, if there is memory for it then
    // Whoever is told that it is closed may rely on it: until every worker enforces, it is shown as open.
    const std::optional<SafetyOpening> before = [this] {
        const std::scoped_lock lock(guarding_->mutex);
        std::optional<SafetyOpening> open = guarding_->safety;
        guarding_->closing_safety = true;
        return open;
    }();
    // Forgotten first: a crash between the two starts with everything enforced, as was asked for.
    Memory* memory = guarding_->settings.memory;
    if (memory != nullptr)
        or_complain("the safety is being closed, and a restart would open it again until its time is over",
                    [&] { return memory->forget(kSafety); });
    std::optional<Status> published = what_memory_allows([&] { return publish_again("safety-close", who, why); });
    if (!published || !*published) {
        if (memory != nullptr && before && before->until)
            or_complain("the safety is open, and a restart will not know it",
                        [&] { return memory->remember(kSafety, text_of(*before)); });
        {
            const std::scoped_lock lock(guarding_->mutex);
            guarding_->closing_safety = false;
        }
        return published ? *std::move(published) : out_of_memory("close the safety");
    }
    as_memory_allows([&] { enforced_since = guarding_->settings.clocks().boot; });
    {
        const std::scoped_lock lock(guarding_->mutex);
        guarding_->safety.reset();
        guarding_->closing_safety = false;
        guarding_->confirmation.enforced_again(enforced_since);
    }
    spdlog::warn("the safety is closed ({}): policies are enforced again", why);
    return Done{};
}

// What is in force under a new number, as the safety stands now. It is a generation like any other in the history, and
// a change that waits goes on waiting.
Status Controller::publish_again(std::string_view verb, const Peer& who, const std::string& why) {
    return unless_out_of_memory("publish what is in force anew", [&]() -> Status {
        const auto next = static_cast<Generation>(last_number_ + 1);
        State again = state();
        const Generation before = again.ruleset->generation();
        again.ruleset = again.ruleset->again(next, ruleset::Enforcement::kEnforce);
        const std::optional<PendingChange> waits = [this] {
            const std::scoped_lock lock(guarding_->mutex);
            return guarding_->confirmation.armed() ? guarding_->confirmation.change() : std::nullopt;
        }();
        std::optional<store::PendingConfirmation> pending;
        if (waits) pending = {next, waits->previous, text_of(*waits)};
        Applied applied;
        applied.before = before;
        applied.after = next;
        Owed owed{record_of(verb, applied, who, why), again.inventory, std::move(pending)};
        if (Status published = publish(again.ruleset, existing_); !published) return published;
        store_or_owe(std::move(owed));
        const std::scoped_lock lock(state_mutex_);
        state_ = std::move(again);
        return Done{};
    });
}

// --- rehearsals ---

Result<Drill> Controller::drill(const State& before, const Plan& plan) const {
    const auto next = static_cast<Generation>(index(before.ruleset->generation()) + 1);  // nobody else gets to see it
    const Instant begun = monotonic_now();
    const Rehearsed built = compile(next, plan.after);
    if (!built) return built.error();
    const Nanos took = monotonic_now() - begun;
    const std::vector<observe::FlowGroup> seen = guarding_->seen_lately();
    Drill drill = drilled(*before.ruleset, **built, seen, guarding_->settings.management);
    drill.build_time = took;
    return drill;
}

Result<Drill> Controller::drill(std::span<const loader::Source> sources) const {
    const State before = state();
    Result<Plan> plan = plan_apply(*before.inventory, sources);
    if (!plan) return plan.error();
    return drill(before, *plan);
}

Result<Drill> Controller::drill_promotion(const policy::ResourceId& staged) const {
    const State before = state();
    Result<Plan> plan = plan_promote(*before.inventory, staged);
    if (!plan) return plan.error();
    return drill(before, *plan);
}

// --- what there is to see ---

GuardView Controller::guard() {
    Signs signs = signs_since_the_change(Looking::kEverywhere);
    GuardView view;
    view.now = guarding_->settings.clocks();
    view.signs = std::move(signs);
    if (guarding_->settings.denials != nullptr) view.records_lost = guarding_->settings.denials->seen().records_lost;
    view.rescue_flag = is_there(guarding_->settings.rescue_flag);
    const std::scoped_lock lock(guarding_->mutex);
    view.confirmation = guarding_->confirmation.state();
    view.change = guarding_->confirmation.change();
    view.cause = guarding_->confirmation.cause();
    view.last_revert = guarding_->last_revert;
    view.taken_back = guarding_->taken_back;
    view.safety = guarding_->safety;
    return view;
}

}  // namespace drywall::control

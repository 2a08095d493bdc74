#include "drywall/control/controller.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "drywall/base/logging.h"
#include "drywall/base/out_of_memory.h"
#include "drywall/explain/warnings.h"
#include "drywall/policy/convert.h"
#include "edit_log.h"
#include "guarding.h"
#include "plan.h"
#include "staging.h"

namespace drywall::control {

namespace {

std::uint64_t number(Generation generation) { return static_cast<std::uint64_t>(generation); }

Error moved_on(Generation expected, Generation current) {
    return Error::of(ErrorKind::kConflict,
                     "generation " + std::to_string(number(expected)) + " was expected, and " +
                         std::to_string(number(current)) + " is in force",
                     "somebody changed something meanwhile: look at it, then send the request again");
}

std::string summary(const std::vector<Change>& changes) {
    constexpr std::size_t kShown = 16;
    std::string out;
    for (std::size_t i = 0; i < changes.size() && i < kShown; ++i)
        out += (out.empty() ? "" : ", ") + changes[i].id.text() + ' ' + std::string(name(changes[i].outcome));
    if (changes.size() > kShown) out += ", and " + std::to_string(changes.size() - kShown) + " more";
    return out;
}

// Names and complaints quote what people sent: a record of the log stays one line.
std::string one_line(std::string text) {
    for (char& c : text)
        if (static_cast<unsigned char>(c) < ' ') c = c == '\n' ? ';' : ' ';
    return text;
}

void log_result_in_full(std::string_view verb, const Peer& who, const Result<Applied>& result) {
    if (!result) {
        spdlog::warn("{} by {} failed ({}): {}", verb, who.text(), name(result.error().kind),
                     one_line(result.error().text()));
        return;
    }
    spdlog::info("{} by {}: generation {} -> {}, enforced {}: {}", verb, who.text(), number(result->before),
                 number(result->after), result->enforced_changed ? "changed" : "unchanged",
                 result->changes.empty() ? "no resources" : summary(result->changes));
}

void log_result(std::string_view verb, const Peer& who, const Result<Applied>& result) {
    as_memory_allows([&] { log_result_in_full(verb, who, result); });
}

}  // namespace

std::string_view name(Outcome outcome) noexcept {
    switch (outcome) {
        case Outcome::kCreated: return "created";
        case Outcome::kConfigured: return "configured";
        case Outcome::kUnchanged: return "unchanged";
        case Outcome::kDeleted: return "deleted";
    }
    return "unchanged";
}

namespace {

bool is_about(const Complaint& warning, const Change& change) {
    return warning.about.name == change.id.name && warning.about.ns == change.id.ns &&
           warning.about.kind == policy::document_kind(change.id.kind);
}

// Of a state's warnings those that its change is answerable for: they are about what it changed, or were not there
// before. The places of old warnings may have moved; their words have not.
void append_news(const std::vector<Complaint>& warned, const State& before, const std::vector<Change>& changes,
                 std::vector<Complaint>& out) {
    std::set<std::string_view> known;
    if (before.warnings != nullptr)
        for (const Complaint& old : *before.warnings) known.insert(old.message);
    for (const Complaint& warning : warned) {
        const bool ours = std::any_of(changes.begin(), changes.end(),
                                      [&](const Change& change) { return is_about(warning, change); });
        if (ours || !known.contains(warning.message)) out.push_back(warning);
    }
}

bool has_image(const State& state, const std::string& image) {
    return state.enforced_image != nullptr ? *state.enforced_image == image : state.ruleset->enforced_image() == image;
}

}  // namespace

Controller::Controller(ruleset::Surroundings surroundings, classify::Budget budget)
    : surroundings_(std::move(surroundings)), budget_(budget), guarding_(std::make_unique<Guarding>()) {}

Controller::~Controller() = default;

Result<std::unique_ptr<Controller>> Controller::create(ruleset::Surroundings surroundings, classify::Budget budget,
                                                       std::span<const loader::Source> sources) {
    return unless_out_of_memory("load the policies", [&]() -> Result<std::unique_ptr<Controller>> {
        std::unique_ptr<Controller> controller(new Controller(std::move(surroundings), budget));
        controller->state_.inventory = std::make_shared<const policy::Inventory>(policy::initial_inventory());
        Plan plan{*controller->state_.inventory, {}};
        if (!sources.empty()) {
            Result<Plan> wanted = plan_apply(*controller->state_.inventory, sources);
            if (!wanted) return wanted.error();
            plan = *std::move(wanted);
        }
        const Result<Applied> first = controller->carry_out("start", controller->state_, std::move(plan), Peer{}, {});
        log_result("start", Peer{}, first);
        if (!first) return first.error();
        return controller;
    });
}

void Controller::attach(Publisher& publisher) {
    const std::scoped_lock change(change_mutex_);
    {
        const std::scoped_lock lock(state_mutex_);
        publisher_ = &publisher;
    }
    keep_first();
}

void Controller::detach() {
    const std::scoped_lock change(change_mutex_);
    const std::scoped_lock lock(state_mutex_);
    publisher_ = nullptr;
}

State Controller::state() const {
    const std::scoped_lock lock(state_mutex_);
    return state_;
}

Result<Publisher*> Controller::attached() const {
    const std::scoped_lock lock(state_mutex_);
    if (publisher_ == nullptr)
        return Error::of(ErrorKind::kUnavailable, "the dataplane is not running", "ask again in a moment");
    return publisher_;
}

Result<runtime::Snapshot> Controller::snapshot() {
    const Result<Publisher*> publisher = attached();
    if (!publisher) return publisher.error();
    return (*publisher)->snapshot();
}

Result<std::vector<inspect::KnownName>> Controller::names() {
    const Result<Publisher*> publisher = attached();
    if (!publisher) return publisher.error();
    return (*publisher)->names();
}

Result<runtime::Census> Controller::census() {
    const Result<Publisher*> publisher = attached();
    if (!publisher) return publisher.error();
    return (*publisher)->census();
}

// Breaks it when a change ends before it is in force, however it ends.
class Controller::PromiseToKeep {
public:
    explicit PromiseToKeep(Controller& controller) noexcept : controller_(&controller) {}
    ~PromiseToKeep() {
        if (controller_ != nullptr) controller_->break_promise();
    }
    PromiseToKeep(const PromiseToKeep&) = delete;
    PromiseToKeep& operator=(const PromiseToKeep&) = delete;
    void kept() noexcept { controller_ = nullptr; }

private:
    Controller* controller_;
};

// One change at a time: what is compiled while the mutex is held is based on what is in force.
template <typename MakePlan>
Result<Applied> Controller::change(std::string_view verb, const Peer& who, const ChangeOptions& options,
                                   MakePlan make) {
    const std::scoped_lock lock(change_mutex_);
    Result<Applied> result = unless_out_of_memory("make the change", [&]() -> Result<Applied> {
        if (Status free = nothing_waits(); !free) return std::move(free).error();
        const State before = state();
        const Generation current = before.ruleset->generation();
        if (options.expected && *options.expected != current) return moved_on(*options.expected, current);
        Result<Plan> plan = make(*before.inventory);
        if (!plan) return plan.error();
        if (!plan->changes_something())
            return Applied{std::move(plan->changes), current, current, false, std::move(plan->warnings), {}};
        return carry_out(verb, before, *std::move(plan), who, options);
    });
    note(verb, result, who, options);
    log_result(verb, who, result);
    return result;
}

// Check, compile, guard, keep, publish; the new state is current only after the last of them. All that it consists of
// is made before the publication: what comes after that can't fail.
Result<Applied> Controller::carry_out(std::string_view verb, const State& before, Plan plan, const Peer& who,
                                      const ChangeOptions& options) {
    const auto next = static_cast<Generation>(last_number_ + 1);
    const Rehearsed built = compile(next, plan.after, {.ruleset = before.ruleset.get(), .cache = &compile_cache_});
    if (!built) return built.error();

    Applied applied;
    applied.before = before.ruleset == nullptr ? Generation{} : before.ruleset->generation();
    applied.after = next;
    auto image = std::make_shared<const std::string>((*built)->enforced_image());
    applied.enforced_changed = before.ruleset == nullptr || !has_image(before, *image);
    auto warned =
        std::make_shared<const std::vector<Complaint>>(explain::warnings(**built, policy::calico_view(plan.after)));
    applied.warnings = std::move(plan.warnings);
    append_news(*warned, before, plan.changes, applied.warnings);
    applied.changes = std::move(plan.changes);
    const auto edits = before.edits == nullptr ? std::make_shared<EditLog>() : std::make_shared<EditLog>(*before.edits);
    edits->note(*before.inventory, plan.after, applied.changes, next, std::chrono::system_clock::now());
    State after{.inventory = std::make_shared<const policy::Inventory>(std::move(plan.after)),
                .ruleset = *built,
                .since = {},
                .warnings = std::move(warned),
                .edits = edits,
                .enforced_image = std::move(image)};

    ChangeOptions recorded = options;
    if (applied.enforced_changed && before.ruleset != nullptr) {
        const Result<std::string> forced = cut_off_by_force(*before.ruleset, **built, options, who);
        if (!forced) return forced.error();
        if (!forced->empty()) recorded.comment += (recorded.comment.empty() ? "" : "; ") + *forced;
    }
    PromiseToKeep promised(*this);
    applied.waits = promise_to_take_back(applied, **built, options, who);
    std::optional<PendingChange> waiting = applied.waits;
    std::optional<store::PendingConfirmation> pending;
    if (waiting) pending = {next, applied.before, text_of(*waiting)};
    if (Status kept = keep(verb, applied, *after.inventory, who, recorded, pending); !kept)
        return std::move(kept).error();
    const runtime::Existing existing =
        applied.enforced_changed ? options.existing.value_or(existing_) : runtime::Existing::kKeep;
    std::optional<Status> published = what_memory_allows([&] { return publish(*built, existing); });
    if (!published || !*published) {
        withdraw(verb, applied, published ? &published->error() : nullptr, who, options);
        return published ? std::move(*published).error() : out_of_memory("publish the generation");
    }
    promised.kept();
    after.since = std::chrono::system_clock::now();
    edits->happened(next, after.since);
    if (waiting) arm(*std::move(waiting), *applied.waits, before);
    const std::scoped_lock lock(state_mutex_);
    state_ = std::move(after);
    return applied;
}

Result<Applied> Controller::apply(std::span<const loader::Source> sources, const Peer& who,
                                  const ChangeOptions& options) {
    return change("apply", who, options,
                  [&](const policy::Inventory& inventory) { return plan_apply(inventory, sources); });
}

Result<Applied> Controller::stage(std::span<const loader::Source> sources, const Peer& who,
                                  const ChangeOptions& options) {
    return change("stage", who, options,
                  [&](const policy::Inventory& inventory) { return plan_stage(inventory, sources); });
}

Result<Applied> Controller::remove(std::span<const policy::ResourceId> ids, const Peer& who,
                                   const ChangeOptions& options) {
    return change("delete", who, options,
                  [&](const policy::Inventory& inventory) { return plan_remove(inventory, ids); });
}

Result<Applied> Controller::promote(const policy::ResourceId& staged, const Peer& who, const ChangeOptions& options) {
    return change("promote", who, options,
                  [&](const policy::Inventory& inventory) { return plan_promote(inventory, staged); });
}

Result<Applied> Controller::rollback(Generation to, const Peer& who, const ChangeOptions& options) {
    // Also while a change waits: this one takes it back.
    if (std::optional<Result<Applied>> back = take_back_by_hand(to, who, options)) return *std::move(back);
    const Result<policy::Inventory> wanted = content(to);
    ChangeOptions said = options;
    if (said.comment.empty()) said.comment = "as generation " + std::to_string(number(to));
    return change("rollback", who, said, [&](const policy::Inventory& inventory) -> Result<Plan> {
        if (!wanted) return wanted.error();
        return plan_become(inventory, *wanted);
    });
}

Result<Applied> Controller::restore(std::span<const loader::Source> sources, const Peer& who,
                                    const ChangeOptions& options) {
    return change("restore", who, options,
                  [&](const policy::Inventory& inventory) { return plan_restore(inventory, sources); });
}

Result<Applied> Controller::demote(const policy::ResourceId& enforced, const Peer& who, const ChangeOptions& options) {
    return change("demote", who, options,
                  [&](const policy::Inventory& inventory) { return plan_demote(inventory, enforced); });
}

Controller::Rehearsed Controller::compile(Generation generation, const policy::Inventory& inventory,
                                          const ruleset::Predecessor& before) const {
    if (const Status sound = policy::check(inventory, surroundings_.port_names); !sound) return sound.error();
    return ruleset::Ruleset::build(generation, inventory, surroundings_, budget_, before);
}

Controller::Rehearsed Controller::rehearse_promotions(std::span<const policy::ResourceId> staged) const {
    const State now = state();
    policy::Inventory after = *now.inventory;
    for (const policy::ResourceId& id : staged) {
        Result<Plan> plan = plan_promote(after, id);
        if (!plan) return plan.error();
        after = std::move(plan->after);
    }
    return compile(now.ruleset->generation(), after);
}

Controller::Rehearsed Controller::rehearse_apply(std::span<const loader::Source> sources) const {
    const State now = state();
    const Result<Plan> plan = plan_apply(*now.inventory, sources);
    if (!plan) return plan.error();
    return compile(now.ruleset->generation(), plan->after);
}

}  // namespace drywall::control

// GenerationStore: what must outlive the process. Every generation with all its resources, who made it and why, the
// trail of what was asked, and the generation that still has to be confirmed. One file: state.db.
//
// Threads:    any; calls wait for each other.
// Durability: what a call reported as Done survives a killed process and a lost power supply. A call that failed left
//             the file as it was: there is never a part of a generation in it.
// Failure:    the file may become unwritable at any time (a full disk, a file system that turned read-only): then
//             writing fails by name, health() says so, and the next write tries again.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drywall/base/ids.h"
#include "drywall/base/result.h"
#include "drywall/policy/resources.h"
#include "drywall/store/database.h"

namespace drywall::store {

// Who asked for something, as the kernel vouched for it.
struct Author {
    std::int64_t pid = -1;  // -1: the appliance itself
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::string login{};  // the name of uid at that time; empty: it had none
    bool operator==(const Author&) const = default;
};

// What became of a generation.
enum class Fate : std::uint8_t {
    kApplied,    // it was in force
    kWithdrawn,  // it could not be published: no packet ever met it
    kReverted,   // it was in force, and nobody confirmed it
};
[[nodiscard]] std::string_view name(Fate fate) noexcept;

struct RecordedChange {
    policy::ResourceId id;
    std::string outcome;  // created, configured, deleted
    bool operator==(const RecordedChange&) const = default;
};

struct GenerationRecord {
    Generation number{};
    Generation before{};  // the one that it was made from; 0: from nothing
    std::chrono::system_clock::time_point made{};
    std::string verb{};  // apply, delete, promote, rollback, ...
    Author author{};
    std::string comment{};
    bool enforced_changed = false;
    std::vector<RecordedChange> changes{};
    Generation takes_back{};  // when it is made: this one becomes kReverted; 0: none
    // Filled in by the store.
    Fate fate = Fate::kApplied;
    std::size_t resources = 0;
    std::string content_hash{};  // equal for equal resources: 32 hexadecimal digits of XXH3's 128 bits
};

// One request, whatever became of it.
struct AuditEntry {
    std::int64_t id = 0;  // given by the store, ever growing
    std::chrono::system_clock::time_point at{};
    Author author{};
    std::string verb{};
    std::string comment{};
    std::string outcome{};  // applied, unchanged, failed, reverted, confirmed, started
    Generation before{};
    Generation after{};   // equal to `before` when nothing changed
    std::string words{};  // why it failed
};

// A generation that is taken back unless somebody confirms it: after a restart in any case.
struct PendingConfirmation {
    Generation generation{};
    Generation previous{};  // what comes back
    std::string terms{};    // until when, and what else was agreed, in the words of whoever guards it
    bool operator==(const PendingConfirmation&) const = default;
};

// A resource as the store keeps it: YAML that can be applied again.
struct StoredDocument {
    policy::ResourceId id;
    std::string text;
};

struct StoreSettings {
    std::filesystem::path directory = "/var/lib/drywall";
    std::size_t generations = 1000;       // at least so many of the newest are kept; the least is 2
    std::size_t audit_entries = 100'000;  // and so many of these
    std::string vfs = {};                 // as OpenOptions::vfs
};

struct StoreHealth {
    enum class State : std::uint8_t { kOk, kFailing, kReadOnly, kAbsent };
    State state = State::kOk;
    std::string words{};  // what went wrong last, with the next step
    std::chrono::system_clock::time_point since{};
};
[[nodiscard]] std::string_view name(StoreHealth::State state) noexcept;

// How much there is.
struct StoreSize {
    std::size_t generations = 0;
    Generation oldest{};
    std::size_t audit_entries = 0;
    std::size_t bytes = 0;
};

class GenerationStore {
public:
    static constexpr std::string_view kFile = "state.db";
    static constexpr std::int64_t kSchema = 1;

    // Opens DIRECTORY/state.db, or makes both. Fails if there is a file that is damaged, of a newer drywalld, or in use
    // by another one: then nobody knows what was in force. A directory in which nothing can be written is no failure:
    // what is there is read (kReadOnly), or nothing is kept (kAbsent), and health() says so.
    [[nodiscard]] static Result<std::unique_ptr<GenerationStore>> open(const StoreSettings& settings);

    // A file that `drywall backup` wrote, to read from.
    [[nodiscard]] static Result<std::unique_ptr<GenerationStore>> open_backup(const std::filesystem::path& file);

    // The generation in force when the last process ended, confirmed or not; nothing: the store is new.
    [[nodiscard]] Result<std::optional<GenerationRecord>> in_force();
    // Every number up to this one is used up.
    [[nodiscard]] Generation last_number();

    // The resources of a generation, checked against its content hash. kNotFound: it is not kept (any more).
    [[nodiscard]] Result<policy::Inventory> content(Generation number);
    [[nodiscard]] Result<std::vector<StoredDocument>> documents(Generation number);

    // Makes `content` the generation in force: durable when it returns. `pending`: it has to be confirmed. A
    // confirmation that was pending before is settled by this. REQUIRES: record.number > last_number()
    [[nodiscard]] Status record(const GenerationRecord& record, const policy::Inventory& content,
                                const std::optional<PendingConfirmation>& pending = {});

    // Puts `back_to` in force again in place of the one that is, which stays in the history with its fate.
    // kNotFound: `back_to` is not kept.
    [[nodiscard]] Status put_back(Generation back_to, Fate fate, const AuditEntry& entry);

    [[nodiscard]] Result<std::optional<PendingConfirmation>> pending();
    // The pending generation stays. Done also if there is none.
    [[nodiscard]] Status confirm(const AuditEntry& entry);

    // A request that made no generation.
    [[nodiscard]] Status note(const AuditEntry& entry);

    // A text under a name, for whoever must know something after a restart. Durable when they return Done.
    [[nodiscard]] Status remember(std::string_view name, std::string_view text);
    [[nodiscard]] Status forget(std::string_view name);
    [[nodiscard]] Result<std::optional<std::string>> recall(std::string_view name);

    // Newest first.
    [[nodiscard]] Result<std::vector<GenerationRecord>> history(std::size_t limit);
    [[nodiscard]] Result<GenerationRecord> generation(Generation number);
    // Newest first, those with an id below `before` (0: all).
    [[nodiscard]] Result<std::vector<AuditEntry>> audit(std::size_t limit, std::int64_t before = 0);

    // The whole store as one file.
    [[nodiscard]] Result<std::vector<std::byte>> backup();

    [[nodiscard]] StoreHealth health();
    // The same for somebody who must not wait: nothing while another call is at work.
    [[nodiscard]] std::optional<StoreHealth> health_at_once();
    [[nodiscard]] Result<StoreSize> size();
    [[nodiscard]] const std::filesystem::path& file() const noexcept { return file_; }

private:
    using Digest = std::array<std::byte, 16>;
    // What the newest recorded generation holds of one resource.
    struct Kept {
        std::shared_ptr<const policy::Resource> resource;  // null: not read since the start
        Digest digest{};
    };
    using Tip = std::map<policy::ResourceId, Kept>;
    struct Edits;

    explicit GenerationStore(StoreSettings settings);
    Status open_file();
    Status open_copy();
    Status adopt(Database database);
    Status reopen();
    Status read_tip();

    template <typename Write>
    Status write(Write what);
    Status write_generation(const GenerationRecord& record, const Edits& edits);
    Result<std::int64_t> write_document(std::string_view text, const Digest& digest);
    Status write_edits(Generation number, const Edits& edits);
    Status write_pending(const std::optional<PendingConfirmation>& pending);
    Status write_audit(const AuditEntry& entry);
    Status forget_old();

    Result<std::int64_t> value(std::string_view key);
    Status set_value(std::string_view key, std::int64_t value);
    Result<std::vector<StoredDocument>> read_documents(Generation number);
    Result<GenerationRecord> read_generation(Generation number);
    Status read_changes(GenerationRecord& record);
    Status absent() const;
    void note_health(const Status& status);

    StoreSettings settings_;
    std::filesystem::path file_;
    std::mutex mutex_;  // guards what follows
    std::optional<Database> database_;
    StoreHealth health_;
    Generation last_number_{};
    Tip tip_;
};

}  // namespace drywall::store

#include "failing_disk.h"

#include <sqlite3.h>

#include <algorithm>
#include <csignal>
#include <cstring>

namespace drywall::store::test {

namespace {

constexpr std::size_t kSector = 512;

FailingDisk* disk = nullptr;

struct OpenFile {
    sqlite3_file base;
    std::shared_ptr<FailingDisk::File>* file;  // SQLite owns the room, xOpen and xClose the object
};

FailingDisk::File& file_of(sqlite3_file* opened) { return **reinterpret_cast<OpenFile*>(opened)->file; }

int close_file(sqlite3_file* opened) {
    delete reinterpret_cast<OpenFile*>(opened)->file;
    return SQLITE_OK;
}

int read_file(sqlite3_file* opened, void* to, int amount, sqlite3_int64 offset) {
    if (disk->dead()) return SQLITE_IOERR_READ;
    const std::string& now = file_of(opened).now;
    const auto from = std::min(static_cast<std::size_t>(offset), now.size());
    const std::size_t there = std::min(static_cast<std::size_t>(amount), now.size() - from);
    std::memcpy(to, now.data() + from, there);
    std::memset(static_cast<char*>(to) + there, 0, static_cast<std::size_t>(amount) - there);
    return there == static_cast<std::size_t>(amount) ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

int write_file(sqlite3_file* opened, const void* from, int amount, sqlite3_int64 offset) {
    const FailingDisk::Attempt attempt = disk->attempt();
    if (!attempt.sound && !attempt.torn) return SQLITE_IOERR_WRITE;
    FailingDisk::File& file = file_of(opened);
    const auto at = static_cast<std::size_t>(offset);
    auto size = static_cast<std::size_t>(amount);
    if (disk->full() && at + size > file.now.size()) return SQLITE_FULL;
    if (attempt.torn) size /= 2;
    if (file.now.size() < at + size) file.now.resize(at + size);
    std::memcpy(file.now.data() + at, from, size);
    file.unsynced.push_back({at, std::string(static_cast<const char*>(from), size)});
    return attempt.torn ? SQLITE_IOERR_WRITE : SQLITE_OK;
}

int truncate_file(sqlite3_file* opened, sqlite3_int64 size) {
    if (!disk->attempt().sound) return SQLITE_IOERR_TRUNCATE;
    FailingDisk::File& file = file_of(opened);
    file.now.resize(static_cast<std::size_t>(size));
    file.durable.resize(std::min(file.durable.size(), file.now.size()));
    std::erase_if(file.unsynced, [&](const auto& write) { return write.offset >= file.now.size(); });
    return SQLITE_OK;
}

int sync_file(sqlite3_file* opened, int /*flags*/) {
    if (!disk->attempt().sound) return SQLITE_IOERR_FSYNC;
    FailingDisk::File& file = file_of(opened);
    file.durable = file.now;
    file.known = true;
    file.unsynced.clear();
    return SQLITE_OK;
}

int size_of_file(sqlite3_file* opened, sqlite3_int64* size) {
    *size = static_cast<sqlite3_int64>(file_of(opened).now.size());
    return SQLITE_OK;
}

int lock_file(sqlite3_file* /*opened*/, int /*kind*/) { return SQLITE_OK; }

int is_reserved(sqlite3_file* /*opened*/, int* reserved) {
    *reserved = 0;
    return SQLITE_OK;
}

int control_file(sqlite3_file* /*opened*/, int /*operation*/, void* /*argument*/) { return SQLITE_NOTFOUND; }
int sector_size(sqlite3_file* /*opened*/) { return static_cast<int>(kSector); }
int characteristics(sqlite3_file* /*opened*/) { return 0; }

const sqlite3_io_methods kMethods = {
    1,         close_file, read_file,   write_file,   truncate_file, sync_file,       size_of_file,
    lock_file, lock_file,  is_reserved, control_file, sector_size,   characteristics, nullptr,
    nullptr,   nullptr,    nullptr,     nullptr,      nullptr};

int open_file(sqlite3_vfs* /*layer*/, const char* name, sqlite3_file* opened, int flags, int* got) {
    auto* result = reinterpret_cast<OpenFile*>(opened);
    opened->pMethods = nullptr;
    if (disk->dead()) return SQLITE_CANTOPEN;
    auto file = std::make_shared<FailingDisk::File>();
    if (name != nullptr) {
        const auto known = disk->files.find(name);
        if (known != disk->files.end()) {
            file = known->second;
        } else {
            if ((flags & SQLITE_OPEN_CREATE) == 0 || !disk->attempt().sound) return SQLITE_CANTOPEN;
            disk->files[name] = file;
        }
    }
    result->file = new std::shared_ptr<FailingDisk::File>(std::move(file));
    opened->pMethods = &kMethods;
    if (got != nullptr) *got = flags;
    return SQLITE_OK;
}

int delete_file(sqlite3_vfs* /*layer*/, const char* name, int /*sync*/) {
    if (!disk->attempt().sound) return SQLITE_IOERR_DELETE;
    return disk->files.erase(name) == 1 ? SQLITE_OK : SQLITE_IOERR_DELETE_NOENT;
}

int access_file(sqlite3_vfs* /*layer*/, const char* name, int /*flags*/, int* there) {
    *there = disk->files.contains(name) ? 1 : 0;
    return SQLITE_OK;
}

int full_name(sqlite3_vfs* /*layer*/, const char* name, int room, char* out) {
    sqlite3_snprintf(room, out, "%s", name);
    return SQLITE_OK;
}

sqlite3_vfs layer_over_nothing() {
    sqlite3_vfs layer = *sqlite3_vfs_find(nullptr);  // for randomness, sleep and the time of day
    layer.iVersion = 1;
    layer.szOsFile = sizeof(OpenFile);
    layer.pNext = nullptr;
    layer.zName = FailingDisk::kName;
    layer.xOpen = open_file;
    layer.xDelete = delete_file;
    layer.xAccess = access_file;
    layer.xFullPathname = full_name;
    return layer;
}

}  // namespace

FailingDisk::FailingDisk() {
    static sqlite3_vfs layer = layer_over_nothing();
    sqlite3_vfs_register(&layer, 0);
    disk = this;
}

FailingDisk::~FailingDisk() { disk = nullptr; }

FailingDisk::Files FailingDisk::copy() const {
    Files out;
    for (const auto& [name, file] : files) out[name] = std::make_shared<File>(*file);
    return out;
}

void FailingDisk::load(const Files& from) {
    files.clear();
    for (const auto& [name, file] : from) files[name] = std::make_shared<File>(*file);
    dies_at_ = 0;
}

FailingDisk::Attempt FailingDisk::attempt() {
    if (dead()) return {false, false};
    ++done_;
    return {!dead(), dead()};
}

void FailingDisk::revive_after_kill() { dies_at_ = 0; }

void FailingDisk::revive_after_power_loss(std::mt19937_64& dice) {
    dies_at_ = 0;
    for (auto entry = files.begin(); entry != files.end();) {
        File& file = *entry->second;
        std::string left = file.durable;
        for (const File::Write& write : file.unsynced) {
            for (std::size_t from = 0; from < write.bytes.size(); from += kSector) {
                if (dice() % 2 == 0) continue;
                const std::size_t size = std::min(kSector, write.bytes.size() - from);
                if (left.size() < write.offset + from + size) left.resize(write.offset + from + size);
                left.replace(write.offset + from, size, write.bytes, from, size);
            }
        }
        const bool lost = !file.known && dice() % 2 == 0;
        file.now = file.durable = left;
        file.unsynced.clear();
        entry = lost ? files.erase(entry) : std::next(entry);
    }
}

// --- the killing layer ---

namespace {

std::uint64_t operations_left = 0;  // 0: nobody is killed

bool is_the_last() { return operations_left != 0 && --operations_left == 0; }

[[noreturn]] void die() {
    raise(SIGKILL);
    abort();
}

sqlite3_vfs* system_layer() {
    static sqlite3_vfs* const layer = sqlite3_vfs_find("unix");
    return layer;
}

const sqlite3_io_methods* system_methods = nullptr;

int killing_write(sqlite3_file* opened, const void* from, int amount, sqlite3_int64 offset) {
    if (!is_the_last()) return system_methods->xWrite(opened, from, amount, offset);
    (void)system_methods->xWrite(opened, from, amount / 2, offset);
    die();
}

int killing_truncate(sqlite3_file* opened, sqlite3_int64 size) {
    if (is_the_last()) die();
    return system_methods->xTruncate(opened, size);
}

int killing_sync(sqlite3_file* opened, int flags) {
    if (is_the_last()) die();
    return system_methods->xSync(opened, flags);
}

int killing_open(sqlite3_vfs* /*layer*/, const char* name, sqlite3_file* opened, int flags, int* got) {
    static sqlite3_io_methods methods;
    if (is_the_last()) die();
    const int result = system_layer()->xOpen(system_layer(), name, opened, flags, got);
    if (result != SQLITE_OK || opened->pMethods == nullptr) return result;
    if (system_methods == nullptr) {
        system_methods = opened->pMethods;
        methods = *system_methods;
        methods.xWrite = killing_write;
        methods.xTruncate = killing_truncate;
        methods.xSync = killing_sync;
    }
    if (opened->pMethods == system_methods) opened->pMethods = &methods;
    return result;
}

int killing_delete(sqlite3_vfs* /*layer*/, const char* name, int sync) {
    if (is_the_last()) die();
    return system_layer()->xDelete(system_layer(), name, sync);
}

}  // namespace

void kill_at(std::uint64_t operation) {
    static sqlite3_vfs layer;
    if (layer.zName == nullptr) {
        layer = *system_layer();
        layer.pNext = nullptr;
        layer.zName = kKillingLayer;
        layer.xOpen = killing_open;
        layer.xDelete = killing_delete;
        sqlite3_vfs_register(&layer, 0);
    }
    operations_left = operation;
}

}  // namespace drywall::store::test

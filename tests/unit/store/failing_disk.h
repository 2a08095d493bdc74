// FailingDisk: a disk in memory, as a layer under SQLite, that can die at any operation and lose what was not synced;
// and KillingLayer: the operating system's own files, with a process that is killed at its n-th operation on them.
//
// Threads: one.
// Source:  https://www.sqlite.org/vfs.html; what a disk may do to unsynced writes: sectors of 512 bytes reach it in any
//          order, or not at all.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace drywall::store::test {

class FailingDisk {
public:
    static constexpr const char* kName = "failing-disk";

    // One at a time is what SQLite finds under kName.
    FailingDisk();
    ~FailingDisk();
    FailingDisk(const FailingDisk&) = delete;
    FailingDisk& operator=(const FailingDisk&) = delete;

    struct File {
        std::string now;      // what programs read
        std::string durable;  // what is on the platter
        bool exists = true;
        bool known = false;  // its name is durable
        struct Write {
            std::size_t offset;
            std::string bytes;
        };
        std::vector<Write> unsynced;
    };
    using Files = std::map<std::string, std::shared_ptr<File>>;

    [[nodiscard]] Files copy() const;
    void load(const Files& files);

    // From the n-th operation on (1: the next one) every one fails; a write that is the n-th does a part of its work.
    void die_at(std::uint64_t operation) { dies_at_ = done_ + operation; }
    void full_from_now_on(bool full) { full_ = full; }
    [[nodiscard]] std::uint64_t operations() const noexcept { return done_; }
    [[nodiscard]] bool dead() const noexcept { return dies_at_ != 0 && done_ >= dies_at_; }

    // The process is gone, the machine runs on: everything written is there.
    void revive_after_kill();
    // Sectors that were not synced are there or not, as the dice fall.
    void revive_after_power_loss(std::mt19937_64& dice);

    // For the layer's functions.
    struct Attempt {
        bool sound;
        bool torn;  // do half of it, then fail
    };
    Attempt attempt();
    [[nodiscard]] bool full() const noexcept { return full_; }
    Files files;

private:
    std::uint64_t done_ = 0;
    std::uint64_t dies_at_ = 0;  // 0: never
    bool full_ = false;
};

// Registers a layer over the operating system's: SIGKILL for the own process at its n-th writing operation from now on.
// A write that is the n-th is done by half.
inline constexpr const char* kKillingLayer = "killing-layer";
void kill_at(std::uint64_t operation);

}  // namespace drywall::store::test

#include "drywall/control/clocks.h"

#include <algorithm>
#include <ctime>
#include <fstream>

namespace drywall::control {

namespace {

std::string read_boot_id() {
    std::ifstream file("/proc/sys/kernel/random/boot_id");
    std::string id;
    std::getline(file, id);
    return id;
}

}  // namespace

Moment read_clocks() {
    static const std::string boot_id = read_boot_id();  // the same for as long as this process lives
    timespec boot{};
    (void)::clock_gettime(CLOCK_BOOTTIME, &boot);
    return {std::chrono::system_clock::now(), std::chrono::seconds(boot.tv_sec) + Nanos(boot.tv_nsec), boot_id};
}

Nanos Deadline::left(const Moment& now) const {
    const bool same_boot = !set.boot_id.empty() && set.boot_id == now.boot_id;
    const Nanos gone = same_boot ? now.boot - set.boot : std::chrono::duration_cast<Nanos>(now.wall - set.wall);
    if (gone < Nanos{0}) return same_boot ? after : Nanos{0};
    return std::max(Nanos{0}, after - gone);
}

std::chrono::system_clock::time_point Deadline::at(const Moment& now) const {
    return now.wall + std::chrono::duration_cast<std::chrono::system_clock::duration>(left(now));
}

}  // namespace drywall::control

#include "measure.h"

#include <malloc.h>
#include <time.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace drywall::perf {
namespace {

std::size_t status_bytes(const std::string& field) {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);) {
        if (line.rfind(field + ":", 0) == 0) return std::stoull(line.substr(field.size() + 1)) * 1024;
    }
    return 0;
}

}  // namespace

std::int64_t thread_nanoseconds() noexcept {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

double quantile(std::vector<double> values, double q) {
    std::ranges::sort(values);
    return values[static_cast<std::size_t>(q * static_cast<double>(values.size() - 1))];
}

PeakMemory::PeakMemory() {
    malloc_trim(0);
    std::ofstream("/proc/self/clear_refs") << "5";  // the peak starts again at what is resident now (proc(5))
    before_ = status_bytes("VmRSS");
}

std::size_t PeakMemory::bytes() const {
    const std::size_t peak = status_bytes("VmHWM");
    return peak - std::min(peak, before_);
}

}  // namespace drywall::perf

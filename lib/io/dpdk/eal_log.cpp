#include "eal_log.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <mutex>
#include <span>
#include <sstream>
#include <string_view>
#include <utility>

#include <rte_log.h>
#include <sys/mman.h>
#include <unistd.h>

#include "drywall/base/logging.h"

namespace drywall::io {

namespace {

// What DPDK says after the cause was told, and adds nothing.
constexpr std::array<std::string_view, 4> kEmptyWords = {
    "EAL: Driver cannot attach the device", "EAL: Failed to attach", "EAL: Invalid 'command line' arguments",
    "Device with port_id"};

// How lines on standard error begin that are not the appliance's own.
constexpr std::array<std::string_view, 4> kStrangers = {kEalProgramName, "EAL:", "libbpf:", "libxdp:"};

struct Lines {
    std::mutex mutex;
    std::string unfinished;
    std::string complaint;
};

Lines& lines() {
    static auto* const kept = new Lines;  // never destroyed: DPDK may log while the process exits
    return *kept;
}

// DPDK also logs while the process exits, when our logger is gone.
void pass_on(std::string_view line) {
    if (spdlog::logger* logger = spdlog::default_logger_raw()) logger->debug("dpdk: {}", line);
}

bool starts_with_any(std::string_view line, std::span<const std::string_view> starts) {
    return std::any_of(starts.begin(), starts.end(), [&](std::string_view start) { return line.starts_with(start); });
}

// REQUIRES: lines().mutex is held
void note_complaint(std::string_view line) {
    if (lines().complaint.empty() && !line.empty() && !starts_with_any(line, kEmptyWords)) lines().complaint = line;
}

// DPDK's stream flushes after each message, in the thread that logs.
ssize_t take(void*, const char* text, size_t size) {
    const std::lock_guard lock(lines().mutex);
    const bool complains = rte_log_cur_msg_loglevel() <= static_cast<int>(RTE_LOG_ERR);
    std::string& pending = lines().unfinished;
    pending.append(text, size);
    for (std::size_t end = 0; (end = pending.find('\n')) != std::string::npos; pending.erase(0, end + 1)) {
        const std::string_view line = std::string_view(pending).substr(0, end);
        pass_on(line);
        if (complains) note_complaint(line);
    }
    return static_cast<ssize_t>(size);
}

}  // namespace

void capture_eal_log() {
    FILE* stream = fopencookie(nullptr, "w", cookie_io_functions_t{nullptr, take, nullptr, nullptr});
    if (stream == nullptr) return;
    setvbuf(stream, nullptr, _IOLBF, BUFSIZ);
    rte_openlog_stream(stream);
}

std::string take_eal_complaint() {
    const std::lock_guard lock(lines().mutex);
    return std::exchange(lines().complaint, {});
}

HoldBackOutput::HoldBackOutput() : output_(divert(STDOUT_FILENO)), error_(divert(STDERR_FILENO)) {}

HoldBackOutput::~HoldBackOutput() {
    std::istringstream output(restore(output_));
    std::istringstream error(restore(error_));
    for (std::string line; std::getline(output, line);) pass_on(line);
    for (std::string line; std::getline(error, line);) {
        if (!starts_with_any(line, kStrangers)) {
            std::fprintf(stderr, "%s\n", line.c_str());
            continue;
        }
        pass_on(line);
        const std::lock_guard lock(lines().mutex);
        if (line.starts_with(kEalProgramName)) note_complaint(line);
    }
}

HoldBackOutput::Stream HoldBackOutput::divert(int number) {
    std::fflush(number == STDOUT_FILENO ? stdout : stderr);
    Stream stream{number, ::dup(number), ::memfd_create("held-back", MFD_CLOEXEC)};
    if (stream.saved >= 0 && stream.held >= 0) ::dup2(stream.held, number);
    return stream;
}

std::string HoldBackOutput::restore(const Stream& stream) {
    std::fflush(stream.number == STDOUT_FILENO ? stdout : stderr);
    std::string text;
    if (stream.saved >= 0 && stream.held >= 0) {
        ::dup2(stream.saved, stream.number);
        char buffer[4096];
        off_t at = 0;
        for (ssize_t n = 0; (n = ::pread(stream.held, buffer, sizeof buffer, at)) > 0; at += n)
            text.append(buffer, static_cast<std::size_t>(n));
    }
    if (stream.saved >= 0) ::close(stream.saved);
    if (stream.held >= 0) ::close(stream.held);
    return text;
}

}  // namespace drywall::io

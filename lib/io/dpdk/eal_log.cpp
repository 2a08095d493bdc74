#include "eal_log.h"

#include <cstdio>
#include <mutex>
#include <sstream>
#include <string_view>

#include <rte_log.h>
#include <sys/mman.h>
#include <unistd.h>

#include "drywall/base/logging.h"

namespace drywall::io {

namespace {

struct Lines {
    std::mutex mutex;
    std::string unfinished;
    std::string last;
};

Lines& lines() {
    static auto* const kept = new Lines;  // never destroyed: DPDK may log while the process exits
    return *kept;
}

void note(std::string_view line) {
    if (line.empty()) return;
    lines().last = line;
    spdlog::debug("dpdk: {}", line);
}

ssize_t take(void*, const char* text, size_t size) {
    const std::lock_guard lock(lines().mutex);
    std::string& pending = lines().unfinished;
    pending.append(text, size);
    for (std::size_t end = 0; (end = pending.find('\n')) != std::string::npos; pending.erase(0, end + 1))
        note(std::string_view(pending).substr(0, end));
    return static_cast<ssize_t>(size);
}

}  // namespace

void capture_eal_log() {
    FILE* stream = fopencookie(nullptr, "w", cookie_io_functions_t{nullptr, take, nullptr, nullptr});
    if (stream == nullptr) return;
    setvbuf(stream, nullptr, _IOLBF, BUFSIZ);
    rte_openlog_stream(stream);
}

std::string take_last_eal_line() {
    const std::lock_guard lock(lines().mutex);
    return std::exchange(lines().last, {});
}

HoldBackOutput::HoldBackOutput() : output_(divert(STDOUT_FILENO)), error_(divert(STDERR_FILENO)) {}

HoldBackOutput::~HoldBackOutput() {
    std::istringstream output(restore(output_));
    std::istringstream error(restore(error_));
    for (std::string line; std::getline(output, line);) spdlog::debug("dpdk: {}", line);
    for (std::string line; std::getline(error, line);) {
        if (line.starts_with("EAL:"))
            spdlog::debug("dpdk: {}", line);
        else
            std::fprintf(stderr, "%s\n", line.c_str());
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

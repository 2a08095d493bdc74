#include "rotating_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace drywall::observe {

namespace {

constexpr ::mode_t kMode = 0640;

Error file_error(const std::filesystem::path& file, const std::string& why) {
    return Error::of(ErrorKind::kUnavailable, file.string() + ": " + why,
                     "make room, or name another file in flows.log.path");
}

std::filesystem::path numbered(const std::filesystem::path& file, unsigned number) {
    return number == 0 ? file : std::filesystem::path(file.string() + '.' + std::to_string(number));
}

}  // namespace

RotatingFile::RotatingFile(std::filesystem::path file, std::uint64_t max_bytes, unsigned files)
    : file_(std::move(file)), max_bytes_(max_bytes), files_(std::max(1U, files)) {}

RotatingFile::~RotatingFile() { close(); }

void RotatingFile::close() noexcept {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
}

Status RotatingFile::open() {
    fd_ = ::open(file_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, kMode);
    if (fd_ < 0) return file_error(file_, std::strerror(errno));
    struct stat there {};
    size_ = ::fstat(fd_, &there) == 0 ? static_cast<std::uint64_t>(there.st_size) : 0;
    return Done{};
}

Status RotatingFile::rotate() {
    close();
    std::error_code failed;
    for (unsigned number = files_; number-- > 1;) {
        const std::filesystem::path from = numbered(file_, number - 1);
        if (std::filesystem::exists(from, failed)) std::filesystem::rename(from, numbered(file_, number), failed);
        if (failed) return file_error(from, failed.message());
    }
    if (files_ == 1) std::filesystem::remove(file_, failed);
    return open();
}

Status RotatingFile::append(std::string_view lines) {
    if (lines.empty()) return Done{};
    // Somebody else may have moved it away (logrotate): then a new one is begun.
    struct stat there {};
    struct stat ours {};
    if (fd_ >= 0 && (::stat(file_.c_str(), &there) != 0 || ::fstat(fd_, &ours) != 0 || there.st_ino != ours.st_ino))
        close();
    if (fd_ < 0)
        if (Status opened = open(); !opened) return opened;
    if (size_ > 0 && size_ + lines.size() > max_bytes_)
        if (Status rotated = rotate(); !rotated) return rotated;
    std::size_t written = 0;
    while (written < lines.size()) {
        const ssize_t count = ::write(fd_, lines.data() + written, lines.size() - written);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) {
            const int why = count < 0 ? errno : ENOSPC;
            const bool cut = ::ftruncate(fd_, static_cast<::off_t>(size_)) == 0;  // no half lines
            return file_error(file_, std::strerror(why) + std::string(cut ? "" : ", and half a line is left in it"));
        }
        written += static_cast<std::size_t>(count);
    }
    size_ += written;
    return Done{};
}

}  // namespace drywall::observe

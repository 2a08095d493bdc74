#include "unix_socket.h"

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace drywall::control {

namespace {

constexpr int kBacklog = 128;
constexpr mode_t kSocketMode = 0660;
constexpr mode_t kDirectoryMode = 0750;

Error failed(const std::filesystem::path& path, const std::string& what, int error, const std::string& hint = {}) {
    return Error::of(ErrorKind::kUnavailable,
                     "control socket " + path.string() + ": " + what + ": " + std::strerror(error), hint);
}

Result<sockaddr_un> address_of(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string& text = path.native();
    if (text.empty() || text.size() >= sizeof(address.sun_path))
        return Error::of(ErrorKind::kInvalid,
                         "the control socket's path has " + std::to_string(text.size()) + " characters",
                         "give it 1 to " + std::to_string(sizeof(address.sun_path) - 1));
    std::memcpy(address.sun_path, text.data(), text.size());
    return address;
}

bool somebody_answers(const sockaddr_un& address) {
    const Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!probe) return false;
    if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) return true;
    return errno != ECONNREFUSED && errno != ENOENT;  // EAGAIN: a listener with a full backlog
}

// Says what stands in the way at `path`; true: a stale socket, which may go. lstat: a symbolic link is not followed,
// but refused.
Result<bool> stale_socket_at(const std::filesystem::path& path, const sockaddr_un& address) {
    struct stat there {};
    if (::lstat(path.c_str(), &there) != 0) {
        if (errno == ENOENT) return false;
        return failed(path, "can't look at it", errno);
    }
    if (!S_ISSOCK(there.st_mode))
        return Error::of(ErrorKind::kRefused,
                         "control socket " + path.string() + ": there is something, and it is no socket",
                         "remove it, or configure another path");
    if (somebody_answers(address))
        return Error::of(ErrorKind::kRefused,
                         "control socket " + path.string() + " is in use: another process answers there",
                         "is drywalld running already? `drywall status` asks it, `ss -xlp` names it; stop it, or "
                         "configure another `control.socket`");
    return true;
}

Status make_way(const std::filesystem::path& path, const sockaddr_un& address) {
    const Result<bool> stale = stale_socket_at(path, address);
    if (!stale) return stale.error();
    if (*stale && ::unlink(path.c_str()) != 0) return failed(path, "can't remove the stale socket", errno);
    return Done{};
}

Status make_directory(const std::filesystem::path& path) {
    const std::filesystem::path parent = path.parent_path();
    if (parent.empty() || ::mkdir(parent.c_str(), kDirectoryMode) == 0 || errno == EEXIST) return Done{};
    return failed(path, "can't create its directory " + parent.string(), errno);
}

Result<gid_t> group_id(const std::string& name) {
    std::vector<char> buffer(16384);
    struct group entry {};
    struct group* found = nullptr;
    (void)::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (found == nullptr)
        return Error::of(ErrorKind::kInvalid, "the control socket's group '" + name + "' does not exist",
                         "create it: groupadd --system " + name);
    return entry.gr_gid;
}

// The mode is set while nobody can connect yet: listen() comes after it.
Status hand_over(const std::filesystem::path& path, const std::string& group) {
    if (!group.empty()) {
        const Result<gid_t> gid = group_id(group);
        if (!gid) return gid.error();
        if (::chown(path.c_str(), static_cast<uid_t>(-1), *gid) != 0)
            return failed(path, "can't give it to group " + group, errno);
    }
    if (::chmod(path.c_str(), kSocketMode) != 0) return failed(path, "can't set its mode", errno);
    return Done{};
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
    Descriptor old(std::exchange(fd_, other.release()));
    return *this;
}

Descriptor::~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
}

int Descriptor::release() noexcept { return std::exchange(fd_, -1); }

Status check_place(const std::filesystem::path& path, const std::string& group) {
    const Result<sockaddr_un> address = address_of(path);
    if (!address) return address.error();
    if (!group.empty())
        if (const Result<gid_t> gid = group_id(group); !gid) return gid.error();
    if (const Status made = make_directory(path); !made) return made.error();
    if (const Result<bool> stale = stale_socket_at(path, *address); !stale) return stale.error();
    if (::access(path.parent_path().c_str(), W_OK | X_OK) != 0)
        return failed(path, "can't be made in its directory", errno, "run drywalld as a user who may write there");
    return Done{};
}

Result<Descriptor> listen_at(const std::filesystem::path& path, const std::string& group) {
    const Result<sockaddr_un> address = address_of(path);
    if (!address) return address.error();
    if (const Status made = make_directory(path); !made) return made.error();
    if (const Status free = make_way(path, *address); !free) return free.error();

    Descriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!listener) return failed(path, "no socket", errno);
    if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof(*address)) != 0)
        return failed(path, "can't bind", errno);
    Status ready = hand_over(path, group);
    if (ready && ::listen(listener.get(), kBacklog) != 0) ready = failed(path, "can't listen", errno);
    if (ready) return listener;
    (void)::unlink(path.c_str());
    return ready.error();
}

Peer peer_of(int connection) noexcept {
    ucred credentials{};
    socklen_t size = sizeof(credentials);
    // Without an answer nobody in particular asked: the overflow ids, which own nothing.
    if (::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return {0, 65534, 65534};
    return {credentials.pid, credentials.uid, credentials.gid};
}

}  // namespace drywall::control

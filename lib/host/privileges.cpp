#include "drywall/host/privileges.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include <cap-ng.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "every_thread.h"

namespace drywall::host {

namespace {

struct Account {
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups;
};

std::string why() { return std::strerror(errno); }

std::optional<gid_t> group_id(const std::string& name) {
    const struct group* found = ::getgrnam(name.c_str());
    return found == nullptr ? std::nullopt : std::optional(found->gr_gid);
}

// With them, a socket can be given to its group without CAP_CHOWN. One that is not there is named by whoever needs it.
void add_groups(const std::vector<std::string>& names, std::vector<gid_t>& groups) {
    for (const std::string& name : names)
        if (const auto gid = group_id(name); gid && std::find(groups.begin(), groups.end(), *gid) == groups.end())
            groups.push_back(*gid);
}

// As root without another name.
Status join_groups(const std::vector<std::string>& names) {
    std::vector<gid_t> groups(static_cast<std::size_t>(std::max(0, ::getgroups(0, nullptr))));
    groups.resize(static_cast<std::size_t>(std::max(0, ::getgroups(static_cast<int>(groups.size()), groups.data()))));
    const std::size_t before = groups.size();
    add_groups(names, groups);
    if (groups.size() == before || ::setgroups(groups.size(), groups.data()) == 0) return Done{};
    return Error::of(ErrorKind::kUnavailable, "could not join the groups of the control sockets: " + why());
}

Result<Account> account_of(const Identity& identity) {
    const struct passwd* found = ::getpwnam(identity.user.c_str());
    if (found == nullptr)
        return Error::of(ErrorKind::kInvalid, "hardening.user: there is no user '" + identity.user + "'",
                         "create it: useradd --system --no-create-home " + identity.user);
    Account account{found->pw_uid, found->pw_gid, {}};
    if (account.uid == 0)
        return Error::of(ErrorKind::kInvalid, "hardening.user: '" + identity.user + "' is root",
                         "name an ordinary user, or leave it out");
    if (!identity.group.empty()) {
        const auto gid = group_id(identity.group);
        if (!gid)
            return Error::of(ErrorKind::kInvalid, "hardening.group: there is no group '" + identity.group + "'",
                             "create it: groupadd --system " + identity.group);
        account.gid = *gid;
    }
    int count = 64;
    account.groups.resize(64);
    while (::getgrouplist(identity.user.c_str(), account.gid, account.groups.data(), &count) < 0)
        account.groups.resize(static_cast<std::size_t>(count));
    account.groups.resize(static_cast<std::size_t>(count));
    add_groups(identity.groups, account.groups);
    return account;
}

Status make_directories(const std::vector<std::filesystem::path>& directories, const Account& account) {
    for (const std::filesystem::path& directory : directories) {
        std::error_code code;
        if (directory.empty() || std::filesystem::exists(directory, code)) continue;
        std::filesystem::create_directories(directory, code);
        if (code || ::chown(directory.c_str(), account.uid, account.gid) != 0 || ::chmod(directory.c_str(), 0750) != 0)
            return Error::of(ErrorKind::kUnavailable,
                             directory.string() + " could not be made: " + (code ? code.message() : why()),
                             "make it, and give it to the user that hardening.user names");
    }
    return Done{};
}

// Of this thread, and with it of every later one. The bounding set too, where we may: what is not in it never comes
// back.
Status keep_only(const Capabilities& wanted, bool bounding) {
    capng_get_caps_process();
    Capabilities kept;
    std::copy_if(wanted.begin(), wanted.end(), std::inserter(kept, kept.end()),
                 [](unsigned capability) { return capng_have_capability(CAPNG_PERMITTED, capability) == 1; });
    const bool may_bound = bounding && capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) == 1;
    capng_clear(CAPNG_SELECT_ALL);
    for (const unsigned capability : kept)
        capng_update(CAPNG_ADD, static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET),
                     capability);
    if (may_bound && capng_apply(CAPNG_SELECT_BOUNDS) != 0)
        return Error::of(ErrorKind::kUnavailable, "the bounding set of capabilities could not be narrowed");
    if (capng_apply(static_cast<capng_select_t>(CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT)) != 0)
        return Error::of(ErrorKind::kUnavailable, "capabilities could not be given up: " + why());
    return Done{};
}

// With CAP_SETUID and the like for the moment of the change, and not afterwards.
Status become(const Account& account, const std::string& user) {
    const auto failed = [&](const std::string& what) {
        return Error::of(ErrorKind::kUnavailable, "hardening.user: " + what + " of '" + user + "': " + why(),
                         "start drywalld as root, or as that user and without hardening.user");
    };
    if (::setgroups(account.groups.size(), account.groups.data()) != 0) return failed("could not take the groups");
    if (::setresgid(account.gid, account.gid, account.gid) != 0) return failed("could not take the group");
    if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return failed("could not keep capabilities under the name");
    if (::setresuid(account.uid, account.uid, account.uid) != 0) return failed("could not take the name");
    (void)::prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
    (void)::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);  // or nothing of /proc/self is its own, as DPDK expects
    return Done{};
}

}  // namespace

Result<unsigned> capability(const std::string& name) {
    const int number = capng_name_to_capability(name.c_str());
    if (number < 0)
        return Error::of(ErrorKind::kInvalid, "there is no capability '" + name + "'",
                         "capabilities(7) lists them; write sys_rawio for CAP_SYS_RAWIO");
    return static_cast<unsigned>(number);
}

std::string names_of(const Capabilities& capabilities) {
    std::string text;
    for (const unsigned capability : capabilities) {
        const char* name = capng_capability_to_name(capability);
        text += (text.empty() ? "" : ", ") + (name != nullptr ? std::string(name) : std::to_string(capability));
    }
    return text.empty() ? "none" : text;
}

Status take_on(const Identity& identity, const Capabilities& capabilities) {
    std::optional<Account> account;
    if (!identity.user.empty() && ::geteuid() == 0) {
        auto found = account_of(identity);
        if (!found) return found.error();
        account = *std::move(found);
        if (auto made = make_directories(identity.directories, *account); !made) return made;
    }
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return Error::of(ErrorKind::kUnavailable, "no_new_privs could not be set: " + why());
    if (!account && ::geteuid() == 0)
        if (auto joined = join_groups(identity.groups); !joined) return joined;
    if (account) {
        if (auto changed = become(*account, identity.user); !changed) return changed;
        // The new name has the permitted ones and none in effect; SETPCAP is needed once more for the bounding set.
        capng_get_caps_process();
        if (capng_have_capability(CAPNG_PERMITTED, CAP_SETPCAP) == 1) {
            capng_update(CAPNG_ADD, CAPNG_EFFECTIVE, CAP_SETPCAP);
            if (capng_apply(CAPNG_SELECT_CAPS) != 0)
                return Error::of(ErrorKind::kUnavailable, "capabilities could not be given up: " + why());
        }
    }
    return keep_only(capabilities, true);
}

Status give_up(const Capabilities& kept) {
    Capabilities there;
    capng_get_caps_process();
    for (const unsigned one : kept)
        if (capng_have_capability(CAPNG_PERMITTED, one) == 1) there.insert(one);
    return on_every_thread(there);
}

}  // namespace drywall::host

// Privileges: what the process may do, given away in two steps. take_on() before the first thread: the user, no new
// privileges by any program, and only the capabilities that opening the devices needs. give_up() when everything is
// open: only those that running needs, on every thread.
//
// Threads: take_on() while there is one thread, whose rights all later ones inherit; give_up() from any one thread,
// once. Source:  capabilities(7), prctl(2) PR_SET_NO_NEW_PRIVS. A capability belongs to a thread, not to a process.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "drywall/base/result.h"

namespace drywall::host {

using Capabilities = std::set<unsigned>;  // numbers of linux/capability.h

// kInvalid: there is no such capability. `name` as in "net_admin".
[[nodiscard]] Result<unsigned> capability(const std::string& name);
// "net_admin, net_raw"; "none"
[[nodiscard]] std::string names_of(const Capabilities& capabilities);

struct Identity {
    std::string user;                 // empty: stay who we are
    std::string group;                // empty: the user's own
    std::vector<std::string> groups;  // to be a member of: those that sockets are given to
    // Made for the user, 0750, when they are not there: what an ordinary user can't create in /run and /var/lib.
    std::vector<std::filesystem::path> directories;
};

// Keeps `capabilities` as far as they are there; a device that misses one says so itself. Nothing is changed when it
// fails, but for directories.
[[nodiscard]] Status take_on(const Identity& identity, const Capabilities& capabilities);

// kInternal, naming it: a thread did not follow. Then nobody should go on.
[[nodiscard]] Status give_up(const Capabilities& kept);

}  // namespace drywall::host

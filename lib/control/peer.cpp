#include "drywall/control/peer.h"

namespace drywall::control {

std::string Peer::text() const {
    if (pid == kItself) return "the appliance itself";
    return "uid " + std::to_string(uid) + " gid " + std::to_string(gid) + " pid " +
           (pid == 0 ? std::string("unknown") : std::to_string(pid));
}

}  // namespace drywall::control

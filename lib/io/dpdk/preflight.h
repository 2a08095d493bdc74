// Preflight: everything that can be known to fail is said before the EAL starts, all of it at once, in words.
//
// Threads: control side. check() is a pure function of settings and machine, so that tests need no special machine.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "drywall/base/result.h"
#include "drywall/io/dpdk.h"

namespace drywall::io {

// What the machine offers, as far as a start depends on it.
struct Machine {
    std::vector<unsigned> cpus;              // that this process may run on, ascending
    std::vector<std::string> interfaces;     // the kernel's, in this network namespace
    std::map<std::string, std::string> pci;  // address -> kernel driver that it is bound to; empty: none
    std::size_t memory_mb = 0;               // all of it; 0: unknown
    std::size_t free_hugepages_mb = 0;
    bool may_open_raw_sockets = true;      // CAP_NET_RAW
    bool may_administrate_network = true;  // CAP_NET_ADMIN
    bool has_af_xdp = true;
};

[[nodiscard]] Machine look_at_machine();

[[nodiscard]] Status check(const DpdkSettings& settings, const Machine& machine);

}  // namespace drywall::io

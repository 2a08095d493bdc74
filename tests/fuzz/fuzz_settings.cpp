// Any text as a configuration: it is refused with a place, or what it promises holds.
#include <algorithm>
#include <cstdlib>
#include <string>

#include "drywall/loader/settings.h"

namespace {

using namespace drywall;

void require(bool condition) {
    if (!condition) std::abort();
}

void check_promises(const loader::Settings& settings) {
    const auto defined = [&](const std::string& name) {
        return std::any_of(settings.ports.begin(), settings.ports.end(),
                           [&](const auto& port) { return port.name == name; });
    };
    require(!settings.ports.empty() && !settings.pairs.empty() && !settings.worker_cores.empty());
    for (const loader::PairSettings& pair : settings.pairs) {
        require(pair.first != pair.second && defined(pair.first) && defined(pair.second));
    }
    for (const loader::FailsafeRule& rule : settings.failsafe) require(rule.port != 0 && !rule.to.empty());
    require(settings.swap_timeout.count() > 0 && settings.timeouts.udp.count() > 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto settings = loader::load_settings({"fuzz", std::string(reinterpret_cast<const char*>(data), size)});
    if (settings) {
        check_promises(*settings);
        return 0;
    }
    require(!settings.error().complaints.empty());
    for (const Complaint& complaint : settings.error().complaints) require(complaint.place.line > 0);
    return 0;
}

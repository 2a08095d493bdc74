// Any text as a policy file: it is refused with a place, or what it says survives being written and read again.
#include <cstdlib>
#include <string>

#include "drywall/loader/resources.h"

namespace {

using namespace drywall;

void require(bool condition) {
    if (!condition) std::abort();
}

void check_round_trip(const policy::Resource& resource) {
    const std::string json = loader::to_json(resource);
    for (const std::string& text : {loader::to_yaml(resource), json}) {
        const auto again = loader::load_resources({"again", text});
        require(static_cast<bool>(again));
        require(again->size() == 1);
        require(loader::to_json(again->front()) == json);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    const auto resources = loader::load_resources({"fuzz", text});
    if (resources) {
        for (const policy::Resource& resource : *resources) check_round_trip(resource);
        return 0;
    }
    require(!resources.error().complaints.empty() && resources.error().complaints.size() <= 20);
    for (const Complaint& complaint : resources.error().complaints) {
        require(complaint.place.line > 0 && complaint.place.column > 0 && !complaint.message.empty());
    }
    return 0;
}

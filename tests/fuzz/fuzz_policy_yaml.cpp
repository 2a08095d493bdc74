// Any text as a policy file: it is refused with a place, or what it says survives being written and read again.
#include <algorithm>
#include <cstdlib>
#include <string>

#include "drywall/loader/resources.h"

namespace {

using namespace drywall;

void require(bool condition) {
    if (!condition) std::abort();
}

// Two lines that a terminal can show, or nothing.
void check_excerpt(const std::string& excerpt) {
    require(std::count(excerpt.begin(), excerpt.end(), '\n') == (excerpt.empty() ? 0 : 2));
    require(excerpt.size() < 1000);
    for (const char c : excerpt) require(c == '\n' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f));
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
    const std::vector<Complaint>& complaints = resources.error().complaints;
    require(!complaints.empty() && complaints.size() <= 1001);
    for (const Complaint& complaint : complaints) {
        const bool rest = complaints.size() > 1000 && &complaint == &complaints.back();  // how many more there are
        require(rest || (complaint.place.line > 0 && complaint.place.column > 0));
        require(!complaint.message.empty());
        check_excerpt(loader::excerpt({{"fuzz", text}}, complaint));
    }
    return 0;
}

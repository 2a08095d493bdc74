// Any text as a selector: it is refused with a message, or its canonical text is a fixed point that selects the same.
#include <cstdlib>
#include <string_view>

#include "drywall/policy/selector.h"

namespace {

using drywall::policy::Labels;
using drywall::policy::Selector;

void require(bool condition) {
    if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto selector = Selector::parse({reinterpret_cast<const char*>(data), size});
    if (!selector) {
        require(!selector.error().complaints.front().message.empty());
        return 0;
    }
    const auto again = Selector::parse(selector->canonical());
    require(again && again->canonical() == selector->canonical());
    for (const Labels& labels : {Labels{}, Labels{{"a", ""}}, Labels{{"a", "b"}, {"app", "web"}}}) {
        require(selector->matches(labels) == again->matches(labels));
    }
    return 0;
}

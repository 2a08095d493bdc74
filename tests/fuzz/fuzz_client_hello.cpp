// A client's bytes as a TLS greeting: what is said once stays said, however much follows.
#include <string>
#include <vector>

#include "drywall/inspect/tls_hello.h"
#include "input.h"

namespace {

using namespace drywall;
using namespace drywall::inspect;

struct Said {
    HelloStep step;
    Problem problem;
    std::string name;
    bool hidden;
    bool operator==(const Said&) const = default;
};

Said said_of(std::span<const std::uint8_t> stream) {
    const std::vector<std::uint8_t> exact(stream.begin(), stream.end());
    std::vector<std::uint8_t> working(512);
    const HelloProgress read = read_client_hello(exact, working);
    return {read.step, read.problem, std::string(read.greeting.server_name), read.greeting.encrypted_client_hello};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > 4096) return 0;
    const std::span<const std::uint8_t> stream(data, size);
    const Said whole = said_of(stream);
    fuzz::require((whole.step == HelloStep::kProblem) == (whole.problem != Problem::kNone), "a problem has a name");
    for (const char c : whole.name) fuzz::require(c > ' ' && c < 0x7f, "a name is plain");
    bool decided = false;
    for (std::size_t length = 0; length < size; ++length) {
        const Said so_far = said_of(stream.first(length));
        if (so_far.step == HelloStep::kMore && !decided) continue;
        decided = true;
        fuzz::require(so_far == whole, "what follows changes nothing");
    }
    return 0;
}

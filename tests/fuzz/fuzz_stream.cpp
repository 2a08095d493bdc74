// Segments of one connection, out of order, repeated, changed and lost, against receivers that put them together. The
// input: the protocol and how many steps, the length of the stream, the stream, and what decides about the segments.
#include <string>

#include "input.h"
#include "stream_twin.h"

namespace {

void require_nothing(const std::optional<std::string>& wrong) {
    drywall::fuzz::require(!wrong, wrong ? wrong->c_str() : "");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace drywall;
    using namespace drywall::inspect;
    if (size > 4096) return 0;
    fuzz::Input input({data, size});
    const std::uint8_t kind = input.byte();
    const std::uint32_t first_sequence = static_cast<std::uint32_t>(input.byte()) << 24U;
    const auto source = input.bytes(std::size_t{input.byte()} * 8);
    fuzz::InputNumbers numbers{input};
    StreamTrial trial(kind % 4 == 0 ? Protocol::kTls : Protocol::kHttp, std::string(source.begin(), source.end()),
                      first_sequence, numbers);
    for (int steps = 0; steps < 200 && !input.empty() && !trial.finished(); ++steps) require_nothing(trial.step());
    if (!trial.finished()) require_nothing(trial.finish());
    return 0;
}

// A client's bytes as HTTP: cut anywhere, the same is found. A path that has a normal form keeps it when it is
// normalised again, unless that was made of encoded characters.
#include <string>
#include <string_view>

#include "drywall/inspect/http_path.h"
#include "http_pieces.h"
#include "input.h"

namespace {

using namespace drywall;
using namespace drywall::inspect;

constexpr std::uint32_t kMaxHead = 256;  // so that inputs of a fuzzer's size meet it

void check_path(std::string_view target) {
    std::string buffer(target.size(), '\0');
    const NormalisedPath path = normalise_path(target, buffer);
    if (path.problem != PathProblem::kNone) return fuzz::require(path.path.empty(), "a problem comes without a path");
    fuzz::require(path.path.starts_with('/') && path.path.size() <= target.size(), "a path is absolute and no longer");
    for (const std::string_view never : {"//", "/./", "/../", ";"})
        fuzz::require(path.path.find(never) == std::string_view::npos, "a path is normal");
    if (path.path.find_first_of("%?") != std::string_view::npos) return;
    std::string again(path.path.size(), '\0');
    fuzz::require(normalise_path(path.path, again).path == path.path, "a normal path stays as it is");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > 2048) return 0;  // every place to cut is tried
    const std::string_view stream(reinterpret_cast<const char*>(data), size);
    const auto whole = told_whole(stream, kMaxHead);
    for (std::size_t cut = 1; cut < size; ++cut)
        fuzz::require(told_cut_at(stream, cut, kMaxHead) == whole, "two pieces are as good as one");
    fuzz::require(told_by_bytes(stream, kMaxHead) == whole, "bytes are as good as one piece");
    check_path(stream);
    check_path("/" + std::string(stream));
    return 0;
}

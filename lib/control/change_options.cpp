#include "api.h"
#include "drywall/explain/parameters.h"

namespace drywall::control {

namespace {

constexpr std::size_t kMaxComment = 1000;

Result<std::optional<Generation>> expected_generation(const ApiRequest& request) {
    std::string text = explain::text_parameter(request.query, "if-generation");
    if (text.empty()) text = request.if_generation;
    if (text.empty()) return std::optional<Generation>();
    const std::optional<std::uint64_t> number = explain::parse_number(text);
    if (!number)
        return Error::of(ErrorKind::kInvalid, "If-Generation is '" + text + "'", "give the number of a generation");
    return std::optional(static_cast<Generation>(*number));
}

Result<std::optional<runtime::Existing>> existing_of(const ApiRequest& request) {
    const std::string text = explain::text_parameter(request.query, "existing");
    if (text.empty()) return std::optional<runtime::Existing>();
    for (const auto existing : {runtime::Existing::kRecheck, runtime::Existing::kKeep, runtime::Existing::kReset})
        if (text == name(existing)) return std::optional(existing);
    return Error::of(ErrorKind::kInvalid, "'existing' is '" + text + "'", "give recheck, keep or reset");
}

Result<std::string> comment_of(const ApiRequest& request) {
    std::string text = explain::text_parameter(request.query, "comment");
    if (text.size() <= kMaxComment) return text;
    return Error::of(ErrorKind::kInvalid, "the comment has " + std::to_string(text.size()) + " characters",
                     "write at most " + std::to_string(kMaxComment));
}

}  // namespace

Result<ChangeOptions> change_options(const ApiRequest& request) {
    Result<std::optional<Generation>> expected = expected_generation(request);
    if (!expected) return expected.error();
    Result<std::string> comment = comment_of(request);
    if (!comment) return comment.error();
    const Result<std::optional<runtime::Existing>> existing = existing_of(request);
    if (!existing) return existing.error();
    return ChangeOptions{.expected = *expected, .comment = *std::move(comment), .existing = *existing};
}

}  // namespace drywall::control

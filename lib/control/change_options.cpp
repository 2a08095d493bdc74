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

constexpr Nanos kShortestWindow = std::chrono::seconds(1);
constexpr Nanos kLongestWindow = std::chrono::hours(24);

// confirm-within, confirm-if, revert-if, force
Status read_guard(const ApiRequest& request, ChangeOptions& options) {
    const auto force = explain::switch_parameter(request.query, "force");
    if (!force) return force.error();
    options.force = *force;
    if (const std::string within = explain::text_parameter(request.query, "confirm-within"); !within.empty()) {
        const Result<Nanos> window = parse_time("confirm-within", within, kShortestWindow, kLongestWindow);
        if (!window) return window.error();
        options.confirm_within = *window;
    }
    const bool waits = options.confirm_within > Nanos{0};
    if (const std::string when = explain::text_parameter(request.query, "confirm-if"); !when.empty()) {
        if (when != "can-deny-more" || !waits)
            return Error::of(ErrorKind::kInvalid, "confirm-if is '" + when + "'",
                             "write can-deny-more, beside confirm-within");
        options.confirm_if_it_can_deny_more = true;
    }
    if (const std::string wires = explain::text_parameter(request.query, "revert-if"); !wires.empty()) {
        if (!waits)
            return Error::of(ErrorKind::kInvalid, "revert-if without confirm-within",
                             "a change is taken back only while it waits to be confirmed: give a time too");
        Result<std::vector<TripWire>> read = parse_trip_wires(wires);
        if (!read) return read.error();
        options.revert_if = *std::move(read);
    }
    return Done{};
}

}  // namespace

Result<ChangeOptions> change_options(const ApiRequest& request) {
    Result<std::optional<Generation>> expected = expected_generation(request);
    if (!expected) return expected.error();
    Result<std::string> comment = comment_of(request);
    if (!comment) return comment.error();
    const Result<std::optional<runtime::Existing>> existing = existing_of(request);
    if (!existing) return existing.error();
    ChangeOptions options;
    options.expected = *expected;
    options.comment = *std::move(comment);
    options.existing = *existing;
    if (Status guard = read_guard(request, options); !guard) return std::move(guard).error();
    return options;
}

}  // namespace drywall::control

#include "drywall/explain/parameters.h"

#include <charconv>
#include <limits>

namespace drywall::explain {

namespace {

Error wrong(const std::string& name, const std::string& value, const std::string& hint) {
    return Error::of(ErrorKind::kInvalid, "parameter '" + name + "' can't be '" + value + "'", hint);
}

}  // namespace

std::optional<std::uint64_t> parse_number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

Result<std::uint64_t> number_parameter(const Query& query, const std::string& name, std::uint64_t otherwise,
                                       std::uint64_t most) {
    const auto found = query.find(name);
    if (found == query.end()) return otherwise;
    const std::optional<std::uint64_t> value = parse_number(found->second);
    if (!value || *value > most)
        return wrong(name, found->second,
                     most == std::numeric_limits<std::uint64_t>::max()
                         ? std::string("give a number")
                         : "give a number from 0 to " + std::to_string(most));
    return *value;
}

Result<bool> switch_parameter(const Query& query, const std::string& name) {
    const auto found = query.find(name);
    if (found == query.end()) return false;
    if (found->second == "true" || found->second.empty()) return true;
    if (found->second == "false") return false;
    return wrong(name, found->second, "give true or false");
}

Result<std::optional<Verdict>> verdict_parameter(const Query& query, const std::string& name) {
    const auto found = query.find(name);
    if (found == query.end()) return std::optional<Verdict>();
    if (found->second == "allow") return std::optional(Verdict::kAllow);
    if (found->second == "deny") return std::optional(Verdict::kDeny);
    return wrong(name, found->second, "give allow or deny");
}

std::string text_parameter(const Query& query, const std::string& name, const std::string& otherwise) {
    const auto found = query.find(name);
    return found == query.end() ? otherwise : found->second;
}

}  // namespace drywall::explain

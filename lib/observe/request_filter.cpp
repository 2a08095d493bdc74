#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "drywall/base/nearest.h"
#include "drywall/observe/drop.h"
#include "drywall/observe/request.h"
#include "flow_flags.h"

namespace drywall::observe {

namespace {

using RequestTest = FilterConditions<RequestRecord>::Test;
using telemetry::RequestKind;

Error wrong_value(const std::string& flag, const std::string& value, const std::string& hint) {
    return Error::of(ErrorKind::kInvalid, flag + ": '" + value + "' is not understood", hint);
}

Result<RequestTest> read_kind(const std::string& flag, const std::string& value) {
    for (const RequestKind kind : {RequestKind::kHttp, RequestKind::kTls, RequestKind::kUnread})
        if (name(kind) == value) return RequestTest([kind](const RequestRecord& one) { return one.kind == kind; });
    return wrong_value(flag, value, "write http, tls or unread");
}

// Methods are case-sensitive (RFC 9110 9.1).
Result<RequestTest> read_method(const std::string& flag, const std::string& value) {
    if (value.empty()) return wrong_value(flag, value, "write a method: GET");
    return RequestTest([value](const RequestRecord& one) { return fits_pattern(value, one.method); });
}

std::string lower(std::string text) {
    for (char& c : text)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return text;
}

// "example.com:8080" without its port, "[2001:db8::1]:80" too.
std::string_view without_port(std::string_view host) {
    const std::size_t colon = host.rfind(':');
    if (colon == std::string_view::npos || host.find_first_not_of("0123456789", colon + 1) != std::string_view::npos)
        return host;
    const bool bare_ipv6 = host.front() != '[' && host.find(':') != colon;
    return bare_ipv6 ? host : host.substr(0, colon);
}

Result<RequestTest> read_host(const std::string& flag, const std::string& value) {
    if (value.empty()) return wrong_value(flag, value, "write a name, or *.example.com");
    return RequestTest([wanted = lower(value)](const RequestRecord& one) {
        const std::string host = lower(one.host);
        return fits_pattern(wanted, host) || fits_pattern(wanted, without_port(host));
    });
}

// At segments, as policies have it: /a is meant by /a and /a/b, not by /ab.
Result<RequestTest> read_path(const std::string& flag, const std::string& value) {
    if (!value.starts_with('/')) return wrong_value(flag, value, "write how the path begins: /shop");
    std::string prefix = value;
    while (prefix.ends_with('/')) prefix.pop_back();
    return RequestTest([prefix](const RequestRecord& one) {
        return !one.path.empty() && one.path.starts_with(prefix) &&
               (one.path.size() == prefix.size() || one.path[prefix.size()] == '/');
    });
}

Result<RequestTest> read_reason(const std::string& flag, const std::string& value) {
    const DropReason reason = drop_reason_named(value);
    if (reason == DropReason::kNone) return wrong_value(flag, value, "`drywall drops -o wide` lists the reasons");
    return RequestTest([reason](const RequestRecord& one) { return one.drop_reason == reason; });
}

std::optional<Verdict> verdict_named(const std::string& value) {
    if (value == "allow" || value == "allowed") return Verdict::kAllow;
    if (value == "deny" || value == "denied") return Verdict::kDeny;
    return std::nullopt;
}

Result<RequestTest> read_enforced(const std::string& flag, const std::string& value) {
    const auto verdict = verdict_named(value);
    if (!verdict) return wrong_value(flag, value, "write allow or deny");
    return RequestTest([wanted = *verdict](const RequestRecord& one) { return one.enforced() == wanted; });
}

Result<RequestTest> read_pending(const std::string& flag, const std::string& value) {
    const auto verdict = verdict_named(value);
    if (!verdict) return wrong_value(flag, value, "write allow or deny");
    return RequestTest(
        [wanted = *verdict](const RequestRecord& one) { return one.known() && one.pending() == wanted; });
}

struct RequestFlag {
    FlowFlag flag;
    // Null: a flag of FlowFilter, asked of the connection.
    Result<RequestTest> (*read)(const std::string& flag, const std::string& value) = nullptr;
};

constexpr auto kRequestFlags = std::to_array<RequestFlag>({
    {{"kind", "KIND", "http, tls, or unread: a stream that could not be read"}, read_kind},
    {{"method", "METHOD", "Method of the request: GET; * stands for anything"}, read_method},
    {{"host", "NAME", "What the request or the TLS greeting names: shop.example.com, *.example.com"}, read_host},
    {{"path", "PREFIX", "How the path begins, at whole segments: /shop"}, read_path},
    {{"verdict", "VERDICT", "What became of it: allow or deny"}, read_enforced},
    {{"pending", "VERDICT", "What would become of it after promotion: allow or deny"}, read_pending},
    {{"reason", "REASON", "What it died of, by its name in docs/drop-reasons.md: http_denied"}, read_reason},
    {{"from-ip", "IP", "Source address or network"}},
    {{"to-ip", "IP", "Destination address or network"}},
    {{"ip", "IP", "Address or network of either side"}},
    {{"from-name", "NAME", "Source endpoint: NAME or NAMESPACE/NAME; * stands for anything"}},
    {{"to-name", "NAME", "Destination endpoint"}},
    {{"name", "NAME", "Endpoint of either side"}},
    {{"from-namespace", "NAME", "Source's namespace"}},
    {{"to-namespace", "NAME", "Destination's namespace"}},
    {{"from-label", "SELECTOR", "Source's labels: app == 'web'"}},
    {{"to-label", "SELECTOR", "Destination's labels"}},
    {{"from-port", "PORT", "Source port, or a range"}},
    {{"to-port", "PORT", "Destination port, or a range: 8000-8999"}},
    {{"port", "PORT", "Port of either side"}},
    {{"policy", "POLICY", "Took part in either world: NAME, KIND:NAME or TIER|KIND:NAME|ACTION|RULE"}},
    {{"generation", "N", "Judged by this generation"}},
});

constexpr auto kRequestFlagNames = [] {
    std::array<FlowFlag, kRequestFlags.size()> flags{};
    std::transform(kRequestFlags.begin(), kRequestFlags.end(), flags.begin(),
                   [](const RequestFlag& one) { return one.flag; });
    return flags;
}();

const RequestFlag* request_flag(std::string_view name) noexcept {
    const auto found = std::find_if(kRequestFlags.begin(), kRequestFlags.end(),
                                    [&](const RequestFlag& one) { return one.flag.name == name; });
    return found == kRequestFlags.end() ? nullptr : &*found;
}

Error unknown_request_flag(const std::string& flag) {
    std::vector<std::string_view> known;
    for (const RequestFlag& one : kRequestFlags) known.push_back(one.flag.name);
    return Error::of(ErrorKind::kInvalid, "requests can't be filtered by '" + flag + "'", did_you_mean(flag, known));
}

Result<RequestTest> read_test(const RequestFlag& flag, const std::string& value) {
    const std::string called(flag.flag.name);
    if (flag.read != nullptr) return flag.read(called, value);
    auto test = flag_reader(called)->read(called, value);
    if (!test) return test.error();
    return RequestTest([test = *std::move(test)](const RequestRecord& one) { return test(one.connection); });
}

}  // namespace

std::span<const FlowFlag> RequestFilter::flags() noexcept { return kRequestFlagNames; }

Result<RequestFilter> RequestFilter::of(std::span<const FlowTerm> terms) {
    RequestFilter filter;
    for (const FlowTerm& term : terms) {
        const RequestFlag* flag = request_flag(term.flag);
        if (flag == nullptr) return unknown_request_flag(term.flag);
        for (const std::string& value : alternatives(term.value)) {
            Result<RequestTest> test = read_test(*flag, value);
            if (!test) return test.error();
            filter.conditions_.add(flag->flag.name, term.negated, *std::move(test));
        }
    }
    return filter;
}

}  // namespace drywall::observe

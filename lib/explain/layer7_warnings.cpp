#include "layer7_warnings.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "drywall/inspect/http_path.h"

namespace drywall::explain {

namespace {

constexpr std::array<std::uint16_t, 2> kUsuallyTls{443, 8443};

std::optional<std::string> normal_form(std::string_view target) {
    std::string buffer(target.size() + 1, ' ');
    const inspect::NormalisedPath normal = inspect::normalise_path(target, buffer);
    if (normal.problem != inspect::PathProblem::kNone) return std::nullopt;
    return std::string(normal.path);
}

std::optional<RuleWarning> warning_of_path(const policy::HttpPath& path) {
    const std::optional<std::string> normal = normal_form(path.path);
    const bool same = normal && *normal == path.path;
    if (same) return std::nullopt;
    const std::string instead =
        normal ? "write '" + *normal + "'" : "no request with such a path is allowed by any rule";
    if (normal_form(inspect::target_of(path.path)) != path.path)
        return RuleWarning{"asks for the path '" + path.path + "', which no request ever has",
                           "paths are compared with dot segments resolved, slashes one, and no backslash: " + instead};
    return RuleWarning{
        "asks for the path '" + path.path + "', which requests have only as '" + inspect::target_of(path.path) + "'",
        "paths are compared decoded, without matrix parameters: " + instead};
}

}  // namespace

std::vector<RuleWarning> warnings_of_http(const policy::Rule& rule) {
    std::vector<RuleWarning> out;
    if (!rule.http) return out;
    for (const std::uint16_t port : kUsuallyTls) {
        const auto is_port = [port](const policy::PortRange& range) {
            return range.first == port && range.last == port;
        };
        if (std::none_of(rule.destination.ports.begin(), rule.destination.ports.end(), is_port)) continue;
        out.push_back(
            {"asks for requests on tcp/" + std::to_string(port) +
                 ", which is usually TLS: in it no request can be read, and the rule allows nothing of it",
             "ask on the port of plain HTTP; or allow the port without http, and name who may be asked for in "
             "destination.domains of the clients' egress rules"});
    }
    for (const policy::HttpPath& path : rule.http->paths)
        if (std::optional<RuleWarning> warning = warning_of_path(path)) out.push_back(*std::move(warning));
    return out;
}

std::optional<RuleWarning> warning_of_names(const policy::DomainConditions& domains) {
    if (domains.learned || domains.evidence == policy::DomainEvidence::kAddressOrSni) return std::nullopt;
    return RuleWarning{"asks for names, and no address becomes known by a name: it allows nothing",
                       "name the resolvers that are believed in layer7.dns.servers; or let the name in TLS alone "
                       "suffice, with layer7.domains.evidence: address-or-sni"};
}

}  // namespace drywall::explain

#include "conditions.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "drywall/net/domain_name.h"

namespace drywall::explain {

namespace {

using inspect::Condition;
using inspect::HttpCondition;
using inspect::NameCondition;

bool any_method(const HttpCondition& http) {
    return http.methods.empty() || std::ranges::find(http.methods, "*") != http.methods.end();
}

// Requests of one method, or of any, for one path or those below it, or for anything.
struct Request {
    const std::string* method = nullptr;
    const HttpCondition::Path* path = nullptr;
};

template <typename Visit>
bool all_requests_of(const HttpCondition& http, Visit visit) {
    std::vector<const std::string*> methods;
    if (any_method(http)) methods.push_back(nullptr);
    if (methods.empty())
        for (const std::string& method : http.methods) methods.push_back(&method);
    std::vector<const HttpCondition::Path*> paths;
    for (const HttpCondition::Path& path : http.paths) paths.push_back(&path);
    if (paths.empty()) paths.push_back(nullptr);
    return std::ranges::all_of(methods, [&](const std::string* method) {
        return std::ranges::all_of(paths, [&](const HttpCondition::Path* path) {
            return visit(Request{method, path});
        });
    });
}

// By whole segments, as inspect::HttpCondition::Path says.
bool is_within(const HttpCondition::Path& inner, const HttpCondition::Path& outer) {
    if (!outer.prefix) return !inner.prefix && inner.path == outer.path;
    if (!inner.path.starts_with(outer.path)) return false;
    return inner.path.size() == outer.path.size() || outer.path.ends_with('/') || inner.path[outer.path.size()] == '/';
}

bool covers(const HttpCondition& http, const Request& request) {
    if (!any_method(http) &&
        (request.method == nullptr || std::ranges::find(http.methods, *request.method) == http.methods.end()))
        return false;
    if (http.paths.empty()) return true;
    return request.path != nullptr && std::ranges::any_of(http.paths, [&](const HttpCondition::Path& path) {
               return is_within(*request.path, path);
           });
}

bool covers(const NameCondition& names, const std::string& wanted) {
    const std::string inner = net::folded_domain(wanted);
    return std::ranges::any_of(names.names, [&](const std::string& name) {
        const std::string outer = net::folded_domain(name);
        if (inner == outer) return true;
        return outer.starts_with("*.") && inner.size() > outer.size() - 1 &&
               inner.ends_with(std::string_view(outer).substr(1));
    });
}

}  // namespace

std::string step_of(const ruleset::HitDescriptor& hit) {
    if (hit.kind == ruleset::HitKind::kFailsafe) return "failsafe list";
    if (hit.kind == ruleset::HitKind::kUnmatched) return "unmatched traffic";
    const bool ingress = hit.direction == Direction::kIngress;
    if (hit.forward) return ingress ? "ingress port" : "egress port";
    return ingress ? "ingress of the destination" : "egress of the source";
}

std::string condition_text(const inspect::Condition& condition) {
    std::string out;
    const auto add = [&out](std::string_view between, const std::string& member) {
        if (!out.empty()) out += between;
        out += member;
    };
    if (const auto* names = std::get_if<inspect::NameCondition>(&condition)) {
        for (const std::string& name : names->names) add(" or ", name);
        return "to " + out;
    }
    const auto& http = std::get<inspect::HttpCondition>(condition);
    for (const std::string& method : http.methods) add(" or ", method);
    if (out.empty()) out = "any request";
    std::string paths;
    for (const auto& path : http.paths)
        paths += (paths.empty() ? " of " : " or ") + path.path + (path.prefix ? "..." : "");
    return out + paths;
}

std::string condition_key(const ruleset::Ruleset& ruleset, inspect::ConditionId id) {
    const Condition& condition = ruleset.condition(id);
    std::vector<std::string> members;
    std::string key;
    if (const auto* names = std::get_if<NameCondition>(&condition)) {
        const policy::DomainConditions& shown_by = ruleset.surroundings().domains;
        key = "names " + std::to_string(static_cast<unsigned>(shown_by.evidence)) + ' ' +
              std::string(name(shown_by.missing_sni)) + ' ' + std::string(name(shown_by.ech));
        for (const std::string& each : names->names) members.push_back(net::folded_domain(each));
    } else {
        const auto& http = std::get<HttpCondition>(condition);
        key = "http";
        if (!any_method(http))
            for (const std::string& method : http.methods) members.push_back("method " + method);
        for (const HttpCondition::Path& path : http.paths)
            members.push_back((path.prefix ? "prefix " : "exact ") + path.path);
    }
    std::ranges::sort(members);
    members.erase(std::unique(members.begin(), members.end()), members.end());
    for (const std::string& member : members) key += '\n' + member;
    return key;
}

bool implies_one_of(const Condition& one, std::span<const Condition> others) {
    if (const auto* names = std::get_if<NameCondition>(&one))
        return std::ranges::any_of(others, [&](const Condition& other) {
            const auto* wider = std::get_if<NameCondition>(&other);
            return wider != nullptr &&
                   std::ranges::all_of(names->names, [&](const std::string& name) { return covers(*wider, name); });
        });
    return all_requests_of(std::get<HttpCondition>(one), [&](const Request& request) {
        return std::ranges::any_of(others, [&](const Condition& other) {
            const auto* http = std::get_if<HttpCondition>(&other);
            return http != nullptr && covers(*http, request);
        });
    });
}

}  // namespace drywall::explain

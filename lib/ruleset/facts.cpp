// What facts about a connection come to, by the compiled conditions. The engine does the same with what it reads.
#include <array>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "drywall/inspect/http_path.h"
#include "drywall/ruleset/ruleset.h"

namespace drywall::ruleset {

namespace {

// "http://example.com/a?b" is about "/a?b", and "http://example.com" about "/". Others have no path.
std::string path_of(const std::string& target) {
    const std::size_t scheme = target.find("://");
    if (target.starts_with('/') || scheme == std::string::npos) return target;
    const std::size_t path = target.find_first_of("/?", scheme + 3);
    if (path == std::string::npos) return "/";
    return target[path] == '?' ? "/" + target.substr(path) : target.substr(path);
}

// False: the request is malformed, and no condition on requests holds.
bool match_request(const inspect::Conditions& conditions, const reference::HttpRequest& request,
                   inspect::ConditionWorkspace& workspace) {
    const std::string target = path_of(request.target);
    if (!target.starts_with('/'))
        return conditions.match_request(request.method, target, workspace.scratch, workspace.request);
    std::string buffer(target.size() + 1, ' ');
    const inspect::NormalisedPath path = inspect::normalise_path(target, buffer);
    if (path.problem != inspect::PathProblem::kNone) return false;
    return conditions.match_request(request.method, path.path, workspace.scratch, workspace.request);
}

bool names_hold(bool address, bool server_name, const reference::ConnectionFacts& facts,
                const policy::DomainConditions& declared) {
    if (facts.tls && facts.tls->encrypted) server_name = declared.ech == Verdict::kAllow;
    if (facts.tls && !facts.tls->encrypted && facts.tls->server_name.empty())
        server_name = declared.missing_sni == Verdict::kAllow;
    switch (declared.evidence) {
        case policy::DomainEvidence::kAddress: return address;
        case policy::DomainEvidence::kAddressAndSni: return address && (server_name || !facts.tls);
        case policy::DomainEvidence::kAddressOrSni: return address || server_name;
    }
    return false;
}

// The facts of one connection, matched with the conditions of one generation.
class Matched {
public:
    Matched(const Ruleset& ruleset, const reference::ConnectionFacts& facts, inspect::ConditionWorkspace& workspace)
        : ruleset_(ruleset), matcher_(ruleset.conditions()), facts_(facts), workspace_(workspace) {
        workspace.request.clear();
        workspace.address_names.clear();
        workspace.server_name.clear();
        request_ = facts.http && match_request(matcher_, *facts.http, workspace);
        for (const std::string& name : facts.names)
            by_address_ = matcher_.match_name(name, workspace.scratch, workspace.address_names) && by_address_;
        by_server_name_ =
            facts.tls && matcher_.match_name(facts.tls->server_name, workspace.scratch, workspace.server_name);
    }

    [[nodiscard]] bool holds(inspect::ConditionId id) const {
        if (!std::holds_alternative<inspect::NameCondition>(ruleset_.condition(id)))
            return request_ && matcher_.holds(id, workspace_.request);
        return names_hold(by_address_ && matcher_.holds(id, workspace_.address_names),
                          by_server_name_ && matcher_.holds(id, workspace_.server_name), facts_,
                          ruleset_.surroundings().domains);
    }

private:
    const Ruleset& ruleset_;
    const inspect::Conditions& matcher_;
    const reference::ConnectionFacts& facts_;
    const inspect::ConditionWorkspace& workspace_;
    bool request_ = false;
    bool by_address_ = true;
    bool by_server_name_ = false;
};

}  // namespace

TraceId Ruleset::resolve(TraceId trace, const reference::ConnectionFacts& facts,
                         inspect::ConditionWorkspace& workspace) const {
    if (!inspects()) return trace;
    const Matched matched(*this, facts, workspace);
    const auto truth = [&](inspect::ConditionId id) { return matched.holds(id) ? Truth::kTrue : Truth::kFalse; };
    return resolve(trace, truth).trace;
}

std::vector<bool> Ruleset::conditions_met(const reference::ConnectionFacts& facts,
                                          inspect::ConditionWorkspace& workspace) const {
    std::vector<bool> met(tables_->condition_list.size());
    if (!inspects()) return met;
    const Matched matched(*this, facts, workspace);
    for (std::uint32_t id = 0; id < met.size(); ++id) met[id] = matched.holds(inspect::ConditionId{id});
    return met;
}

}  // namespace drywall::ruleset

// Examples of what connections may show that two regimes judge differently: requests and names at the edges of what
// their rules ask for.
#include <algorithm>
#include <map>
#include <new>
#include <optional>
#include <set>
#include <utility>
#include <variant>

#include "requirement.h"

namespace drywall::explain {

namespace {

using reference::ConnectionFacts;

// Of each kind that is tried. More are in no question's interest: an example is wanted, not all of them.
constexpr std::size_t kMostMembers = 24;

// Words that rules name, and one that none does.
class Words {
public:
    explicit Words(std::vector<std::string> strangers) : strangers_(std::move(strangers)) {}
    void add(std::string word) {
        if (words_.size() < kMostMembers && std::ranges::find(words_, word) == words_.end())
            words_.push_back(std::move(word));
    }
    [[nodiscard]] std::vector<std::string> with_a_stranger() const {
        std::vector<std::string> out = words_;
        for (const std::string& stranger : strangers_)
            if (std::ranges::find(words_, stranger) == words_.end()) {
                out.push_back(stranger);
                break;
            }
        return out;
    }

private:
    std::vector<std::string> words_;
    std::vector<std::string> strangers_;
};

class Edges {
public:
    void add(const inspect::Condition& condition) {
        if (const auto* names = std::get_if<inspect::NameCondition>(&condition)) {
            for (const std::string& name : names->names)
                names_.add(name.starts_with("*.") ? "www" + name.substr(1) : name);
            return;
        }
        const auto& http = std::get<inspect::HttpCondition>(condition);
        for (const std::string& method : http.methods)
            if (method != "*") methods_.add(method);
        for (const auto& path : http.paths) {
            paths_.add(path.path);
            if (path.prefix) paths_.add(path.path + (path.path.ends_with('/') ? "example" : "/example"));
        }
        asks_for_requests_ = true;
    }

    // What shows nothing comes first.
    [[nodiscard]] std::vector<ConnectionFacts> requests() const {
        std::vector<ConnectionFacts> out(1);
        if (!asks_for_requests_) return out;
        for (const std::string& method : methods_.with_a_stranger())
            for (const std::string& path : paths_.with_a_stranger())
                out.emplace_back().http = reference::HttpRequest{.method = method, .target = path};
        return out;
    }
    // `tls`: the connection may be one. What is plain comes first.
    [[nodiscard]] std::vector<ConnectionFacts> names(bool tls) const {
        std::vector<ConnectionFacts> out(1);
        const std::vector<std::string> all = names_.with_a_stranger();
        if (all.size() == 1) return out;  // nobody asks for any
        const auto known_as = [&](const std::string& name) -> ConnectionFacts& {
            ConnectionFacts& facts = out.emplace_back();
            facts.names = {name};
            return facts;
        };
        for (const std::string& name : all) known_as(name);
        if (!tls) return out;
        for (const std::string& name : all) known_as(name).tls = reference::TlsHello{.server_name = name};
        for (const std::string& name : all) out.emplace_back().tls = reference::TlsHello{.server_name = name};
        for (const std::string& name : all)
            for (const std::string& other : all)
                if (name != other) known_as(name).tls = reference::TlsHello{.server_name = other};
        return out;
    }

private:
    Words methods_{{"GET", "DELETE"}};
    Words paths_{{"/other", "/another"}};
    Words names_{{"other.example", "another.example"}};
    bool asks_for_requests_ = false;
};

using Met = std::pair<std::vector<bool>, std::vector<bool>>;  // before, after

class Matcher {
public:
    Matcher(const ruleset::Ruleset& before, const ruleset::Ruleset& after) : before_(before), after_(after) {
        for (const auto& [ruleset, workspace] : {std::pair(&before_, &was_), std::pair(&after_, &is_)})
            if (ruleset->inspects() && !workspace->grow_for(ruleset->conditions())) throw std::bad_alloc();
    }
    // Of those that meet the same conditions only the first one.
    std::vector<std::pair<ConnectionFacts, Met>> distinct(std::vector<ConnectionFacts> candidates) {
        std::set<Met> known;
        std::vector<std::pair<ConnectionFacts, Met>> out;
        for (ConnectionFacts& facts : candidates) {
            Met met{before_.conditions_met(facts, was_), after_.conditions_met(facts, is_)};
            if (known.insert(met).second) out.emplace_back(std::move(facts), std::move(met));
        }
        return out;
    }

private:
    const ruleset::Ruleset& before_;
    const ruleset::Ruleset& after_;
    inspect::ConditionWorkspace was_;
    inspect::ConditionWorkspace is_;
};

std::vector<bool> either(const std::vector<bool>& a, const std::vector<bool>& b) {
    std::vector<bool> out(a);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = a[i] || b[i];
    return out;
}

}  // namespace

std::vector<ShownDifference> shown_differences(const Regime& before, const Regime& after, const net::Tuple& packet) {
    const TraceId was = before.ruleset->classify(packet);
    const TraceId is = after.ruleset->classify(packet);
    Edges edges;
    for (const Requirement& requirement : {requirement_of(before, was), requirement_of(after, is)})
        for (const Requirement::Clause& clause : requirement.clauses)
            for (const inspect::Condition& condition : clause.any_of) edges.add(condition);
    Matcher matcher(*before.ruleset, *after.ruleset);
    const auto requests = matcher.distinct(edges.requests());
    const auto names = matcher.distinct(edges.names(packet.protocol == net::protocol::kTcp));
    std::map<Verdict, ShownDifference> found;  // by the verdict before
    for (const auto& [name, name_met] : names)
        for (const auto& [request, request_met] : requests) {
            if (name.tls && request.http) continue;  // inside of TLS no request is read
            const Judgement then = judge(before, was, either(name_met.first, request_met.first));
            const Judgement now = judge(after, is, either(name_met.second, request_met.second));
            if (then.verdict == now.verdict) continue;
            ShownDifference shown{name, then.verdict, now.verdict, then.by, now.by};
            shown.facts.http = request.http;
            found.try_emplace(then.verdict, std::move(shown));
        }
    std::vector<ShownDifference> out;
    for (auto at = found.rbegin(); at != found.rend(); ++at) out.push_back(std::move(at->second));
    return out;
}

}  // namespace drywall::explain

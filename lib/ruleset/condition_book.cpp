#include "condition_book.h"

#include <algorithm>
#include <utility>

namespace drywall::ruleset {

std::string text_of(const policy::HttpMatch& http) {
    std::vector<std::string> members;
    for (const std::string& method : http.methods) members.push_back("method " + method);
    for (const policy::HttpPath& path : http.paths) members.push_back((path.prefix ? "prefix " : "exact ") + path.path);
    std::sort(members.begin(), members.end());
    members.erase(std::unique(members.begin(), members.end()), members.end());
    std::string text = "http";
    for (const std::string& member : members) text += "\n" + member;
    return text;
}

inspect::ConditionId ConditionBook::add(const policy::HttpMatch& http) {
    inspect::HttpCondition condition;
    condition.methods = http.methods;
    for (const policy::HttpPath& path : http.paths)
        condition.paths.push_back({.prefix = path.prefix, .path = path.path});
    return add(text_of(http), std::move(condition));
}

inspect::ConditionId ConditionBook::add(std::vector<std::string> names) {
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    std::string text = "names";
    for (const std::string& name : names) text += "\n" + name;
    return add(std::move(text), inspect::NameCondition{std::move(names)});
}

inspect::ConditionId ConditionBook::add(std::string text, inspect::Condition condition) {
    const inspect::ConditionId next{static_cast<std::uint32_t>(conditions_.size())};
    const auto [entry, fresh] = by_text_.try_emplace(std::move(text), next);
    if (fresh) conditions_.push_back(std::move(condition));
    return entry->second;
}

}  // namespace drywall::ruleset

// Conditions matched by walking over them, as their meaning is written down: the twin of inspect::Conditions.
#pragma once

#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>
#include <variant>

#include "drywall/inspect/conditions.h"

namespace drywall::inspect::plain {

inline bool path_matches(const HttpCondition::Path& wanted, std::string_view path) {
    if (!wanted.prefix) return path == wanted.path;
    if (!path.starts_with(wanted.path)) return false;
    return path.size() == wanted.path.size() || wanted.path.ends_with('/') || path[wanted.path.size()] == '/';
}

inline bool holds(const HttpCondition& condition, std::string_view method, std::string_view path) {
    const auto is_method = [&](const std::string& wanted) { return wanted == "*" || wanted == method; };
    const auto is_path = [&](const HttpCondition::Path& wanted) { return path_matches(wanted, path); };
    return (condition.methods.empty() || std::any_of(condition.methods.begin(), condition.methods.end(), is_method)) &&
           (condition.paths.empty() || std::any_of(condition.paths.begin(), condition.paths.end(), is_path));
}

inline std::string comparable(std::string_view name) {
    std::string out(name.substr(0, name.size() - (name.ends_with('.') ? 1 : 0)));
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

inline bool holds(const NameCondition& condition, std::string_view name) {
    const std::string asked = comparable(name);
    return std::any_of(condition.names.begin(), condition.names.end(), [&](const std::string& pattern) {
        const std::string wanted = comparable(pattern);
        if (!wanted.starts_with("*.")) return asked == wanted;
        return asked.size() > wanted.size() - 1 && asked.ends_with(wanted.substr(1));
    });
}

}  // namespace drywall::inspect::plain

#include "layer7.h"

#include <algorithm>

namespace drywall::reference {
namespace {

using policy::DomainEvidence;

std::optional<int> hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return std::nullopt;
}

std::optional<std::string> decoded_once(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        if (i + 2 >= text.size()) return std::nullopt;
        const auto high = hex_digit(text[i + 1]);
        const auto low = hex_digit(text[i + 2]);
        if (!high || !low) return std::nullopt;
        out += static_cast<char>(*high * 16 + *low);
        i += 2;
    }
    return out;
}

// What stands between slashes: "/a//b/" is "a", "", "b", "".
std::vector<std::string> segments_of(const std::string& path) {
    std::vector<std::string> segments;
    std::size_t begin = 1;
    for (std::size_t i = 1; i <= path.size(); ++i) {
        if (i < path.size() && path[i] != '/') continue;
        segments.push_back(path.substr(begin, i - begin));
        begin = i + 1;
    }
    return segments;
}

// "http://example.com/a?b" is about "/a?b", and "http://example.com" about "/".
std::string without_authority(const std::string& target) {
    const std::size_t scheme = target.find("://");
    if (target.starts_with('/') || scheme == std::string::npos) return target;
    const std::size_t path = target.find_first_of("/?", scheme + 3);
    if (path == std::string::npos) return "/";
    return target[path] == '?' ? "/" + target.substr(path) : target.substr(path);
}

bool has_path(const std::string& target) { return without_authority(target).starts_with('/'); }

bool path_matches(const policy::HttpPath& pattern, const std::string& path) {
    if (!pattern.prefix || pattern.path == path) return pattern.path == path;
    // Whole segments: "/a" is a prefix of "/a/b" and not of "/ab".
    const bool ends_segment = pattern.path.ends_with('/');
    return path.starts_with(ends_segment ? pattern.path : pattern.path + "/");
}

std::string lower(std::string text) {
    for (char& c : text)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    return text;
}

bool name_matches(const std::string& domain, std::string name) {
    if (name.ends_with('.')) name.pop_back();
    name = lower(name);
    if (!domain.starts_with("*.")) return name == domain;
    const std::string below = domain.substr(1);  // ".example.com"
    return name.size() > below.size() && name.ends_with(below);
}

bool any_matches(const std::vector<std::string>& domains, const std::string& name) {
    return std::any_of(domains.begin(), domains.end(),
                       [&](const std::string& domain) { return name_matches(domain, name); });
}

bool server_name_holds(const std::vector<std::string>& domains, const TlsHello& hello,
                       const policy::DomainConditions& conditions) {
    if (hello.encrypted) return conditions.ech == Verdict::kAllow;
    if (hello.server_name.empty()) return conditions.missing_sni == Verdict::kAllow;
    return any_matches(domains, hello.server_name);
}

}  // namespace

std::optional<std::string> normalised_path(const std::string& target) {
    const std::string path = without_authority(target);
    if (!path.starts_with('/')) return std::nullopt;
    const auto decoded = decoded_once(std::string_view(path).substr(0, path.find('?')));
    if (!decoded || decoded->find('\0') != std::string::npos || decoded->find('\\') != std::string::npos)
        return std::nullopt;
    std::vector<std::string> kept;
    bool folder = true;  // the path ends in a slash
    for (std::string segment : segments_of(*decoded)) {
        segment = segment.substr(0, segment.find(';'));
        folder = segment.empty() || segment == "." || segment == "..";
        if (segment == ".." && !kept.empty()) kept.pop_back();
        if (!folder) kept.push_back(segment);
    }
    std::string out;
    for (const std::string& segment : kept) out += "/" + segment;
    return folder ? out + "/" : out;
}

bool http_holds(const policy::HttpMatch& match, const ConnectionFacts& facts) {
    if (!facts.http) return false;
    const auto allows_method = [&](const std::string& method) { return method == "*" || method == facts.http->method; };
    if (!match.methods.empty() && std::none_of(match.methods.begin(), match.methods.end(), allows_method)) return false;
    const auto path = normalised_path(facts.http->target);
    if (!path && has_path(facts.http->target)) return false;  // malformed: nothing is concluded from it
    if (match.paths.empty()) return true;
    return path && std::any_of(match.paths.begin(), match.paths.end(),
                               [&](const policy::HttpPath& pattern) { return path_matches(pattern, *path); });
}

bool domains_hold(const std::vector<std::string>& domains, const ConnectionFacts& facts,
                  const policy::DomainConditions& conditions) {
    const bool address = std::any_of(facts.names.begin(), facts.names.end(),
                                     [&](const std::string& name) { return any_matches(domains, name); });
    const bool server_name = facts.tls && server_name_holds(domains, *facts.tls, conditions);
    switch (conditions.evidence) {
        case DomainEvidence::kAddress: return address;
        case DomainEvidence::kAddressAndSni: return address && (server_name || !facts.tls);
        case DomainEvidence::kAddressOrSni: return address || server_name;
    }
    return false;
}

}  // namespace drywall::reference

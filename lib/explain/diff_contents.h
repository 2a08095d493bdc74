// DiffContents: sets, rules and walks of several programs numbered by what they say. Equal numbers decide equally.
//
// Threads: owned by one comparison.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "drywall/classify/program.h"
#include "drywall/ruleset/ruleset.h"

namespace drywall::explain {

class DiffContents {
public:
    static constexpr std::uint32_t kNoWalk = 0;

    struct Match {
        std::vector<std::uint32_t> in;  // sets
        std::vector<std::uint32_t> not_in;
        auto operator<=>(const Match&) const = default;
    };

    // Rules and sets that are looked at become known.
    std::uint32_t walk(const ruleset::Ruleset& ruleset, classify::WalkId id);
    std::uint32_t rules(const ruleset::Ruleset& ruleset, const std::vector<classify::RuleIndex>& list);

    [[nodiscard]] const std::vector<std::vector<net::Prefix>>& sets() const noexcept { return sets_; }
    [[nodiscard]] const std::vector<Match>& sources() const noexcept { return sources_; }
    [[nodiscard]] const std::vector<Match>& destinations() const noexcept { return destinations_; }
    [[nodiscard]] const std::vector<classify::ServiceMatch>& services() const noexcept { return services_; }

private:
    std::uint32_t set(const classify::Program& program, classify::SetId id);
    Match match(const classify::Program& program, const classify::AddressMatch& match);
    std::uint32_t rule(const ruleset::Ruleset& ruleset, classify::RuleIndex index);
    void append_rules(const ruleset::Ruleset& ruleset, const std::vector<classify::RuleIndex>& list,
                      std::vector<std::uint32_t>& key);
    std::uint32_t service(const classify::ServiceMatch& match);

    using Key = std::vector<std::uint32_t>;
    std::map<std::vector<net::Prefix>, std::uint32_t> set_numbers_;
    std::vector<std::vector<net::Prefix>> sets_;
    std::map<Match, std::uint32_t> source_numbers_;
    std::vector<Match> sources_;
    std::map<Match, std::uint32_t> destination_numbers_;
    std::vector<Match> destinations_;
    std::map<Key, std::uint32_t> service_numbers_;
    std::vector<classify::ServiceMatch> services_;
    std::map<std::string, std::uint32_t> condition_numbers_;
    std::map<Key, std::uint32_t> rule_numbers_;
    std::map<Key, std::uint32_t> walk_numbers_;
    std::map<std::pair<const classify::Program*, classify::WalkId>, std::uint32_t> known_walks_;
    std::map<std::pair<const classify::Program*, classify::SetId>, std::uint32_t> known_sets_;
};

}  // namespace drywall::explain

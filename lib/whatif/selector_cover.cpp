#include "selector_cover.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

namespace drywall::whatif {

namespace {

using policy::Labels;

// What people look for first when they ask what a thing is.
constexpr auto kTellingKeys = std::to_array<std::string_view>(
    {"app", "app.kubernetes.io/name", "k8s-app", "role", "component", "app.kubernetes.io/component", "name", "tier"});

std::size_t rank_of(std::string_view key) {
    return static_cast<std::size_t>(std::find(kTellingKeys.begin(), kTellingKeys.end(), key) - kTellingKeys.begin());
}

// One condition on a label: it has this value, or (without one) it is not there.
struct Condition {
    std::string key;
    std::optional<std::string> value;
    auto operator<=>(const Condition&) const = default;

    [[nodiscard]] bool holds(const Labels& labels) const {
        const auto found = labels.find(key);
        return value ? found != labels.end() && found->second == *value : found == labels.end();
    }
};

// Conditions that must all hold.
using Term = std::vector<Condition>;

std::string quoted(const std::string& value) { return '\'' + value + '\''; }

std::string text_of(const Condition& condition) {
    return condition.value ? condition.key + " == " + quoted(*condition.value) : "!has(" + condition.key + ")";
}

std::string text_of(const Term& term) {
    if (term.empty()) return "all()";
    std::string out;
    for (const Condition& condition : term) out += (out.empty() ? "" : " && ") + text_of(condition);
    return out;
}

// `app == 'a'` and `app == 'b'` are `app in {'a', 'b'}`.
std::string text_of(const std::vector<Term>& terms) {
    std::map<std::string, std::set<std::string>> by_key;
    std::vector<std::string> parts;
    for (const Term& term : terms)
        if (term.size() == 1 && term.front().value) by_key[term.front().key].insert(*term.front().value);
    for (const auto& [key, values] : by_key) {
        if (values.size() == 1) {
            parts.push_back(text_of(Condition{key, *values.begin()}));
            continue;
        }
        std::string list;
        for (const std::string& value : values) list += (list.empty() ? "" : ", ") + quoted(value);
        std::string part = key;
        part += " in {";
        part += list;
        part += '}';
        parts.push_back(std::move(part));
    }
    for (const Term& term : terms) {
        if (term.size() == 1 && term.front().value) continue;
        parts.push_back(terms.size() > 1 && term.size() > 1 ? '(' + text_of(term) + ')' : text_of(term));
    }
    std::string out;
    for (const std::string& part : parts) out += (out.empty() ? "" : " || ") + part;
    return out;
}

class Cover {
public:
    Cover(const std::vector<const Labels*>& universe, const std::vector<std::size_t>& wanted)
        : universe_(universe), wanted_(wanted), is_wanted_(universe.size(), false) {
        for (const std::size_t i : wanted) is_wanted_[i] = true;
        for (std::size_t i = 0; i < universe.size(); ++i)
            for (const auto& [key, value] : *universe[i]) with_label_[Condition{key, value}].push_back(i);
    }

    std::string run() {
        std::vector<Candidate> candidates = short_terms();
        for (const std::size_t one : wanted_) candidates.push_back(whole_term(one));
        return text_of(greedy(candidates));
    }

private:
    struct Candidate {
        Term term;
        std::vector<std::size_t> matches;  // ascending; all of them wanted
    };

    [[nodiscard]] bool only_wanted(const std::vector<std::size_t>& matches) const {
        return !matches.empty() &&
               std::all_of(matches.begin(), matches.end(), [this](std::size_t i) { return is_wanted_[i]; });
    }

    // One label where that is enough, else two.
    [[nodiscard]] std::vector<Candidate> short_terms() const {
        std::map<Term, std::vector<std::size_t>> found;
        for (const std::size_t one : wanted_) {
            const std::vector<Condition> own = conditions_of(one);
            for (std::size_t i = 0; i < own.size(); ++i) {
                const std::vector<std::size_t>& first = with_label_.at(own[i]);
                if (only_wanted(first)) {
                    found.try_emplace({own[i]}, first);
                    continue;
                }
                for (std::size_t j = i + 1; j < own.size(); ++j) {
                    const std::vector<std::size_t>& second = with_label_.at(own[j]);
                    std::vector<std::size_t> both;
                    std::set_intersection(first.begin(), first.end(), second.begin(), second.end(),
                                          std::back_inserter(both));
                    if (only_wanted(both)) found.try_emplace({own[i], own[j]}, std::move(both));
                }
            }
        }
        std::vector<Candidate> out;
        out.reserve(found.size());
        for (auto& [term, matches] : found) out.push_back({term, std::move(matches)});
        return out;
    }

    // Telling keys first.
    [[nodiscard]] std::vector<Condition> conditions_of(std::size_t one) const {
        std::vector<Condition> out;
        for (const auto& [key, value] : *universe_[one]) out.push_back({key, value});
        std::stable_sort(out.begin(), out.end(),
                         [](const Condition& a, const Condition& b) { return rank_of(a.key) < rank_of(b.key); });
        return out;
    }

    // All labels of one, and the absence of those that others have on top of them; then without what is not needed.
    [[nodiscard]] Candidate whole_term(std::size_t one) const {
        Term term = conditions_of(one);
        std::vector<std::size_t> matches = matching(term);
        std::set<std::string> foreign;
        for (const std::size_t other : matches)
            for (const auto& [key, value] : *universe_[other])
                if (!universe_[one]->contains(key)) foreign.insert(key);
        for (const std::string& key : foreign) term.push_back({key, std::nullopt});
        // What a thing is reads better than what it is not: the first label stays.
        const std::size_t first = universe_[one]->empty() ? 0 : 1;
        for (std::size_t i = term.size(); i-- > first && term.size() > 1;) {
            Term shorter = term;
            shorter.erase(shorter.begin() + static_cast<std::ptrdiff_t>(i));
            if (only_wanted(matching(shorter))) term = std::move(shorter);
        }
        matches = matching(term);
        return {std::move(term), std::move(matches)};
    }

    [[nodiscard]] std::vector<std::size_t> matching(const Term& term) const {
        std::vector<std::size_t> out;
        for (std::size_t i = 0; i < universe_.size(); ++i)
            if (std::all_of(term.begin(), term.end(), [&](const Condition& c) { return c.holds(*universe_[i]); }))
                out.push_back(i);
        return out;
    }

    [[nodiscard]] std::vector<Term> greedy(const std::vector<Candidate>& candidates) const {
        std::vector<bool> covered(universe_.size(), false);
        std::size_t left = wanted_.size();
        std::vector<Term> chosen;
        while (left > 0) {
            const Candidate* best = nullptr;
            std::size_t best_gain = 0;
            for (const Candidate& candidate : candidates) {
                const auto gain = static_cast<std::size_t>(std::count_if(
                    candidate.matches.begin(), candidate.matches.end(), [&](std::size_t i) { return !covered[i]; }));
                if (gain == 0 || gain < best_gain) continue;
                if (gain == best_gain && !reads_better(candidate.term, best->term)) continue;
                best = &candidate;
                best_gain = gain;
            }
            for (const std::size_t i : best->matches) covered[i] = true;
            left -= best_gain;
            chosen.push_back(best->term);
        }
        return chosen;
    }

    static bool reads_better(const Term& a, const Term& b) {
        if (a.size() != b.size()) return a.size() < b.size();
        const auto rank = [](const Term& term) {
            std::size_t sum = 0;
            for (const Condition& condition : term)
                sum += rank_of(condition.key) + (condition.value ? 0 : kTellingKeys.size());
            return sum;
        };
        return std::pair(rank(a), a) < std::pair(rank(b), b);
    }

    const std::vector<const Labels*>& universe_;
    const std::vector<std::size_t>& wanted_;
    std::vector<bool> is_wanted_;
    std::map<Condition, std::vector<std::size_t>> with_label_;
};

}  // namespace

std::string selector_for(const std::vector<const Labels*>& universe, const std::vector<std::size_t>& wanted) {
    return Cover(universe, wanted).run();
}

}  // namespace drywall::whatif

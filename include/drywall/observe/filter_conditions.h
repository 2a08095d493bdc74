// FilterConditions: what a filter's flags ask of one subject. Hubble's logic: the values of one repeated flag are
// alternatives, different flags must all hold, and a negated flag leaves out what it names.
//
// Threads: values; match() is a pure function.
#pragma once

#include <algorithm>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

namespace drywall::observe {

template <typename Subject>
class FilterConditions {
public:
    using Test = std::function<bool(const Subject&)>;

    // `flag` lives forever: it is a name of a table of flags.
    void add(std::string_view flag, bool negated, Test test) {
        auto condition = std::find_if(conditions_.begin(), conditions_.end(),
                                      [&](const Condition& one) { return one.flag == flag && one.negated == negated; });
        if (condition == conditions_.end()) condition = conditions_.insert(condition, {flag, negated, {}});
        condition->any.push_back(std::move(test));
    }

    [[nodiscard]] bool match(const Subject& subject) const {
        return std::all_of(conditions_.begin(), conditions_.end(), [&](const Condition& condition) {
            const bool hit = std::any_of(condition.any.begin(), condition.any.end(),
                                         [&](const Test& test) { return test(subject); });
            return hit != condition.negated;
        });
    }
    [[nodiscard]] bool empty() const noexcept { return conditions_.empty(); }

private:
    struct Condition {
        std::string_view flag;
        bool negated = false;
        std::vector<Test> any;  // alternatives
    };
    std::vector<Condition> conditions_;
};

}  // namespace drywall::observe

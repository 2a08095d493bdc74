// SelectorBook: every selector of a generation, parsed once, and evaluated once per distinct meaning and label map that
// may match.
//
// Threads: the builder of one generation only.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "drywall/base/result.h"
#include "drywall/policy/selector.h"
#include "endpoints.h"

namespace drywall::ruleset {

class SelectorBook {
public:
    // What a selector selects. Equal meanings are one object, which stays where it is.
    struct Selected {
        std::string canonical;
        std::vector<LabelsId> labels;  // ascending
    };

    explicit SelectorBook(const std::vector<policy::Labels>& labels);

    // A text that does not parse selects nothing, and makes status() an error: the loader has parsed all of them, so
    // that the inventory came another way.
    const Selected& operator[](const std::string& text);

    [[nodiscard]] const Status& status() const noexcept { return status_; }

private:
    [[nodiscard]] std::vector<LabelsId> evaluate(const policy::Selector& selector) const;
    // Those that have what the selector asks of every match, ascending; null: it asks nothing that is known.
    [[nodiscard]] const std::vector<LabelsId>* candidates(const std::string& selector) const;

    const std::vector<policy::Labels>& labels_;
    std::unordered_map<std::string, std::vector<LabelsId>> having_;  // by label and value; ascending
    std::unordered_map<std::string, const Selected*> by_text_;
    std::unordered_map<std::string, Selected> by_canonical_;
    Status status_ = Done{};
};

}  // namespace drywall::ruleset

// SelectorBook: every selector of a generation, parsed once, and evaluated once per distinct meaning and label map.
//
// Threads: the builder of one generation only.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "drywall/base/result.h"
#include "drywall/policy/selector.h"
#include "endpoints.h"
#include "world.h"

namespace drywall::ruleset {

class SelectorBook {
public:
    // By LabelsId: does the selector hold? (char, because several bits of a vector<bool> share a byte)
    using Matching = std::vector<char>;

    // Parses what the policies of both worlds say. The loader has parsed all of it before, so a complaint here means
    // that the inventory came another way.
    [[nodiscard]] static Result<SelectorBook> read(const Worlds& worlds, const std::vector<policy::Labels>& labels);

    // REQUIRES: `text` is a selector of the policies that were read.
    [[nodiscard]] const std::string& canonical(const std::string& text) const;
    [[nodiscard]] const Matching& matching(const std::string& text) const;

private:
    struct Entry {
        std::string canonical;
        const Matching* matching = nullptr;
    };

    Status learn(const policy::Policy& policy, const std::vector<policy::Labels>& labels);
    Status learn(const std::string& text, const policy::Policy& policy, const std::vector<policy::Labels>& labels);

    std::map<std::string, Entry> by_text_;
    std::map<std::string, Matching> by_canonical_;  // nodes stay where they are when the book is moved
};

}  // namespace drywall::ruleset

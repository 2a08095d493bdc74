#include "selector_book.h"

#include <string_view>
#include <utility>

#include "drywall/policy/selector_terms.h"

namespace drywall::ruleset {

namespace {

// No label holds a zero byte.
std::string term(std::string_view label, std::string_view value) {
    std::string key(label);
    key += '\0';
    key += value;
    return key;
}

}  // namespace

SelectorBook::SelectorBook(const std::vector<policy::Labels>& labels) : labels_(labels) {
    for (std::size_t i = 0; i < labels.size(); ++i)
        for (const auto& [label, value] : labels[i])
            having_[term(label, value)].push_back(LabelsId{static_cast<std::uint32_t>(i)});
}

const SelectorBook::Selected& SelectorBook::operator[](const std::string& text) {
    if (const auto known = by_text_.find(text); known != by_text_.end()) return *known->second;
    const Result<policy::Selector> selector = policy::Selector::parse(text);
    if (!selector && status_)
        status_ = Error::of(ErrorKind::kInvalid, "selector \"" + text + "\": " + selector.error().text(),
                            "write it as policies of Calico do: app == 'web' && has(role)");
    const std::string canonical = selector ? selector->canonical() : "unreadable " + text;
    const auto [entry, fresh] = by_canonical_.try_emplace(canonical);
    if (fresh) {
        entry->second.canonical = canonical;
        if (selector) entry->second.labels = evaluate(*selector);
    }
    by_text_.emplace(text, &entry->second);
    return entry->second;
}

const std::vector<LabelsId>* SelectorBook::candidates(const std::string& selector) const {
    static const std::vector<LabelsId> nobody;
    const std::vector<LabelsId>* fewest = nullptr;
    for (const auto& [label, value] : policy::required_terms(selector)) {
        const auto found = having_.find(term(label, value));
        if (found == having_.end()) return &nobody;
        if (fewest == nullptr || found->second.size() < fewest->size()) fewest = &found->second;
    }
    return fewest;
}

std::vector<LabelsId> SelectorBook::evaluate(const policy::Selector& selector) const {
    std::vector<LabelsId> selected;
    const auto ask = [&](LabelsId id) {
        if (selector.matches(labels_[index(id)])) selected.push_back(id);
    };
    if (const std::vector<LabelsId>* few = candidates(selector.canonical())) {
        for (const LabelsId id : *few) ask(id);
        return selected;
    }
    for (std::size_t i = 0; i < labels_.size(); ++i) ask(LabelsId{static_cast<std::uint32_t>(i)});
    return selected;
}

}  // namespace drywall::ruleset

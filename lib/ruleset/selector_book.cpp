#include "selector_book.h"

#include <utility>

namespace drywall::ruleset {

SelectorBook::SelectorBook(const std::vector<policy::Labels>& labels) : labels_(labels) {}

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

std::vector<LabelsId> SelectorBook::evaluate(const policy::Selector& selector) const {
    std::vector<LabelsId> selected;
    for (std::size_t i = 0; i < labels_.size(); ++i)
        if (selector.matches(labels_[i])) selected.push_back(LabelsId{static_cast<std::uint32_t>(i)});
    return selected;
}

}  // namespace drywall::ruleset

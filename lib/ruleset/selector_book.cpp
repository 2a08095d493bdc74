#include "selector_book.h"

#include <cassert>
#include <utility>

namespace drywall::ruleset {

Status SelectorBook::learn(const std::string& text, const policy::Policy& policy,
                           const std::vector<policy::Labels>& labels) {
    if (by_text_.contains(text)) return Done{};
    Result<policy::Selector> selector = policy::Selector::parse(text);
    if (!selector)
        return Error::invalid(policy.metadata.place, "policy '" + policy.metadata.name + "', selector \"" + text +
                                                         "\": " + std::move(selector).error().text());
    const auto [meaning, fresh] = by_canonical_.try_emplace(selector->canonical());
    if (fresh) {
        meaning->second.reserve(labels.size());
        for (const policy::Labels& each : labels) meaning->second.push_back(selector->matches(each) ? 1 : 0);
    }
    by_text_.emplace(text, Entry{.canonical = meaning->first, .matching = &meaning->second});
    return Done{};
}

Status SelectorBook::learn(const policy::Policy& policy, const std::vector<policy::Labels>& labels) {
    if (Status status = learn(policy.selector, policy, labels); !status) return status;
    for (const std::vector<policy::Rule>* rules : {&policy.ingress, &policy.egress}) {
        for (const policy::Rule& rule : *rules) {
            for (const policy::EntityRule* entity : {&rule.source, &rule.destination}) {
                for (const auto* selector : {&entity->selector, &entity->not_selector}) {
                    if (!selector->has_value()) continue;
                    if (Status status = learn(**selector, policy, labels); !status) return status;
                }
            }
        }
    }
    return Done{};
}

Result<SelectorBook> SelectorBook::read(const Worlds& worlds, const std::vector<policy::Labels>& labels) {
    SelectorBook book;
    for (const Participant& participant : worlds.participants)
        if (Status status = book.learn(*participant.policy, labels); !status) return std::move(status).error();
    return book;
}

const std::string& SelectorBook::canonical(const std::string& text) const {
    const auto found = by_text_.find(text);
    assert(found != by_text_.end());
    return found->second.canonical;
}

const SelectorBook::Matching& SelectorBook::matching(const std::string& text) const {
    const auto found = by_text_.find(text);
    assert(found != by_text_.end());
    return *found->second.matching;
}

}  // namespace drywall::ruleset

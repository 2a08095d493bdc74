// Short words for the conversion tests.
#pragma once

#include <string>
#include <utility>

#include "drywall/policy/convert.h"

namespace drywall::policy {

inline LabelSelector match(std::map<std::string, std::string> labels) { return {std::move(labels), {}}; }

inline net::Address address(const std::string& text) { return net::Address::parse(text).value(); }
inline net::Prefix prefix(const std::string& text) { return net::Prefix::parse_strict(text).value(); }

inline Metadata named(std::string ns, std::string name) {
    Metadata metadata;
    metadata.ns = std::move(ns);
    metadata.name = std::move(name);
    return metadata;
}

template <typename T>
void put(Inventory& inventory, T value) {
    auto resource = std::make_shared<const Resource>(std::move(value));
    inventory[id_of(*resource)] = resource;
}

inline bool selects(const std::string& selector, const Labels& labels) {
    return Selector::parse(selector).value().matches(labels);
}

}  // namespace drywall::policy

// Pieces of JSON that the writers of all kinds share. What says nothing is left out.
//
// Threads: no state.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "drywall/policy/resources.h"

namespace drywall::loader {

[[nodiscard]] std::string staged_action_name(policy::StagedAction action);

template <typename List, typename Writer>
void put_list(nlohmann::ordered_json& out, const char* key, const List& list, Writer write) {
    if (list.empty()) return;
    nlohmann::ordered_json items = nlohmann::ordered_json::array();
    for (const auto& item : list) items.push_back(write(item));
    out[key] = std::move(items);
}

inline void put_text(nlohmann::ordered_json& out, const char* key, const std::string& text) {
    if (!text.empty()) out[key] = text;
}

template <typename Map>
void put_map(nlohmann::ordered_json& out, const char* key, const Map& map) {
    if (map.empty()) return;
    nlohmann::ordered_json object = nlohmann::ordered_json::object();
    for (const auto& [name, value] : map) object[name] = value;
    out[key] = std::move(object);
}

}  // namespace drywall::loader

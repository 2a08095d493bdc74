#include "fields.h"

#include <algorithm>

namespace drywall::loader {

namespace {

constexpr std::size_t kListedFields = 40;  // a longer list is no help

}  // namespace

Fields::Fields(const Node& node, std::string path, Complaints& complaints, std::string_view top_name)
    : node_(node), path_(std::move(path)), complaints_(complaints) {
    if (node.is_mapping()) return;
    complaints.add(node.line, node.column,
                   (path_.empty() ? std::string(top_name) : path_) + " must be a mapping, not " + described(node));
}

std::string Fields::path_to(std::string_view name) const {
    return path_.empty() ? std::string(name) : path_ + "." + std::string(name);
}

void Fields::know(std::string_view name) {
    if (std::find(known_.begin(), known_.end(), name) == known_.end()) known_.push_back(name);
}

const Node* Fields::take(std::string_view name) {
    know(name);
    const auto entry =
        std::find_if(node_.entries.begin(), node_.entries.end(), [&](const Entry& e) { return e.key == name; });
    if (entry == node_.entries.end()) return nullptr;
    if (!entry->value.is_null()) return &entry->value;
    if (complaints_.null_is_absent()) {
        complaints_.warn(entry->line, entry->column, path_to(name) + " has no value: it counts as absent",
                         "write one, or remove the field");
    } else {
        complaints_.add(entry->line, entry->column, path_to(name) + " has no value", "write one, or remove the field");
    }
    return nullptr;
}

const Node* Fields::require(std::string_view name) {
    const Node* node = node_.find(name);
    const bool absent = node == nullptr || (node->is_null() && complaints_.null_is_absent());
    if (node_.is_mapping() && absent) complaints_.add(node_.line, node_.column, path_to(name) + " is missing");
    return take(name);
}

void Fields::unsupported(std::string_view name, std::string_view hint) {
    const Node* value = take(name);
    if (value == nullptr || is_empty_value(*value)) return;
    complaints_.unsupported(value->line, value->column, path_to(name) + " is not supported yet", std::string(hint));
}

void Fields::finish() {
    for (const Entry& entry : node_.entries) {
        if (std::find(known_.begin(), known_.end(), entry.key) != known_.end()) continue;
        // A suggestion for each of a million keys would take minutes.
        std::string hint = complaints_.full() ? "" : did_you_mean(entry.key, known_);
        if (hint.empty() && known_.size() <= kListedFields) hint = "known fields are " + joined(known_);
        complaints_.add(entry.line, entry.column,
                        "unknown field " + shown(entry.key) + (path_.empty() ? "" : " in " + path_), std::move(hint));
    }
}

std::optional<std::string> Fields::text(std::string_view name) {
    const Node* node = take(name);
    return node ? read_text(*node, path_to(name), complaints_) : std::nullopt;
}

std::optional<bool> Fields::boolean(std::string_view name) {
    const Node* node = take(name);
    return node ? read_boolean(*node, path_to(name), complaints_) : std::nullopt;
}

std::optional<std::uint64_t> Fields::integer(std::string_view name, std::uint64_t least, std::uint64_t most) {
    const Node* node = take(name);
    return node ? read_integer(*node, path_to(name), least, most, complaints_) : std::nullopt;
}

std::optional<double> Fields::number(std::string_view name) {
    const Node* node = take(name);
    return node ? read_number(*node, path_to(name), complaints_) : std::nullopt;
}

std::span<const Node> Fields::list(std::string_view name, std::size_t limit) {
    const Node* node = take(name);
    if (node == nullptr) return {};
    if (!node->is_sequence()) {
        complaints_.add(node->line, node->column, path_to(name) + " must be a list, not " + described(*node));
        return {};
    }
    if (node->items.size() > limit) {
        complaints_.add(node->line, node->column,
                        path_to(name) + " has " + std::to_string(node->items.size()) + " items; at most " +
                            std::to_string(limit) + " are allowed");
        return {};
    }
    return node->items;
}

}  // namespace drywall::loader

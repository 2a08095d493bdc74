// Selectors as fields of resources: Calico's limits around the language itself.
#include <algorithm>

#include "resource_readers.h"

namespace drywall::loader {
namespace {

// Kubernetes counts characters, not bytes.
std::size_t characters(std::string_view text) noexcept {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }

// `global()` with whatever blanks the language allows in and around it.
bool is_global(std::string_view text) noexcept {
    const auto skip_blanks = [&] {
        while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    };
    skip_blanks();
    if (!text.starts_with("global(")) return false;
    text.remove_prefix(std::string_view("global(").size());
    skip_blanks();
    if (!text.starts_with(')')) return false;
    text.remove_prefix(1);
    skip_blanks();
    return text.empty();
}

std::optional<std::string> selector_text(const Node& node, const std::string& path, Complaints& complaints) {
    auto text = read_text(node, path, complaints);
    if (!text || characters(*text) <= kMaxSelectorLength) return text;
    complaints.add(node.line, node.column,
                   path + " is longer than " + std::to_string(kMaxSelectorLength) + " characters");
    return std::nullopt;
}

bool parses(const Node& node, const std::string& path, std::string_view text, Complaints& complaints) {
    const auto selector = policy::Selector::parse(text);
    if (!selector) {
        complaints.add(node.line, node.column, path + ": " + selector.error().complaints.front().message);
    }
    return static_cast<bool>(selector);
}

}  // namespace

std::optional<std::string> read_selector(Fields& fields, std::string_view name) {
    const Node* node = fields.take(name);
    if (node == nullptr) return std::nullopt;
    const std::string path = fields.path_to(name);
    auto text = selector_text(*node, path, fields.complaints());
    if (!text) return std::nullopt;
    // As Calico does it: the letters are refused wherever they stand, even inside a value.
    if (text->find("global(") != std::string::npos) {
        fields.complaints().add(node->line, node->column, path + " can't contain 'global('",
                                "global() is only ever the whole namespaceSelector of a rule");
        return std::nullopt;
    }
    if (!parses(*node, path, *text, fields.complaints())) return std::nullopt;
    return text;
}

std::optional<std::string> read_namespace_selector(Fields& fields, std::string_view name) {
    const Node* node = fields.take(name);
    if (node == nullptr) return std::nullopt;
    const std::string path = fields.path_to(name);
    auto text = selector_text(*node, path, fields.complaints());
    if (!text) return std::nullopt;
    if (is_global(*text)) return "global()";
    if (text->find("global(") != std::string::npos) {
        fields.complaints().add(node->line, node->column, path + ": global() can't be combined with anything",
                                "write it alone, and the rest in another rule");
        return std::nullopt;
    }
    if (!parses(*node, path, *text, fields.complaints())) return std::nullopt;
    return text;
}

}  // namespace drywall::loader

// YamlDocument: text into a small tree of nodes that know where they stood. Nothing ambiguous survives: duplicate keys,
// anchors, aliases, merge keys, tags, keys that are no text, and text that is not UTF-8 are complaints.
//
// Threads: values. yaml-cpp and its exceptions are known to yaml_document.cpp only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "complaints.h"

namespace drywall::loader {

inline constexpr int kMaxDepth = 32;
inline constexpr std::size_t kMaxNodes = 1'000'000;  // some 150 MB at most; a tenth is a large site

struct Entry;

struct Node {
    enum class Kind : std::uint8_t { kNull, kScalar, kSequence, kMapping };

    Kind kind = Kind::kNull;
    bool quoted = false;  // a scalar in quotes or a block scalar: surely text
    int line = 0;
    int column = 0;
    std::string scalar;
    std::vector<Node> items;     // kSequence
    std::vector<Entry> entries;  // kMapping, in the order of the text; keys are unique

    [[nodiscard]] bool is_null() const noexcept { return kind == Kind::kNull; }
    [[nodiscard]] bool is_scalar() const noexcept { return kind == Kind::kScalar; }
    [[nodiscard]] bool is_sequence() const noexcept { return kind == Kind::kSequence; }
    [[nodiscard]] bool is_mapping() const noexcept { return kind == Kind::kMapping; }
    [[nodiscard]] const Node* find(std::string_view key) const noexcept;
};

struct Entry {
    std::string key;
    int line = 0;
    int column = 0;
    Node value;
};

// The documents of the text, in order; empty ones (comments only) are left out. What is wrong goes to `complaints`, and
// then the documents are not to be used.
[[nodiscard]] std::vector<Node> parse_yaml(std::string_view text, Complaints& complaints,
                                           std::size_t max_nodes = kMaxNodes);

}  // namespace drywall::loader

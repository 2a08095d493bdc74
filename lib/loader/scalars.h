// Scalars read strictly: a value is what it is written as, or it is a complaint. `what` names the field in messages
// ("spec.order"); every reader complains at the node and then returns nothing.
//
// Threads: no state.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "yaml_document.h"

namespace drywall::loader {

// Text. A plain scalar that YAML readers take for a number, a boolean or null must be quoted.
[[nodiscard]] std::optional<std::string> read_text(const Node& node, std::string_view what, Complaints& complaints);

// `true` or `false`, and no other spelling.
[[nodiscard]] std::optional<bool> read_boolean(const Node& node, std::string_view what, Complaints& complaints);

// A decimal integer without leading zeros, signs or separators.
[[nodiscard]] std::optional<std::uint64_t> read_integer(const Node& node, std::string_view what, std::uint64_t least,
                                                        std::uint64_t most, Complaints& complaints);

// A finite JSON number.
[[nodiscard]] std::optional<double> read_number(const Node& node, std::string_view what, Complaints& complaints);

// "500ms", "10s", "5m", "2h": an integer and its unit. `next_step`: what else could be written.
[[nodiscard]] std::optional<std::chrono::milliseconds> read_duration(
    const Node& node, std::string_view what, std::chrono::milliseconds least, std::chrono::milliseconds most,
    Complaints& complaints, std::string_view next_step = "write a number with its unit: 500ms, 30s, 5m, 2h");

// Decimal digits without leading zeros; the form that integers have inside other text ("1000:2000").
[[nodiscard]] std::optional<std::uint64_t> parse_decimal(std::string_view digits) noexcept;

// Whether readers of YAML 1.1 (Kubernetes' among them) resolve the plain text to something that is no text.
[[nodiscard]] bool reads_as_another_type(std::string_view plain);

// Nothing that says anything: null, false, "", [].
[[nodiscard]] bool is_empty_value(const Node& node) noexcept;

// What a node is, in a person's words: "a list", "a mapping", "nothing".
[[nodiscard]] std::string described(const Node& node);

template <typename T>
using Choice = std::pair<std::string_view, T>;

// One of a few words, exactly as they are spelled.
template <typename T>
[[nodiscard]] std::optional<T> read_choice(const Node& node, std::string_view what, std::span<const Choice<T>> choices,
                                           Complaints& complaints) {
    std::vector<std::string_view> words;
    for (const auto& [word, value] : choices) {
        if (node.is_scalar() && node.scalar == word) return value;
        words.push_back(word);
    }
    std::string hint = node.is_scalar() ? did_you_mean(node.scalar, words) : "";
    if (hint.empty()) hint = "write one of " + joined(words);
    complaints.add(node.line, node.column, std::string(what) + " can't be " + described(node), std::move(hint));
    return std::nullopt;
}

}  // namespace drywall::loader

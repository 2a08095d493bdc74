#include "kubernetes_parts.h"

#include <algorithm>

#include "resource_readers.h"

namespace drywall::loader {
namespace {

using policy::LabelRequirement;
using policy::LabelSelector;
using Operator = LabelRequirement::Operator;

constexpr std::string_view kKeyForm =
    "a key is letters, digits, '-', '_', '.', at most 63, after an optional 'domain/'";
constexpr std::string_view kValueForm = "a value is letters, digits, '-', '_', '.', at most 63, or \"\"";

constexpr std::array kOperators{Choice<Operator>{"In", Operator::kIn}, Choice<Operator>{"NotIn", Operator::kNotIn},
                                Choice<Operator>{"Exists", Operator::kExists},
                                Choice<Operator>{"DoesNotExist", Operator::kDoesNotExist}};

void check_key(int line, int column, const std::string& key, Complaints& complaints) {
    if (!is_qualified_name(key)) complaints.add(line, column, shown(key) + " can't be a label", std::string(kKeyForm));
}

void check_value(const Node& node, const std::string& value, const std::string& key, Complaints& complaints) {
    if (is_label_value(value)) return;
    complaints.add(node.line, node.column, shown(value) + " can't be the value of label " + shown(key),
                   std::string(kValueForm));
}

void check_number_of_values(Fields& fields, const LabelRequirement& requirement) {
    const Node* values = fields.node().find("values");
    const bool some = values != nullptr && !is_empty_value(*values);
    const bool wanted = requirement.op == Operator::kIn || requirement.op == Operator::kNotIn;
    if (some == wanted) return;
    const Node& at = values != nullptr ? *values : fields.node();
    fields.complaints().add(at.line, at.column,
                            wanted ? fields.path_to("values") + ": In and NotIn need at least one value"
                                   : fields.path_to("values") + ": Exists and DoesNotExist take no values");
}

LabelRequirement read_requirement(const Node& node, std::string path, Complaints& complaints) {
    Fields fields(node, std::move(path), complaints);
    LabelRequirement out;
    if (const Node* key = fields.require("key")) {
        if (auto text = read_text(*key, fields.path_to("key"), complaints)) {
            out.key = *std::move(text);
            check_key(key->line, key->column, out.key, complaints);
        }
    }
    std::optional<Operator> op;
    if (const Node* text = fields.require("operator")) {
        op = read_choice<Operator>(*text, fields.path_to("operator"), kOperators, complaints);
    }
    for (const Node& item : fields.list("values", kUnlimited)) {
        const auto value = read_text(item, "a value in " + fields.path_to("values"), complaints);
        if (!value) continue;
        check_value(item, *value, out.key, complaints);
        out.values.push_back(*value);
    }
    if (op) {
        out.op = *op;
        check_number_of_values(fields, out);
    }
    fields.finish();
    return out;
}

}  // namespace

LabelSelector read_label_selector(const Node& node, const std::string& path, Complaints& complaints) {
    Fields fields(node, path, complaints);
    LabelSelector out;
    for (auto& [key, value] : read_labels(fields, "matchLabels")) out.match_labels.emplace(key, std::move(value));
    std::size_t index = 0;
    for (const Node& item : fields.list("matchExpressions", kUnlimited)) {
        out.match_expressions.push_back(
            read_requirement(item, item_path(fields, "matchExpressions", index++), complaints));
    }
    fields.finish();
    return out;
}

std::optional<LabelSelector> read_label_selector(Fields& fields, std::string_view name) {
    const Node* node = fields.take(name);
    if (node == nullptr) return std::nullopt;
    return read_label_selector(*node, fields.path_to(name), fields.complaints());
}

std::optional<std::string> read_port_name(const Node& node, std::string_view what, Complaints& complaints) {
    auto name = read_text(node, what, complaints);
    if (!name) return std::nullopt;
    const std::string_view trouble = trouble_with_port_name(*name);
    if (trouble.empty()) return name;
    const bool digits = !name->empty() && name->find_first_not_of("0123456789") == std::string::npos;
    complaints.add(node.line, node.column, std::string(what) + ": " + shown(*name) + " can't be the name of a port",
                   digits ? "write a port's number without quotes" : "a port's name " + std::string(trouble));
    return std::nullopt;
}

std::optional<std::uint16_t> read_port_number(const Node& node, std::string_view what, Complaints& complaints) {
    const auto number = read_integer(node, what, 1, 65535, complaints);
    if (!number) return std::nullopt;
    return static_cast<std::uint16_t>(*number);
}

std::string item_path(const Fields& fields, std::string_view name, std::size_t index) {
    return fields.path_to(name) + "[" + std::to_string(index) + "]";
}

}  // namespace drywall::loader

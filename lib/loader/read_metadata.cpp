#include <algorithm>

#include "resource_readers.h"

namespace drywall::loader {
namespace {

using policy::Kind;

bool is_lower_or_digit(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_letter_or_digit(char c) noexcept { return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z'); }

// Kubernetes' "qualified name" without its prefix, and the same form that a label's value has.
bool is_name_part(std::string_view text) noexcept {
    if (text.empty() || text.size() > 63) return false;
    if (!is_letter_or_digit(text.front()) || !is_letter_or_digit(text.back())) return false;
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return is_letter_or_digit(c) || c == '-' || c == '_' || c == '.'; });
}

std::string lower(std::string text) {
    for (char& c : text)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return text;
}

constexpr std::string_view kKeyForm =
    "a key is letters, digits, '-', '_', '.', at most 63, after an optional 'domain/'";

constexpr std::string_view kOnlyBaseline = "default";

bool is_policy(Kind kind) noexcept {
    return kind == Kind::kGlobalNetworkPolicy || kind == Kind::kStagedGlobalNetworkPolicy ||
           kind == Kind::kNetworkPolicy || kind == Kind::kStagedNetworkPolicy;
}

// What Calico's own conversions prefix the names of namespaced policies with.
bool has_generated_prefix(std::string_view name) noexcept {
    return name.starts_with("knp.default.") || name.starts_with("ossg.default.");
}

// "label" or "label.label"; namespaced ones may be "knp.default.<anything>" too.
bool acceptable_policy_name(Kind kind, std::string_view name) noexcept {
    if (!is_dns_subdomain(name)) return false;
    if (policy::is_namespaced(kind) && has_generated_prefix(name)) return true;
    return std::count(name.begin(), name.end(), '.') <= 1;
}

bool acceptable_name(Kind kind, std::string_view name) noexcept {
    if (is_policy(kind)) return acceptable_policy_name(kind, name);
    if (kind == Kind::kBaselineAdminNetworkPolicy) return name == kOnlyBaseline;
    const bool label = kind == Kind::kTier || kind == Kind::kNamespace || kind == Kind::kService;
    return label ? is_dns_label(name) : is_dns_subdomain(name);
}

std::string name_form(Kind kind) {
    if (is_policy(kind)) return "use lower-case letters, digits and '-', with at most one '.'";
    if (kind == Kind::kBaselineAdminNetworkPolicy) {
        return "there is one of them, named '" + std::string(kOnlyBaseline) + "'";
    }
    const bool label = kind == Kind::kTier || kind == Kind::kNamespace || kind == Kind::kService;
    return label ? "use lower-case letters, digits and '-', at most 63" : "use lower-case letters, digits, '-' and '.'";
}

// A WorkloadEndpoint's name may follow from its fields instead.
std::string read_name(Fields& metadata, Kind kind, Place& place) {
    place = metadata.complaints().place(metadata.node().line, metadata.node().column);
    const Node* node = kind == Kind::kWorkloadEndpoint ? metadata.take("name") : metadata.require("name");
    if (node == nullptr) return {};
    place = metadata.complaints().place(node->line, node->column);
    const auto name = read_text(*node, "metadata.name", metadata.complaints());
    if (!name) return {};
    if (!acceptable_name(kind, *name)) {
        metadata.complaints().add(node->line, node->column,
                                  shown(*name) + " can't be the name of a " + std::string(policy::document_kind(kind)),
                                  name_form(kind));
    }
    return *name;
}

std::string read_namespace(Fields& metadata, Kind kind) {
    const Node* node = metadata.take("namespace");
    if (node == nullptr) return policy::is_namespaced(kind) ? "default" : "";
    Complaints& complaints = metadata.complaints();
    const auto ns = read_text(*node, "metadata.namespace", complaints);
    if (!ns) return {};
    if (!policy::is_namespaced(kind)) {
        complaints.add(node->line, node->column,
                       "a " + std::string(policy::document_kind(kind)) + " is cluster-wide and has no namespace",
                       "remove metadata.namespace");
    } else if (!is_dns_label(*ns)) {
        complaints.add(node->line, node->column, shown(*ns) + " can't be a namespace",
                       "use lower-case letters, digits and '-', at most 63");
    }
    return *ns;
}

void check_label(const Entry& entry, const std::string& value, Complaints& complaints) {
    if (!is_qualified_name(entry.key)) {
        complaints.add(entry.line, entry.column, shown(entry.key) + " can't be a label", std::string(kKeyForm));
    }
    if (!is_label_value(value)) {
        complaints.add(entry.value.line, entry.value.column,
                       shown(value) + " can't be the value of label " + shown(entry.key),
                       "a value is letters, digits, '-', '_', '.', at most 63, or \"\"");
    }
}

// A namespace is where an object is; a set's label can't move it elsewhere.
void check_labels_of_set(Fields& metadata, Kind kind) {
    const Node* labels = metadata.node().find("labels");
    if (labels == nullptr || (kind != Kind::kGlobalNetworkSet && kind != Kind::kNetworkSet)) return;
    for (const Entry& entry : labels->entries) {
        if (entry.key != "projectcalico.org/namespace") continue;
        metadata.complaints().add(
            entry.line, entry.column,
            "a " + std::string(policy::name(kind)) + " can't carry the label projectcalico.org/namespace",
            kind == Kind::kNetworkSet ? "remove it: metadata.namespace says it"
                                      : "remove it: the set belongs to no namespace");
    }
}

// What Calico's clients write beside the author's words, and read back from there. It says nothing about packets.
void drop_bookkeeping(Kind kind, policy::Metadata& metadata) {
    metadata.annotations.erase("projectcalico.org/metadata");
    if (is_policy(kind) || kind == Kind::kStagedKubernetesNetworkPolicy) {
        metadata.labels.erase("projectcalico.org/tier");
    }
}

}  // namespace

bool is_qualified_name(std::string_view key) noexcept {
    const std::size_t slash = key.find('/');
    if (slash == std::string_view::npos) return is_name_part(key);
    return is_dns_subdomain(key.substr(0, slash)) && is_name_part(key.substr(slash + 1));
}

bool is_label_value(std::string_view text) noexcept { return text.empty() || is_name_part(text); }

bool is_dns_label(std::string_view text) noexcept {
    return text.size() <= 63 && text.find('.') == std::string_view::npos && is_dns_subdomain(text);
}

bool is_dns_subdomain(std::string_view text) noexcept {
    if (text.empty() || text.size() > 253) return false;
    char before = '.';
    for (const char c : text) {
        if (!is_lower_or_digit(c) && c != '-' && c != '.') return false;
        if (before == '.' && !is_lower_or_digit(c)) return false;  // each part starts ...
        if (c == '.' && before == '-') return false;               // ... and ends with a letter or digit
        before = c;
    }
    return is_lower_or_digit(before);
}

policy::Labels read_labels(Fields& fields, std::string_view name) {
    policy::Labels labels;
    const Node* node = fields.take(name);
    if (node == nullptr) return labels;
    Complaints& complaints = fields.complaints();
    const Fields must_be_mapping(*node, fields.path_to(name), complaints);
    for (const Entry& entry : node->entries) {
        const auto value = read_text(entry.value, "label " + shown(entry.key), complaints);
        if (!value) continue;
        check_label(entry, *value, complaints);
        labels.emplace(entry.key, *value);
    }
    return labels;
}

std::map<std::string, std::string> read_annotations(Fields& metadata) {
    std::map<std::string, std::string> annotations;
    const Node* node = metadata.take("annotations");
    if (node == nullptr) return annotations;
    Complaints& complaints = metadata.complaints();
    const std::string path = metadata.path_to("annotations");
    const Fields must_be_mapping(*node, path, complaints);
    std::size_t bytes = 0;
    for (const Entry& entry : node->entries) {
        const auto value = read_text(entry.value, "annotation " + shown(entry.key), complaints);
        if (!value) continue;
        if (!is_qualified_name(lower(entry.key))) {  // unlike a label's, its domain may be in upper case
            complaints.add(entry.line, entry.column, shown(entry.key) + " can't be an annotation",
                           std::string(kKeyForm));
        }
        bytes += entry.key.size() + value->size();
        annotations.emplace(entry.key, *value);
    }
    if (bytes > kMaxAnnotationBytes) complaints.add(node->line, node->column, path + " is larger than 256 KiB");
    return annotations;
}

policy::Metadata read_metadata(Fields& resource, Kind kind) {
    policy::Metadata out;
    const Node* node = resource.require("metadata");
    if (node == nullptr) return out;
    Fields metadata(*node, "metadata", resource.complaints());
    out.name = read_name(metadata, kind, out.place);
    out.ns = read_namespace(metadata, kind);
    out.labels = read_labels(metadata, "labels");
    check_labels_of_set(metadata, kind);
    out.annotations = read_annotations(metadata);
    // What servers write into the objects that they hand out. It says nothing about packets.
    for (const std::string_view bookkeeping :
         {"uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "selfLink", "ownerReferences",
          "finalizers", "generateName", "deletionTimestamp", "deletionGracePeriodSeconds"}) {
        metadata.ignore(bookkeeping);
    }
    metadata.finish();
    drop_bookkeeping(kind, out);
    return out;
}

}  // namespace drywall::loader

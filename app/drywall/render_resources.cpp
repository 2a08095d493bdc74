#include <algorithm>
#include <array>
#include <functional>
#include <vector>

#include "fields.h"
#include "render.h"

namespace drywall::cli {

namespace {

constexpr std::size_t kListed = 3;  // elements of a list that a narrow table shows

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
    return text;
}

std::string short_list(const Json& resource, const char* pointer, bool wide) {
    const std::vector<std::string> all = texts_at(resource, pointer);
    std::string out;
    for (std::size_t i = 0; i < all.size() && (wide || i < kListed); ++i) out += (out.empty() ? "" : ",") + all[i];
    if (!wide && all.size() > kListed) out += ",+" + std::to_string(all.size() - kListed);
    return out;
}

std::string order(const Json& resource) {
    const std::string written = text_at(resource, "/spec/order");
    return written.empty() ? "<nil>" : written;
}

std::string labels(const Json& resource) {
    std::string out;
    const Json& written = at(resource, "/metadata/labels");
    if (written.is_object())
        for (const auto& [key, value] : written.items())
            out += (out.empty() ? "" : ",") + key + '=' + (value.is_string() ? value.get<std::string>() : value.dump());
    return out;
}

using Read = std::function<std::string(const Json&, bool wide)>;
struct ColumnOf {
    const char* name;
    bool only_wide;
    Read read;
};

Read field(const char* pointer) {
    return [pointer](const Json& resource, bool) { return text_at(resource, pointer); };
}
Read list(const char* pointer) {
    return [pointer](const Json& resource, bool wide) { return short_list(resource, pointer, wide); };
}

// calicoctl's columns, kind by kind.
std::vector<ColumnOf> columns_of(const std::string& kind) {
    const ColumnOf name{"NAME", false, field("/metadata/name")};
    const ColumnOf order_column{"ORDER", true, [](const Json& resource, bool) { return order(resource); }};
    const ColumnOf selector{"SELECTOR", true, field("/spec/selector")};
    const ColumnOf labels_column{"LABELS", true, [](const Json& resource, bool) { return labels(resource); }};
    if (kind == "GlobalNetworkPolicy") return {name, {"TIER", false, field("/spec/tier")}, order_column, selector};
    if (kind == "StagedGlobalNetworkPolicy")
        return {name,
                {"TIER", false, field("/spec/tier")},
                {"ACTION", false, field("/spec/stagedAction")},
                order_column,
                selector};
    if (kind == "Tier")
        return {name,
                {"ORDER", false, [](const Json& resource, bool) { return order(resource); }},
                {"DEFAULT-ACTION", true, field("/spec/defaultAction")}};
    if (kind == "GlobalNetworkSet") return {name, {"NETS", false, list("/spec/nets")}, labels_column};
    if (kind == "HostEndpoint")
        return {name,
                {"NODE", false, field("/spec/node")},
                {"INTERFACE", true, field("/spec/interfaceName")},
                {"IPS", false, list("/spec/expectedIPs")},
                {"PROFILES", true, list("/spec/profiles")},
                labels_column};
    if (kind == "WorkloadEndpoint")
        return {name,
                {"NAMESPACE", false, field("/metadata/namespace")},
                {"NETWORKS", false, list("/spec/ipNetworks")},
                {"NODE", true, field("/spec/node")},
                {"INTERFACE", true, field("/spec/interfaceName")},
                {"PROFILES", true, list("/spec/profiles")},
                labels_column};
    return {name};
}

std::string table_of(const std::string& kind, const std::vector<const Json*>& resources, const Style& style) {
    std::vector<ColumnOf> shown = columns_of(kind);
    std::erase_if(shown, [&](const ColumnOf& column) { return column.only_wide && !style.wide; });
    std::vector<Table::Column> columns;
    for (const ColumnOf& column : shown) columns.push_back({column.name, Table::Align::kLeft, 0});
    Table table(std::move(columns));
    for (const Json* resource : resources) {
        std::vector<Field> row;
        for (const ColumnOf& column : shown) row.push_back({column.read(*resource, style.wide), Color::kPlain});
        table.add(std::move(row));
    }
    return table.text(style.color);
}

std::vector<const Json*> items_of(const Json& resources) {
    std::vector<const Json*> out;
    if (text_at(resources, "/kind") != "List") return {&resources};
    for (const Json& one : at(resources, "/items")) out.push_back(&one);
    return out;
}

std::string id_of(const Json& resource) {
    const std::string ns = text_at(resource, "/metadata/namespace");
    return lower(text_at(resource, "/kind")) + '/' + (ns.empty() ? "" : ns + '/') + text_at(resource, "/metadata/name");
}

}  // namespace

std::string render_changes(const Json& applied) {
    std::string out;
    for (const Json& change : at(applied, "/changes"))
        out += text_at(change, "/id") + ' ' + text_at(change, "/outcome") + '\n';
    return out;
}

std::string render_generation(const Json& applied) {
    const std::string before = text_at(applied, "/generation_before");
    const std::string after = text_at(applied, "/generation");
    if (before == after) return "generation " + after + " stays; nothing changed\n";
    return "generation " + before + " -> " + after + "; " +
           (flag_at(applied, "/enforced_changed") ? "what is enforced changed" : "nothing enforced changed") + '\n';
}

std::string render_resources(const Json& resources, const Style& style) {
    const std::vector<const Json*> items = items_of(resources);
    std::string out;
    for (std::size_t at = 0; at < items.size();) {
        const std::string kind = text_at(*items[at], "/kind");
        std::vector<const Json*> alike;
        while (at < items.size() && text_at(*items[at], "/kind") == kind) alike.push_back(items[at++]);
        const bool several_kinds = alike.size() < items.size();
        out += (out.empty() ? "" : "\n") + (several_kinds ? kind + '\n' : std::string()) + table_of(kind, alike, style);
    }
    return out;
}

std::string render_names(const Json& resources) {
    std::string out;
    for (const Json* resource : items_of(resources)) out += id_of(*resource) + '\n';
    return out;
}

}  // namespace drywall::cli

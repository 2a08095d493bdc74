#include "drywall/explain/selector_query.h"

#include <charconv>
#include <optional>

#include <nlohmann/json.hpp>

#include "answer.h"
#include "drywall/policy/selector.h"

namespace drywall::explain {

namespace {

using Json = nlohmann::ordered_json;

struct SelectorQuery {
    std::string id = "null";
    std::optional<std::string> selector;
    policy::Labels labels;
    std::string wrong;
};

std::string text_of(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

void read_labels(const Json& value, SelectorQuery& query) {
    if (!value.is_object()) {
        query.wrong = "labels must be an object of strings";
        return;
    }
    for (const auto& [key, label] : value.items()) {
        if (!label.is_string())
            query.wrong = "label '" + key + "' must be a string";
        else
            query.labels.emplace(key, label.get<std::string>());
    }
}

struct Fault {
    std::string message;
    int column = 1;
};

// Selector::parse() says "column 4 of the selector: ..."; here the column has a field of its own.
Fault fault_of(const Complaint& complaint) {
    constexpr std::string_view kBefore = "column ";
    constexpr std::string_view kBehind = " of the selector: ";
    const std::string& text = complaint.message;
    Fault fault{text, 1};
    if (!text.starts_with(kBefore)) return fault;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data() + kBefore.size(), end, fault.column);
    const std::string_view behind(rest, static_cast<std::size_t>(end - rest));
    if (error == std::errc{} && behind.starts_with(kBehind)) fault.message = behind.substr(kBehind.size());
    return fault;
}

SelectorQuery read(std::string_view line) {
    SelectorQuery query;
    const Json json = Json::parse(line, nullptr, false);
    if (!json.is_object()) {
        query.wrong = json.is_discarded() ? "not JSON: write one object on one line" : "a query is a JSON object";
        return query;
    }
    for (const auto& [key, value] : json.items()) {
        if (key == "id") {
            if (value.is_string() || value.is_number() || value.is_null())
                query.id = text_of(value);
            else
                query.wrong = "id must be a string or a number";
        } else if (key == "selector") {
            if (value.is_string())
                query.selector = value.get<std::string>();
            else
                query.wrong = "selector must be a string";
        } else if (key == "labels") {
            if (!value.is_null()) read_labels(value, query);
        } else {
            query.wrong = "unknown key '" + key + "'; a query has id, selector and labels";
        }
    }
    if (query.wrong.empty() && !query.selector) query.wrong = "selector is missing";
    return query;
}

}  // namespace

void answer_selector(std::string_view line, std::string& out) {
    if (line.find_first_not_of(" \t\r\n") == std::string_view::npos) return;
    const SelectorQuery query = read(line);
    out.append("{\"id\":").append(query.id);
    if (!query.wrong.empty()) {
        out += ",\"error\":";
        append_json(out, query.wrong);
    } else if (const auto selector = policy::Selector::parse(*query.selector); selector) {
        out += selector->matches(query.labels) ? ",\"valid\":true,\"match\":true" : ",\"valid\":true,\"match\":false";
    } else {
        const Fault fault = fault_of(selector.error().complaints.front());
        out += ",\"valid\":false,\"error\":";
        append_json(out, fault.message);
        out += ",\"column\":" + std::to_string(fault.column);
    }
    out += "}\n";
}

}  // namespace drywall::explain

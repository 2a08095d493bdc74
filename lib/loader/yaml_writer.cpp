#include "yaml_writer.h"

#include <algorithm>

#include "scalars.h"

namespace drywall::loader {
namespace {

using Json = nlohmann::ordered_json;

std::string in_quotes(const std::string& text) {
    return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);  // JSON's strings are YAML's
}

// Text that stands without quotes: it starts with a letter, has nothing that YAML gives a meaning to, and no reader
// takes it for another type.
bool is_plain(const std::string& text) {
    if (text.empty() || text.back() == ' ') return false;
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    if (!letter(text.front()) && !digit(text.front()) && text.front() != '(') return false;
    const auto harmless = [&](char c) {
        return letter(c) || digit(c) || std::string_view("-_./ ()=&|!'<>+{},\"[]").find(c) != std::string_view::npos;
    };
    return std::all_of(text.begin(), text.end(), harmless) && !reads_as_another_type(text);
}

std::string scalar(const Json& value) {
    if (!value.is_string()) return value.dump();
    const std::string& text = value.get_ref<const std::string&>();
    return is_plain(text) ? text : in_quotes(text);
}

bool is_block(const Json& value) { return value.is_structured() && !value.empty(); }

std::string indent(int level) { return std::string(static_cast<std::size_t>(level) * 2, ' '); }

// Writes `value` after its key or dash; blocks start on a line of their own at `level`.
void append(const Json& value, int level, std::string& out);

void append_mapping(const Json& mapping, int level, bool after_dash, std::string& out) {
    bool first = after_dash;  // the first field stands on the dash's line
    for (const auto& [key, value] : mapping.items()) {
        if (!first) out += indent(level);
        first = false;
        out += (is_plain(key) ? key : in_quotes(key)) + ":";
        append(value, value.is_array() ? level : level + 1, out);
    }
}

void append_sequence(const Json& sequence, int level, std::string& out) {
    for (const Json& item : sequence) {
        out += indent(level) + "-";
        if (item.is_object() && !item.empty()) {
            out += ' ';
            append_mapping(item, level + 1, true, out);
        } else {
            append(item, level + 1, out);
        }
    }
}

void append(const Json& value, int level, std::string& out) {
    if (!is_block(value)) {
        out += " " + scalar(value) + "\n";
        return;
    }
    out += '\n';
    if (value.is_object()) {
        append_mapping(value, level, false, out);
    } else {
        append_sequence(value, level, out);
    }
}

}  // namespace

std::string yaml_text(const Json& value) {
    std::string out;
    if (value.is_object() && !value.empty()) {
        append_mapping(value, 0, false, out);
    } else {
        out = scalar(value) + "\n";
    }
    return out;
}

}  // namespace drywall::loader

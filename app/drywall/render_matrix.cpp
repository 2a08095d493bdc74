#include <algorithm>
#include <vector>

#include "fields.h"
#include "render.h"

namespace drywall::cli {

namespace {

constexpr std::size_t kMostNotes = 40;

// "workloadendpoint/prod/web-1" -> "prod/web-1"
std::string short_name(const std::string& id) {
    const std::size_t slash = id.find('/');
    return slash == std::string::npos ? id : id.substr(slash + 1);
}

Field glyph(const std::string& reach) {
    if (reach == "allow") return {".", Color::kGood};
    if (reach == "deny") return {"X", Color::kBad};
    if (reach == "mixed") return {"±", Color::kDoubtful};
    if (reach == "depends") return {"?", Color::kDoubtful};
    return {"-", Color::kFaint};
}

Field glyph_of(const Json& cell, bool diff) {
    if (!diff) return glyph(text_at(cell, "/reach"));
    return flag_at(cell, "/differs") ? Field{"#", Color::kDoubtful} : glyph(text_at(cell, "/enforced"));
}

std::string listed(const std::vector<std::string>& services) {
    std::string out;
    for (const std::string& service : services) out += (out.empty() ? "" : " ") + service;
    return out.empty() ? "nothing" : out;
}

// Services in `a` and not in `b`.
std::vector<std::string> without(const std::vector<std::string>& a, const std::vector<std::string>& b) {
    std::vector<std::string> out;
    std::copy_if(a.begin(), a.end(), std::back_inserter(out),
                 [&](const std::string& service) { return std::find(b.begin(), b.end(), service) == b.end(); });
    return out;
}

std::string joined_by(const std::string& between, const std::string& a, const std::string& b) {
    return a.empty() || b.empty() ? a + b : a + between + b;
}

// "tcp/80 if ingress of the destination: GET of /shop..."
std::string asked_of(const Json& depends) {
    std::string out;
    for (const Json& one : depends) {
        std::string asks;
        for (const std::string& line : texts_at(one, "/asks")) asks = joined_by(" and ", asks, line);
        if (!out.empty()) out += "; ";
        out.append(text_at(one, "/service")).append(" if ").append(asks);
    }
    return out;
}

// What a glyph can't say: which services pass, or change. Empty when there is nothing to add.
std::string note_of(const Json& cell, bool diff) {
    if (!diff) {
        std::string depends = asked_of(at(cell, "/depends"));
        if (text_at(cell, "/reach") != "mixed") return depends;
        const std::vector<std::string> allowed = texts_at(cell, "/allowed");
        if (allowed.empty() && !depends.empty()) return "only " + depends;
        return joined_by("; ", "only " + listed(allowed), depends);
    }
    if (!flag_at(cell, "/differs")) return {};
    const std::vector<std::string> now = texts_at(cell, "/enforced_allowed");
    const std::vector<std::string> then = texts_at(cell, "/pending_allowed");
    const std::vector<std::string> less = without(now, then);
    const std::vector<std::string> more = without(then, now);
    std::string out;
    if (!less.empty()) out = "would lose " + listed(less);
    if (!more.empty()) out += (out.empty() ? "would gain " : "; would gain ") + listed(more);
    const Json& asked_now = at(cell, "/enforced_depends");
    const Json& asked_then = at(cell, "/pending_depends");
    if (asked_now != asked_then) {
        if (!asked_now.empty()) out = joined_by("; ", out, "now " + asked_of(asked_now));
        if (!asked_then.empty()) out = joined_by("; ", out, "then " + asked_of(asked_then));
    }
    return out.empty() ? "depends on the port of entry or the address" : out;
}

std::string notes(const Json& matrix, const std::vector<std::string>& names, bool diff) {
    std::string out;
    std::size_t count = 0;
    std::size_t from = 0;
    for (const Json& row : at(matrix, "/rows")) {
        const std::string source = from < names.size() ? names[from] : std::string();
        ++from;
        std::size_t column = 0;
        for (const Json& cell : at(row, "/cells")) {
            const std::size_t to = column++;
            const std::string note = note_of(cell, diff);
            if (note.empty() || ++count > kMostNotes || to >= names.size()) continue;
            const std::string glyph_text = text_at(cell, "/reach") == "depends" ? "? " : "± ";
            out.append(diff ? "# " : glyph_text).append(source).append(" -> ").append(names[to]);
            out.append(": ").append(note) += '\n';
        }
    }
    if (count > kMostNotes) out += "and " + std::to_string(count - kMostNotes) + " more: -o json has them all\n";
    return out;
}

// Quoted when it must be.
std::string csv(const std::string& field) {
    if (field.find_first_of(",\"\r\n") == std::string::npos) return field;
    std::string out = "\"";
    for (const char c : field) out += c == '"' ? std::string("\"\"") : std::string(1, c);
    return out + '"';
}

std::string joined(const Json& cell, const char* pointer) {
    std::string out;
    for (const std::string& service : texts_at(cell, pointer)) out += (out.empty() ? "" : " ") + service;
    return out;
}

std::string csv_of(const Json& cell, bool diff) {
    if (!diff)
        return csv(text_at(cell, "/reach")) + ',' + csv(joined(cell, "/allowed")) + ',' +
               csv(asked_of(at(cell, "/depends")));
    return csv(text_at(cell, "/enforced")) + ',' + csv(text_at(cell, "/pending")) + ',' +
           (flag_at(cell, "/differs") ? "true" : "false") + ',' + csv(joined(cell, "/enforced_allowed")) + ',' +
           csv(joined(cell, "/pending_allowed")) + ',' + csv(asked_of(at(cell, "/enforced_depends"))) + ',' +
           csv(asked_of(at(cell, "/pending_depends")));
}

std::string left_out(const Json& matrix) {
    std::string out;
    if (const auto more = number_at(matrix, "/endpoints_left_out"); more > 0)
        out += std::to_string(more) + " more endpoints are not shown\n";
    if (const auto more = number_at(matrix, "/services_left_out"); more > 0)
        out += std::to_string(more) + " more services were not asked about; --port asks for one\n";
    return out;
}

}  // namespace

std::string render_matrix(const Json& matrix, const Style& style) {
    const std::string view = text_at(matrix, "/view");
    const bool diff = view == "diff";
    std::vector<std::string> names;
    const bool groups = !text_at(matrix, "/group_by").empty();
    for (const std::string& id : texts_at(matrix, "/endpoints")) names.push_back(groups ? id : short_name(id));
    if (names.empty()) return "no endpoint is declared: apply WorkloadEndpoints or HostEndpoints first\n";

    std::vector<Table::Column> columns{{"", Table::Align::kRight}, {"FROM \\ TO"}};
    for (std::size_t i = 0; i < names.size(); ++i) columns.push_back({std::to_string(i + 1), Table::Align::kRight});
    Table table(std::move(columns));
    std::size_t number = 0;
    for (const Json& row : at(matrix, "/rows")) {
        std::vector<Field> fields{{std::to_string(number + 1)},
                                  {number < names.size() ? names[number] : std::string()}};
        for (const Json& cell : at(row, "/cells")) fields.push_back(glyph_of(cell, diff));
        fields.resize(names.size() + 2);
        table.add(std::move(fields));
        ++number;
    }
    std::string out = table.text(style.color);
    out += std::string("\n. allow   X deny   ± some services only   ? depends on what is said   - not asked") +
           (diff ? "   # promotion of everything staged would change it" : "") + '\n';
    const std::string more = notes(matrix, names, diff) + left_out(matrix);
    return more.empty() ? out : out + '\n' + more;
}

std::string render_matrix_csv(const Json& matrix) {
    const bool diff = text_at(matrix, "/view") == "diff";
    std::string out = diff ? "source,destination,enforced,pending,differs,enforced_allowed,pending_allowed,"
                             "enforced_depends,pending_depends\r\n"
                           : "source,destination,reach,allowed,depends\r\n";
    const std::vector<std::string> names = texts_at(matrix, "/endpoints");
    for (const Json& row : at(matrix, "/rows")) {
        std::size_t column = 0;
        for (const Json& cell : at(row, "/cells")) {
            const std::size_t to = column++;
            if (to < names.size())
                out += csv(text_at(row, "/source")) + ',' + csv(names[to]) + ',' + csv_of(cell, diff) + "\r\n";
        }
    }
    return out;
}

}  // namespace drywall::cli

#include "commands_layer7.h"
#include "fields.h"
#include "render.h"
#include "table.h"

namespace drywall::cli {

namespace {

std::string end_of(const Json& request, const char* name, const char* address, const char* port) {
    const std::string known = text_at(request, name);
    return (known.empty() ? text_at(request, address) : known) + ':' + text_at(request, port);
}

std::string asked(const Json& request) {
    const std::string kind = text_at(request, "/kind");
    if (kind == "http") return text_at(request, "/method") + ' ' + text_at(request, "/path");
    return kind == "tls" ? "TLS" : "not readable";
}

// The least widths keep the lines of a watch under each other.
Table request_table() {
    return Table({{"TIME", Table::Align::kLeft, 24},
                  {"SOURCE", Table::Align::kLeft, 20},
                  {"DESTINATION", Table::Align::kLeft, 20},
                  {"ASKED", Table::Align::kLeft, 20},
                  {"HOST", Table::Align::kLeft, 16},
                  {"ENFORCED", Table::Align::kLeft, 8},
                  {"PENDING", Table::Align::kLeft, 7},
                  {"BY"}});
}

void add_row(Table& table, const Json& request) {
    const std::string enforced = text_at(request, "/enforced");
    const std::string pending = text_at(request, "/pending");
    table.add({{text_at(request, "/time")},
               {end_of(request, "/source_name", "/source_ip", "/source_port")},
               {end_of(request, "/dest_name", "/dest_ip", "/dest_port")},
               {asked(request)},
               {text_at(request, "/host")},
               {enforced, color_of(enforced)},
               {pending.empty() ? "?" : pending, color_of(pending)},
               {text_at(request, enforced == pending ? "/enforced_by" : "/pending_by")}});
}

}  // namespace

std::string render_requests(const Json& answer, const Style& style) {
    Table table = request_table();
    for (const Json& request : at(answer, "/requests")) add_row(table, request);
    return table.empty() ? "nothing of that kind was asked yet that rules look at\n" : table.text(style.color);
}

std::string render_request_header(const Style& style) { return request_table().text(style.color); }

std::string render_request(const Json& request, const Style& style) {
    Table table = request_table();
    add_row(table, request);
    return table.text(style.color, false);
}

std::string render_known_names(const Json& answer, const Style& style) {
    Table table({{"NAME"}, {"ADDRESS"}, {"SECONDS LEFT", Table::Align::kRight}});
    for (const Json& name : at(answer, "/names"))
        table.add({{text_at(name, "/name")}, {text_at(name, "/address")}, {text_at(name, "/seconds_left")}});
    if (table.empty())
        return "no name is known: `layer7: dns: servers:` names the resolvers whose answers are believed\n";
    std::string out = table.text(style.color);
    if (const std::string more = text_at(answer, "/left_out"); more != "0" && !more.empty())
        out += more + " more: --limit shows them\n";
    return out;
}

}  // namespace drywall::cli

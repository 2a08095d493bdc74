#include "fields.h"
#include "render.h"

namespace drywall::cli {

namespace {

std::string party(const Json& flow, const char* name, const char* ns, const char* ip, bool wide) {
    const std::string called = text_at(flow, name);
    std::string address = text_at(flow, ip);
    if (called.empty()) return address;
    const std::string space = text_at(flow, ns);
    const std::string full = space.empty() ? called : space + '/' + called;
    return wide ? full + '(' + address + ')' : full;
}

std::string service(const Json& flow) {
    if (at(flow, "/icmp_type").is_null()) return text_at(flow, "/dest_port");
    return text_at(flow, "/icmp_type") + '/' + text_at(flow, "/icmp_code");
}

// The last hit decided. "0|default|gnp:web|allow|0" without its position.
std::string deciding(const Json& flow, const char* world) {
    const Json& hits = at(flow, world);
    if (!hits.is_array() || hits.empty()) return "-";
    const std::string text = text_at(hits.back(), "/text");
    return text.substr(text.find('|') + 1);
}

// "2026-11-22T12:15:07.123Z" -> "12:15:07"
std::string time_of_day(const std::string& time) { return time.size() < 19 ? time : time.substr(11, 8); }

}  // namespace

std::string render_flows(const Json& answer, bool with_header, const Style& style) {
    constexpr auto kRight = Table::Align::kRight;
    // The least widths keep the lines of `--follow` under each other.
    Table table({{"LAST", Table::Align::kLeft, 8},
                 {"SOURCE", Table::Align::kLeft, 14},
                 {"DESTINATION", Table::Align::kLeft, 14},
                 {"PROTO", Table::Align::kLeft, 5},
                 {"PORT", kRight, 5},
                 {"NOW", Table::Align::kLeft, 5},
                 {"PENDING", Table::Align::kLeft, 7},
                 {"CONNS", kRight, 5},
                 {"BY"}});
    for (const Json& flow : at(answer, "/flows")) {
        const std::string now = text_at(flow, "/action");
        const std::string pending = text_at(flow, "/pending_action");
        const bool differs = now != pending;
        table.add({{time_of_day(text_at(flow, "/end_time"))},
                   {party(flow, "/source_name", "/source_namespace", "/source_ip", style.wide)},
                   {party(flow, "/dest_name", "/dest_namespace", "/dest_ip", style.wide)},
                   {text_at(flow, "/protocol")},
                   {service(flow)},
                   {now, color_of(now)},
                   {pending, differs ? Color::kDoubtful : color_of(pending)},
                   {text_at(flow, "/num_connections_started")},
                   {deciding(flow, differs ? "/policies/pending" : "/policies/enforced")}});
    }
    if (table.empty() && !with_header) return {};
    return table.text(style.color, with_header);
}

std::string render_flow_losses(const Json& answer) {
    const std::uint64_t forgotten = number_at(answer, "/evicted");
    return "LOST " + std::to_string(number_at(answer, "/lost")) +
           (forgotten == 0 ? "" : "  FORGOTTEN " + std::to_string(forgotten)) + '\n';
}

}  // namespace drywall::cli

#include "fields.h"
#include "render.h"

namespace drywall::cli {

namespace {

// "prod/web-1", and in the wide form its address: "prod/web-1(10.0.7.4)"; of what nobody declared, the address.
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

// The last hit decided: "default|gnp:web|allow|0" without its position, or "EndOfTier(app)<-web-to-db".
std::string deciding(const Json& flow, const char* world) {
    const Json& hits = at(flow, world);
    if (!hits.is_array() || hits.empty()) return "-";
    const Json& hit = hits.back();
    if (text_at(hit, "/kind") == "EndOfTier") {
        const std::string ns = text_at(hit, "/trigger/namespace");
        return "EndOfTier(" + text_at(hit, "/tier") + ")<-" + (ns.empty() ? "" : ns + '/') +
               text_at(hit, "/trigger/name");
    }
    const std::string text = text_at(hit, "/text");
    return text.substr(text.find('|') + 1);
}

// "2026-11-22T12:15:07.123Z" -> "12:15:07"
std::string time_of_day(const std::string& time) { return time.size() < 19 ? time : time.substr(11, 8); }

}  // namespace

std::string render_flows(const Json& answer, bool with_header, const Style& style) {
    constexpr auto kRight = Table::Align::kRight;
    // The least widths keep the lines of `--follow` under each other.
    Table table({{"TIME", Table::Align::kLeft, 8},
                 {"SRC", Table::Align::kLeft, 14},
                 {"DST", Table::Align::kLeft, 14},
                 {"PROTO", Table::Align::kLeft, 5},
                 {"PORT", kRight, 5},
                 {"NOW", Table::Align::kLeft, 5},
                 {"IF-ENFORCED", Table::Align::kLeft, 11},
                 {"BY", Table::Align::kLeft, 24},
                 {"CONNS", kRight, 5}});
    for (const Json& flow : at(answer, "/flows")) {
        const std::string now = text_at(flow, "/action");
        const std::string pending = text_at(flow, "/pending_action");
        const bool differs = now != pending;
        const std::string doubt = flag_at(flow, "/uncertain") ? "?" : "";
        table.add({{time_of_day(text_at(flow, "/end_time"))},
                   {party(flow, "/source_name", "/source_namespace", "/source_ip", style.wide)},
                   {party(flow, "/dest_name", "/dest_namespace", "/dest_ip", style.wide)},
                   {text_at(flow, "/protocol")},
                   {service(flow)},
                   {now, color_of(now)},
                   {pending + doubt, differs ? Color::kDoubtful : color_of(pending)},
                   {deciding(flow, differs ? "/policies/pending" : "/policies/enforced")},
                   {text_at(flow, "/num_connections_started")}});
    }
    if (table.empty() && !with_header) return {};
    return table.text(style.color, with_header);
}

std::string render_flow_losses(const Json& answer) {
    std::string text = "LOST " + std::to_string(number_at(answer, "/lost"));
    const auto add = [&](const char* word, const char* field) {
        if (const std::uint64_t count = number_at(answer, field); count > 0)
            text += std::string("  ") + word + ' ' + std::to_string(count);
    };
    add("MISSED", "/missed");
    add("FORGOTTEN", "/evicted");
    add("NOT RECORDED", "/unrecorded");
    add("NOT SHOWN", "/left_out");
    if (const std::string oldest = text_at(answer, "/reaches_back_to"); !oldest.empty())
        text += "  KNOWN SINCE " + oldest;
    text += '\n';
    if (const std::string trouble = text_at(answer, "/archive_trouble"); !trouble.empty())
        text += "the history on disk is incomplete: " + trouble + '\n';
    return text;
}

}  // namespace drywall::cli

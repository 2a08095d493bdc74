// Dropped packets as people read them.
#include <algorithm>
#include <array>
#include <cstdio>

#include "commands_drops.h"
#include "fields.h"

namespace drywall::cli {

namespace {

// "10.0.7.4:443", "[2001:db8::1]:443", and in the wide form with its name: "10.0.7.4:443(prod/web-1)".
std::string drop_end(const Json& drop, const std::string& side, const Style& style) {
    std::string text = text_at(drop, ('/' + side + "_ip").c_str());
    if (text.empty()) return "-";
    const std::string port = text_at(drop, ('/' + side + "_port").c_str());
    if (!port.empty()) text = (text.find(':') == std::string::npos ? text : '[' + text + ']') + ':' + port;
    const std::string called = text_at(drop, ('/' + side + "_name").c_str());
    if (!style.wide || called.empty()) return text;
    const std::string ns = text_at(drop, ('/' + side + "_namespace").c_str());
    return text + '(' + (ns.empty() ? "" : ns + '/') + called + ')';
}

// "tcp SYN", "icmp 8/0", "udp later fragment", and of what has no protocol its ether type: "0x88cc".
std::string drop_protocol(const Json& drop) {
    std::string text = text_at(drop, "/protocol");
    if (text.empty()) {
        std::array<char, 8> type{};
        (void)std::snprintf(type.data(), type.size(), "0x%04x", static_cast<unsigned>(number_at(drop, "/ether_type")));
        return type.data();
    }
    if (const std::string flags = text_at(drop, "/tcp_flags"); !flags.empty()) text += ' ' + flags;
    if (const std::string icmp = text_at(drop, "/icmp_type"); !icmp.empty())
        text += ' ' + icmp + '/' + text_at(drop, "/icmp_code");
    if (const std::string fragment = text_at(drop, "/fragment"); !fragment.empty())
        text += ' ' + fragment + " fragment";
    return text;
}

std::string qualified(const Json& policy) {
    const std::string ns = text_at(policy, "/namespace");
    return (ns.empty() ? "" : ns + '/') + text_at(policy, "/name");
}

// "default|gnp:web|deny|0" without its position, or "EndOfTier(app)<-web-to-db".
std::string drop_rule(const Json& drop) {
    const Json& hit = at(drop, "/decided_by");
    if (!hit.is_object()) return {};
    if (text_at(hit, "/kind") == "EndOfTier")
        return "EndOfTier(" + text_at(hit, "/tier") + ")<-" + qualified(at(hit, "/trigger"));
    const std::string text = text_at(hit, "/text");
    return text.substr(text.find('|') + 1);
}

std::string drop_policy(const Json& drop) {
    const Json& hit = at(drop, "/decided_by");
    const Json& policy = at(hit, "/trigger").is_object() ? at(hit, "/trigger") : hit;
    const std::string called = qualified(policy);
    return called.empty() ? called : text_at(policy, "/kind") + ' ' + called;
}

// The least widths keep the lines under each other.
Table drop_table(const Style& style) {
    const std::size_t end = style.wide ? 36 : 20;
    return Table({{"TIME", Table::Align::kLeft, 12},
                  {"PORT", Table::Align::kLeft, 8},
                  {"REASON", Table::Align::kLeft, 14},
                  {"SRC", Table::Align::kLeft, end},
                  {"DST", Table::Align::kLeft, end},
                  {"PROTO", Table::Align::kLeft, 9},
                  {"BYTES", Table::Align::kRight, 5},
                  {"GEN", Table::Align::kRight, 4},
                  {"BY"}});
}

// "2026-11-22T12:15:07.123Z" -> "12:15:07.123"
std::string clock_time(const std::string& time) { return time.size() < 23 ? time : time.substr(11, 12); }

// A port may be called anything, so its name makes no pointer.
std::uint64_t packets_of(const Json& reason, const std::string& port) {
    const Json& ports = at(reason, "/ports");
    const auto counted = ports.find(port);
    return counted == ports.end() ? 0 : number_at(*counted, "/packets");
}

bool died(const Json& reason) { return number_at(reason, "/packets") > 0; }

}  // namespace

std::string render_observed(const Json& observed, const Style& style) {
    std::string out;
    for (const auto& [reason, counts] : observed.items())
        out += painted("observed only: " + text_at(counts, "/packets") +
                           (number_at(counts, "/packets") == 1 ? " packet" : " packets") +
                           " passed that would have been dropped, " + reason,
                       Color::kDoubtful, style.color) +
               '\n';
    return out;
}

std::string render_drops(const Json& answer, const Style& style) {
    std::vector<std::string> ports;  // in the wide form, those with drops
    for (const Json& reason : at(answer, "/reasons"))
        for (const auto& [port, count] : at(reason, "/ports").items())
            if (style.wide && std::find(ports.begin(), ports.end(), port) == ports.end()) ports.push_back(port);
    std::vector<Table::Column> columns{{"REASON"}, {"PACKETS", Table::Align::kRight}, {"BYTES", Table::Align::kRight}};
    for (const std::string& port : ports) columns.push_back({port, Table::Align::kRight});
    columns.push_back({"MEANING"});
    Table table(std::move(columns));
    std::string next;
    for (const Json& reason : at(answer, "/reasons")) {
        if (!died(reason) && !style.wide) continue;
        const Color color = died(reason) ? Color::kBad : Color::kFaint;
        std::vector<Field> row{
            {text_at(reason, "/reason")}, {text_at(reason, "/packets"), color}, {text_at(reason, "/bytes"), color}};
        for (const std::string& port : ports) row.push_back({std::to_string(packets_of(reason, port)), color});
        row.push_back({text_at(reason, "/meaning")});
        table.add(std::move(row));
        if (died(reason)) next += text_at(reason, "/reason") + ": " + text_at(reason, "/next") + '\n';
    }
    const std::string observed = render_observed(at(answer, "/observed"), style);
    if (table.empty()) return "nothing was dropped\n" + observed;
    return table.text(style.color) + observed + (next.empty() ? "" : "\nWhat to check next:\n" + next);
}

std::string render_drop_header(const Style& style) { return drop_table(style).text(style.color); }

std::string render_drop(const Json& drop, const Style& style) {
    Table table = drop_table(style);
    const std::string rule = drop_rule(drop);
    table.add({{clock_time(text_at(drop, "/time"))},
               {text_at(drop, "/ingress_port")},
               {text_at(drop, "/reason"), Color::kBad},
               {drop_end(drop, "source", style)},
               {drop_end(drop, "dest", style)},
               {drop_protocol(drop)},
               {text_at(drop, "/length")},
               {text_at(drop, "/generation")},
               {rule.empty() ? "-" : rule}});
    return table.text(style.color, false);
}

std::string drop_comment(const Json& drop) {
    std::string text = text_at(drop, "/reason");
    if (const std::string rule = drop_rule(drop); !rule.empty()) text += "; rule " + rule;
    if (const std::string policy = drop_policy(drop); !policy.empty()) text += "; policy " + policy;
    return text + "; generation " + text_at(drop, "/generation");
}

}  // namespace drywall::cli

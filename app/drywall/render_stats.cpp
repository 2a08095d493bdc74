#include <algorithm>

#include "commands_drops.h"
#include "fields.h"
#include "render.h"

namespace drywall::cli {

namespace {

constexpr auto kRight = Table::Align::kRight;

std::string count(const Json& json, const char* what, const Style& style) {
    const Json& counted = at(json, what);
    const std::string packets = std::to_string(number_at(counted, "/packets"));
    return style.wide ? packets + " / " + std::to_string(number_at(counted, "/bytes")) + " B" : packets;
}

bool counted(const Json& json, const char* what) { return number_at(at(json, what), "/packets") > 0; }

Field doubtful(const Json& json, const char* what, const Style& style) {
    return {count(json, what, style), counted(json, what) ? Color::kDoubtful : Color::kFaint};
}

bool any(const Json& list, const char* what) {
    return std::any_of(list.begin(), list.end(), [&](const Json& one) { return counted(one, what); });
}

// Requests inside of connections, which there are only where rules ask for them.
bool any_number(const Json& list, const char* what) {
    return std::any_of(list.begin(), list.end(), [&](const Json& one) { return number_at(one, what) > 0; });
}

Field doubtful_number(const Json& json, const char* what) {
    const std::uint64_t number = number_at(json, what);
    return {std::to_string(number), number > 0 ? Color::kDoubtful : Color::kFaint};
}

std::string rules_table(const Json& rules, const StatsParts& parts, const Style& style) {
    const bool would_allow = any(rules, "/would_allow");
    std::vector<Table::Column> columns{
        {"RULE"}, {"DIRECTION"}, {"ENFORCED", kRight}, {"PENDING", kRight}, {"WOULD-DENY", kRight}};
    if (would_allow) columns.push_back({"WOULD-ALLOW", kRight});
    const bool requests = any_number(rules, "/requests");
    if (requests) columns.insert(columns.end(), {{"REQUESTS", kRight}, {"WOULD-DENY-REQUESTS", kRight}});
    Table table(std::move(columns));
    for (const Json& rule : rules) {
        const bool current = flag_at(rule, "/current");
        if (!current && !parts.former_rules) continue;
        const Color color = current ? Color::kPlain : Color::kFaint;
        // A staged rule can't be part of an enforced decision.
        const std::string enforced = flag_at(rule, "/staged") ? "-" : count(rule, "/enforced", style);
        const std::string mark = flag_at(rule, "/safety_net") ? " (safety net)" : current ? "" : " (former)";
        std::vector<Field> row{{text_at(rule, "/rule") + mark, color},
                               {text_at(rule, "/direction") + (flag_at(rule, "/forward") ? " port" : ""), color},
                               {enforced, color},
                               {count(rule, "/pending", style), color},
                               doubtful(rule, "/would_deny", style)};
        if (would_allow) row.push_back(doubtful(rule, "/would_allow", style));
        if (requests) row.push_back({text_at(rule, "/requests"), color});
        if (requests) row.push_back(doubtful_number(rule, "/would_deny_requests"));
        table.add(std::move(row));
    }
    return table.empty() ? std::string("no rule was compiled: nothing is declared\n") : table.text(style.color);
}

std::string staged_table(const Json& staged, const Style& style) {
    const bool requests = any_number(staged, "/would_deny_requests") || any_number(staged, "/would_allow_requests");
    std::vector<Table::Column> columns{{"STAGED-POLICY"}, {"TIER"}, {"WOULD-DENY", kRight}, {"WOULD-ALLOW", kRight}};
    if (requests) columns.insert(columns.end(), {{"WOULD-DENY-REQUESTS", kRight}, {"WOULD-ALLOW-REQUESTS", kRight}});
    Table table(std::move(columns));
    for (const Json& policy : staged) {
        std::vector<Field> row{{text_at(policy, "/policy")},
                               {text_at(policy, "/tier")},
                               doubtful(policy, "/would_deny", style),
                               doubtful(policy, "/would_allow", style)};
        if (requests) row.push_back(doubtful_number(policy, "/would_deny_requests"));
        if (requests) row.push_back(doubtful_number(policy, "/would_allow_requests"));
        table.add(std::move(row));
    }
    return table.empty() ? std::string() : table.text(style.color);
}

// What reading inside of connections comes to, where there is any.
std::string inspection(const Json& counts) {
    const std::uint64_t inspected = number_at(counts, "/inspected");
    const std::uint64_t resets = number_at(counts, "/resets_sent");
    const std::uint64_t untold = number_at(counts, "/requests_untold");
    if (inspected + resets + untold == 0) return {};
    std::string out = "inspected  " + std::to_string(inspected) + " connections are being read; resets sent " +
                      std::to_string(resets);
    if (untold > 0) out += "; requests without a record " + std::to_string(untold);
    return out + '\n';
}

std::string drops_table(const Json& drops, const Style& style) {
    Table table({{"DROPPED"}, {"PACKETS", kRight}, {"MEANING"}});
    for (const Json& drop : drops) {
        const bool some = number_at(drop, "/packets") > 0;
        if (!some && !style.wide) continue;
        table.add({{text_at(drop, "/reason")},
                   {text_at(drop, "/packets"), some ? Color::kBad : Color::kFaint},
                   {text_at(drop, "/meaning")}});
    }
    return table.empty() ? std::string("nothing was dropped\n") : table.text(style.color);
}

// What the ports of a pair say of the largest packet that they take, where it is not the same.
std::string mtu_lines(const Json& ports, const Style& style) {
    std::string out;
    for (const Json& port : ports)
        for (const Json& peer : ports) {
            const std::uint64_t larger = number_at(port, "/mtu");
            const std::uint64_t smaller = number_at(peer, "/mtu");
            if (text_at(port, "/peer") != text_at(peer, "/name") || smaller == 0 || larger <= smaller) continue;
            out += painted("what is larger than " + std::to_string(smaller) + " bytes and comes in by " +
                               text_at(port, "/name") + " (MTU " + std::to_string(larger) + ") can't leave by " +
                               text_at(peer, "/name"),
                           Color::kDoubtful, style.color) +
                   '\n';
        }
    return out;
}

std::string ports_table(const Json& ports, const Style& style) {
    Table table({{"PORT"}, {"LINK"}, {"RECEIVED", kRight}, {"TRANSMITTED", kRight}, {"MISSED", kRight}});
    for (const Json& port : ports) {
        const bool up = flag_at(port, "/link_up");
        table.add({{text_at(port, "/name")},
                   {up ? "up" : "down", up ? Color::kGood : Color::kBad},
                   {count(port, "/received", style)},
                   {count(port, "/transmitted", style)},
                   {text_at(port, "/device/missed")}});
    }
    return table.text(style.color) + mtu_lines(ports, style);
}

std::string totals(const Json& stats, const Style& style) {
    return "judged " + count(stats, "/judged", style) + " packets: allowed " +
           count(stats, "/enforced_allowed", style) + ", denied " + count(stats, "/enforced_denied", style) +
           ", matched by nothing " + count(stats, "/unmatched", style) +
           (counted(stats, "/only_observed")
                ? ", allowed only because the safety was open " + count(stats, "/only_observed", style)
                : std::string()) +
           '\n';
}

std::string duration(std::uint64_t seconds) {
    if (seconds < 120) return std::to_string(seconds) + " s";
    if (seconds < 7200) return std::to_string(seconds / 60) + " min";
    if (seconds < 172800) return std::to_string(seconds / 3600) + " h";
    return std::to_string(seconds / 86400) + " days";
}

// What the workers' tables take, whoever is in them.
std::string flow_memory(const Json& status) {
    std::uint64_t bytes = 0;
    for (const Json& worker : at(status, "/workers")) bytes += number_at(worker, "/table_bytes");
    return "   tables " + std::to_string((bytes + 1023) / 1024) + " KiB";
}

}  // namespace

std::string render_stats(const Json& stats, const StatsParts& parts, const Style& style) {
    std::vector<std::string> sections;
    if (parts.rules)
        sections.push_back(totals(stats, style) + inspection(stats) + '\n' +
                           rules_table(at(stats, "/rules"), parts, style));
    if (parts.staged) sections.push_back(staged_table(at(stats, "/staged"), style));
    if (parts.drops)
        sections.push_back(drops_table(at(stats, "/drops"), style) + render_observed(at(stats, "/observed"), style));
    if (parts.ports) sections.push_back(ports_table(at(stats, "/ports"), style));
    std::string out;
    for (const std::string& section : sections)
        if (!section.empty()) out += (out.empty() ? "" : "\n") + section;
    if (const std::uint64_t lost = number_at(stats, "/flows/records_lost"); lost > 0)
        out += "\nflow records lost: " + std::to_string(lost) + " (counters are not concerned)\n";
    return out;
}

std::string render_state(const Json& status, const Style& style) {
    const std::string state = text_at(status, "/state");
    if (state.empty()) return {};  // an appliance that does not say
    const bool ready = state == "ready";
    const std::string since = text_at(status, "/state_since");
    std::string line = "state " + state;
    if (since.size() > 19) line += " since " + since.substr(0, 10) + ' ' + since.substr(11, 8) + " UTC";
    std::string out = painted(line, ready ? Color::kGood : Color::kBad, style.color) + '\n';
    for (const Json& reason : at(status, "/reasons"))
        out += painted("  " + text_at(reason, "/text"), Color::kBad, style.color) + '\n';
    if (text_at(status, "/fail") == "open")
        out += painted("FAIL OPEN: a start that can't bring back its policies lets EVERYTHING PASS", Color::kBad,
                       style.color) +
               '\n';
    return out;
}

std::string render_status(const Json& status, const Style& style) {
    const auto of_kind = [&](const char* kind) {
        return number_at(status, (std::string("/resources/") + kind).c_str());
    };
    std::string out = "drywalld " + text_at(status, "/version") + "   generation " + text_at(status, "/generation") +
                      "   up " + duration(number_at(status, "/uptime_seconds")) + "   dataplane " +
                      text_at(status, "/dataplane") + '\n';
    out += "policies   " + std::to_string(of_kind("GlobalNetworkPolicy")) + " enforced, " +
           std::to_string(of_kind("StagedGlobalNetworkPolicy")) + " staged, in " + std::to_string(of_kind("Tier")) +
           " tiers\n";
    out += "endpoints  " + std::to_string(of_kind("WorkloadEndpoint") + of_kind("HostEndpoint")) + "   sets " +
           std::to_string(of_kind("GlobalNetworkSet")) + '\n';
    out += "unmatched traffic: " + text_at(status, "/unmatched") +
           "   transit failsafe rules: " + text_at(status, "/failsafe_rules") + '\n';
    for (const Json& entry : at(status, "/failsafe"))
        out += "failsafe   " + text_at(entry, "/service") + " to " + text_at(entry, "/to") +
               (texts_at(entry, "/from").empty() ? "" : " from " + text_at(entry, "/from")) + ": passed " +
               text_at(entry, "/passed/packets") + " packets, whatever policy says\n";
    out += "tables     " + std::to_string((number_at(status, "/tables/bytes") + 1023) / 1024) + " KiB, " +
           text_at(status, "/tables/traces") + " traces\n";
    out += render_store(status, style);
    if (!at(status, "/ports").is_array()) return out;
    out += "flows      " + text_at(status, "/flows/live") + " live, " + text_at(status, "/flows/opened") +
           " opened; records lost " + text_at(status, "/flows/records_lost") + flow_memory(status) + '\n' +
           inspection(status);
    out += "packets    " + text_at(status, "/received/packets") + " received, " +
           text_at(status, "/transmitted/packets") + " transmitted, " + text_at(status, "/dropped_packets") +
           " dropped\n\n";
    out += ports_table(at(status, "/ports"), style);
    const std::string staged = staged_table(at(status, "/staged"), style);
    return staged.empty() ? out : out + '\n' + staged;
}

}  // namespace drywall::cli

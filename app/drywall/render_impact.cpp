#include <algorithm>
#include <array>
#include <cmath>

#include "commands_impact.h"
#include "fields.h"

namespace drywall::cli {

namespace {

constexpr auto kAtRight = Table::Align::kRight;

std::string plural_of(std::uint64_t number, const std::string& noun) {
    return std::to_string(number) + ' ' + noun + (number == 1 ? "" : "s");
}

std::string bytes_text(std::uint64_t bytes) {
    constexpr std::array kUnits{"B", "kB", "MB", "GB", "TB"};
    double value = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (value >= 1000 && unit + 1 < kUnits.size()) {
        value /= 1000;
        ++unit;
    }
    std::string text = std::to_string(std::lround(value * 10));
    if (unit == 0) return std::to_string(bytes) + " B";
    text.insert(text.size() - 1, text.size() == 1 ? "0." : ".");
    return text + ' ' + kUnits[unit];
}

// "3 groups / 18 connections (2 live) / 4.2 MB"
std::string count_text(const Json& count) {
    if (number_at(count, "/groups") == 0) return "0";
    return plural_of(number_at(count, "/groups"), "group") + " / " +
           plural_of(number_at(count, "/connections"), "connection") + " (" +
           std::to_string(number_at(count, "/live")) + " live) / " + bytes_text(number_at(count, "/traffic/bytes"));
}

std::string seen_text(const Json& count) {
    if (number_at(count, "/groups") == 0) return {};
    return "   first " + text_at(count, "/first_seen") + ", last " + text_at(count, "/last_seen");
}

std::string counts_text(const Json& impact, const Style& style) {
    const auto line = [&](const char* what, const char* pointer, Color color) {
        const Json& count = at(impact, pointer);
        const bool any = number_at(count, "/groups") > 0;
        std::string label = std::string("  ") + what;
        label.resize(22, ' ');
        return label + painted(count_text(count), any ? color : Color::kFaint, style.color) + seen_text(count) + '\n';
    };
    return line("would newly DENY", "/newly_denied", Color::kBad) +
           line("would newly ALLOW", "/newly_allowed", Color::kDoubtful) +
           line("uncertain", "/uncertain", Color::kDoubtful);
}

std::string who(const Json& party) {
    const std::string name = text_at(party, "/name");
    return name.empty() ? text_at(party, "/ip") : name;
}

std::string service_of(const Json& group) {
    const std::string protocol = text_at(group, "/protocol");
    if (group.contains("icmp_type"))
        return protocol + '/' + text_at(group, "/icmp_type") + '/' + text_at(group, "/icmp_code");
    return protocol + '/' + text_at(group, "/dest_port");
}

std::string groups_table(const Json& impact, const Style& style) {
    const Json& groups = at(impact, "/groups");
    if (!groups.is_array() || groups.empty()) return {};
    Table table(
        {{"  FLOW", kAtRight}, {"EFFECT"}, {"SOURCE"}, {"DESTINATION"}, {"SERVICE"}, {"CONNS", kAtRight}, {"BY"}});
    for (const Json& group : groups) {
        const std::string effect = text_at(group, "/effect");
        table.add({{"  " + text_at(group, "/id")},
                   {effect, effect == "newly-denied" ? Color::kBad : Color::kDoubtful},
                   {who(at(group, "/source"))},
                   {who(at(group, "/dest"))},
                   {service_of(group)},
                   {text_at(group, "/connections")},
                   {text_at(group, "/then_by")}});
    }
    std::string out = table.text(style.color);
    if (const std::uint64_t more = number_at(impact, "/groups_left_out"); more > 0)
        out += "  and " + plural_of(more, "more group") + "; --limit shows more\n";
    return out;
}

// "10.0.0.1 -> workloadendpoint/prod/db tcp/8080 GET /admin of shop, by default|sgnp:x|deny|0"
std::string request_text(const Json& request) {
    const std::string kind = text_at(request, "/kind");
    std::string asked = kind == "http" ? text_at(request, "/method") + ' ' + text_at(request, "/path")
                                       : std::string(kind == "tls" ? "TLS" : "not readable");
    if (const std::string host = text_at(request, "/host"); !host.empty()) asked += " of " + host;
    return who(at(request, "/source")) + " -> " + who(at(request, "/dest")) + ' ' + service_of(request) + ' ' + asked +
           ", by " + text_at(request, "/then_by");
}

// Inside of connections; nothing where nothing was asked that rules look at.
std::string requests_text(const Json& requests, const Style& style) {
    if (number_at(requests, "/observed") == 0) return {};
    const auto number = [&](const char* what, Color color) {
        const std::uint64_t value = number_at(requests, what);
        return painted(std::to_string(value), value > 0 ? color : Color::kFaint, style.color);
    };
    std::string out = "  requests            of " + text_at(requests, "/observed") + " would newly DENY " +
                      number("/newly_denied", Color::kBad) + ", newly ALLOW " +
                      number("/newly_allowed", Color::kDoubtful) + ", uncertain " +
                      number("/uncertain", Color::kDoubtful) +
                      (flag_at(requests, "/complete") ? "" : " (not all are on record)") + '\n';
    for (const Json& one : at(requests, "/examples"))
        out += "  " + text_at(one, "/effect") +
               std::string(20 - std::min<std::size_t>(19, text_at(one, "/effect").size()), ' ') + request_text(one) +
               '\n';
    if (const std::uint64_t more = number_at(requests, "/left_out"); more > 0)
        out += "  and " + plural_of(more, "more request") + "; --limit shows more\n";
    return out;
}

std::string unhit_text(const Json& rules) {
    std::string out;
    if (!rules.is_array()) return out;
    for (const Json& rule : rules)
        out += "  rule never hit      " + text_at(rule, "/rule") + "   since generation " +
               text_at(rule, "/since_generation") + '\n';
    return out;
}

std::string completeness_text(const Json& answer, const Style& style) {
    if (flag_at(answer, "/exact")) return "LOST 0\n";
    if (number_at(answer, "/lost") + number_at(answer, "/forgotten") == 0)
        return "LOST 0  KNOWN SINCE " + text_at(answer, "/since") + '\n';
    return painted("LOST " + text_at(answer, "/lost") + " records, FORGOTTEN " + text_at(answer, "/forgotten") +
                       " groups: all numbers are lower bounds",
                   Color::kDoubtful, style.color) +
           '\n';
}

// "10.0.0.1:40000 -> workloadendpoint/prod/db tcp/8080 established, 4.2 MB, by default|sgnp:x|deny|0"
std::string connection_text(const Json& connection) {
    const std::uint64_t port = number_at(connection, "/source_port");
    return who(at(connection, "/source")) + (port == 0 ? "" : ':' + std::to_string(port)) + " -> " +
           who(at(connection, "/dest")) + ' ' + service_of(connection) + ' ' + text_at(connection, "/state") + ", " +
           bytes_text(number_at(connection, "/traffic/bytes")) + ", by " + text_at(connection, "/then_by");
}

// The flow tables were walked for this: what is open now, and not what is on record.
std::string live_text(const Json& live, const Style& style) {
    const std::uint64_t cut = number_at(live, "/cut_by_recheck");
    std::string out = "  open connections    " + text_at(live, "/connections") + " (" + text_at(live, "/walked") +
                      " entries in the flow tables at " + text_at(live, "/at") + "); --existing recheck cuts " +
                      painted(std::to_string(cut), cut > 0 ? Color::kBad : Color::kFaint, style.color) +
                      ", reset cuts " + text_at(live, "/cut_by_reset") + '\n';
    const std::uint64_t closed = number_at(live, "/closed");
    const std::uint64_t denied = number_at(live, "/denied_now");
    if (closed + denied > 0)
        out += "                      besides, " + std::to_string(closed) + " closed a moment ago and " +
               std::to_string(denied) + " denied already\n";
    const Json& listed = at(live, "/cut");
    for (const Json& connection : listed) out += "  would be CUT        " + connection_text(connection) + '\n';
    if (cut > listed.size())
        out += "  and " + plural_of(cut - listed.size(), "more connection") + "; --limit shows more\n";
    if (const std::string missing = text_at(live, "/missing"); !missing.empty())
        out += "  " + painted("not all are known: " + missing, Color::kDoubtful, style.color) + '\n';
    return out;
}

std::string policy_impact(const Json& policy, const Style& style) {
    std::string out = text_at(policy, "/policy") +
                      "   last edit of it or of what is above it: " + text_at(policy, "/last_edit/time") +
                      " (generation " + text_at(policy, "/last_edit/generation") + ")\n";
    out += " alone, if it were promoted now\n" + counts_text(at(policy, "/alone"), style) +
           groups_table(at(policy, "/alone"), style) + requests_text(at(policy, "/alone/requests"), style) +
           live_text(at(policy, "/live"), style);
    out += " together with everything else that is staged\n" + counts_text(at(policy, "/in_combination"), style);
    out += "  counted             would deny " + text_at(policy, "/counted/would_deny/packets") + " packets, " +
           bytes_text(number_at(policy, "/counted/would_deny/bytes")) + "; would allow " +
           text_at(policy, "/counted/would_allow/packets") + " packets, " +
           bytes_text(number_at(policy, "/counted/would_allow/bytes")) + '\n';
    const std::uint64_t denied = number_at(policy, "/counted/would_deny_requests");
    const std::uint64_t allowed = number_at(policy, "/counted/would_allow_requests");
    if (denied + allowed > 0)
        out += "                      would deny " + plural_of(denied, "request") + "; would allow " +
               plural_of(allowed, "request") + '\n';
    return out + unhit_text(at(policy, "/rules_never_hit"));
}

std::string duration_text(std::uint64_t seconds) {
    if (seconds < 60) return std::to_string(seconds) + " s";
    if (seconds < 3600) return std::to_string(seconds / 60) + " min";
    return std::to_string(seconds / 3600) + " h";
}

// "web, db, 10.0.0.0/8 (but not 10.1.0.0/16, ...)"
std::string region_text(const Json& region, bool wide) {
    const std::size_t most = wide ? 1000 : 3;
    const auto some = [&](const char* first, const char* second) {
        std::string out;
        std::size_t listed = 0;
        std::size_t all = 0;
        for (const char* pointer : {first, second}) {
            if (pointer == nullptr) continue;
            for (const Json& one : at(region, pointer)) {
                if (++all > most) continue;
                ++listed;
                std::string text = one.is_string() ? one.get<std::string>() : one.dump();
                if (text == "0.0.0.0/0") text = "any IPv4";
                if (text == "::/0") text = "any IPv6";
                out += (out.empty() ? "" : ", ") + text;
            }
        }
        return all > listed ? out + ", +" + std::to_string(all - listed) : out;
    };
    std::string out = some("/endpoints", "/nets");
    const std::string except = some("/except", nullptr);
    if (!except.empty()) out += " (but not " + except + ')';
    if (const std::uint64_t more = number_at(region, "/left_out"); more > 0) out += ", +" + std::to_string(more);
    return out;
}

std::string side_text(const Json& side) {
    return "generation " + text_at(side, "/generation") + ' ' + text_at(side, "/world");
}

}  // namespace

std::string render_impact(const Json& answer, const Style& style) {
    std::string out;
    for (const Json& policy : at(answer, "/policies")) out += (out.empty() ? "" : "\n") + policy_impact(policy, style);
    if (out.empty()) out = "nothing is staged\n";
    const Json& disagreements = at(answer, "/disagreements");
    if (disagreements.is_array() && !disagreements.empty()) {
        Table table({{"ENFORCED-BY"}, {"PENDING-BY"}, {"PACKETS", kAtRight}});
        for (const Json& one : disagreements)
            table.add({{text_at(one, "/enforced")}, {text_at(one, "/pending")}, {text_at(one, "/count/packets")}});
        out += '\n' + table.text(style.color);
    }
    if (at(answer, "/policies").size() > 1)
        out += "\neverything staged, promoted together\n" + counts_text(at(answer, "/together"), style) +
               groups_table(at(answer, "/together"), style) + requests_text(at(answer, "/together/requests"), style) +
               live_text(at(answer, "/live"), style);
    return out + completeness_text(answer, style);
}

// What stands behind policy: the ways by which the site is managed, and the safety net's share.
std::string guards_text(const Json& answer) {
    std::string out = "  management paths    " + text_at(answer, "/management/seen") + " seen, " +
                      text_at(answer, "/management/cut") + " would be cut\n";
    if (number_at(answer, "/safety_net/policies") == 0) return out;
    return out + "  safety net          catches " + text_at(answer, "/safety_net/now") + " of " +
           plural_of(number_at(answer, "/safety_net/connections"), "connection") + " now, " +
           text_at(answer, "/safety_net/then") + " then\n";
}

std::string render_check(const Json& answer, const Style& style) {
    const std::string verdict = text_at(answer, "/verdict");
    const Color color = verdict == "SAFE" ? Color::kGood : verdict == "NOT SAFE" ? Color::kBad : Color::kDoubtful;
    const Json& impact = at(answer, "/impact");
    const std::string what = text_at(answer, "/policy");
    std::string out = "VERDICT  " + painted(verdict, color, style.color) + "   " +
                      (what.empty() ? "everything staged, together" : what + ", alone") + '\n';
    for (const Json& reason : at(answer, "/reasons"))
        out += "  " + (reason.is_string() ? reason.get<std::string>() : reason.dump()) + '\n';
    out += "evidence: " + duration_text(number_at(answer, "/observed_for_seconds")) + " since generation " +
           text_at(answer, "/last_edit/generation") + " (asked for " +
           duration_text(number_at(answer, "/min_time_seconds")) + "), " +
           plural_of(number_at(impact, "/matched/connections"), "connection") + " matched (asked for " +
           text_at(answer, "/min_connections") + "), " + text_at(answer, "/lost") + " records lost, " +
           text_at(answer, "/acknowledged") + " acknowledged\n";
    return out + counts_text(impact, style) + groups_table(impact, style) +
           requests_text(at(impact, "/requests"), style) + live_text(at(answer, "/live"), style) +
           unhit_text(at(answer, "/rules_never_hit")) + guards_text(answer);
}

std::string render_review(const Json& answer, const Style& style) {
    const std::string what = text_at(answer, "/review");
    const Json& rows = at(answer, "/rows");
    if (!rows.is_array() || rows.empty())
        return what == "safety-net"        ? "no recorded connection passes by a safety net alone\n"
               : what == "empty-selectors" ? "every policy and every rule selects something\n"
                                           : "nothing is " + what + '\n';
    const auto name_of = [](const Json& row) {
        const std::string ns = text_at(row, "/namespace");
        return (ns.empty() ? "" : ns + '/') + text_at(row, "/name");
    };
    const auto index_of = [](const Json& row) {
        return row.contains("index") ? text_at(row, "/index") : std::string("-");
    };
    std::vector<Table::Column> columns{{"KIND"}, {"NAME"}, {"DIRECTION"}, {"INDEX", kAtRight}};
    if (what == "unused") columns.insert(columns.end(), {{"COUNTED-SINCE"}, {"GENERATION", kAtRight}});
    if (what == "shadowed") columns.insert(columns.end(), {{"SHADOWED-BY"}, {"EXAMPLE"}});
    if (what == "safety-net")
        columns.insert(columns.end(),
                       {{"CONNS", kAtRight}, {"COUNTED-SINCE"}, {"SOURCE"}, {"DESTINATION"}, {"SERVICE"}});
    if (what == "empty-selectors") columns.insert(columns.end(), {{"WHAT"}, {"SELECTOR"}});
    Table table(std::move(columns));
    for (const Json& row : rows) {
        std::vector<Field> fields{
            {text_at(row, "/kind")}, {name_of(row)}, {text_at(row, "/direction")}, {index_of(row)}};
        if (what == "unused")
            fields.insert(fields.end(),
                          {{text_at(row, "/counted_since/time")}, {text_at(row, "/counted_since/generation")}});
        if (what == "shadowed")
            fields.insert(fields.end(), {{text_at(row, "/shadowed_by")}, {text_at(row, "/example")}});
        if (what == "safety-net")
            fields.insert(fields.end(), {{text_at(row, "/connections")},
                                         {text_at(row, "/first_seen")},
                                         {who(at(row, "/source"))},
                                         {who(at(row, "/dest"))},
                                         {service_of(row)}});
        if (what == "empty-selectors")
            fields.insert(fields.end(), {{text_at(row, "/what")}, {text_at(row, "/selector")}});
        table.add(std::move(fields));
    }
    return table.text(style.color);
}

namespace {

std::string asked_text(const std::string& when, const Json& one, const Json& asked) {
    if (asked.empty()) return "  " + when + ": " + text_at(one, ("/" + when).c_str()) + '\n';
    std::string out;
    for (const Json& line : asked) out += "  " + when + ", " + line.get<std::string>() + '\n';
    return out;
}

// What can't stand in a row: what is asked for, and with which question the difference shows.
std::string asked_text(const Json& one) {
    if (text_at(one, "/before") != "depends" && text_at(one, "/after") != "depends") return {};
    std::string out = '\n' + text_at(one, "/example/text") + '\n';
    out += asked_text("before", one, at(one, "/before_asks")) + asked_text("after", one, at(one, "/after_asks"));
    for (const Json& shown : at(one, "/shown")) {
        const std::string options = text_at(shown, "/options");
        out += "  " + (options.empty() ? "a connection that shows nothing" : options) + ": " +
               text_at(shown, "/before") + "->" + text_at(shown, "/after") + ", by " + text_at(shown, "/after_by") +
               '\n';
    }
    return out;
}

}  // namespace

std::string render_semantic_diff(const Json& answer, const Style& style) {
    const std::uint64_t denied = number_at(answer, "/newly_denied");
    const std::uint64_t allowed = number_at(answer, "/newly_allowed");
    const std::string head = side_text(at(answer, "/from")) + " -> " + side_text(at(answer, "/to")) + ": ";
    if (denied + allowed == 0) return head + "every packet is decided alike\n";
    Table table({{"CHANGE"}, {"SOURCES"}, {"DESTINATIONS"}, {"SERVICES"}, {"BY"}, {"EXAMPLE"}});
    for (const Json& one : at(answer, "/differences")) {
        const Color color = flag_at(one, "/newly_denied") ? Color::kBad : Color::kGood;
        table.add({{text_at(one, "/before") + "->" + text_at(one, "/after"), color},
                   {region_text(at(one, "/sources"), style.wide)},
                   {region_text(at(one, "/destinations"), style.wide)},
                   {text_at(one, "/services")},
                   {text_at(one, "/after_by")},
                   {text_at(one, "/example/text")}});
    }
    std::string out = head + plural_of(denied, "region") + " newly denied, " + plural_of(allowed, "region") +
                      " newly allowed\n" + table.text(style.color);
    for (const Json& one : at(answer, "/differences")) out += asked_text(one);
    if (const std::uint64_t more = number_at(answer, "/left_out"); more > 0)
        out += "and " + plural_of(more, "more region") + "; --limit shows more\n";
    return out;
}

}  // namespace drywall::cli

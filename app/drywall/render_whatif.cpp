#include "render_whatif.h"

#include <vector>

#include "fields.h"
#include "table.h"

namespace drywall::cli {

namespace {

constexpr auto kRightAligned = Table::Align::kRight;
constexpr std::size_t kMostLeft = 10;  // of what is not covered, in a summary

std::string called(const Json& flow, const std::string& side) {
    const std::string name = text_at(flow, ('/' + side + "_name").c_str());
    const std::string ns = text_at(flow, ('/' + side + "_namespace").c_str());
    if (name.empty()) return text_at(flow, ('/' + side + "_ip").c_str());
    return ns.empty() ? name : ns + '/' + name;
}

std::string service_of(const Json& flow) {
    if (at(flow, "/icmp_type").is_null()) return text_at(flow, "/dest_port");
    return text_at(flow, "/icmp_type") + '/' + text_at(flow, "/icmp_code");
}

// The last hit decided; without its position.
std::string decided_by(const Json& flow, const char* world) {
    const Json& hits = at(flow, world);
    if (!hits.is_array() || hits.empty()) return "-";
    const std::string text = text_at(hits.back(), "/text");
    return text.substr(text.find('|') + 1);
}

std::string number_of(std::uint64_t count, const std::string& what) {
    return std::to_string(count) + ' ' + what + (count == 1 ? "" : "s");
}

std::string about_captures(const Json& answer) {
    std::string out;
    for (const Json& capture : at(answer, "/recording/captures")) {
        out += text_at(capture, "/name") + ": " + number_of(number_at(capture, "/packets"), "packet");
        if (const std::string type = text_at(capture, "/link_type"); type != "EN10MB")
            out += " (" + type + ", read as Ethernet)";
        out += '\n';
        if (const std::string damage = text_at(capture, "/damage"); !damage.empty()) out += "  " + damage + '\n';
    }
    out += "recorded " + text_at(answer, "/recording/first") + " to " + text_at(answer, "/recording/last");
    out += flag_at(answer, "/recording/tap") ? ", both directions at one place\n" : "\n";
    if (const std::uint64_t cut = number_at(answer, "/recording/cut"); cut > 0)
        out += number_of(cut, "packet") + " recorded only in part; " +
               std::to_string(number_at(answer, "/recording/cut_unjudged")) + " without the headers to judge by\n";
    if (const std::uint64_t back = number_at(answer, "/recording/time_went_back"); back > 0)
        out += number_of(back, "packet") + " older than one before, judged at the time of that one\n";
    if (at(answer, "/connections_exact") == Json(false))
        out += "too many denied connections to tell them from repeated packets: their number is an upper bound\n";
    return out;
}

void add_amount(Table& table, const std::string& what, const Json& amount, Color color) {
    const bool some = number_at(amount, "/packets") > 0 || number_at(amount, "/connections") > 0;
    const Color shade = some ? color : Color::kFaint;
    table.add({{what},
               {text_at(amount, "/connections"), shade},
               {text_at(amount, "/packets"), shade},
               {text_at(amount, "/bytes"), shade}});
}

std::string amounts(const Json& answer, const Style& style) {
    Table table({{""}, {"CONNECTIONS", kRightAligned}, {"PACKETS", kRightAligned}, {"BYTES", kRightAligned}});
    if (!at(answer, "/recorded").is_null()) {
        add_amount(table, "recorded: allowed", at(answer, "/recorded/allowed"), Color::kPlain);
        add_amount(table, "recorded: denied", at(answer, "/recorded/denied"), Color::kPlain);
    }
    add_amount(table, "enforced: allowed", at(answer, "/enforced/allowed"), Color::kPlain);
    add_amount(table, "enforced: denied", at(answer, "/enforced/denied"), Color::kPlain);
    add_amount(table, "pending: allowed", at(answer, "/pending/allowed"), Color::kPlain);
    add_amount(table, "pending: denied", at(answer, "/pending/denied"), Color::kPlain);
    add_amount(table, "newly denied", at(answer, "/newly_denied"), Color::kBad);
    add_amount(table, "newly allowed", at(answer, "/newly_allowed"), Color::kDoubtful);
    if (!at(answer, "/recorded").is_null()) {
        add_amount(table, "newly denied without promotion", at(answer, "/enforced_newly_denied"), Color::kBad);
        add_amount(table, "newly allowed without promotion", at(answer, "/enforced_newly_allowed"), Color::kDoubtful);
        add_amount(table, "uncertain (port of entry)", at(answer, "/uncertain"), Color::kDoubtful);
        if (number_at(answer, "/undecided/connections") > 0)
            add_amount(table, "undecided (what they said)", at(answer, "/undecided"), Color::kDoubtful);
    }
    return table.text(style.color);
}

std::string balance(const Json& answer) {
    std::uint64_t dropped = 0;
    for (const Json& drop : at(answer, "/drops")) dropped += number_at(drop, "/packets");
    return "received " + text_at(answer, "/received/packets") + " = left " + text_at(answer, "/transmitted/packets") +
           " + dropped " + std::to_string(dropped) + " packets\n";
}

std::string flows_of(const Json& answer, const Style& style) {
    const bool recorded = text_at(answer, "/compared_with") == "recorded";
    std::vector<Table::Column> columns{{"SOURCE"}, {"DESTINATION"}, {"PROTO"}, {"PORT", kRightAligned}};
    if (recorded) columns.push_back({"WAS"});
    for (Table::Column column :
         std::vector<Table::Column>{{"NOW"}, {"PENDING"}, {"CONNS", kRightAligned}, {"NOW-BY"}, {"PENDING-BY"}})
        columns.push_back(std::move(column));
    Table table(std::move(columns));
    for (const Json& flow : at(answer, "/flows")) {
        const std::string now = text_at(flow, "/action");
        const std::string pending = text_at(flow, "/pending_action");
        const std::string doubt = flag_at(flow, "/uncertain") ? "?" : "";
        std::vector<Field> row{
            {called(flow, "source")}, {called(flow, "dest")}, {text_at(flow, "/protocol")}, {service_of(flow)}};
        if (recorded) row.push_back({text_at(flow, "/recorded_action"), color_of(text_at(flow, "/recorded_action"))});
        row.push_back({now + doubt, color_of(now)});
        row.push_back({pending + doubt, now != pending ? Color::kDoubtful : color_of(pending)});
        row.push_back({text_at(flow, "/num_connections_started")});
        row.push_back({decided_by(flow, "/policies/enforced")});
        row.push_back({decided_by(flow, "/policies/pending")});
        table.add(std::move(row));
    }
    std::string out = table.empty() ? std::string("no flow differs\n") : table.text(style.color);
    if (const std::uint64_t left = number_at(answer, "/flows_left_out"); left > 0)
        out += "and " + number_of(left, "connection") + " of more flows than are told apart\n";
    return out;
}

std::string asked_for(const Json& request) {
    const std::string kind = text_at(request, "/kind");
    std::string out = kind == "http"  ? text_at(request, "/method") + ' ' + text_at(request, "/path")
                      : kind == "tls" ? std::string("TLS")
                                      : std::string("not readable");
    if (const std::string host = text_at(request, "/host"); !host.empty())
        out += (kind == "tls" ? " to " : " of ") + host;
    return out + ", " + text_at(request, "/source_ip") + " -> " + text_at(request, "/dest_ip") + ':' +
           text_at(request, "/dest_port");
}

// Nothing where nobody was asked anything.
std::string requests_of(const Json& answer, const Style& style) {
    const Json& requests = at(answer, "/requests");
    const std::uint64_t judged = number_at(requests, "/enforced_allowed") + number_at(requests, "/enforced_denied");
    if (judged == 0) return {};
    std::string out = number_of(judged, "request") + ": " + text_at(requests, "/enforced_denied") + " denied, " +
                      text_at(requests, "/pending_denied") + " in the pending world; " +
                      text_at(requests, "/newly_denied") + " newly denied, " + text_at(requests, "/newly_allowed") +
                      " newly allowed\n";
    Table table({{"NOW"}, {"PENDING"}, {"REQUESTS", kRightAligned}, {"NOW-BY"}, {"PENDING-BY"}, {"FOR EXAMPLE"}});
    for (const Json& group : at(requests, "/groups")) {
        const std::string now = text_at(group, "/action");
        const std::string pending = text_at(group, "/pending_action");
        const Json& examples = at(group, "/examples");
        table.add({{now, color_of(now)},
                   {pending, now != pending ? Color::kDoubtful : color_of(pending)},
                   {text_at(group, "/requests")},
                   {text_at(group, "/enforced_by")},
                   {text_at(group, "/pending_by")},
                   {examples.empty() ? std::string("-") : asked_for(examples.front())}});
    }
    return out + (table.empty() ? std::string() : table.text(style.color)) + '\n';
}

std::string amount_of(const Json& answer, const char* what) {
    return number_of(number_at(at(answer, what), "/connections"), "connection");
}

}  // namespace

std::string render_replay(const Json& answer, const Style& style) {
    const bool packets = !at(answer, "/recording").is_null();
    std::string out = packets ? about_captures(answer) + '\n' : std::string();
    out += amounts(answer, style);
    if (packets) {
        const StatsParts parts{true, true, true, false, false};
        out += '\n' + balance(answer) + render_stats(answer, parts, style);
    }
    return out + '\n' + requests_of(answer, style) + flows_of(answer, style);
}

std::string render_recommendation(const Json& answer) {
    std::string out;
    for (const Json& policy : at(answer, "/policies")) out += (out.empty() ? "" : "---\n") + text_at(policy, "/yaml");
    return out;
}

std::string render_coverage(const Json& answer) {
    std::string out = number_of(at(answer, "/policies").size(), "policy");
    if (out.ends_with("policys")) out.replace(out.size() - 7, 7, "policies");
    out += " for " + amount_of(answer, "/covered") + "; decided by rules already: " + amount_of(answer, "/decided") +
           "; not asked about: " + amount_of(answer, "/outside") + '\n';
    if (number_at(at(answer, "/denied"), "/connections") > 0)
        out += amount_of(answer, "/denied") + " denied by default and left so; --denied covers them too\n";
    const Json& left = at(answer, "/not_covered");
    if (left.is_array() && !left.empty()) {
        out += amount_of(answer, "/not_covered_amount") + " not covered:\n";
        for (std::size_t i = 0; i < left.size() && i < kMostLeft; ++i)
            out += "  " + text_at(left[i], "/source_ip") + " -> " + text_at(left[i], "/dest_ip") + ' ' +
                   text_at(left[i], "/protocol") + ' ' + service_of(left[i]) + ": " + text_at(left[i], "/why") + '\n';
    }
    if (const std::uint64_t lost = number_at(answer, "/lost"); lost > 0)
        out += std::to_string(lost) + " flow records were lost: what they held is not covered\n";
    return out;
}

}  // namespace drywall::cli

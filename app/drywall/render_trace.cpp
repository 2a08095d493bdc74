#include "fields.h"
#include "render.h"

namespace drywall::cli {

namespace {

std::string party(const Json& trace, const char* name, const char* ip, const char* port) {
    const std::string called = text_at(trace, name);
    const std::string address = text_at(trace, ip);
    const bool v6 = address.find(':') != std::string::npos;
    const std::string number = text_at(trace, port);
    std::string out = number.empty() || number == "0" ? address : (v6 ? '[' + address + ']' : address) + ':' + number;
    if (!called.empty()) out += " (" + called + ')';
    return out;
}

std::string upper(std::string text) {
    for (char& c : text)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - ('a' - 'A'));
    return text;
}

std::string hits_table(const Json& hits, const Style& style) {
    Table table({{"  "}, {"STEP", Table::Align::kLeft, 26}, {"HIT"}, {"ACTION"}});
    for (const Json& hit : hits) {
        const std::string action = text_at(hit, "/action");
        std::string text = text_at(hit, "/text");
        const std::string armed_by = text_at(hit, "/armed_by");
        if (text_at(hit, "/kind") == "end-of-tier" && !armed_by.empty())
            text += "  (end of tier, armed by " + armed_by + ')';
        table.add({{" "}, {text_at(hit, "/step")}, {text}, {action, color_of(action)}});
    }
    return table.empty() ? std::string("    no step: no policy, profile or default took part\n")
                         : table.text(style.color, false);
}

std::string answer_of(const Json& rule) { return flag_at(rule, "/matched") ? "matches" : text_at(rule, "/why_not"); }

void add_policy(Table& table, const std::string& tier, const Json& policy) {
    const Json& rules = at(policy, "/rules");
    const std::string name = text_at(policy, "/policy");
    if (rules.empty()) table.add({{" "}, {tier}, {name}, {"no rules", Color::kFaint}, {}, {}});
    for (const Json& rule : rules) {
        const bool matched = flag_at(rule, "/matched");
        const std::string action = text_at(rule, "/action");
        table.add({{" "},
                   {tier},
                   {name},
                   {"rule " + text_at(rule, "/index"), matched ? Color::kPlain : Color::kFaint},
                   {action, matched ? color_of(action) : Color::kFaint},
                   {answer_of(rule), matched ? Color::kPlain : Color::kFaint}});
    }
}

// Every rule that was looked at, in the order of evaluation, and why it did not match.
std::string walk_table(const Json& walk, const Style& style) {
    std::string out;
    for (const Json& step : walk) {
        Table table({{"    "}, {"TIER"}, {"POLICY"}, {"RULE"}, {"ACTION"}, {"ANSWER"}});
        for (const Json& tier : at(step, "/tiers")) {
            const std::string name = text_at(tier, "/tier");
            for (const Json& policy : at(tier, "/policies")) add_policy(table, name, policy);
            const std::string end = text_at(tier, "/end");
            if (!end.empty() && !name.starts_with("__"))
                table.add({{" "}, {name}, {"end of tier"}, {}, {end, color_of(end)}, {"no rule of the tier decided"}});
        }
        if (const std::string left = text_at(step, "/otherwise"); !left.empty())
            table.add({{" "}, {"-"}, {"otherwise"}, {}, {left, color_of(left)}, {"nothing decided"}});
        out += "  walked at the " + text_at(step, "/step") + '\n' + table.text(style.color, false);
    }
    return out;
}

std::string world(const Json& decision, const std::string& name, const Style& style) {
    const std::string verdict = text_at(decision, ('/' + name + "/verdict").c_str());
    return name + std::string(10 - name.size(), ' ') + painted(upper(verdict), color_of(verdict), style.color) + '\n' +
           hits_table(at(decision, ('/' + name + "/hits").c_str()), style) +
           walk_table(at(decision, ('/' + name + "/walk").c_str()), style);
}

std::string decision_text(const Json& decision, const Style& style) {
    std::string out = "entering by " + text_at(decision, "/ingress_ports") + '\n';
    out += world(decision, "enforced", style) + world(decision, "pending", style);
    const std::string reason = text_at(decision, "/drop_reason");
    if (reason != "none" && !reason.empty()) out += "dropped as " + reason + '\n';
    if (flag_at(decision, "/unmatched"))
        out += "no declared endpoint and no port policy is concerned: `unmatched` decides\n";
    for (const Json& rule : at(decision, "/depends_on")) out += "depends on what it says: " + text_at(rule, "") + '\n';
    if (const std::string owed = text_at(decision, "/responsible"); !owed.empty())
        out += "the difference is owed to " + owed + '\n';
    return out;
}

}  // namespace

std::string render_trace(const Json& trace, const Style& style) {
    const std::string icmp = at(trace, "/icmp_type").is_null()
                                 ? std::string()
                                 : " type " + text_at(trace, "/icmp_type") + " code " + text_at(trace, "/icmp_code");
    std::string out =
        text_at(trace, "/protocol") + icmp + ' ' + party(trace, "/source_name", "/source_ip", "/source_port") + " -> " +
        party(trace, "/dest_name", "/dest_ip", "/dest_port") + "   generation " + text_at(trace, "/generation") + '\n';
    for (const Json& decision : at(trace, "/decisions")) out += '\n' + decision_text(decision, style);
    return out;
}

}  // namespace drywall::cli

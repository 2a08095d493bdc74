#include "commands_guard.h"
#include "fields.h"
#include "table.h"

namespace drywall::cli {

namespace {

std::string countdown(std::uint64_t seconds) {
    if (seconds < 60) return std::to_string(seconds) + " s";
    const std::string rest = seconds % 60 < 10 ? "0" + std::to_string(seconds % 60) : std::to_string(seconds % 60);
    return std::to_string(seconds / 60) + "m" + rest + "s";
}

std::string clock_of(const std::string& time) {
    return time.size() > 19 ? time.substr(0, 10) + ' ' + time.substr(11, 8) + " UTC" : time;
}

std::string flow_lines(const Json& flows, std::size_t most) {
    std::string out;
    std::size_t shown = 0;
    for (const Json& flow : flows) {
        if (shown++ == most) return out + "  and " + std::to_string(flows.size() - most) + " more\n";
        out += "  " + text_at(flow, "/source") + " -> " + text_at(flow, "/destination") + ' ' +
               text_at(flow, "/service") + "   " + text_at(flow, "/connections") + " connections   by " +
               text_at(flow, "/denied_by") + '\n';
    }
    return out;
}

std::string nanoseconds_as_ms(std::uint64_t ns) {
    const std::uint64_t tenths = ns / 100'000;
    return std::to_string(tenths / 10) + '.' + std::to_string(tenths % 10) + " ms";
}

}  // namespace

std::string render_pending_change(const Json& pending, const Style& style) {
    if (!pending.is_object()) return {};
    std::string out = "Reverts to generation " + text_at(pending, "/previous") + " at " +
                      clock_of(text_at(pending, "/deadline")) + " (in " +
                      countdown(number_at(pending, "/seconds_left")) + ") unless:  drywall confirm";
    for (const std::string& wire : texts_at(pending, "/revert_if")) out += "\n  or at once if " + wire;
    return painted(out, Color::kDoubtful, style.color) + '\n';
}

std::string render_guard_status(const Json& status, const Style& style) {
    std::string out;
    if (flag_at(status, "/safety/open")) out += render_safety(at(status, "/safety"), style);
    if (text_at(status, "/confirmation/state") == "armed") {
        out += "generation " + text_at(status, "/confirmation/generation") +
               " waits to be confirmed; newly denied since: " + text_at(status, "/confirmation/newly_denied") + '\n';
        out += render_pending_change(at(status, "/confirmation"), style);
    }
    if (const Json& revert = at(status, "/last_revert"); revert.is_object())
        out += "last revert: generation " + text_at(revert, "/generation") + " at " + clock_of(text_at(revert, "/at")) +
               ", " + text_at(revert, "/cause") + "; back to " + text_at(revert, "/previous") + '\n';
    for (const Json& net : at(status, "/safety_nets"))
        out += "safety net: " + text_at(net, "/policy") +
               " lets everything pass that no rule before it decides; caught " + text_at(net, "/caught/packets") +
               " packets\n";
    return out;
}

std::string render_safety(const Json& safety, const Style& style) {
    std::string out;
    if (flag_at(safety, "/open")) {
        out = "SAFETY OPEN: everything is observed, NOTHING IS ENFORCED (" + text_at(safety, "/reason") + ", by " +
              text_at(safety, "/who") + ")\n";
        out += at(safety, "/seconds_left").is_null()
                   ? "it stays open until:  drywall safety close"
                   : "it closes by itself at " + clock_of(text_at(safety, "/until")) + " (in " +
                         countdown(number_at(safety, "/seconds_left")) + "), or now:  drywall safety close";
        out = painted(out, Color::kBad, style.color) + '\n';
    } else {
        out = "safety closed: policies are enforced\n";
    }
    if (flag_at(safety, "/rescue_flag"))
        out += "the rescue flag is there: remove it, or the appliance starts with the safety open\n";
    for (const Json& net : at(safety, "/safety_nets")) {
        out += "\nsafety net " + text_at(net, "/policy") + ": caught " + text_at(net, "/caught/packets") +
               " packets that no rule before it decided\n";
        Table table({{"SOURCE"}, {"DESTINATION"}, {"SERVICE"}, {"CONNS", Table::Align::kRight}});
        for (const Json& flow : at(net, "/flows"))
            table.add({{text_at(flow, "/source")},
                       {text_at(flow, "/destination")},
                       {text_at(flow, "/service")},
                       {text_at(flow, "/connections")}});
        if (!table.empty()) out += table.text(style.color);
    }
    return out;
}

std::string render_drill(const Json& drill, const Style& style) {
    const Json& management = at(drill, "/management");
    const Json& endpoints = at(drill, "/endpoints");
    std::string out = "drill on a copy of generation " + text_at(drill, "/generation") +
                      (flag_at(drill, "/built_in") ? ", with a policy that denies everything" : "") +
                      ": nothing is published, stored or armed\n";
    out += "compiled and checked in " + nanoseconds_as_ms(number_at(drill, "/build_ns")) + "; " +
           text_at(drill, "/groups_seen") + " groups of connections of the last hour were put to it\n\n";
    out += painted("management paths that would be cut: " + std::to_string(management.size()),
                   management.empty() ? Color::kGood : Color::kBad, style.color) +
           '\n' + flow_lines(management, 20);
    out += painted("endpoints that would lose every connection: " + std::to_string(endpoints.size()),
                   endpoints.empty() ? Color::kGood : Color::kBad, style.color) +
           '\n';
    for (const Json& endpoint : endpoints)
        out += "  " + text_at(endpoint, "/name") + "   " + text_at(endpoint, "/connections") + " connections\n";
    out += "other connections that would be cut: " + std::to_string(at(drill, "/others").size()) + '\n' +
           flow_lines(at(drill, "/others"), 10);

    out += "\nwhat would stand in its way, and what would bring access back\n";
    out += flag_at(drill, "/would_be_refused") ? "  guard       refuses it (exit 6) without --force\n"
                                               : "  guard       lets it pass: nothing that it looks at is cut\n";
    out += flag_at(drill, "/enforced_changed")
               ? "  confirm     at a terminal the change would undo itself in 10m; in a script: --confirm-within T\n"
               : "  confirm     not asked for: what is enforced does not change\n";
    out += "  way back    drywall rollback " + text_at(drill, "/generation") + '\n';
    out += "  safety      drywall safety open: everything passes, and is still counted\n";
    for (const Json& one : at(drill, "/failsafes"))
        out += "  failsafe    " + text_at(one, "/service") + " to " + text_at(one, "/to") + ": " +
               (flag_at(one, "/open") ? "open" : "NOT OPEN") + '\n';
    if (at(drill, "/failsafes").empty()) out += "  failsafe    none: no transit path is open whatever policy says\n";
    out += "  rescue      the flag file, and a restart\n";
    out += "not rehearsed: the publication to the workers, the timer, and the wire itself\n";
    return out;
}

}  // namespace drywall::cli

#include <algorithm>
#include <string_view>

#include "fields.h"
#include "render.h"

namespace drywall::cli {

namespace {

constexpr auto kNumber = Table::Align::kRight;

// "2026-11-22T12:15:07.123Z" for people: "2026-11-22 12:15:07"
std::string moment(const Json& json) {
    std::string time = text_at(json, "/time").substr(0, 19);
    if (time.size() == 19) time[10] = ' ';
    return time;
}

// What a comment holds besides its first line is in `-o json`.
std::string first_line(const std::string& text) { return text.substr(0, text.find_first_of("\r\n")); }

std::string what_changed(const Json& record, bool wide) {
    const Json& changes = at(record, "/changes");
    if (changes.empty()) return "nothing";
    if (changes.size() == 1 || wide) {
        std::string all;
        for (const Json& change : changes)
            all += (all.empty() ? "" : ", ") + text_at(change, "/id") + ' ' + text_at(change, "/outcome");
        return all;
    }
    return std::to_string(changes.size()) + " resources";
}

Color color_of_line(std::string_view line) {
    if (line.starts_with("+++") || line.starts_with("---")) return Color::kPlain;
    if (line.starts_with('+')) return Color::kGood;
    if (line.starts_with('-')) return Color::kBad;
    return line.starts_with("@@") ? Color::kFaint : Color::kPlain;
}

}  // namespace

std::string render_history(const Json& answer, const Style& style) {
    Table table({{"GENERATION", kNumber}, {"TIME"}, {"WHO"}, {"WHAT"}, {"CHANGED"}, {"COMMENT"}});
    for (const Json& record : at(answer, "/generations")) {
        const bool current = number_at(record, "/generation") == number_at(answer, "/in_force");
        const std::string fate = text_at(record, "/fate");
        const bool waits = at(record, "/generation") == at(answer, "/waits");
        const Color color = waits               ? Color::kDoubtful
                            : current           ? Color::kGood
                            : fate == "applied" ? Color::kPlain
                                                : Color::kFaint;
        const std::string state = waits ? "waits to be confirmed" : fate == "applied" ? "" : fate;
        table.add({{(current ? "*" : "") + text_at(record, "/generation"), color},
                   {moment(record), color},
                   {text_at(record, "/author/text"), color},
                   {text_at(record, "/verb") + (state.empty() ? "" : " (" + state + ")"), color},
                   {what_changed(record, style.wide), color},
                   {first_line(text_at(record, "/comment")), color}});
    }
    return table.empty() ? std::string("no generation is kept\n") : table.text(style.color);
}

std::string render_audit(const Json& answer, const Style& style) {
    Table table({{"TIME"}, {"WHO"}, {"WHAT"}, {"OUTCOME"}, {"GENERATION", kNumber}, {"COMMENT"}, {"MESSAGE"}});
    for (const Json& entry : at(answer, "/entries")) {
        const std::string outcome = text_at(entry, "/outcome");
        table.add({{moment(entry)},
                   {text_at(entry, "/author/text")},
                   {text_at(entry, "/verb")},
                   {outcome, outcome == "failed" || outcome == "withdrawn" ? Color::kBad : Color::kPlain},
                   {text_at(entry, "/generation")},
                   {first_line(text_at(entry, "/comment"))},
                   {first_line(text_at(entry, "/message"))}});
    }
    return table.empty() ? std::string("nothing was asked yet\n") : table.text(style.color);
}

std::string render_diff(const Json& answer, const Style& style) {
    std::string out;
    for (const Json& change : at(answer, "/changes")) {
        const std::string text = text_at(change, "/text");
        for (std::size_t from = 0; from < text.size();) {
            const std::size_t end = std::min(text.find('\n', from), text.size());
            const std::string line = text.substr(from, end - from);
            out += painted(line, color_of_line(line), style.color) + '\n';
            from = end + 1;
        }
    }
    return out;
}

std::string render_store(const Json& status, const Style& style) {
    std::string out;
    const std::string state = text_at(status, "/store/state");
    if (!state.empty() && state != "ok")
        out += painted("changes are refused (the store is " + state + "): " + text_at(status, "/store/error"),
                       Color::kBad, style.color) +
               '\n';
    const std::string from = text_at(status, "/policies/from");
    if (!from.empty()) out += "policies at the start: " + from + '\n';
    const std::string difference = text_at(status, "/policies/difference");
    if (!difference.empty())
        out += painted("the files in " + text_at(status, "/policies/directory") + " were others: " + difference,
                       Color::kDoubtful, style.color) +
               '\n';
    return out;
}

}  // namespace drywall::cli

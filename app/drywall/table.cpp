#include "table.h"

#include <algorithm>

namespace drywall::cli {

std::size_t width(std::string_view text) noexcept {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;  // not a continuation byte
    }));
}

std::string painted(const std::string& text, Color color, bool use_color) {
    if (!use_color || color == Color::kPlain || text.empty()) return text;
    const char* code = color == Color::kGood       ? "32"
                       : color == Color::kBad      ? "31"
                       : color == Color::kDoubtful ? "33"
                                                   : "2";
    return "\x1b[" + std::string(code) + 'm' + text + "\x1b[0m";
}

Color color_of(std::string_view verdict) noexcept {
    if (verdict == "allow") return Color::kGood;
    if (verdict == "deny") return Color::kBad;
    return verdict == "mixed" ? Color::kDoubtful : Color::kPlain;
}

std::string Table::line(const std::vector<Field>& fields, const std::vector<std::size_t>& widths,
                        bool use_color) const {
    std::string out;
    std::size_t owed = 0;  // blanks that are written only if something follows
    for (std::size_t i = 0; i < fields.size(); ++i) {
        const std::size_t missing = widths[i] - std::min(widths[i], width(fields[i].text));
        const bool right = columns_[i].align == Align::kRight;
        if (right) owed += missing;
        if (!fields[i].text.empty()) {
            out += std::string(owed, ' ') + painted(fields[i].text, fields[i].color, use_color);
            owed = 0;
        }
        owed += (right ? 0 : missing) + 2;
    }
    return out + '\n';
}

std::string Table::text(bool use_color, bool with_header) const {
    std::vector<std::size_t> widths;
    std::vector<Field> header;
    for (const Column& column : columns_) {
        widths.push_back(std::max(column.least, width(column.name)));
        header.push_back({column.name, Color::kPlain});
    }
    for (const auto& row : rows_)
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i].text));
    std::string out = with_header ? line(header, widths, false) : std::string();
    for (const auto& row : rows_) out += line(row, widths, use_color);
    return out;
}

}  // namespace drywall::cli

// The line that a complaint is about, and a caret under its column.
#include <algorithm>

#include "drywall/loader/resources.h"

namespace drywall::loader {
namespace {

constexpr std::size_t kWidth = 100;  // what is shown of a line
constexpr std::size_t kBefore = 60;  // of it in front of the column, when the line is longer
constexpr std::string_view kCut = "...";
constexpr std::string_view kIndent = "    ";

std::string_view line_of(std::string_view text, int line) {
    for (int at = 1; at < line; ++at) {
        const std::size_t end = text.find('\n');
        if (end == std::string_view::npos) return {};
        text.remove_prefix(end + 1);
    }
    text = text.substr(0, text.find('\n'));
    if (text.ends_with('\r')) text.remove_suffix(1);
    return text;
}

bool continues(char c) noexcept { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

// How long the well-formed character at the start is; 0 for what a terminal must not get.
std::size_t character_length(std::string_view text) noexcept {
    const auto first = static_cast<unsigned char>(text.front());
    if (first < 0x80) return first < 0x20 || first == 0x7f ? 0 : 1;
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i)
        if (!continues(text[i])) return 0;
    // C1 controls, and the marks that turn the direction of text around.
    const std::string_view whole = text.substr(0, length);
    const bool control = first == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0;
    const bool turns = (whole >= "\xe2\x80\x8e" && whole <= "\xe2\x80\x8f") ||
                       (whole >= "\xe2\x80\xa8" && whole <= "\xe2\x80\xae") ||
                       (whole >= "\xe2\x81\xa6" && whole <= "\xe2\x81\xa9");
    return control || turns ? 0 : length;
}

// A character as it is shown: one cell each, so that what stands above the caret is as wide as what is before it.
struct Cell {
    std::string_view bytes;
    std::size_t end = 0;  // in the line
};

// Far enough past the byte `at` to show what follows it.
std::vector<Cell> cells_of(std::string_view line, std::size_t at) {
    std::vector<Cell> cells;
    std::size_t past = 0;
    for (std::size_t i = 0; i < line.size() && past <= kWidth;) {
        const std::size_t length = character_length(line.substr(i));
        std::string_view bytes = line.substr(i, length);
        if (length == 0) bytes = line[i] == '\t' ? " " : "?";
        i += std::max<std::size_t>(1, length);
        cells.push_back({bytes, i});
        past += i > at ? 1 : 0;
    }
    return cells;
}

}  // namespace

std::string excerpt(const std::vector<Source>& sources, const Complaint& complaint) {
    const Place& place = complaint.place;
    const auto source =
        std::find_if(sources.begin(), sources.end(), [&](const Source& s) { return s.name == place.file; });
    if (source == sources.end() || place.line < 1 || place.column < 1) return {};
    const std::string_view line = line_of(source->text, place.line);
    if (line.empty()) return {};
    const auto at = static_cast<std::size_t>(place.column) - 1;  // columns count bytes
    const std::vector<Cell> cells = cells_of(line, at);
    const auto pointed = std::find_if(cells.begin(), cells.end(), [&](const Cell& cell) { return cell.end > at; });
    const auto caret = static_cast<std::size_t>(pointed - cells.begin());
    const std::size_t first = cells.size() > kWidth && caret > kBefore ? caret - kBefore : 0;
    const std::size_t last = std::min(cells.size(), first + kWidth);
    std::string text(kIndent);
    if (first > 0) text += kCut;
    for (std::size_t i = first; i < last; ++i) text += cells[i].bytes;
    if (last < cells.size() || cells.back().end < line.size()) text += kCut;
    const std::size_t blanks = kIndent.size() + (first > 0 ? kCut.size() : 0) + caret - first;
    return text + "\n" + std::string(blanks, ' ') + "^\n";
}

}  // namespace drywall::loader

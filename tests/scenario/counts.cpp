#include "counts.h"

#include <charconv>
#include <fstream>
#include <optional>
#include <string_view>

namespace drywall::test {

namespace {

struct Line {
    std::string_view name;
    std::optional<std::uint64_t> count;  // absent: the line opens a section
};

// "name:" or "  name: 3". A name may hold colons; the last one followed by a space ends it.
std::optional<Line> split(std::string_view line) {
    if (line.ends_with(':') && !line.starts_with(' ')) return Line{line.substr(0, line.size() - 1), std::nullopt};
    const std::size_t colon = line.rfind(": ");
    if (!line.starts_with("  ") || colon == std::string_view::npos) return std::nullopt;
    const std::string_view digits = line.substr(colon + 2);
    std::uint64_t count = 0;
    const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
    if (failure != std::errc{} || end != digits.data() + digits.size() || count == 0) return std::nullopt;
    return Line{line.substr(2, colon - 2), count};
}

}  // namespace

Result<Counts> read_counts(const std::filesystem::path& file) {
    std::ifstream in(file);
    if (!in) return Error::invalid(Place{file.string()}, "can't be read", "every scenario has a counters.yaml");
    Counts counts;
    std::string text;
    std::string section;
    for (int number = 1; std::getline(in, text); ++number) {
        if (text.empty() || text.starts_with('#')) continue;
        const auto line = split(text);
        if (!line || (line->count && section.empty()))
            return Error::invalid(Place{file.string(), number},
                                  "'" + text + "' is neither a section nor a count above 0");
        if (line->count && !counts[section].emplace(line->name, *line->count).second)
            return Error::invalid(Place{file.string(), number}, "'" + std::string(line->name) + "' stands here twice");
        if (!line->count) section = line->name;
    }
    return counts;
}

std::string to_text(const Counts& counts) {
    std::string out;
    for (const auto& [section, entries] : counts) {
        out += section + ":\n";
        for (const auto& [name, count] : entries) out += "  " + name + ": " + std::to_string(count) + "\n";
    }
    return out;
}

}  // namespace drywall::test

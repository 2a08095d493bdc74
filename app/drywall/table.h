// Table: rows of text in aligned columns, with colour that does not disturb the alignment.
//
// Threads: one.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace drywall::cli {

enum class Color { kPlain, kGood, kBad, kDoubtful, kFaint };

struct Field {
    std::string text;
    Color color = Color::kPlain;
};

// Terminal columns: UTF-8 sequences count once.
[[nodiscard]] std::size_t width(std::string_view text) noexcept;

[[nodiscard]] std::string painted(const std::string& text, Color color, bool use_color);

// "allow" is good, "deny" is bad.
[[nodiscard]] Color color_of(std::string_view verdict) noexcept;

class Table {
public:
    enum class Align { kLeft, kRight };
    struct Column {
        std::string name;
        Align align = Align::kLeft;
        std::size_t least = 0;  // width even when nothing needs it, so that followed output stays aligned
    };

    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
    void add(std::vector<Field> row) { rows_.push_back(std::move(row)); }
    [[nodiscard]] bool empty() const noexcept { return rows_.empty(); }

    // No blanks at the ends of lines; two between columns.
    [[nodiscard]] std::string text(bool use_color, bool with_header = true) const;

private:
    [[nodiscard]] std::string line(const std::vector<Field>& fields, const std::vector<std::size_t>& widths,
                                   bool use_color) const;
    std::vector<Column> columns_;
    std::vector<std::vector<Field>> rows_;
};

}  // namespace drywall::cli

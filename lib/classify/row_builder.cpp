#include "row_builder.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

namespace drywall::classify {
namespace {

// Shapes by the thousand that meet in thousands of rows: then blocks are the better form.
constexpr std::size_t kMostWork = std::size_t{1} << 28;
constexpr std::size_t kAddressable = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t kOneByte = std::numeric_limits<std::uint8_t>::max() + std::size_t{1};
constexpr std::size_t kTwoBytes = std::numeric_limits<std::uint16_t>::max() + std::size_t{1};

// What the tables take, as far as they are known.
struct RowSizes {
    std::size_t rows = 0;
    std::size_t source_classes = 0;
    std::size_t columns = 0;
    std::size_t traces = 0;

    void add(const RowForm& form) {
        columns += form.columns.size();
        traces += form.traces.size();
    }
    [[nodiscard]] std::size_t bytes(const RowForms& pool, std::size_t answer, std::size_t cell) const noexcept {
        return rows * (source_classes * answer + sizeof(Row)) +
               (pool.functions().cells() + pool.shapes().parts()) * cell + columns * sizeof(std::uint32_t) +
               traces * sizeof(TraceId);
    }
    [[nodiscard]] bool affordable(const RowForms& pool, std::size_t most_bytes) const noexcept {
        return bytes(pool, sizeof(std::uint16_t), 1) <= most_bytes && pool.shapes().work() <= kMostWork &&
               pool.most_cells() <= kTwoBytes &&
               std::max({pool.functions().cells(), pool.shapes().parts(), traces, columns}) <= kAddressable;
    }
};

template <typename Read>
void with_answers(const AllRowTables& tables, Read&& read) {
    if (!tables.small.empty()) return read(tables.small.answers);
    if (!tables.medium.empty()) return read(tables.medium.answers);
    read(tables.large.answers);
}

template <typename Answer>
void write_answers(const RowWriting& writing, HugePages<Answer>& answers) {
    const std::size_t width = writing.source_classes;
    if (writing.before != nullptr) {
        with_answers(*writing.before, [&](const auto& before) { answers.assign(before.begin(), before.end()); });
    }
    answers.resize(writing.forms.size() * width);
    for (std::size_t at = 0; at < writing.answered.rows.size(); ++at) {
        const auto from = std::span(writing.answered.answers).subspan(at * width, width);
        std::ranges::transform(from, answers.begin() + static_cast<std::ptrdiff_t>(writing.answered.rows[at] * width),
                               [](std::uint32_t answer) { return static_cast<Answer>(answer); });
    }
}

template <typename Answer, typename Cell>
void write(const RowWriting& writing, const RowSizes& sizes, RowTables<Answer, Cell>& tables) {
    if (sizes.bytes(writing.pool, sizeof(Answer), sizeof(Cell)) > writing.most_bytes) return;
    tables.width = writing.source_classes;
    write_answers(writing, tables.answers);
    const std::vector<std::uint32_t> begins = writing.pool.functions().write(tables.cells);
    tables.rows.reserve(writing.forms.size());
    tables.columns.reserve(sizes.columns);
    tables.traces.reserve(sizes.traces);
    for (const RowForm& form : writing.forms) {
        tables.rows.push_back({begins[form.width], static_cast<std::uint32_t>(tables.columns.size()),
                               static_cast<std::uint32_t>(form.shape * writing.service_classes), form.width});
        const auto first = static_cast<std::uint32_t>(tables.traces.size());
        for (const std::uint32_t column : form.columns) tables.columns.push_back(first + column);
        for (const TraceId trace : form.traces) tables.traces.push_back(TraceId{writing.traces.number(index(trace))});
    }
    const RowShapes& shapes = writing.pool.shapes();
    tables.shapes.reserve(shapes.parts());
    for (std::uint32_t shape = 0; shape < shapes.size(); ++shape) {
        for (const std::uint16_t part : shapes[shape].parts) tables.shapes.push_back(static_cast<Cell>(part));
    }
}

}  // namespace

std::optional<AnsweredRows> answer_rows(const BlockRows& pairs, std::size_t most_bytes, RowForms& pool,
                                        std::vector<RowForm>& forms) {
    const std::size_t chunks = chunks_of(pairs.source_classes);
    RowSizes sizes{
        .rows = pairs.rows.size() / chunks, .source_classes = pairs.source_classes, .columns = 0, .traces = 0};
    if (!sizes.affordable(pool, most_bytes)) return std::nullopt;
    AnsweredRows answered;
    answered.answers.reserve(sizes.rows * pairs.source_classes);
    std::vector<std::uint32_t> blocks(pairs.source_classes);
    for (std::uint32_t row = 0; row < sizes.rows; ++row) {
        for (std::size_t chunk = 0; chunk < chunks; ++chunk) {
            const std::uint32_t id = pairs.rows[row * chunks + chunk];
            const std::size_t count = std::min(kChunk, pairs.source_classes - chunk * kChunk);
            const auto to = blocks.begin() + static_cast<std::ptrdiff_t>(chunk * kChunk);
            if (ChunkPool::is_uniform(id)) {
                std::fill_n(to, count, pairs.lists.at(id, 0));
            } else {
                std::ranges::copy(pairs.lists[id].first(count), to);
            }
        }
        answered.rows.push_back(row);
        answered.answers.resize(answered.answers.size() + pairs.source_classes);
        forms.push_back(pool.add(blocks, std::span(answered.answers).last(pairs.source_classes)));
        sizes.add(forms.back());
        if (!sizes.affordable(pool, most_bytes)) return std::nullopt;
    }
    return answered;
}

AllRowTables write_rows(const RowWriting& writing) {
    RowSizes sizes{.rows = writing.forms.size(), .source_classes = writing.source_classes, .columns = 0, .traces = 0};
    for (const RowForm& form : writing.forms) sizes.add(form);
    AllRowTables tables;
    if (!sizes.affordable(writing.pool, writing.most_bytes)) return tables;
    if (writing.pool.functions().most() > kTwoBytes) {
        write(writing, sizes, tables.large);
    } else if (writing.pool.most_cells() > kOneByte) {
        write(writing, sizes, tables.medium);
    } else {
        write(writing, sizes, tables.small);
    }
    return tables;
}

}  // namespace drywall::classify

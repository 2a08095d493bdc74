#include "row_builder.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "interner.h"
#include "normal_program.h"

namespace drywall::classify {
namespace {

// Numbers ids 0, 1, 2, … in the order of their first appearance, over and over.
class LocalNumbers {
public:
    explicit LocalNumbers(std::size_t ids) : slots_(ids) {}

    void restart() noexcept {
        ++round_;
        ids_.clear();
    }
    std::uint32_t number(std::uint32_t id) {
        Slot& slot = slots_[id];
        if (slot.round != round_) {
            slot = {round_, static_cast<std::uint32_t>(ids_.size())};
            ids_.push_back(id);
        }
        return slot.number;
    }
    // In the order of their numbers.
    [[nodiscard]] const std::vector<std::uint32_t>& ids() const noexcept { return ids_; }

private:
    struct Slot {
        std::uint32_t round = 0;
        std::uint32_t number = 0;
    };
    std::vector<Slot> slots_;
    std::uint32_t round_ = 0;
    std::vector<std::uint32_t> ids_;
};

// The parts of the services that the blocks of a row tell apart.
struct RowShape {
    std::vector<std::uint16_t> parts;        // by service class
    std::vector<std::uint16_t> first_class;  // by part: a service class in it
};

// How the services are cut by several shapes together; each set of shapes is worked out once.
class RowShapes {
public:
    RowShapes(const BlockTable::Parts& blocks, std::size_t service_classes)
        : blocks_(blocks), service_classes_(service_classes) {}

    std::uint32_t of(std::span<const std::uint32_t> row_blocks) {
        key_.clear();
        for (const std::uint32_t block : row_blocks) key_.push_back(blocks_.blocks[block].shape);
        std::ranges::sort(key_);
        key_.erase(std::unique(key_.begin(), key_.end()), key_.end());
        const std::uint32_t id = keys_.intern(key_);
        if (id == shapes_.size()) shapes_.push_back(cut_by(key_));
        return id;
    }
    [[nodiscard]] const RowShape& operator[](std::uint32_t id) const noexcept { return shapes_[id]; }
    [[nodiscard]] std::size_t size() const noexcept { return shapes_.size(); }
    // Of all shapes together, by service class.
    [[nodiscard]] std::size_t parts() const noexcept { return shapes_.size() * service_classes_; }
    // What working them out took, in service classes looked at.
    [[nodiscard]] std::size_t work() const noexcept { return work_; }

private:
    [[nodiscard]] RowShape cut_by(std::span<const std::uint32_t> shapes) {
        RowShape cut;
        work_ += shapes.size() * service_classes_;
        cut.parts.assign(service_classes_, 0);
        for (const std::uint32_t shape : shapes) {
            numbering_.restart(service_classes_);
            for (std::size_t at = 0; at < service_classes_; ++at) {
                const std::uint64_t both = std::uint64_t{cut.parts[at]} << 16 | blocks_.shapes[shape + at];
                cut.parts[at] = numbering_.number(both);
            }
        }
        std::size_t known = 0;
        for (std::size_t at = 0; at < service_classes_; ++at) {
            if (cut.parts[at] != known) continue;
            cut.first_class.push_back(static_cast<std::uint16_t>(at));
            ++known;
        }
        return cut;
    }

    const BlockTable::Parts& blocks_;
    std::size_t service_classes_;
    std::size_t work_ = 0;
    Numbering numbering_;
    Interner<std::uint32_t> keys_;
    std::vector<RowShape> shapes_;
    std::vector<std::uint32_t> key_;
};

// Functions by their width, each kept once: a function is a number of a trace for each part.
class FunctionPools {
public:
    std::uint32_t intern(std::span<const std::uint16_t> cells) {
        if (cells.size() >= pools_.size()) pools_.resize(cells.size() + 1);
        Pool& pool = pools_[cells.size()];
        const std::size_t before = pool.size();
        const std::uint32_t id = pool.intern(cells);
        if (pool.size() != before) cells_ += cells.size();
        most_ = std::max(most_, pool.size());
        return id;
    }
    [[nodiscard]] std::size_t cells() const noexcept { return cells_; }
    [[nodiscard]] std::size_t most() const noexcept { return most_; }  // of one width

    // Written one pool after the other; returns where each width begins.
    template <typename Cell>
    std::vector<std::uint32_t> write(HugePages<Cell>& out) const {
        std::vector<std::uint32_t> begins;
        out.reserve(cells_);
        for (const Pool& pool : pools_) {
            begins.push_back(static_cast<std::uint32_t>(out.size()));
            for (std::uint32_t id = 0; id < pool.size(); ++id) {
                for (const std::uint16_t cell : pool[id]) out.push_back(static_cast<Cell>(cell));
            }
        }
        return begins;
    }

private:
    using Pool = Interner<std::uint16_t>;
    std::vector<Pool> pools_;  // by width
    std::size_t cells_ = 0;
    std::size_t most_ = 0;
};

// Shapes by the thousand that meet in thousands of rows: then blocks are the better form.
constexpr std::size_t kMostWork = std::size_t{1} << 28;
constexpr std::size_t kAddressable = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t kOneByte = std::numeric_limits<std::uint8_t>::max() + std::size_t{1};
constexpr std::size_t kTwoBytes = std::numeric_limits<std::uint16_t>::max() + std::size_t{1};

class RowBuilder {
public:
    RowBuilder(const BlockRows& pairs, std::size_t most_bytes)
        : pairs_(pairs),
          most_bytes_(most_bytes),
          chunks_(chunks_of(pairs.source_classes)),
          rows_(pairs.rows.size() / chunks_),
          shapes_(pairs.blocks, pairs.service_classes),
          blocks_(pairs.blocks.blocks.size()),
          traces_(1 + highest_trace(pairs.blocks)) {}

    AllRowTables build() {
        AllRowTables tables;
        if (bytes(sizeof(std::uint16_t), 1) > most_bytes_) return tables;
        answers_.reserve(rows_ * pairs_.source_classes);
        for (std::size_t row = 0; row < rows_; ++row) {
            if (!add_row(row)) return tables;
        }
        if (functions_.most() > kTwoBytes) {
            write(tables.large);
        } else if (most_cells_ > kOneByte) {
            write(tables.medium);
        } else {
            write(tables.small);
        }
        return tables;
    }

private:
    static std::size_t highest_trace(const BlockTable::Parts& blocks) {
        std::size_t highest = 0;
        for (const TraceId trace : blocks.cells) highest = std::max<std::size_t>(highest, index(trace));
        return highest;
    }

    // What the tables take, as far as they are known.
    [[nodiscard]] std::size_t bytes(std::size_t answer, std::size_t cell) const noexcept {
        return rows_ * (pairs_.source_classes * answer + sizeof(Row)) + (functions_.cells() + shapes_.parts()) * cell +
               columns_.size() * sizeof(columns_[0]) + column_traces_.size() * sizeof(TraceId);
    }

    [[nodiscard]] bool affordable() const noexcept {
        const std::size_t known = bytes(sizeof(std::uint16_t), 1);
        return known <= most_bytes_ && shapes_.work() <= kMostWork && most_cells_ <= kTwoBytes &&
               std::max({functions_.cells(), shapes_.parts(), column_traces_.size(), columns_.size()}) <= kAddressable;
    }

    bool add_row(std::size_t row) {
        number_blocks(row);
        const std::uint32_t shape_id = shapes_.of(blocks_.ids());
        const RowShape& shape = shapes_[shape_id];
        const std::size_t width = shape.first_class.size();
        most_cells_ = std::max(most_cells_, width);
        rows_made_.push_back({0, static_cast<std::uint32_t>(columns_.size()),
                              static_cast<std::uint32_t>(shape_id * pairs_.service_classes),
                              static_cast<std::uint32_t>(width)});
        number_traces(shape);
        function_of_.clear();
        for (std::size_t block = 0; block < blocks_.ids().size(); ++block)
            function_of_.push_back(functions_.intern(std::span(cells_).subspan(block * width, width)));
        const auto first = answers_.end() - static_cast<std::ptrdiff_t>(pairs_.source_classes);
        for (auto answer = first; answer != answers_.end(); ++answer) *answer = function_of_[*answer];
        return affordable();
    }

    // The blocks of one row, numbered, and the number that each source class has.
    void number_blocks(std::size_t row) {
        blocks_.restart();
        uses_.clear();
        const auto note = [this](std::uint32_t block, std::size_t times) {
            const std::uint32_t number = blocks_.number(block);
            if (number == uses_.size()) uses_.push_back(0);
            uses_[number] += times;
            answers_.insert(answers_.end(), times, number);
        };
        for (std::size_t chunk = 0; chunk < chunks_; ++chunk) {
            const std::uint32_t id = pairs_.rows[row * chunks_ + chunk];
            const std::size_t count = std::min(kChunk, pairs_.source_classes - chunk * kChunk);
            if (ChunkPool::is_uniform(id)) {
                note(pairs_.lists.at(id, 0), count);
                continue;
            }
            for (const std::uint32_t block : pairs_.lists[id].first(count)) note(block, 1);
        }
    }

    [[nodiscard]] std::uint32_t trace(std::uint32_t block, std::uint16_t service_class) const noexcept {
        const Block& function = pairs_.blocks.blocks[block];
        return index(pairs_.blocks.cells[function.cells + pairs_.blocks.shapes[function.shape + service_class]]);
    }

    // Column by column: the traces of the row's blocks in it, numbered. The block of most sources comes first: its
    // traces have the number 0 in every row, and so most functions are the same in many rows.
    void number_traces(const RowShape& shape) {
        const auto most = static_cast<std::size_t>(std::ranges::max_element(uses_) - uses_.begin());
        const std::vector<std::uint32_t>& blocks = blocks_.ids();
        const std::size_t width = shape.first_class.size();
        cells_.resize(blocks.size() * width);
        for (std::size_t part = 0; part < width; ++part) {
            traces_.restart();
            (void)traces_.number(trace(blocks[most], shape.first_class[part]));
            for (std::size_t at = 0; at < blocks.size(); ++at)
                cells_[at * width + part] =
                    static_cast<std::uint16_t>(traces_.number(trace(blocks[at], shape.first_class[part])));
            columns_.push_back(static_cast<std::uint32_t>(column_traces_.size()));
            for (const std::uint32_t id : traces_.ids()) column_traces_.push_back(TraceId{id});
            most_cells_ = std::max(most_cells_, traces_.ids().size());
        }
    }

    template <typename Answer, typename Cell>
    void write(RowTables<Answer, Cell>& tables) {
        if (bytes(sizeof(Answer), sizeof(Cell)) > most_bytes_) return;
        tables.width = pairs_.source_classes;
        tables.answers.assign(answers_.begin(), answers_.end());
        const std::vector<std::uint32_t> begins = functions_.write(tables.cells);
        for (Row& row : rows_made_) row.cells = begins[row.width];
        tables.rows = std::move(rows_made_);
        tables.shapes.reserve(shapes_.parts());
        for (std::uint32_t shape = 0; shape < shapes_.size(); ++shape) {
            for (const std::uint16_t part : shapes_[shape].parts) tables.shapes.push_back(static_cast<Cell>(part));
        }
        tables.columns = std::move(columns_);
        tables.traces.assign(column_traces_.begin(), column_traces_.end());
    }

    const BlockRows& pairs_;
    std::size_t most_bytes_;
    std::size_t chunks_;
    std::size_t rows_;
    RowShapes shapes_;
    FunctionPools functions_;
    std::vector<std::uint32_t> answers_;  // of the row at work: numbers of blocks; of those before: of functions
    std::vector<Row> rows_made_;
    std::vector<std::uint32_t> columns_;
    std::vector<TraceId> column_traces_;
    std::size_t most_cells_ = 0;  // parts of a row, or traces of a column
    // Of the row at work.
    LocalNumbers blocks_;
    LocalNumbers traces_;
    std::vector<std::size_t> uses_;           // by number of a block: sources
    std::vector<std::uint16_t> cells_;        // [block][part]
    std::vector<std::uint32_t> function_of_;  // by number of a block
};

}  // namespace

AllRowTables build_row_tables(const BlockRows& pairs, std::size_t most_bytes) {
    return RowBuilder(pairs, most_bytes).build();
}

}  // namespace drywall::classify

#include "row_builder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace drywall::classify {
namespace {

constexpr std::size_t kPlenty = std::size_t{1} << 30;

// Rows of blocks as the pair compiler makes them, from what each pair answers each service.
class MadeRows {
public:
    MadeRows(std::size_t rows, std::size_t sources, std::size_t services)
        : rows_(rows), sources_(sources), services_(services), functions_(services), table_(functions_) {}

    template <typename Answer>
    void fill(Answer&& answer) {
        std::vector<std::uint64_t> values(services_);
        for (std::size_t row = 0; row < rows_; ++row) {
            for (std::size_t first = 0; first < sources_; first += kChunk) {
                Chunk chunk{};
                for (std::size_t place = 0; place < kChunk; ++place) {
                    const std::size_t source = std::min(first + place, sources_ - 1);
                    for (std::size_t service = 0; service < services_; ++service)
                        values[service] = answer(row, source, service);
                    chunk[place] = table_.block_of(functions_.make(values));
                }
                ids_.push_back(lists_.intern(chunk));
            }
        }
    }
    [[nodiscard]] AllRowTables tables(std::size_t most_bytes = kPlenty) {
        RowForms pool(table_, services_);
        std::vector<RowForm> forms;
        const auto answered = answer_rows({ids_, lists_, sources_, services_}, most_bytes, pool, forms);
        if (!answered) return {};
        traces_.restart();
        return write_rows({.pool = pool,
                           .forms = forms,
                           .answered = *answered,
                           .before = nullptr,
                           .traces = traces_,
                           .source_classes = sources_,
                           .service_classes = services_,
                           .most_bytes = most_bytes});
    }

    template <typename Answer, typename Cell, typename Expected>
    void expect(const RowTables<Answer, Cell>& in, Expected&& expected) const {
        ASSERT_EQ(in.rows.size(), rows_);
        for (std::size_t row = 0; row < rows_; ++row) {
            for (std::size_t source = 0; source < sources_; ++source) {
                for (std::size_t service = 0; service < services_; ++service) {
                    const Row& at = in.rows[row];
                    const std::size_t part = in.shapes[at.shape + service];
                    const std::size_t function = in.answers[row * in.width + source];
                    const std::size_t cell = in.cells[at.cells + function * at.width + part];
                    const TraceId trace = in.traces[in.columns[at.columns + part] + cell];
                    ASSERT_EQ(traces_.ids()[index(trace)], expected(row, source, service))
                        << "row " << row << ", source " << source << ", service " << service;
                }
            }
        }
    }

private:
    std::size_t rows_;
    std::size_t sources_;
    std::size_t services_;
    ServiceFunctions functions_;
    BlockTable table_;
    ChunkPool lists_;
    std::vector<std::uint32_t> ids_;
    LocalNumbers traces_;
};

std::uint64_t scattered(std::size_t a, std::size_t b, std::size_t c, std::uint64_t bound) {
    return mix(mix(mix(1, a), b), c) % bound;
}

TEST(RowTables, AnswerWhatTheBlocksDo) {
    for (const std::size_t sources :
         {std::size_t{1}, std::size_t{63}, std::size_t{64}, std::size_t{65}, std::size_t{200}}) {
        for (const std::size_t services : {std::size_t{1}, std::size_t{2}, std::size_t{17}}) {
            const auto answer = [](std::size_t row, std::size_t source, std::size_t service) {
                const bool rare = scattered(row, source / 3, service, 10) == 0;
                return rare ? 1 + scattered(row, source, service / 2, 20) : row % 3;
            };
            MadeRows made(7, sources, services);
            made.fill(answer);
            const AllRowTables tables = made.tables();
            ASSERT_FALSE(tables.small.empty());
            made.expect(tables.small, answer);
        }
    }
}

TEST(RowTables, ServicesThatARowDoesNotTellApartAreOnePart) {
    MadeRows made(2, 10, 100);
    const auto answer = [](std::size_t row, std::size_t, std::size_t service) {
        return row == 0 ? std::size_t{5} : service / 50;
    };
    made.fill(answer);
    const AllRowTables tables = made.tables();
    ASSERT_FALSE(tables.small.empty());
    EXPECT_EQ(tables.small.rows[0].width, 1U);
    EXPECT_EQ(tables.small.rows[1].width, 2U);
    made.expect(tables.small, answer);
}

TEST(RowTables, RowsShareTheirFunctions) {
    MadeRows made(50, 64, 4);
    made.fill([](std::size_t row, std::size_t source, std::size_t service) {
        return source % 4 == service ? 2 * row + 1 : 2 * row;  // each row's traces are its own
    });
    const AllRowTables tables = made.tables();
    ASSERT_FALSE(tables.small.empty());
    EXPECT_EQ(tables.small.cells.size(), 4U * 4U);
    EXPECT_EQ(tables.small.shapes.size(), 4U);
}

TEST(RowTables, MoreThan256TracesInAColumnTakeTwoBytes) {
    const auto answer = [](std::size_t, std::size_t source, std::size_t service) { return source * 2 + service; };
    MadeRows made(2, 300, 2);
    made.fill(answer);
    const AllRowTables tables = made.tables();
    ASSERT_FALSE(tables.medium.empty());
    made.expect(tables.medium, answer);
}

TEST(RowTables, MoreThan65536FunctionsTakeFourBytes) {
    const auto answer = [](std::size_t row, std::size_t source, std::size_t service) {
        return scattered(row, source, service, 40);
    };
    MadeRows made(300, 300, 4);
    made.fill(answer);
    const AllRowTables tables = made.tables();
    ASSERT_FALSE(tables.large.empty());
    made.expect(tables.large, answer);
}

TEST(RowTables, AreNotMadeBeyondTheirBudget) {
    MadeRows made(10, 100, 8);
    made.fill(
        [](std::size_t row, std::size_t source, std::size_t service) { return scattered(row, source, service, 9); });
    const AllRowTables whole = made.tables();
    const std::size_t bytes = whole.answer_bytes() + whole.cell_bytes();
    EXPECT_FALSE(made.tables(bytes).empty());
    for (std::size_t at = 0; at < bytes; at += 1 + bytes / 97) EXPECT_TRUE(made.tables(at).empty()) << at;
    EXPECT_TRUE(made.tables(bytes - 1).empty());
}

}  // namespace
}  // namespace drywall::classify

#include "row_lookup.h"

#include <array>
#include <cassert>

#include "address_descent.h"
#include "address_trie.h"
#include "drywall/base/cache_line.h"
#include "drywall/base/prefetch.h"

namespace drywall::classify {
namespace {

template <typename Then>
decltype(auto) with_tables(const AllRowTables& tables, Then&& then) noexcept {
    if (!tables.small.empty()) return then(tables.small);
    if (!tables.medium.empty()) return then(tables.medium);
    return then(tables.large);
}

template <typename Answer, typename Cell>
TraceId trace_of(const Tables& tables, const RowTables<Answer, Cell>& in, const net::Tuple& tuple) noexcept {
    const Sides source = Sides::unpacked(lookup(tables.trie, tuple.family, tuple.source));
    const Sides destination = Sides::unpacked(lookup(tables.trie, tuple.family, tuple.destination));
    const std::size_t number = tables.row_of(tuple.ingress_port, destination);
    const Row& row = in.rows[number];
    const std::size_t function = in.answers[number * in.width + source.source];
    const std::size_t part = in.shapes[row.shape + tables.services.service_class(tuple)];
    return in.traces[in.columns[row.columns + part] + in.cells[row.cells + function * row.width + part]];
}

// The steps of a burst: the addresses; the row, and which of its functions is asked; the cell and the column; the
// trace. Each asks for what the next one reads.
template <typename Answer, typename Cell>
class RowBurst {
public:
    RowBurst(const Tables& tables, const RowTables<Answer, Cell>& in, std::span<const net::Tuple> tuples) noexcept
        : tables_(tables), in_(in), tuples_(tuples) {}

    void run(std::span<TraceId> traces) noexcept {
        find_answers();
        if (tables_.services.source_classes.empty()) {
            find_cells(
                [this](const net::Tuple& tuple) { return tables_.services.service_class_without_source(tuple); });
        } else {
            find_cells([this](const net::Tuple& tuple) { return tables_.services.service_class(tuple); });
        }
        const TraceId* const all = in_.traces.data();
        for (std::size_t at = 0; at < tuples_.size(); ++at) {
            places_[at] = *columns_[at] + *cells_[at];
            prefetch(all + places_[at]);
        }
        for (std::size_t at = 0; at < tuples_.size(); ++at) traces[at] = all[places_[at]];
    }

private:
    void find_answers() noexcept {
        const AddressDescent descent(tables_.trie, tuples_);
        const std::uint32_t* const lanes = tables_.lanes.data();
        const Answer* const answers = in_.answers.data();
        const std::size_t destinations = tables_.destination_classes;
        const std::size_t width = in_.width;
        for (std::size_t at = 0; at < tuples_.size(); ++at) {
            assert(tuples_[at].ingress_port < tables_.lanes.size());
            const Sides source = Sides::unpacked(descent.source(at));
            const Sides destination = Sides::unpacked(descent.destination(at));
            const std::size_t row = lanes[tuples_[at].ingress_port] * destinations + destination.destination;
            places_[at] = static_cast<std::uint32_t>(row);
            answers_[at] = answers + row * width + source.source;
            prefetch(answers_[at]);
        }
    }

    template <typename ServiceClass>
    void find_cells(ServiceClass&& service_class) noexcept {
        const Row* const rows = in_.rows.data();
        const Cell* const shapes = in_.shapes.data();
        const Cell* const cells = in_.cells.data();
        const std::uint32_t* const columns = in_.columns.data();
        for (std::size_t at = 0; at < tuples_.size(); ++at) {
            const Row& row = rows[places_[at]];
            const std::size_t part = shapes[row.shape + service_class(tuples_[at])];
            cells_[at] = cells + row.cells + std::size_t{*answers_[at]} * row.width + part;
            columns_[at] = columns + row.columns + part;
            prefetch(cells_[at]);
            prefetch(columns_[at]);
        }
    }

    const Tables& tables_;
    const RowTables<Answer, Cell>& in_;
    std::span<const net::Tuple> tuples_;
    std::array<std::uint32_t, kMaxBurst> places_;  // in the rows, then in the traces
    std::array<const Answer*, kMaxBurst> answers_;
    std::array<const Cell*, kMaxBurst> cells_;
    std::array<const std::uint32_t*, kMaxBurst> columns_;
};

}  // namespace

TraceId lookup_in_rows(const Tables& tables, const net::Tuple& tuple) noexcept {
    return with_tables(tables.row_tables, [&](const auto& in) noexcept { return trace_of(tables, in, tuple); });
}

void lookup_in_rows(const Tables& tables, std::span<const net::Tuple> tuples, std::span<TraceId> traces) noexcept {
    with_tables(tables.row_tables, [&](const auto& in) noexcept { RowBurst(tables, in, tuples).run(traces); });
}

}  // namespace drywall::classify

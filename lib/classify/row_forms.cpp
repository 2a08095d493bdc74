#include "row_forms.h"

#include <algorithm>

namespace drywall::classify {

std::uint32_t RowShapes::of(std::span<const std::uint32_t> row_blocks) {
    key_.clear();
    for (const std::uint32_t block : row_blocks) key_.push_back(blocks_.block(block).shape);
    std::ranges::sort(key_);
    key_.erase(std::unique(key_.begin(), key_.end()), key_.end());
    const std::uint32_t id = keys_.intern(key_);
    if (id == shapes_.size()) shapes_.push_back(cut_by(key_));
    return id;
}

RowShape RowShapes::cut_by(std::span<const std::uint32_t> shapes) {
    RowShape cut;
    work_ += shapes.size() * service_classes_;
    cut.parts.assign(service_classes_, 0);
    for (const std::uint32_t shape : shapes) {
        numbering_.restart(service_classes_);
        for (std::size_t at = 0; at < service_classes_; ++at) {
            const std::uint64_t both = std::uint64_t{cut.parts[at]} << 16 | blocks_.part(shape, at);
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

std::uint32_t FunctionPools::intern(std::span<const std::uint16_t> cells) {
    if (cells.size() >= pools_.size()) pools_.resize(cells.size() + 1);
    Pool& pool = pools_[cells.size()];
    const std::size_t before = pool.size();
    const std::uint32_t id = pool.intern(cells);
    if (pool.size() != before) cells_ += cells.size();
    most_ = std::max(most_, pool.size());
    return id;
}

std::size_t FunctionPools::bytes() const noexcept {
    std::size_t bytes = 0;
    for (const Pool& pool : pools_) bytes += pool.bytes();
    return bytes;
}

RowForm RowForms::add(std::span<const std::uint32_t> blocks, std::span<std::uint32_t> answers) {
    numbers_.restart();
    uses_.clear();
    for (std::size_t source = 0; source < blocks.size();) {
        std::size_t end = source + 1;
        while (end < blocks.size() && blocks[end] == blocks[source]) ++end;
        const std::uint32_t number = numbers_.number(blocks[source]);
        if (number == uses_.size()) uses_.push_back(0);
        uses_[number] += end - source;
        std::fill(answers.begin() + static_cast<std::ptrdiff_t>(source),
                  answers.begin() + static_cast<std::ptrdiff_t>(end), number);
        source = end;
    }
    RowForm row;
    row.shape = shapes_.of(numbers_.ids());
    const RowShape& shape = shapes_[row.shape];
    const std::size_t width = shape.first_class.size();
    row.width = static_cast<std::uint32_t>(width);
    most_cells_ = std::max(most_cells_, width);
    number_traces(shape, row);
    function_of_.clear();
    for (std::size_t block = 0; block < numbers_.ids().size(); ++block)
        function_of_.push_back(functions_.intern(std::span(cells_).subspan(block * width, width)));
    for (std::uint32_t& answer : answers) answer = function_of_[answer];
    return row;
}

std::uint32_t RowForms::trace(std::uint32_t block, std::uint16_t service_class) const noexcept {
    return index(blocks_.trace(block, service_class));
}

// Column by column: the traces of the row's blocks in it, numbered. The block of most sources comes first: its traces
// have the number 0 in every row, and so most functions are the same in many rows.
void RowForms::number_traces(const RowShape& shape, RowForm& row) {
    const auto most = static_cast<std::size_t>(std::ranges::max_element(uses_) - uses_.begin());
    const std::vector<std::uint32_t>& blocks = numbers_.ids();
    const std::size_t width = shape.first_class.size();
    cells_.resize(blocks.size() * width);
    for (std::size_t part = 0; part < width; ++part) {
        trace_numbers_.restart();
        (void)trace_numbers_.number(trace(blocks[most], shape.first_class[part]));
        for (std::size_t at = 0; at < blocks.size(); ++at)
            cells_[at * width + part] =
                static_cast<std::uint16_t>(trace_numbers_.number(trace(blocks[at], shape.first_class[part])));
        row.columns.push_back(static_cast<std::uint32_t>(row.traces.size()));
        for (const std::uint32_t id : trace_numbers_.ids()) row.traces.push_back(TraceId{id});
        most_cells_ = std::max(most_cells_, trace_numbers_.ids().size());
    }
}

}  // namespace drywall::classify

#include "source_grid.h"

namespace drywall::classify {

void SourceGrid::add(StepJudge& judge, const Step& step, std::span<const std::uint32_t> sources,
                     const std::function<bool()>& go_on) {
    const Grouping groups = judge.group(step, sources);
    const auto first = static_cast<std::uint32_t>(mostly_.size());
    for (std::size_t at = 0; at < sources.size(); ++at) group_of_[sources[at]] = first + groups.group_of[at];
    for (const std::uint32_t representative : groups.representative) {
        if (!go_on()) return;
        const StepRow& row = judge.row(step, representative);
        const auto group = static_cast<std::uint32_t>(mostly_.size());
        mostly_.push_back(row.functions.front());
        for (const StepRow::Other& other : row.others)
            others_.push_back({other.inner, group, row.functions[other.function]});
    }
}

void SourceGrid::finish(std::size_t destinations) {
    begins_.assign(destinations + 1, 0);
    for (const Other& other : others_) ++begins_[other.destination + 1];
    for (std::size_t at = 0; at < destinations; ++at) begins_[at + 1] += begins_[at];
    std::vector<Other> ordered(others_.size());
    std::vector<std::size_t> next(begins_.begin(), begins_.end() - 1);
    for (const Other& other : others_) ordered[next[other.destination]++] = other;
    others_ = std::move(ordered);
}

void SourceGrid::answers_at(std::uint32_t destination, std::vector<FunctionId>& functions) const {
    functions = mostly_;
    for (std::size_t at = begins_[destination]; at < begins_[destination + 1]; ++at)
        functions[others_[at].group] = others_[at].function;
}

}  // namespace drywall::classify

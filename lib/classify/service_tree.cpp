#include "service_tree.h"

#include <algorithm>
#include <array>
#include <utility>

namespace drywall::classify {
namespace {

constexpr std::size_t kMostHiders = 64;     // how many earlier boxes are asked whether they hide a later one
constexpr std::size_t kWorthSplitting = 8;  // rules: two leaves in a row cost no more than a branch and a leaf

struct Span {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
};

Span along(const ServiceBox& box, Dimension dimension) {
    switch (dimension) {
        case Dimension::kSourcePort: return {box.source_ports.first, box.source_ports.last};
        case Dimension::kDestinationPort: return {box.destination_ports.first, box.destination_ports.last};
        default: return {box.first_protocol, box.last_protocol};
    }
}

void cut(ServiceBox& box, Dimension dimension, Span span) {
    const PortRange ports{static_cast<std::uint16_t>(span.first), static_cast<std::uint16_t>(span.last)};
    switch (dimension) {
        case Dimension::kSourcePort: box.source_ports = ports; break;
        case Dimension::kDestinationPort: box.destination_ports = ports; break;
        default:
            box.first_protocol = static_cast<std::uint8_t>(span.first);
            box.last_protocol = static_cast<std::uint8_t>(span.last);
    }
}

PortRange common(PortRange a, PortRange b) { return {std::max(a.first, b.first), std::min(a.last, b.last)}; }

bool meet(const ServiceBox& box, const ServiceBox& region) {
    const auto overlap = [](PortRange a, PortRange b) { return a.first <= b.last && b.first <= a.last; };
    return overlap(box.source_ports, region.source_ports) && overlap(box.destination_ports, region.destination_ports) &&
           box.first_protocol <= region.last_protocol && region.first_protocol <= box.last_protocol;
}

ServiceBox clipped(const ServiceBox& box, const ServiceBox& region) {
    return {common(box.source_ports, region.source_ports), common(box.destination_ports, region.destination_ports),
            std::max(box.first_protocol, region.first_protocol), std::min(box.last_protocol, region.last_protocol)};
}

}  // namespace

std::uint32_t add_branch(std::vector<ForestCell>& cells, Dimension dimension, std::span<const std::uint32_t> starts,
                         std::span<const std::uint32_t> thens) {
    ForestCell cell;
    for (std::size_t at = 0; at < kBranchWays - 1; ++at) {
        const std::uint32_t bound = at + 1 < starts.size() ? starts[at + 1] - 1 : 0xffffffff;
        cell.words[kBoundsAt + at] = bound ^ kSignFlip;
    }
    cell.words[kDimensionAt] = static_cast<std::uint32_t>(dimension);
    for (std::size_t at = 0; at < kBranchWays; ++at) cell.words[kWaysAt + at] = thens[std::min(at, thens.size() - 1)];
    cells.push_back(cell);
    return kBranch | static_cast<std::uint32_t>(cells.size() - 1);
}

std::uint32_t ServiceTree::content(const ServiceBox& box, std::uint32_t answer) {
    const std::array<std::uint32_t, 4> key{
        std::uint32_t{box.source_ports.first} << 16 | box.source_ports.last,
        std::uint32_t{box.destination_ports.first} << 16 | box.destination_ports.last,
        std::uint32_t{box.first_protocol} << 8 | box.last_protocol, answer};
    const std::uint32_t id = content_ids_.intern(key);
    if (id == contents_.size()) contents_.push_back({box, answer});
    return id;
}

std::uint32_t ServiceTree::leaf(std::span<const std::uint32_t> contents) {
    const Contents kept = reached(contents, {});
    const std::uint32_t list = lists_.intern(kept);
    if (list == leaf_of_list_.size()) {
        const std::uint32_t leaf = tree(kept, {});
        leaf_of_list_.push_back(leaf);
    }
    return leaf_of_list_[list];
}

ServiceTree::Contents ServiceTree::reached(std::span<const std::uint32_t> contents, const ServiceBox& region) const {
    Contents kept;
    std::vector<ServiceBox> boxes;
    for (const std::uint32_t id : contents) {
        if (!meet(contents_[id].box, region)) continue;
        const ServiceBox box = clipped(contents_[id].box, region);
        const std::size_t from = boxes.size() > kMostHiders ? boxes.size() - kMostHiders : 0;
        const bool hidden = std::any_of(boxes.begin() + static_cast<std::ptrdiff_t>(from), boxes.end(),
                                        [&](const ServiceBox& earlier) { return earlier.holds(box); });
        if (hidden) continue;
        kept.push_back(id);
        boxes.push_back(box);
        if (box.holds(region)) break;
    }
    return kept;
}

std::uint32_t ServiceTree::tree(const Contents& contents, const ServiceBox& region) {
    if (contents.empty()) return kNoAnswer;
    if (contents_[contents[0]].box.holds(region)) return contents_[contents[0]].answer;
    if (contents.size() <= kWorthSplitting) return chain(contents);
    const Split split = best_split(contents, region);
    if (split.starts.size() < 2) return chain(contents);
    std::vector<std::uint32_t> thens;
    for (std::size_t way = 0; way < split.starts.size(); ++way) {
        ServiceBox part = region;
        const std::uint32_t last =
            way + 1 < split.starts.size() ? split.starts[way + 1] - 1 : along(region, split.dimension).last;
        cut(part, split.dimension, {split.starts[way], last});
        thens.push_back(tree(reached(contents, part), part));
    }
    return add_branch(cells_, split.dimension, split.starts, thens);
}

// The cut that leaves the shortest lists without copying rules too often; none when no cut helps.
ServiceTree::Split ServiceTree::best_split(const Contents& contents, const ServiceBox& region) const {
    Split best;
    for (const Dimension dimension : {Dimension::kDestinationPort, Dimension::kProtocol, Dimension::kSourcePort}) {
        Split split = split_by(dimension, contents, region);
        const bool helps = split.starts.size() >= 2 && split.largest * 4 <= contents.size() * 3 &&
                           split.copies <= 2 * contents.size() + kBranchWays;
        if (helps && (best.starts.empty() || split.copies + split.largest < best.copies + best.largest)) {
            best = std::move(split);
        }
    }
    return best;
}

ServiceTree::Split ServiceTree::split_by(Dimension dimension, const Contents& contents,
                                         const ServiceBox& region) const {
    Split split;
    split.dimension = dimension;
    const Span whole = along(region, dimension);
    std::vector<std::uint32_t> edges;
    for (const std::uint32_t id : contents) {
        const Span span = along(contents_[id].box, dimension);
        if (span.first > whole.first) edges.push_back(span.first);
        if (span.last < whole.last) edges.push_back(span.last + 1);
    }
    std::ranges::sort(edges);
    if (edges.empty()) return split;
    // Every edge counts as often as it occurs, so that ways get about as many rules each.
    split.starts.push_back(whole.first);
    for (std::size_t way = 1; way < kBranchWays; ++way) {
        const std::uint32_t edge = edges[edges.size() * way / kBranchWays];
        if (edge != split.starts.back()) split.starts.push_back(edge);
    }
    for (std::size_t way = 0; way < split.starts.size(); ++way) {
        const std::uint32_t last = way + 1 < split.starts.size() ? split.starts[way + 1] - 1 : whole.last;
        const auto meets = [&](std::uint32_t id) {
            const Span span = along(contents_[id].box, dimension);
            return span.first <= last && split.starts[way] <= span.last;
        };
        const auto size = static_cast<std::size_t>(std::ranges::count_if(contents, meets));
        split.copies += size;
        split.largest = std::max(split.largest, size);
    }
    return split;
}

std::uint32_t ServiceTree::chain(const Contents& contents) {
    const std::uint32_t id = chains_.intern(contents);
    if (id < leaf_of_chain_.size()) return leaf_of_chain_[id];
    std::uint32_t next = kNoAnswer;
    for (std::size_t end = contents.size(); end > 0;) {
        const std::size_t begin = (end - 1) / kLeafRules * kLeafRules;
        next = write_leaf(std::span(contents).subspan(begin, end - begin), next);
        end = begin;
    }
    leaf_of_chain_.push_back(next);
    return next;
}

std::uint32_t ServiceTree::write_leaf(std::span<const std::uint32_t> contents, std::uint32_t next) {
    ForestCell cell;
    const auto put16 = [&](std::size_t at, std::size_t lane, std::uint32_t value) {
        cell.words[at + lane / 2] |= (value & 0xffff) << (16 * (lane % 2));
    };
    for (std::size_t at = 0; at < kLeafRules; ++at) {
        cell.words[kAnswersAt + at] = kNoAnswer;
        if (at >= contents.size()) continue;
        const Content& content = contents_[contents[at]];
        const ServiceBox& box = content.box;
        put16(kFirstPortsAt, at, box.source_ports.first);
        put16(kFirstPortsAt, kLeafRules + at, box.destination_ports.first);
        put16(kPortWidthsAt, at, std::uint32_t{box.source_ports.last} - box.source_ports.first);
        put16(kPortWidthsAt, kLeafRules + at, std::uint32_t{box.destination_ports.last} - box.destination_ports.first);
        cell.words[kFirstProtocolsAt] |= std::uint32_t{box.first_protocol} << (8 * at);
        cell.words[kProtocolWidthsAt] |= static_cast<std::uint32_t>(box.last_protocol - box.first_protocol) << (8 * at);
        cell.words[kAnswersAt + at] = content.answer;
    }
    cell.words[kNextLeafAt] = next;
    cells_.push_back(cell);
    return kRuleLeaf | static_cast<std::uint32_t>(cells_.size() - 1);
}

}  // namespace drywall::classify

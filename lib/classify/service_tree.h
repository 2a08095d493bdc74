// ServiceTree: what is left of a rule list when the addresses are known: a list of boxes of services, as one leaf, as
// branches by port and protocol with leaves below, or as leaves one after the other. Equal lists are written once.
//
// Threads: owned by one compilation.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "decision_forest.h"
#include "interner.h"
#include "rule_list.h"

namespace drywall::classify {

// Appends a branch. `starts`: the first number of each way, ascending (the first one is not looked at).
[[nodiscard]] std::uint32_t add_branch(std::vector<ForestCell>& cells, Dimension dimension,
                                       std::span<const std::uint32_t> starts, std::span<const std::uint32_t> thens);

class ServiceTree {
public:
    explicit ServiceTree(std::vector<ForestCell>& cells) : cells_(cells) {}

    // A number for a box and its answer. They ascend with the answers when they are asked for in that order.
    [[nodiscard]] std::uint32_t content(const ServiceBox& box, std::uint32_t answer);

    // Where packets go that meet these contents, in this order.
    [[nodiscard]] std::uint32_t leaf(std::span<const std::uint32_t> contents);

private:
    struct Content {
        ServiceBox box;
        std::uint32_t answer = 0;
    };
    using Contents = std::vector<std::uint32_t>;
    struct Split {
        Dimension dimension = Dimension::kDestinationPort;
        std::vector<std::uint32_t> starts;
        std::size_t copies = 0;
        std::size_t largest = 0;
    };

    // Without those that earlier ones hide within `region`.
    [[nodiscard]] Contents reached(std::span<const std::uint32_t> contents, const ServiceBox& region) const;
    [[nodiscard]] std::uint32_t tree(const Contents& contents, const ServiceBox& region);
    [[nodiscard]] std::uint32_t chain(const Contents& contents);
    [[nodiscard]] Split best_split(const Contents& contents, const ServiceBox& region) const;
    [[nodiscard]] Split split_by(Dimension dimension, const Contents& contents, const ServiceBox& region) const;
    [[nodiscard]] std::uint32_t write_leaf(std::span<const std::uint32_t> contents, std::uint32_t next);

    std::vector<ForestCell>& cells_;
    std::vector<Content> contents_;
    Interner<std::uint32_t> content_ids_;
    Interner<std::uint32_t> lists_;
    std::vector<std::uint32_t> leaf_of_list_;
    Interner<std::uint32_t> chains_;
    std::vector<std::uint32_t> leaf_of_chain_;
};

}  // namespace drywall::classify

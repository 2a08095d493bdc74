// MtuWatch: says so when the two ports of a pair take packets of different sizes. What is longer than the smaller one
// comes in by the other and can't leave: a path on which small packets pass and large ones vanish.
//
// Threads: the stats core's. It never touches a queue.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "drywall/base/ids.h"
#include "drywall/io/port.h"

namespace drywall::runtime {

class MtuWatch {
public:
    MtuWatch(std::vector<std::shared_ptr<io::Port>> ports, std::vector<std::optional<PortId>> peer_of);

    // A sentence for each pair that differs, or differs no more, since the last call.
    [[nodiscard]] std::vector<std::string> poll();

private:
    struct Pair {
        std::size_t one;
        std::size_t other;
        std::pair<std::uint16_t, std::uint16_t> mtus{};  // as last read; 0: not yet
    };

    [[nodiscard]] std::string sentence(const Pair& pair, bool differ) const;

    std::vector<std::shared_ptr<io::Port>> ports_;
    std::vector<Pair> pairs_;
};

}  // namespace drywall::runtime

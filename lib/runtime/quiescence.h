// Quiescence: who still reads what was published before (rte_rcu_qsbr over memory of our own; no EAL needed).
//
// Threads: online(), pass() and offline() are the named worker's; start(), passed() and late() any other thread's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "drywall/base/ids.h"

struct rte_rcu_qsbr;

namespace drywall::runtime {

class Quiescence {
public:
    explicit Quiescence(std::size_t workers);

    // The worker starts to read what is published. Until then nobody waits for it.
    void online(WorkerId worker) noexcept;
    // The worker holds no reference to anything published at this moment.
    void pass(WorkerId worker) noexcept;
    // The worker reads no more.
    void offline(WorkerId worker) noexcept;

    // A token for "from now on": what was unpublished before this call is out of reach once passed(token).
    [[nodiscard]] std::uint64_t start() noexcept;
    [[nodiscard]] bool passed(std::uint64_t token) noexcept;
    // The workers that a token still waits for.
    [[nodiscard]] std::vector<WorkerId> late(std::uint64_t token) const;

private:
    struct Free {
        void operator()(rte_rcu_qsbr* memory) const noexcept;
    };
    std::size_t workers_;
    std::unique_ptr<rte_rcu_qsbr, Free> state_;
    std::mutex check_mutex_;  // rte_rcu_qsbr_check() caches what it saw, without a lock of its own
};

}  // namespace drywall::runtime

#include "quiescence.h"

#include <cassert>
#include <new>

#include <rte_rcu_qsbr.h>

namespace drywall::runtime {

void Quiescence::Free::operator()(rte_rcu_qsbr* memory) const noexcept {
    ::operator delete (memory, std::align_val_t{RTE_CACHE_LINE_SIZE});
}

Quiescence::Quiescence(std::size_t workers) : workers_(workers) {
    const auto threads = static_cast<std::uint32_t>(workers);
    void* memory = ::operator new (rte_rcu_qsbr_get_memsize(threads), std::align_val_t{RTE_CACHE_LINE_SIZE});
    state_.reset(static_cast<rte_rcu_qsbr*>(memory));
    [[maybe_unused]] int failed = rte_rcu_qsbr_init(state_.get(), threads);
    assert(!failed);  // fails only for no memory or no threads
    for (std::uint32_t thread = 0; thread < threads; ++thread) {
        failed = rte_rcu_qsbr_thread_register(state_.get(), thread);
        assert(!failed);
    }
}

void Quiescence::online(WorkerId worker) noexcept {
    rte_rcu_qsbr_thread_online(state_.get(), static_cast<unsigned>(index(worker)));
}

void Quiescence::pass(WorkerId worker) noexcept {
    rte_rcu_qsbr_quiescent(state_.get(), static_cast<unsigned>(index(worker)));
}

void Quiescence::offline(WorkerId worker) noexcept {
    rte_rcu_qsbr_thread_offline(state_.get(), static_cast<unsigned>(index(worker)));
}

std::uint64_t Quiescence::start() noexcept { return rte_rcu_qsbr_start(state_.get()); }

bool Quiescence::passed(std::uint64_t token) noexcept {
    const std::lock_guard lock(check_mutex_);
    return rte_rcu_qsbr_check(state_.get(), token, false) == 1;
}

std::vector<WorkerId> Quiescence::late(std::uint64_t token) const {
    std::vector<WorkerId> workers;
    for (std::size_t worker = 0; worker < workers_; ++worker) {
        const std::uint64_t seen = __atomic_load_n(&state_->qsbr_cnt[worker].cnt, __ATOMIC_ACQUIRE);
        if (seen != __RTE_QSBR_CNT_THR_OFFLINE && seen < token) workers.push_back(WorkerId(worker));
    }
    return workers;
}

}  // namespace drywall::runtime

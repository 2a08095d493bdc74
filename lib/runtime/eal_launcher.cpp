#include "drywall/runtime/eal_launcher.h"

#include <list>
#include <optional>
#include <set>

#include <pthread.h>
#include <rte_launch.h>
#include <rte_lcore.h>

namespace drywall::runtime {

namespace {

struct Job {
    std::string name;
    std::function<void()> body;
};

int run(void* argument) {
    const Job& job = *static_cast<const Job*>(argument);
    pthread_setname_np(pthread_self(), job.name.substr(0, 15).c_str());  // the kernel keeps 15 characters
    job.body();
    return 0;
}

class EalLauncher final : public Launcher {
public:
    ~EalLauncher() override { EalLauncher::join(); }

    Status launch(unsigned core, std::string name, std::function<void()> body) override {
        const std::optional<unsigned> lcore = free_lcore_on(core);
        if (!lcore)
            return Error::of(ErrorKind::kInternal,
                             "no lcore was set up on CPU " + std::to_string(core) + " for " + name);
        used_.insert(*lcore);
        Job& job = jobs_.emplace_back(Job{std::move(name), std::move(body)});
        if (rte_eal_remote_launch(run, &job, *lcore) != 0)
            return Error::of(ErrorKind::kInternal, "lcore " + std::to_string(*lcore) + " is busy already");
        return Done{};
    }

    void join() override {
        for (const unsigned lcore : used_) rte_eal_wait_lcore(lcore);
        used_.clear();
        jobs_.clear();
    }

private:
    // Several lcores may share a CPU, so each launch takes the next one there.
    [[nodiscard]] std::optional<unsigned> free_lcore_on(unsigned core) const {
        for (unsigned lcore = rte_get_next_lcore(~0U, 1, 0); lcore < RTE_MAX_LCORE;
             lcore = rte_get_next_lcore(lcore, 1, 0)) {
            const rte_cpuset_t cpus = rte_lcore_cpuset(lcore);
            if (!used_.contains(lcore) && CPU_ISSET(core, &cpus)) return lcore;
        }
        return std::nullopt;
    }

    std::set<unsigned> used_;
    std::list<Job> jobs_;  // stay where they are until joined
};

}  // namespace

std::unique_ptr<Launcher> make_eal_launcher() { return std::make_unique<EalLauncher>(); }

}  // namespace drywall::runtime

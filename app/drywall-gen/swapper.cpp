#include "swapper.h"

#include <chrono>

#include "offline.h"

namespace drywall::gen {

using Clock = std::chrono::steady_clock;

Result<std::unique_ptr<Swapper>> Swapper::create(const std::string& socket, const std::vector<std::string>& between) {
    std::vector<std::string> bodies;
    for (const std::string& path : between) {
        auto sources = cli::read_all({path});
        if (!sources) return sources.error();
        auto body = cli::bundle_of(*sources);
        if (!body) return body.error();
        bodies.push_back(*std::move(body));
    }
    std::unique_ptr<Swapper> swapper(new Swapper(socket, std::move(bodies)));
    auto status = swapper->client_.get("/v1/status");
    if (!status) return status.error();
    auto resources = swapper->client_.get_text("/v1/resources?format=yaml");
    if (!resources) return resources.error();
    swapper->resources_before_ = *std::move(resources);
    swapper->generation_before_ = status->value("generation", std::uint64_t{0});
    for (const std::size_t which : {std::size_t{1}, std::size_t{0}}) {
        auto applied = swapper->apply(which);
        if (!applied) return applied.error();
        const bool changed = applied->value("generation", 0) != applied->value("generation_before", 0);
        if (which == 0 && !changed)
            return Error::of(ErrorKind::kInvalid, "both sets of files are the same, so a swap would be none",
                             "let --between name two that differ");
    }
    return swapper;
}

Swapper::~Swapper() {
    stop();
    (void)put_back();
}

// What management paths it may cut off is the business of whoever made the files: it is taken back at the end.
Result<cli::Json> Swapper::apply(std::size_t which) const {
    return client_.post(cli::with_query("/v1/resources", {{"force", "true"}, {"comment", "drywall-gen swap"}}),
                        bodies_[which]);
}

Status Swapper::put_back() {
    if (is_back_ || generation_before_ == 0) return Done{};
    is_back_ = true;
    const cli::Query how{{"force", "true"}, {"comment", "drywall-gen swap ended"}};
    if (client_.post(cli::with_query("/v1/rollback", how), cli::Json{{"generation", generation_before_}}.dump()))
        return Done{};
    // More swaps than the appliance keeps generations (state.generations), or it keeps none.
    auto body = cli::bundle_of({{"what was in force before", resources_before_}});
    if (!body) return body.error();
    auto answer = client_.post(cli::with_query("/v1/restore", how), *body);
    if (answer) return Done{};
    return answer.error();
}

void Swapper::start(double per_second) {
    stop_.store(false);
    thread_ = std::thread([this, per_second] { run(per_second); });
}

void Swapper::stop() {
    stop_.store(true);
    if (thread_.joinable()) thread_.join();
}

// What is late is left out, not caught up with.
void Swapper::run(double per_second) {
    const auto period = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(1 / per_second));
    auto due = Clock::now() + period;
    while (!stop_.load()) {
        std::this_thread::sleep_until(std::min(due, Clock::now() + std::chrono::milliseconds(50)));
        const auto begun = Clock::now();
        if (begun < due) continue;
        auto applied = apply(next_);
        if (!applied) {
            error_ = applied.error();
            return;
        }
        latency_.record(static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - begun).count()));
        next_ = 1 - next_;
        due = std::max(due + period, Clock::now());
    }
}

}  // namespace drywall::gen
